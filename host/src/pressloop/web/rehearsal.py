"""Predicts how this press follows a protocol: the real firmware on an emulated press like it."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path
from typing import Any, Final

from pressloop.emulator.description import PressDescription
from pressloop.emulator.description.from_profile import press_data
from pressloop.errors import PressloopError
from pressloop.evaluation import RunRecord
from pressloop.machine.profile import MachineProfile
from pressloop.plan import Plan, compile_plan
from pressloop.press import Press
from pressloop.run.prompts import confirm_all
from pressloop.run.run import Run
from pressloop.units import rounded_duration_text
from pressloop.validation import LoadedProtocol, validate_loaded
from pressloop.web.levels import CurveLevels
from pressloop.wire.schema import TICK_HZ, FlagBits

MAX_REHEARSED_S: Final = 2 * 3600.0
"""Longest protocol that is rehearsed: that takes about a minute."""

_POINTS: Final = 3000
_OPEN_HOLD_S: Final = 60.0
_one_at_a_time = threading.Lock()


def rehearse(text: str, name: str, profile: MachineProfile) -> dict[str, Any]:
    """Run a protocol on an emulated press with a profile, and return the curve.

    Prompts are confirmed at once, and holds that a person ends are ended after a minute in band.

    Raises:
        BadInputError: The protocol has errors.
        PressloopError: `rehearsal-busy`, `rehearsal-long`; EmulatorError: it cannot be started.
    """
    source = LoadedProtocol.of_text(text, name)
    plan = compile_plan(validate_loaded(source, profile).checked(), profile)
    if plan.expected_s > MAX_REHEARSED_S:
        raise PressloopError(
            f"a rehearsal of {rounded_duration_text(plan.expected_s)} of press time takes too "
            "long here",
            hint=f"type in a terminal: pressloop simulate {name}",
            code="rehearsal-long",
        )
    if not _one_at_a_time.acquire(blocking=False):
        raise PressloopError(
            "another rehearsal is running", hint="wait for its end", code="rehearsal-busy"
        )
    try:
        press = PressDescription.model_validate(press_data(profile))
        with tempfile.TemporaryDirectory(prefix="pressloop-") as folder:
            with Press.open("emulated", press=press) as machine:
                run = machine.start(source, out=folder, on_prompt=confirm_all, remote_control=False)
                _end_open_holds(run, plan)
                run.result()
            record = RunRecord.open(Path(folder))
            summary = record.summary
            return {
                "end_reason": summary.end_reason,
                "curve": CurveLevels.of_record(record).curve(0.0, summary.duration_s, _POINTS),
            }
    finally:
        _one_at_a_time.release()


def _end_open_holds(run: Run, plan: Plan) -> None:
    record_s = plan.begin.record_every / TICK_HZ
    in_band_s = {step.index: 0.0 for step in plan.sources if step.is_open}
    if not in_band_s:
        return
    for batch in run.telemetry():
        for record in batch:
            if record.step in in_band_s and FlagBits.DWELLING in record.flags:
                in_band_s[record.step] += record_s
        for step in [step for step, held_s in in_band_s.items() if held_s >= _OPEN_HOLD_S]:
            del in_band_s[step]
            run.advance(step, by="rehearsal")
