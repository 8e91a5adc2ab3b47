"""Describe a press by its profile, and compute its limits, leak, uncertainty and resolution."""
