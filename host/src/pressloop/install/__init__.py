"""Puts the controller's firmware on a board.

`controller` looks what runs on a port and refuses to disturb a run; `mpremote` runs programs at
MicroPython's prompt. `make deploy` uses these two. `uf2` reads flash images, `bootsel` finds the
drive that takes them, and `flashing` is the whole way of `pressloop flash`.
"""
