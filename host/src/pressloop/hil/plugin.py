"""The pytest plugin: options, fixtures, markers, what is not run, and the log of a failure.

A case takes what it works with as a fixture:

- `bench`: the board with its wiring, made ready before the case and left safe after it;
- `board`: what the board said of itself in hello;
- `press`: an open `Press` on it; do not take it in a case that has other programs open the press;
- `wire`: a conversation by hand, below the SDK.

and names what it needs of the bench: `@pytest.mark.needs("pressing", "sensor-fault")`.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Final

import pytest

from pressloop.hil import wiretap
from pressloop.hil.boards import BENCHES, NEEDS, Bench, offers, open_bench
from pressloop.hil.rawlink import RawLink
from pressloop.press import Press
from pressloop.transport.transport import open_transport
from pressloop.wire.schema import HelloReply

LOG_DIR: Final = Path("build", "hil-logs")
"""Where the logs of failures are kept, below pytest's root, until the suite is started again."""

_TAIL_LINES: Final = 40
_wire_log = pytest.StashKey[Path]()
_bench = pytest.StashKey[Bench]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the bench."""
    group = parser.getgroup("pressloop", "hardware in the loop")
    group.addoption(
        "--board",
        default="emulated",
        metavar="BOARD",
        help=f"board to test: {', '.join(BENCHES)}, a serial port such as /dev/ttyACM0, or "
        "socket://host:port (default: %(default)s)",
    )
    group.addoption(
        "--press-for-real",
        action="store_true",
        help="at a port: also run the cases that move the press; stand beside it",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker, and refuse to share one board among several processes."""
    config.addinivalue_line(
        "markers",
        "needs(*what): what the case needs of the bench, of " + ", ".join(sorted(NEEDS)),
    )
    board = config.getoption("--board")
    if board.partition(":")[0] == "emulated" and board not in BENCHES:
        raise pytest.UsageError(f"no emulated board {board!r}; there is {', '.join(BENCHES)}")
    if board not in BENCHES and config.getoption("numprocesses", None):
        raise pytest.UsageError(f"{board} is one board: run its cases without -n")
    if not hasattr(config, "workerinput"):
        for old in (config.rootpath / LOG_DIR).glob("*.log"):
            old.unlink()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out, with the reason, what this bench cannot do."""
    has = offers(config.getoption("--board"), press_for_real=config.getoption("--press-for-real"))
    for item in items:
        wanted = {need for marker in item.iter_markers("needs") for need in marker.args}
        unknown = wanted - set(NEEDS)
        if unknown:
            raise pytest.UsageError(f"{item.nodeid} needs {', '.join(unknown)}, which nobody has")
        missing = sorted(wanted - has)
        if missing:
            reasons = "; ".join(f"{need}: {NEEDS[need]}" for need in missing)
            item.add_marker(pytest.mark.skip(reason=f"not run: needs {reasons}"))


@pytest.fixture(scope="session")
def started_bench(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bench]:
    """The board, for all cases: each must leave it as it found it."""
    bench = open_bench(pytestconfig.getoption("--board"), tmp_path_factory.mktemp("board"))
    bench.start()
    try:
        yield bench
    finally:
        bench.stop()


@pytest.fixture
def bench(started_bench: Bench, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """The bench with its board at rest, without faults and with a profile; left so afterwards."""
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
def board(bench: Bench) -> HelloReply:
    """What the board said of itself."""
    assert bench.hello is not None
    return bench.hello


@pytest.fixture
def press(bench: Bench) -> Iterator[Press]:
    """The press, open; a run that is still active at the end of the case is aborted."""
    with bench.open_press() as opened:
        yield opened


@pytest.fixture
def wire(bench: Bench) -> Iterator[RawLink]:
    """A conversation with the board by hand."""
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
    """Attach the wire to a failure, and keep all of it."""
    report = yield
    log = item.stash.get(_wire_log, None)
    if report.failed and log is not None:
        lines = wiretap.read_log(log)
        kept = _keep_log(item, report.when, lines)
        tail = "\n".join(line[:200] for line in lines[-_TAIL_LINES:])
        report.sections.append((f"the wire, last {_TAIL_LINES} lines of {kept}", tail))
    return report


def _keep_log(item: pytest.Item, when: str, lines: list[str]) -> Path:
    """Write wire and console of a failure to a file of its own."""
    folder = item.config.rootpath / LOG_DIR
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (re.sub(r"[^\w.\[\]-]+", "_", item.nodeid) + f".{when}.log")
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
    path.write_text("\n".join(parts), encoding="utf-8")
    return path
