"""Turns the CDDL schema into the firmware's constants, the host's models and a reference page."""
