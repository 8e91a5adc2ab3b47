"""Protocols whose numbers lie around the limits of a given press, and sometimes far from them."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st
from pressloop.machine.profile import MachineProfile
from pressloop.protocol import (
    Hold,
    HostLoss,
    Item,
    Prompt,
    Protocol,
    Ramp,
    Release,
    Repeat,
    Stage,
    Until,
)

_WILD = st.sampled_from([0, 0.0004, 0.001, 0.5, 1, 1e3, 1e5, 1e9])
_DURATION = st.sampled_from(["10 ms", "1 s", "3 min", "20 h", "250 h"])
_REST = st.sampled_from(["10 ms", "1 s", "3 min", "24 h"])


def _around(limit: int) -> st.SearchStrategy[float]:
    """Return numbers of thousandths around a limit in thousandths."""
    return (
        st.integers(0, max(1, limit)).map(lambda n: n / 1000)
        | st.sampled_from([limit - 1, limit, limit + 1, limit / 2, 2 * limit]).map(
            lambda n: max(0.0, n / 1000)
        )
        | _WILD
    )


def _is_seen(number: float) -> bool:
    return number >= 0.001


@st.composite
def protocols_for(draw: st.DrawFn, profile: MachineProfile) -> Protocol:
    """Return a protocol of right form for a press; perhaps the press cannot run it."""
    die_um = 9876 if draw(st.integers(0, 9)) == 9 else draw(st.sampled_from(profile.dies_um))
    limits = profile.limits(die_um)
    tame = draw(st.integers(0, 3)) > 0
    most = limits.pellet_limit_kpa
    # Far above what the resolution needs, far below the limit: most of these are accepted.
    targets = st.integers(min(most, max(1, most // 4)), most).map(lambda n: n / 1000)
    level = {"mpa": 0.0}

    def rate(fastest: int) -> str:
        slow = st.integers(1, max(1, fastest)).map(lambda n: n / 1000)
        return f"{draw(slow if tame else _around(fastest).filter(_is_seen)):.6f} MPa/s"

    def target() -> float:
        return draw(targets if tame else _around(most))

    def hold(own: bool) -> Hold:
        at = target() if own and not tame else level["mpa"]
        percent = draw(st.sampled_from(["5 %", "50 %", "100 %"]))
        fine = draw(_around(limits.resolution_kpa).filter(lambda n: 0 < n <= 1000))
        loss = draw(_around(limits.finest_loss_kpa_min).filter(lambda n: 0.001 <= n <= 900))
        ends: list[Callable[[], dict[str, object]]] = [
            lambda: {"duration": draw(_DURATION | st.just("open"))},
            lambda: {"until": Until(operator="Steady?", at_most=draw(_DURATION))},
            lambda: {
                "until": Until(relaxation=f"{loss:.6f} MPa/min", at_most=draw(_DURATION)),
                "mode": "sealed" if tame else draw(st.sampled_from(["sealed", "regulated"])),
            },
        ]
        return Hold(
            tolerance=percent if tame else draw(st.sampled_from([percent, f"{fine:.6f} MPa"])),
            target=f"{at:.3f} MPa" if own else None,
            timeout=draw(_DURATION),
            **draw(st.sampled_from(ends))(),  # type: ignore[arg-type]
        )

    def stage(number: int) -> Stage:
        ramp = draw(st.booleans()) or level["mpa"] == 0
        made: dict[str, object] = {}
        if ramp:
            to = target()
            fastest = limits.fastest_rise_kpa_s if to > level["mpa"] else limits.fastest_fall_kpa_s
            made["ramp"] = Ramp(target=f"{to:.3f} MPa", rate=rate(fastest))
            level["mpa"] = to
        if draw(st.booleans()) or not ramp:
            made["hold"] = hold(own=not ramp)
        if draw(st.booleans()):
            to = draw(st.just(0.0) | st.floats(0, 1)) * level["mpa"] if tame else target()
            made["release"] = Release(target=f"{to:.3f} MPa", rate=rate(limits.fastest_fall_kpa_s))
            level["mpa"] = round(to, 3)
            if draw(st.booleans()) and (not tame or level["mpa"] == 0):
                made["rest"] = draw(_REST)
        return Stage(name=f"stage {number}", **made)  # type: ignore[arg-type]

    items: list[Item] = [stage(number) for number in range(draw(st.integers(1, 4)))]
    if draw(st.booleans()):
        items.append(Prompt(prompt="Look", timeout=draw(_DURATION)))
    if draw(st.integers(0, 3)) == 0:
        passes = draw(st.sampled_from([2, 30, 60]))
        wait = Prompt(prompt="Wait", timeout=draw(_DURATION))
        items.append(Repeat(repeat=passes, stages=[wait]))
    return Protocol(
        name="for this press",
        die="none" if profile.is_vessel else f"{die_um} um",
        ceiling=f"{most / 1000 if tame else draw(_around(most).filter(_is_seen)):.3f} MPa",
        on_host_loss=HostLoss(limit=draw(_DURATION)),
        vent_rate=draw(st.none() | st.just("x")) and rate(limits.fastest_fall_kpa_s),
        crack_threshold=draw(st.sampled_from([None, "off", "1 MPa", "1999 MPa", "2001 MPa"])),
        accept_unresolved_tolerance=draw(st.booleans()),
        stages=items,
    )
