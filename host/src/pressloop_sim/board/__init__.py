"""The emulated board: the firmware's board interface, served by the simulated press.

`python -m` has no use for it: `micropython board/__main__.py CONFIG.json` starts it, and
`pressloop.emulator.process` writes that configuration.
"""
