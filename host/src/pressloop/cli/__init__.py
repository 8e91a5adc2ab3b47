"""The `pressloop` command: data goes to stdout, status and progress go to stderr."""

from __future__ import annotations

import sys

from pressloop.cli.encoding import accept_every_character
from pressloop.errors import PressloopError
from pressloop.extras import needs_extra


def main() -> None:
    """Run the command line; exits with one of the codes in `output.ExitCode`."""
    accept_every_character()
    try:
        with needs_extra("cli"):
            from pressloop.cli.app import app
    except PressloopError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(1)
    app()
