"""Analyses pressure and displacement over time by pure functions of arrays."""
