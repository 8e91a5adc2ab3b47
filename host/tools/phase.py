"""Run one step of the set-up: print one line with the elapsed time, write the output into a log.

As a command: ``phase.py TITLE LOG -- COMMAND...``. If the step fails, the end of its log is printed
below that line, so that the cause is on the screen and not only in a file.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
LOGS = REPOSITORY / "build" / "logs"
_TAIL_LINES = 25


class SetupError(Exception):
    """The set-up cannot continue; the text says what is missing and what to do next."""


def run(
    title: str,
    log: Path,
    *command: str | Path,
    cwd: Path | None = None,
    env: dict[str, str] | None = None,
) -> None:
    """Run `command` as the step `title`, its output into `log`.

    Raises SetupError, with the end of the log, when the command fails or cannot be started.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    print(f"  {title:<48}", end="", file=sys.stderr, flush=True)
    started = time.monotonic()
    argv = [str(part) for part in command]
    with log.open("wb") as output:
        try:
            code = subprocess.run(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=cwd,
                env=env,
                check=False,
            ).returncode
        except OSError as error:
            output.write(f"{argv[0]}: {error}\n".encode())
            code = 127
        except KeyboardInterrupt:
            print(" interrupted", file=sys.stderr)
            raise
    elapsed = time.monotonic() - started
    print(f"{elapsed:6.1f} s" + ("" if code == 0 else "  FAILED"), file=sys.stderr, flush=True)
    if code != 0:
        raise SetupError(_explain(title, code, log))


def apt_install(*packages: str) -> None:
    """Install Debian packages if this process may; otherwise name the command that does it.

    Raises SetupError on a machine without apt, without root, or when apt fails.
    """
    wanted = " ".join(packages)
    if shutil.which("apt-get") is None:
        raise SetupError(f"Missing: {wanted} (Debian's names). Install them, then run make again.")
    if os.geteuid() != 0:
        raise SetupError(
            f"Missing: {wanted}. Run: sudo apt-get install {wanted}\nThen run make again."
        )
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run("Package lists (apt-get update)", LOGS / "apt-update.log", "apt-get", "update", env=env)
    # Packages that the machine has already are not upgraded: that is up to its owner.
    command = ("apt-get", "install", "-y", "--no-install-recommends", "--no-upgrade", *packages)
    run(f"Packages: {wanted}", LOGS / "apt-install.log", *command, env=env)


def _explain(title: str, code: int, log: Path) -> str:
    tail = log.read_text(errors="replace").splitlines()[-_TAIL_LINES:]
    return "\n".join(
        [
            f"{title}: exit code {code}. The end of {log}:",
            *(f"  | {line}" for line in tail),
            "Correct what it names, then run make again: finished steps are kept.",
        ]
    )


def main(argv: list[str]) -> int:
    """Run the command after ``--`` as one step."""
    title, log, separator, *command = argv
    if separator != "--" or not command:
        raise SystemExit("usage: phase.py TITLE LOG -- COMMAND...")
    return exit_code(lambda: run(title, Path(log), *command))


def exit_code(action: Callable[[], object]) -> int:
    """Call `action` and return the exit code for the shell; print the message of a failure."""
    try:
        action()
    except SetupError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
