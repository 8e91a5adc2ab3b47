"""The emulated board: implements the firmware's board interface on the simulated press.

`micropython board/__main__.py CONFIG.json` starts it; `python -m` cannot. The configuration is
written by `pressloop.emulator.process`.
"""
