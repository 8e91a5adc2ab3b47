"""Talks to a board: connection, requests, telemetry without gaps, meaning of its status."""
