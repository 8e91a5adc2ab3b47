"""The emulated board starts with any press file that passes, and takes a protocol that passes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from pressloop import Press, PressloopError
from pressloop.emulator import description
from pressloop.emulator.description import IndividualSection, PressDescription
from pressloop.plan import compile_plan
from pressloop.protocol import Protocol, Ramp, Stage

from tests.property.random_presses import press_files, yaml_of

WANTED = 12


def accepted_presses() -> list[PressDescription]:
    """Draw press files until enough of them pass; the same ones in every session."""
    found: list[PressDescription] = []

    @seed(20261128)
    @settings(
        max_examples=400,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(press_files())
    def draw(content: dict[str, object]) -> None:
        if len(found) < WANTED:
            try:
                press = description.loads(yaml_of(content))
            except PressloopError:
                return
            if press.ram.area_cm2 not in {other.ram.area_cm2 for other in found}:
                found.append(_sensing(press))

    draw()
    return found


def _sensing(press: PressDescription) -> PressDescription:
    """Return a press whose transducers read what they state: with others no run may start."""
    noise = min(press.transducer.noise_percent, 0.1)
    second_noise = min(press.second_transducer.noise_percent, 0.1)
    usual = IndividualSection()
    errors = ("sensor_offset", "sensor_span_error", "second_offset", "second_span_error")
    fields = {f"{name}_percent": getattr(usual, f"{name}_percent") for name in errors}
    return press.model_copy(
        update={
            "transducer": press.transducer.model_copy(update={"noise_percent": noise}),
            "second_transducer": press.second_transducer.model_copy(
                update={"noise_percent": second_noise}
            ),
            "individual": press.individual.model_copy(update=fields),
        }
    )


@pytest.mark.slow
def test_the_board_starts_with_odd_presses_that_pass(tmp_path: Path) -> None:
    presses = accepted_presses()
    assert len(presses) == WANTED
    for press in presses:
        with Press.open("emulated", press=press) as machine:
            profile = machine.profile()
            # The board stores what the host computed, to the last integer.
            wire = profile.to_wire()
            sent = press.nominal_profile()
            assert {name: getattr(wire, name) for name in sent} == {
                **sent,
                "dies_um": tuple(sent["dies_um"]),
            }
            for die_um in profile.dies_um:
                limits = profile.limits(die_um)
                most = limits.pellet_limit_kpa
                ramp = Ramp(
                    target=f"{most // 2 / 1000:.3f} MPa",
                    rate=f"{min(limits.fastest_rise_kpa_s, 1_000_000) / 1000:.3f} MPa/s",
                )
                protocol = Protocol(
                    name="half",
                    die="none" if profile.is_vessel else f"{die_um} um",
                    ceiling=f"{most / 1000:.3f} MPa",
                    stages=[Stage(name="a", ramp=ramp)],
                )
                validation = machine.validate(protocol)
                machine.upload(compile_plan(validation.checked(), profile), validation)
            run = machine.start(protocol, out=tmp_path / f"{press.ram.area_cm2:g}")
            run.abort()
            assert run.result(60).end_reason == "aborted"
