# mypy: ignore-errors
# The entry point under MicroPython.
"""Run the firmware on an emulated press: `micropython main.py CONFIG.json`.

Prints one JSON line with the ports on stdout once it listens. The firmware's console
and tracebacks go to stderr.
"""

import json
import sys


def main(config_path):
    """Build press, board and application, and run until told to stop."""
    with open(config_path) as file:
        config = json.load(file)
    # The interpreter puts this file's own folder first; the press is imported as a package.
    sys.path[0] = config["firmware_path"]
    sys.path.append(config["emulator_parent"])

    from emulator.board import EmulatedBoard
    from pressloop_fw.app import App

    board = EmulatedBoard(config)
    app = App(board)
    board.attach(app)
    print(json.dumps({"port": board.link.port, "control_port": board.control_port.port}))
    app.run()


main(sys.argv[1])
