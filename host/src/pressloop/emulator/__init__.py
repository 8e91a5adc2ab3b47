"""The emulated press and the emulated board.

The press (`plant` and the laws it ties together) is plain Python without imports beyond `math`:
the same files run under CPython and, next to the firmware, under MicroPython. The board (`board`,
`pacing`, `main`) runs under MicroPython's unix port; `description` and `process` run on the host.
"""
