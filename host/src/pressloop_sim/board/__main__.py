# mypy: ignore-errors
# The entry point under MicroPython.
"""Run the firmware on the emulated board: `micropython __main__.py CONFIG.json`.

Prints one JSON line with the ports on stdout once it listens. The firmware's console and tracebacks
go to stderr.
"""

import json
import sys


def main(config_path):
    """Build press, board and application, and run until the board is stopped."""
    with open(config_path) as file:
        config = json.load(file)
    # The interpreter puts this file's folder first on the path. Replace it by the folder that
    # holds the firmware and the simulated press and nothing else.
    sys.path[0] = config["packages_path"]

    from pressloop_fw.app import App

    from pressloop_sim.board.board import EmulatedBoard
    from pressloop_sim.board.board_faults import BoardReset

    board = EmulatedBoard(config)
    app = App(board)
    board.attach(app)
    print(json.dumps({"port": board.link.port, "control_port": board.control_port.port}))
    while True:
        try:
            app.run()
        except BoardReset:
            # The press and the flash stay as they are; all else starts anew.
            app = App(board)
            board.attach(app)


main(sys.argv[1])
