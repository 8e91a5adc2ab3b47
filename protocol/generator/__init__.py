"""Turns the CDDL schema into firmware constants, host models and a reference page."""
