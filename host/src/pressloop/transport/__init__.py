"""Carries bytes to a board over a serial port or a socket, and lists the boards on USB."""
