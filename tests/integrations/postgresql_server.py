"""A real PostgreSQL server for the tests, run by a user that is not root."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_SETTINGS = "-c listen_addresses= -c fsync=off -c synchronous_commit=off -c full_page_writes=off"


def find_server() -> Path:
    """Return the folder of PostgreSQL's programs, or skip the test."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if found:
        return found[-1].parent
    on_path = shutil.which("postgres")
    if on_path is None:
        pytest.skip("no PostgreSQL server: install the package postgresql")
    return Path(on_path).resolve().parent


def _user() -> str | None:
    """Return the user to run the server as, as it refuses to run as root; None: this one."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "daemon"):
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name
    pytest.skip("PostgreSQL does not run as root, and there is no user postgres or daemon")


@contextmanager
def running_server() -> Iterator[str]:
    """Run a server with an empty database; yield its connection string."""
    programs, user = find_server(), _user()
    # Not below the folders of pytest, which other users may not enter.
    folder = Path(tempfile.mkdtemp(prefix="pressloop-pg-", dir="/tmp"))
    try:
        if user is not None:
            shutil.chown(folder, user)
        data = folder / "data"
        _call(user, programs / "initdb", "-D", data, "-U", "lab", "-A", "trust", "--no-sync")
        settings = f"{_SETTINGS} -k {folder}"
        _call(
            user,
            programs / "pg_ctl",
            "-D",
            data,
            "-w",
            "-o",
            settings,
            "-l",
            folder / "log",
            "start",
        )
        try:
            yield f"postgresql://lab@/postgres?host={folder}"
        finally:
            _call(user, programs / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _call(user: str | None, *words: object) -> None:
    done = subprocess.run(
        list(map(str, words)),
        user=user,
        group=None if user is None else pwd.getpwnam(user).pw_gid,
        extra_groups=None if user is None else [],
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if words[-1] != "start" else subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
