"""Run the steps of the set-up: one line each with its time, the output of each into a log.

As a command: ``phase.py TITLE LOG -- COMMAND...``. If a step fails, the end of its log is printed
below its line, so that the cause is on the screen and not only in a file. What does not depend on
each other runs at the same time (`run_together`). On a terminal, the last line says what runs now.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

REPOSITORY = Path(__file__).resolve().parents[2]
LOGS = REPOSITORY / "build" / "logs"
_TAIL_LINES = 25
_LOOK_S = 0.5
# How long a program has to end itself after an interrupt, before it gets the signal to end, s.
_GRACE_S = 10.0
_APT_WAIT_S = 600


class SetupError(Exception):
    """The set-up cannot continue; the text says what is missing and what to do next."""


class _StoppedError(Exception):
    """The step was stopped because of another one, or because of the user."""


class _Display:
    """Lines of finished steps on stderr and, on a terminal, one below them for what runs now."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[str, float] = {}

    def begin(self, title: str) -> None:
        with self._lock:
            self._running[title] = time.monotonic()
            self._show()

    def end(self, title: str, outcome: str = "") -> None:
        """Print the line of a step: its time, then its outcome if it did not go well."""
        with self._lock:
            elapsed = time.monotonic() - self._running.pop(title)
            # One write: lines of different steps never mix.
            self._write(f"  {title:<48}{elapsed:6.1f} s{outcome}\n")
            self._show()

    def say(self, text: str) -> None:
        """Print a line that is no step's."""
        with self._lock:
            self._write(f"{text}\n")
            self._show()

    def refresh(self) -> None:
        """Bring the times of the running steps up to date."""
        with self._lock:
            self._show()

    def _show(self) -> None:
        if self._running and sys.stderr.isatty():
            now = time.monotonic()
            steps = [f"{title} {now - began:.0f} s" for title, began in self._running.items()]
            columns = shutil.get_terminal_size().columns
            self._write(f"  now: {', '.join(steps)}"[: columns - 1])

    def _write(self, text: str) -> None:
        erase = "\r\x1b[K" if sys.stderr.isatty() else ""
        sys.stderr.write(erase + text)
        sys.stderr.flush()


_display = _Display()
_stopping = threading.Event()
_apt = threading.Lock()


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
    if _stopping.is_set():
        raise _StoppedError
    log.parent.mkdir(parents=True, exist_ok=True)
    argv = [str(part) for part in command]
    _display.begin(title)
    with log.open("wb") as output:
        try:
            # In a session of its own, so that all that it starts can be ended with it.
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=cwd,
                env=env,
                start_new_session=True,
            )
            code = _wait(process)
        except OSError as error:
            output.write(f"{argv[0]}: {error}\n".encode())
            code = 127
        except (KeyboardInterrupt, _StoppedError):
            _display.end(title, "  stopped")
            raise
    _display.end(title, "" if code == 0 else "  FAILED")
    if code != 0:
        raise SetupError(_explain(title, code, log))


def say(text: str) -> None:
    """Print a line between those of the steps."""
    _display.say(text)


def run_together(*parts: Callable[[], object]) -> None:
    """Call the parts at the same time, each in a thread; return when all have ended.

    When one fails or the user interrupts, the others are stopped, and then that error is raised.
    """
    errors: list[BaseException] = []

    def guarded(part: Callable[[], object]) -> None:
        try:
            part()
        except _StoppedError:
            pass
        except BaseException as error:
            errors.append(error)
            _stopping.set()

    threads = [threading.Thread(target=guarded, args=(part,)) for part in parts]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    finally:
        # Only an interrupt leaves a thread that still runs.
        if any(thread.is_alive() for thread in threads):
            _stopping.set()
            for thread in threads:
                thread.join()
        _stopping.clear()
    if errors:
        raise errors[0]


def _wait(process: subprocess.Popen[bytes]) -> int:
    """Return the exit code of `process`; when this program has to stop, end it and all it began."""
    try:
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.wait(_LOOK_S)
            if _stopping.is_set():
                raise _StoppedError
            _display.refresh()
    except BaseException:
        # First what Ctrl-C sends: pip and make then remove what they have half written.
        _signal_all(process, signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_S)
        # Then for a program that ignores that, also one that outlives the one that started it.
        _signal_all(process, signal.SIGTERM)
        process.wait()
        raise


def _signal_all(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


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
    # Packages that the machine has already are not upgraded: that is up to its owner. A fresh
    # machine installs its own updates in its first minutes, and apt is theirs until then.
    wait = f"-oDPkg::Lock::Timeout={_APT_WAIT_S}"
    options = (wait, "-y", "--no-install-recommends", "--no-upgrade")
    command = ("apt-get", "install", *options, *packages)
    # apt refuses to run twice at the same time.
    with _apt:
        run("Package lists (apt-get update)", LOGS / "apt-update.log", "apt-get", "update", env=env)
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
    for number in (signal.SIGTERM, signal.SIGHUP):
        # Under nohup, a hang-up stays ignored.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)
    try:
        action()
    except SetupError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
