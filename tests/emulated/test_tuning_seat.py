"""Tuning measures the way of the ram from its seat, however shortly a run ended before."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from pressloop import Press
from pressloop.machine.profile import MachineProfile
from pressloop.protocol import Hold, Protocol, Ramp, Release, Stage
from pressloop.tuning.first_contact import first_contact_plan
from pressloop.tuning.runner import TuningRunner
from pressloop.tuning.seat import MAX_SEAT_S, UNSTATED_S, seat_s

from tests.emulated.commissioned_press import BLANK

DIE_UM = 10_000
LIMIT_KPA = 60_000


def test_a_ram_gets_the_time_that_its_spring_needs() -> None:
    profile = BLANK.machine_profile()
    # 5.8 mL at a hundredth of the reference pressure: a tenth of the flow.
    quick = profile.model_copy(update={"return_bar": 1.0, "release_flow_ml_s": 10.0})
    assert seat_s(quick) == pytest.approx(2 * 5.8 / 1.0, rel=0.01)
    assert seat_s(quick.model_copy(update={"return_bar": 4.0})) == pytest.approx(5.8, rel=0.01)
    assert seat_s(quick.model_copy(update={"return_bar": None})) > seat_s(quick)
    assert seat_s(quick.model_copy(update={"approach_mm": None})) == UNSTATED_S
    assert seat_s(quick.model_copy(update={"release_flow_ml_s": 0.01})) == MAX_SEAT_S


def test_the_runs_that_measure_the_way_begin_at_the_seat(tmp_path: Path) -> None:
    stage = Stage(
        name="press",
        ramp=Ramp(target="60 MPa", rate="30 MPa/s"),
        hold=Hold(duration="0.1 s", tolerance="10 MPa"),
        release=Release(target="0 MPa", rate="30 MPa/s"),
    )
    short = Protocol(name="before", die="10 mm", ceiling="70 MPa", stages=[stage])
    with Press.open("emulated", press=BLANK, seed=1) as press:
        profile: MachineProfile = press.profile()
        wire = profile.to_wire()
        steps = first_contact_plan(wire, DIE_UM, LIMIT_KPA)
        approach_s = {}
        for name in ("coarse", "fine"):
            runner = TuningRunner(
                partial(press.run, die="10 mm"),
                press.write_profile,
                tmp_path / name,
                die_um=DIE_UM,
                limit_kpa=LIMIT_KPA,
                rest=press._rest,
            )
            assert press.run(short, out=tmp_path / f"before-{name}").completed
            before = press.session.status().tick
            records = runner._run_with_profile(name, wire, steps)
            approach_s[name] = float(records.approaching.sum()) / 100
            assert press.session.status().tick - before > 0
    # At the flow of the pump, 4 mm of travel take six seconds.
    assert approach_s["coarse"] == pytest.approx(approach_s["fine"], abs=0.2)
    assert approach_s["coarse"] > 6
