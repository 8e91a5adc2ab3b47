"""Draws the cases of the bench: a press, a plan, a fault, and where in the plan it strikes.

A case follows from seed and number alone, so that any line of a report can be run again.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from pressloop_sim.plant import fault_kinds
from pressloop_sim.plant.fault_kinds import FaultKind

from pressloop_bench.control.press_family import Case, family
from pressloop_bench.control.press_run import firmware

PRESSES: Final = 24
"""Presses per seed: each is tuned once, which takes longer than a run."""

STAGES: Final = ("approach", "ramp", "hold", "release")

CEILING: Final = 1.04
"""Ceiling over the highest target."""

MIN_NOISE_PERCENT: Final = 0.003
MAX_NOISE_PERCENT: Final = 0.1
"""Noise of sound runs, one sigma, of full scale."""

TOLERANCE: Final = 0.02
_HOLD_S: Final = 10.0
_AGAIN: Final = 0.8
"""Target of the second pressing over that of the first."""

LINK: Final = ("link-flip", "link-drop", "link-duplicate", "link-delay")
"""Kinds that need a link between two programs; `link_run` runs them."""

_VALUES: Final[dict[str, tuple[float, float]]] = {
    "offset": (0.03, 0.3),
    "drift": (0.002, 0.2),
    "gain": (0.5, 1.5),
    "slow": (0.1, 5.0),
    "noise": (0.2, 5.0),
    "dropout": (0.05, 0.95),
    "pump-stuck-open": (3.0, 100.0),
    "leak": (0.02, 20.0),
    "wrong-die": (0.7, 0.9),
    "relief": (0.3, 0.95),
    "tick-slow": (0.05, 0.95),
    "link-delay": (0.05, 1.5),
}
"""Range of each value. Of offset and drift: share of the target (and per second); of a die: share
of the diameter; of a relief valve: share of the oil pressure at the target."""


@dataclass(frozen=True)
class FaultCase:
    """One run of the bench.

    Attributes:
        seed: Of the bench.
        number: Of the case.
        case: The press.
        kind: The kind of fault; None for a sound run.
        value: In the unit of the kind.
        stage: Where it strikes.
        again: Whether it strikes in the second pressing, below what the sample has seen.
        share: How far into the stage, 0..1.
        channels: Transducers of the press.
        noise_percent: Noise of each transducer in the run, one sigma, of full scale; None: as
            tuned.
    """

    seed: int
    number: int
    case: Case
    kind: FaultKind | None
    value: float
    stage: str
    again: bool
    share: float
    channels: int
    noise_percent: float | None = None

    @property
    def text(self) -> str:
        """The fault as it is written, without its time."""
        if self.kind is None:
            return f"sound, noise {self.noise_percent or 0:.3f} %"
        return fault_kinds.ScheduledFault(self.kind, self.value, None).text()

    @property
    def target_kpa(self) -> int:
        """Target of the hold in which, or on whose way, the fault strikes."""
        first = round(self.case.targets_mpa[0] * 1000)
        return round(first * _AGAIN) if self.again else first

    @property
    def ceiling_kpa(self) -> int:
        """Ceiling of the plan."""
        return round(CEILING * self.case.targets_mpa[0] * 1000)

    @property
    def step(self) -> int:
        """Index of the step in which the fault strikes."""
        return {"approach": 0, "ramp": 0, "hold": 1, "release": 2}[self.stage] + (
            3 if self.again else 0
        )

    def press_config(self) -> dict[str, float]:
        """Return the press as it is in the run: its `plant_config`."""
        config = self.case.press.plant_config()
        if self.channels == 1:
            config["second_sensor_full_scale_mpa"] = 0.0
        if self.noise_percent is not None:
            for which in ("sensor_", "second_sensor_"):
                full_mpa = config[f"{which}full_scale_mpa"]
                config[f"{which}noise_mpa"] = self.noise_percent / 100 * full_mpa
        return config

    def profile(self, tuned: dict[str, Any]) -> dict[str, Any]:
        """Return the profile of the press as it is in the run, from the tuned one."""
        if self.channels > 1:
            return tuned
        return {name: value for name, value in tuned.items() if not name.startswith("second_")}

    def steps(self) -> list[dict[str, Any]]:
        """Return the plan: press, hold, release; a second, lower pressing if the case wants it."""
        schema = firmware("wire.schema")
        rate = round(self.case.rates_mpa_s[0] * 1000)
        first = round(self.case.targets_mpa[0] * 1000)

        def press(target: int, hold_s: float, down_to: int) -> list[dict[str, Any]]:
            return [
                {"kind": schema.STEP_RAMP, "target_kpa": target, "rate_kpa_s": rate},
                {
                    "kind": schema.STEP_HOLD,
                    "target_kpa": target,
                    "tolerance_kpa": round(TOLERANCE * target),
                    "timeout_ms": 20_000,
                    "mode": schema.HOLD_REGULATED,
                    "duration_ms": round(hold_s * 1000),
                },
                {"kind": schema.STEP_RELEASE, "target_kpa": down_to, "rate_kpa_s": 2 * rate},
            ]

        if not self.again:
            return press(first, _HOLD_S, 0)
        return press(first, 1.0, first // 4) + press(self.target_kpa, _HOLD_S, 0)


def kinds(channels: int) -> list[FaultKind]:
    """Return the kinds for a press with so many transducers.

    Without what a person does, which is no fault of the press, and without faults of a vessel.
    """
    left_out = {fault_kinds.CONTACT, fault_kinds.VESSEL}
    if channels == 1:
        left_out.add(fault_kinds.SECOND)
    return [kind for kind in fault_kinds.KINDS if kind.group not in left_out]


@lru_cache(maxsize=4)
def presses(seed: int) -> list[Case]:
    """Return the presses of a seed."""
    return family(PRESSES, seed)


def draw(seed: int, number: int, only: str | None, channels: tuple[int, ...]) -> FaultCase:
    """Return a case; `only` is the one kind to draw, `channels` are the presses to draw from."""
    rng = random.Random(seed * 1_000_003 + number)
    case = presses(seed)[number % PRESSES]
    fitted = channels[rng.randrange(len(channels))]
    possible = [kind for kind in kinds(fitted) if only in (None, kind.name)]
    if not possible:
        fitted = max(channels)
        possible = [kind for kind in kinds(fitted) if only in (None, kind.name)]
    kind = possible[rng.randrange(len(possible))]
    stage = STAGES[rng.randrange(len(STAGES))]
    again = rng.random() < 0.5
    if kind.at_start:
        stage, again = "approach", False
    if stage == "approach":
        again = False
    share = rng.random()
    return FaultCase(seed, number, case, kind, _value(rng, kind, case), stage, again, share, fitted)


def sound(seed: int, number: int, channels: tuple[int, ...]) -> FaultCase:
    """Return a case without a fault, with noise of each transducer up to `MAX_NOISE_PERCENT`."""
    rng = random.Random(seed * 1_000_003 + number)
    case = presses(seed)[number % PRESSES]
    fitted = channels[rng.randrange(len(channels))]
    again = rng.random() < 0.5
    noise = MIN_NOISE_PERCENT * (MAX_NOISE_PERCENT / MIN_NOISE_PERCENT) ** rng.random()
    return FaultCase(seed, number, case, None, 0.0, "hold", again, 0.0, fitted, noise)


def _value(rng: random.Random, kind: FaultKind, case: Case) -> float:
    if not kind.unit:
        return 0.0
    name = kind.name.partition("-")[2] if kind.group in ("sensor", "second") else kind.name
    low, high = _VALUES[name]
    ratio = rng.random()
    value: float = low * (high / low) ** ratio
    target_mpa = case.targets_mpa[0]
    if name in ("offset", "drift"):
        return round(value * target_mpa * rng.choice((-1, 1)), 3)
    if name == "wrong-die":
        return round(value * case.press.die_mm, 3)
    if name == "relief":
        config = case.press.plant_config()
        lever = config["ram_area_mm2"] / config["die_area_mm2"]
        return round(max(1.0, value * target_mpa / lever * 10), 2)
    return round(value, 3)
