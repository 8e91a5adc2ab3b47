"""One page controls the press; a second one is refused with who does; abort is not asked here."""

from __future__ import annotations

import pytest
from pressloop.web.lease import LEASE_S, ControlHeldError, ControlLease, NoControlError, clean_name

ADA, BEN = "a" * 20, "b" * 20


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lease(clock: Clock) -> ControlLease:
    return ControlLease(clock=clock)


def test_a_second_holder_is_refused_with_who_holds_it(lease: ControlLease) -> None:
    lease.take(ADA, "Ada")
    with pytest.raises(ControlHeldError, match="Ada controls the press") as refusal:
        lease.take(BEN, "Ben")
    assert "ask Ada" in refusal.value.hint
    with pytest.raises(NoControlError, match="Ada controls the press"):
        lease.require(BEN)
    assert lease.require(ADA).name == "Ada"


def test_control_outlives_a_reload_and_not_a_closed_page(lease: ControlLease, clock: Clock) -> None:
    lease.take(ADA, "Ada")
    clock.now_s += LEASE_S - 0.1
    lease.renew(ADA)
    clock.now_s += LEASE_S - 0.1
    assert lease.require(ADA)
    clock.now_s += 0.1
    assert lease.holder is None
    lease.renew(ADA)
    with pytest.raises(NoControlError, match="does not control"):
        lease.require(ADA)
    lease.take(BEN, "Ben")


def test_only_the_holder_renews_and_releases(lease: ControlLease, clock: Clock) -> None:
    lease.take(ADA, "Ada")
    clock.now_s += LEASE_S - 0.1
    lease.renew(BEN)
    assert not lease.release(BEN)
    clock.now_s += 0.2
    assert lease.holder is None
    lease.take(BEN, "Ben")
    assert lease.release(BEN)
    assert lease.holder is None


@pytest.mark.parametrize(
    ("given", "clean"),
    [
        ("  Ada   Lovelace ", "Ada Lovelace"),
        ("", "operator"),
        (None, "operator"),
        ("x" * 90, "x" * 40),
        ("A\x00d\x1ba\n", "Ada"),
    ],
)
def test_a_name_is_one_printable_line(given: object, clean: str) -> None:
    assert clean_name(given) == clean
