"""Brings fixtures, markers, reasons for skipping and the log of a failure into pytest.

A case takes what it works with as a fixture:

- `bench`: the board with its wiring, made ready before the case and left safe after it;
- `board`: the board's answer to hello;
- `press`: an open `Press` on it; do not take it in a case that has other programs open the press;
- `wire`: requests frame by frame, below the SDK.

and names what it needs of the bench: `@pytest.mark.needs("pressing", "sensor-fault")`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Final

import pytest

from pressloop.errors import BadInputError
from pressloop.hil import wiretap, wiring
from pressloop.hil.bench import HilBench
from pressloop.hil.boards import BENCHES, offers, open_bench
from pressloop.hil.needs import NEEDS
from pressloop.hil.plugin import BOARD, PRESS_FOR_REAL, WIRING
from pressloop.hil.rawlink import RawLink
from pressloop.press import Press
from pressloop.transport.transport import open_transport
from pressloop.wire.schema import HelloReply

LOG_DIR: Final = Path("build", "hil-logs")
"""Folder below pytest's root that gets one file per failure; no file is ever replaced."""

_TAIL_LINES: Final = 40
_wire_log = pytest.StashKey[Path]()
_bench = pytest.StashKey[HilBench]()


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker, read the wiring, and refuse to share one board among several processes.

    Raises:
        pytest.UsageError: The options do not go together, or the wiring file has mistakes.
    """
    config.addinivalue_line(
        "markers",
        "needs(*what): what the case needs of the bench, of " + ", ".join(sorted(NEEDS)),
    )
    board = config.getoption(BOARD)
    if board.partition(":")[0] == "emulated" and board not in BENCHES:
        raise pytest.UsageError(f"no emulated board {board!r}; there is {', '.join(BENCHES)}")
    if board not in BENCHES and config.getoption("numprocesses", None):
        raise pytest.UsageError(f"{board} is one board: run its cases without -n")
    file = config.getoption(WIRING)
    if file is not None:
        try:
            wiring.use(wiring.read(config.invocation_params.dir / file))
        except BadInputError as error:
            raise pytest.UsageError(str(error)) from error


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip the cases that need something this bench does not offer, with the reason.

    Raises:
        pytest.UsageError: A case needs something that is not in `NEEDS`.
    """
    has = offers(config.getoption(BOARD), press_for_real=config.getoption(PRESS_FOR_REAL))
    for item in items:
        wanted = {need for marker in item.iter_markers("needs") for need in marker.args}
        unknown = wanted - set(NEEDS)
        if unknown:
            raise pytest.UsageError(
                f"{item.nodeid} needs {', '.join(sorted(unknown))}; "
                f"known are {', '.join(sorted(NEEDS))}"
            )
        missing = sorted(wanted - has)
        if missing:
            reasons = "; ".join(f"{need}: {NEEDS[need]}" for need in missing)
            item.add_marker(pytest.mark.skip(reason=f"not run: needs {reasons}"))


@pytest.fixture(scope="session")
def started_bench(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[HilBench]:
    """Start the board once for all cases; each case must leave it as it found it."""
    bench = open_bench(pytestconfig.getoption(BOARD), tmp_path_factory.mktemp("board"))
    bench.start()
    try:
        yield bench
    finally:
        bench.stop()


@pytest.fixture
def bench(
    started_bench: HilBench, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[HilBench]:
    """Give the bench with its board at rest, without faults and with a profile; restore that."""
    log = tmp_path / "wire.log"
    request.node.stash[_wire_log] = log
    request.node.stash[_bench] = started_bench
    with wiretap.tapped(log):
        started_bench.make_ready()
        _identify(request.node, started_bench.hello)
        before = started_bench.console()
        yield started_bench
        said = started_bench.console().removeprefix(before) + wiretap.read_console(log)
        started_bench.make_ready()
    assert "Traceback" not in said, f"the firmware raised:\n{said}"


@pytest.fixture
def board(bench: HilBench) -> HelloReply:
    """Give the board's answer to hello."""
    assert bench.hello is not None
    return bench.hello


@pytest.fixture
def press(bench: HilBench) -> Iterator[Press]:
    """Open the press; a run that is still active at the end of the case is aborted."""
    with bench.open_press() as opened:
        yield opened


@pytest.fixture
def wire(bench: HilBench) -> Iterator[RawLink]:
    """Connect to the board below the SDK."""
    with RawLink(open_transport(bench.url)) as link:
        yield link


def _identify(item: pytest.Item, hello: HelloReply | None) -> None:
    """Note in the report which firmware on which board passed or failed."""
    assert hello is not None
    item.user_properties += [
        ("board", hello.board),
        ("unique_id", hello.unique_id.hex()),
        ("firmware", hello.firmware),
        ("firmware_build", hello.build),
        ("python", hello.python),
        ("schema_hash", hello.schema_hash.hex()),
        ("simulated", str(hello.simulated).lower()),
    ]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the end of the wire's log with a failure, and keep all of it in a file."""
    report = yield
    log = item.stash.get(_wire_log, None)
    if report.failed and log is not None:
        lines = wiretap.read_log(log)
        kept = _keep_log(item, report.when, lines)
        tail = "\n".join(line[:200] for line in lines[-_TAIL_LINES:])
        report.sections.append((f"the wire, last {_TAIL_LINES} lines of {kept}", tail))
    return report


def _keep_log(item: pytest.Item, when: str, lines: list[str]) -> Path:
    """Write wire and console of a failure to a new file and return its path."""
    folder = item.config.rootpath / LOG_DIR
    folder.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^\w.\[\]-]+", "_", item.nodeid)
    bench = item.stash[_bench]
    parts = [
        f"{item.nodeid}, {when}",
        f"hello: {bench.hello}",
        "",
        "The wire: seconds, process, direction (> to the board), bytes; messages indented",
        *lines,
        "",
        "Console that the board kept",
        bench.console(),
    ]
    # The time in nanoseconds keeps the names of two failures of one case apart.
    path = folder / f"{name}.{when}.{time.time_ns()}.log"
    path.write_text("\n".join(parts), encoding="utf-8")
    return path
