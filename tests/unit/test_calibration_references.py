"""The reference's values from a CSV file, from an instrument's lines and from a person."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path

import pytest
from pandas import DataFrame
from pressloop.calibration.readings import LevelReading
from pressloop.calibration.reference_csv import CsvReference, template
from pressloop.calibration.reference_serial import SerialReference
from pressloop.calibration.references import TypedReference, reference_kn
from pressloop.calibration.result import due_day
from pressloop.errors import BadInputError


def reading(series: int, level: int, *, rising: bool = True, from_s: float = 0.0) -> LevelReading:
    return LevelReading(
        series=series,
        rising=rising,
        level=level,
        target_kn=10.0 * level,
        indicated_kn=10.0 * level,
        oil_kn=10.0 * level,
        scatter_kn=0.0,
        from_s=from_s,
        to_s=from_s + 3,
    )


READINGS = [reading(1, 1), reading(1, 2), reading(3, 1, rising=False)]
TABLE = "series,direction,level,value\n1,rising,1,9.81\n1,rising,2,1986 kgf\n3,falling,1,\n"


def values(path: Path, text: str, readings: list[LevelReading] = READINGS) -> list[float | None]:
    path.write_text(text, encoding="utf-8")
    return CsvReference(path, "kN", 10_000).read_after(readings, DataFrame())


@pytest.mark.parametrize(
    "text",
    [
        TABLE,
        "Series;Direction;Level;Value\n1;rising;1;9,81\n1;rising;2;19,476 kN\n",
        "\ufefflevel\tseries\tvalue\tdirection\n1\t1\t9.81\trising\n2\t1\t19.476\trising\n",
    ],
)
def test_a_table_gives_the_values_of_its_levels(tmp_path: Path, text: str) -> None:
    found = values(tmp_path / "r.csv", text)
    assert found[:2] == [pytest.approx(9.81, abs=0.01), pytest.approx(19.476, abs=0.01)]
    assert found[2] is None


def test_a_log_gives_the_mean_in_the_time_of_a_reading(tmp_path: Path) -> None:
    begin = datetime(2026, 11, 28, 15, 20)
    lines = [
        f"{datetime.fromtimestamp(begin.timestamp() + n).isoformat()},{9 + n}" for n in range(5)
    ]
    text = "\n".join(["time,value", *lines])
    one = [reading(1, 1, from_s=begin.timestamp()), reading(1, 2, from_s=0.0)]
    assert values(tmp_path / "log.csv", text, one) == [pytest.approx(10.5), None]


def test_a_missing_file_is_known_by_its_missing_values_and_has_a_template(tmp_path: Path) -> None:
    absent = tmp_path / "none.csv"
    assert CsvReference(absent, "kN", 10_000).read_after(READINGS, DataFrame()) == [None] * 3
    assert template(READINGS).splitlines() == [
        "series,direction,level,value",
        "1,rising,1,",
        "1,rising,2,",
        "3,falling,1,",
    ]
    assert values(absent, template(READINGS)) == [None] * 3


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a,b\n1,2\n", "its first line is 'a,b'"),
        ("series,direction,level,value\n1,up,1,9.81\n", "line 2: '1, up, 1' is no level"),
        ("series,direction,level,value\n1,rising,1,9.81 mm\n", "line 2"),
        ("series,direction,level,value\n1,rising,1\n", "line 2: 3 values for 4 columns"),
        ("series,direction,level,value\n1,rising,1,98.1\n", "98.1 kN is far from the level"),
        ("time,value\nyesterday,9.81\n", "'yesterday' is no time"),
    ],
)
def test_what_is_no_reference_is_named_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(BadInputError) as refused:
        values(tmp_path / "r.csv", text)
    assert refused.value.code == "bad-reference"
    assert says in refused.value.message


@contextmanager
def instrument(lines: list[bytes], *, asked: list[bytes] | None = None) -> Iterator[str]:
    """Serve an instrument on a socket: it sends lines, each for a request if it is asked."""
    server = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def serve() -> None:
        link, _ = server.accept()
        with link:
            try:
                while not stop.is_set():
                    for line in lines:
                        if asked is not None:
                            asked.append(link.recv(64))
                        else:
                            stop.wait(0.02)
                        link.sendall(line)
            except OSError:
                return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"socket://127.0.0.1:{server.getsockname()[1]}"
    finally:
        stop.set()
        server.close()
        thread.join(5)


def test_an_instrument_that_sends_lines_is_read_by_its_pattern() -> None:
    lines = [b"ST,GS,+0012.34 kN\r\n", b"ST,GS,+0012.36 kN\r\n", b"noise\r\n"]
    with (
        instrument(lines) as url,
        SerialReference(url, "kN", 10_000, pattern=r"GS,\+?(\d+\.\d+) kN") as source,
    ):
        assert source.waits
        assert source.read_held("level 1", 12.0) == pytest.approx(12.35, abs=0.011)


def test_an_instrument_that_is_asked_gets_its_request() -> None:
    asked: list[bytes] = []
    with (
        instrument([b"1250\n"], asked=asked) as url,
        SerialReference(url, "kgf", 10_000, request=r"READ?\r\n") as source,
    ):
        assert source.read_held("level 1", 12.0) == pytest.approx(12.26, abs=0.01)
    assert asked[0] == b"READ?\r\n"


def test_an_instrument_without_a_number_is_named_with_what_it_sent() -> None:
    with (
        instrument([b"ERR 7x\n"]) as url,
        SerialReference(url, "kN", 10_000, pattern=r"F=(\d+)") as source,
        pytest.raises(BadInputError) as refused,
    ):
        source.read_held("series 1, rising, level 1", 12.0)
    assert refused.value.code == "no-instrument"
    assert "b'ERR 7x\\n'" in refused.value.message


def test_a_pattern_must_have_a_group_and_a_port_must_open() -> None:
    for pattern, code in ((r"\d+", "bad-pattern"), ("(", "bad-pattern")):
        with pytest.raises(BadInputError) as refused:
            SerialReference("/dev/none", "kN", 10_000, pattern=pattern)
        assert refused.value.code == code
    with pytest.raises(BadInputError) as refused:
        SerialReference("/dev/none", "kN", 10_000)
    assert refused.value.code == "no-instrument"


def test_a_person_may_type_any_unit_and_is_asked_again() -> None:
    answers = iter(["", "ten", "100 kN", "10,2", "1 t"])
    complaints: list[str] = []
    typed = TypedReference(lambda _name: next(answers), complaints.append, "kN", 10_000)
    assert typed.read_held("level 1", 10.0) == pytest.approx(9.80665, abs=1e-3)
    assert len(complaints) == 4
    assert reference_kn("127.3 MPa", "kN", 10_000) == pytest.approx(10, abs=0.01)
    assert reference_kn("+10.0 kN", "N", 10_000) == reference_kn("+10.0", "kN", 10_000) == 10


def test_a_calibration_is_due_on_a_day_that_exists() -> None:
    assert due_day(date(2026, 11, 28)) == date(2027, 11, 28)
    assert due_day(date(2028, 2, 29)) == date(2029, 2, 28)
    assert due_day(date(2026, 8, 31), 6) == date(2027, 2, 28)
