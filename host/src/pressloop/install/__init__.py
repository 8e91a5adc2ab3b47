"""Put the controller's firmware on a board.

`controller` asks what is on a port and refuses to disturb a run; `mpremote` reaches MicroPython's
prompt. `make deploy` is made of these. `uf2` reads flash images, `bootsel` finds the drive that
takes them, and `flashing` puts it all together for `pressloop flash`.
"""
