"""Bytes to a board and back over a serial port or a socket, and which boards there are."""
