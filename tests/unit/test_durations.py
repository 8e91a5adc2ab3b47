"""Durations as people read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pressloop.record.model import HostLossPlan
from pressloop.units import DURATION, duration_text, parse, rounded_duration_text, running_time_text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.25, "0.25 s"),
        (90, "90 s"),
        (119.9996, "2 min"),
        (600, "10 min"),
        (598.4, "9 min 58.4 s"),
        (5400, "1 h 30 min"),
        (3600.5, "1 h 0.5 s"),
        (129_600, "36 h"),
        (604_800, "7 d"),
        (-0.5, "-0.5 s"),
        (-0.0001, "0 s"),
    ],
)
def test_a_duration_is_given_in_the_units_of_a_protocol(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


def test_decimals_of_a_second_are_rounded_and_zeros_left_out() -> None:
    assert duration_text(1.4999, 2) == "1.5 s"
    assert duration_text(300.3, 0) == "5 min"
    assert duration_text(1108.28, 1) == "18 min 28.3 s"


@given(st.integers(min_value=1, max_value=10_000_000_000))
def test_a_protocol_reads_it_as_the_same_duration(ms: int) -> None:
    assert parse(duration_text(ms / 1000), DURATION).value == ms


def test_rounded_and_running_durations() -> None:
    assert list(map(rounded_duration_text, (45, 1108, 26_000, 604_800))) == [
        "45 s",
        "18.5 min",
        "7.2 h",
        "7 d",
    ]
    assert list(map(running_time_text, (8.4, 185, 8100, 526_500))) == [
        "8.4 s",
        "3:05",
        "2:15:00",
        "6 d 2:15:00",
    ]


def test_what_happens_without_a_host_is_said_in_minutes() -> None:
    plan = HostLossPlan(action="hold", limit_s=600.0, timeout_s=2.5, vent_rate_mpa_s=5.0)
    assert str(plan) == (
        "it holds the pressure for up to 10 min without a host, then releases the pressure "
        "at 5 MPa/s"
    )
