"""The speed bench: the emulated board, the host's decoding, the tick on the chip. `make bench`."""
