"""Runs one test function on MicroPython: `micropython run.py FOLDER MODULE FUNCTION [PATH...]`.

Started by tests/conftest.py. Exit code 0 when the function returned, 1 when it raised (the
traceback is on stderr, as MicroPython prints it).
"""

import sys


def main(folder, module, function, paths):
    """Import the module from its folder with `paths` before it, and call the function."""
    sys.path[:0] = [folder] + paths
    try:
        getattr(__import__(module), function)()
    except Exception as error:
        sys.print_exception(error, sys.stderr)
        return 1
    return 0


sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]))
