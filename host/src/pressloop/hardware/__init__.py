"""The hardware of a press controller as data: signals, kinds of parts, boards and what to buy.

`boards` declares the pins of each controller board once. The firmware's pin constants
(`firmware/pressloop_fw/boards/wiring.py`) and the pages in docs/hardware come from it, written by
`host/tools/hardware_docs.py`. `fitting` checks whether a board can serve the kinds of parts that a
press file names.
"""
