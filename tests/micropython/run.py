r"""Runs test functions on MicroPython: `micropython run.py FOLDER MODULE [PATH...]`.

Started by tests/conftest.py, one process for the functions of one file. Reads the name of a
function per line and answers each with a line that begins with a NUL: `\0passed`, or `\0failed`
after the traceback. What the function itself prints comes before.
"""

import gc
import sys


def call(module, function):
    """Call a function, and return whether it came back without an exception."""
    try:
        getattr(module, function)()
    except Exception as error:
        sys.print_exception(error, sys.stdout)
        return False
    return True


def main(folder, name, paths):
    """Import the module from its folder with `paths` before it, and call what is asked for."""
    sys.path[:0] = [folder] + paths
    module = __import__(name)
    while True:
        function = sys.stdin.readline().strip()
        if not function:
            return
        gc.collect()
        print("\0passed" if call(module, function) else "\0failed")


main(sys.argv[1], sys.argv[2], sys.argv[3:])
