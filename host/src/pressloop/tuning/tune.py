"""Learning a press: what runs on a steel blank tell about valves, oil, frame and leak.

A tuning run is an ordinary plan - ramps and releases at a few rates below a limit that the user
gives - so that the board needs no code for it, every interlock is armed, and what is learned is
learned with the valves moving as they will. The rest is least squares on the telemetry of
volumes over a fifth of a second:

    rising    integral of flow      = C(P) dP + leak
    falling   integral of flow sqrt(P/10 MPa) = -C(P) dP - leak

with P the oil pressure, C the compliance of the closed press, and flow what a valve passes of its
full flow once its spool, which follows the command with play and lag, has left the dead band. Flow
and compliance cannot be told apart by pressure alone, and need not be: the profile's pump flow is
taken as it is, and C is what goes with it.

Three runs: a coarse one with plenty of dither, one without that shows the valves' play and lag, and
a fine one with the dither that rubs this play out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Final

import numpy as np
import numpy.typing as npt

from pressloop.errors import BadInputError
from pressloop.machine.profile import MachineProfile, curve_knots
from pressloop.tuning.leak import Leak, seen_leak
from pressloop.wire import schema

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

KNOTS: Final = 8
"""Points of the compliance curve, at 1/128 ... 1/1 of the profile's highest oil pressure."""
COARSE_SHARE: Final = 0.6
"""The first runs go to this share of the limit: they may overshoot."""
COARSE_DITHER: Final = round(0.025 * schema.OUTPUT_FULL)
"""Half of the widest play to be expected, and more."""
COARSE_GAINS: Final = {"kp": 3 * 256, "ki": round(2 * 655.36)}
"""Calm, as dead bands may still be wrong by several per cent of stroke."""
FINE_GAINS: Final = {"kp": 8 * 256, "ki": round(4 * 655.36)}
"""Calmer than in use: a run that hunts between the valves shows little of either."""
PLAY_GAINS: Final = {"kp": round(1.5 * 256), "ki": round(0.5 * 655.36)}
"""Calmer still: hunting that calls on the release shows little of the pump."""

# By so much of its stroke a valve may open before its data sheet says.
_SHEET_ERROR: Final = round(0.03 * schema.OUTPUT_FULL)
_TICK_S: Final = 1 / schema.TICK_HZ
_FULL: Final = schema.OUTPUT_FULL
_REFERENCE_MPA: Final = 10.0
_SEALED: Final = 1
_SLOW_S: Final = 30.0
_FAST_S: Final = 7.0
# What the shut press loses is a matter of a few kPa/s: half a minute tells it to a per cent or two
# where 6 s leave a quarter open. The coarse run needs it only for its balance of volumes.
_SEALED_S: Final = 30.0
_COARSE_SEALED_S: Final = 6.0
# Volumes are balanced over this many ticks, anew every few ticks.
_WINDOW: Final = 20
_STRIDE: Final = 2
_CLOSING_TICKS: Final = 20
_MIN_SHARE_RISING: Final = 0.95
_FEWEST: Final = 25
# Shares of the highest pressure below which a window tells more of contact than of the press.
_LOWEST_RISING: Final = 0.01
_LOWEST_FALLING: Final = 0.05
_VALVES_SHUT_TICKS: Final = 100
# What is left of the hysteresis with too little dither costs far more than too much of it; what the
# coarse run lets one know of the play is less sure.
_COARSE_DITHER_MARGIN: Final = 1.6
DITHER_MARGIN: Final = 1.3
"""The dither that is stored, of half the valves' play."""
# Of half the play: beyond, the fine run has seen hunting, or flow that is the dither's alone.
_FINE_DITHER: Final = (1.15, 2.2)
_MIN_DITHER: Final = 0.002
# Play and lag are searched on a wide grid, then on a fine one around the best of it.
_PLAYS: Final = tuple(0.005 * n for n in range(17))
_LAGS_TICKS: Final = (2.0, 3.0, 4.0, 5.0, 6.0, 7.0)
_FINE_PLAYS: Final = tuple(0.00125 * n for n in range(-4, 5))
_FINE_LAGS_TICKS: Final = tuple(0.25 * n for n in range(-3, 4))
# Below, the coarse run's compliance is more of a guess than the play that is to be seen.
_LOWEST_PLAY: Final = 0.1
_USUAL_LAG_TICKS: Final = 3.0
# The landing: the pump stops within this time after contact, and may not press more than twice the
# transducer's accuracy until then.
_STOP_S: Final = 0.1
_SLOWEST_APPROACH: Final = 0.04
_FASTEST_APPROACH: Final = 0.5
# Travel of the ram that was tuned, by the flow that it gets; play in the valve may take half of it.
_LONGEST_APPROACH_S: Final = 240
_LONGEST_TIMEOUT_MS: Final = 600_000
_WORST_RESIDUAL_PERCENT: Final = 15.0
_WORST_NOISE_PERCENT: Final = 0.05
"""Of the transducer's range, one standard deviation: five times the reference's."""
_WORST_LEAK_PERCENT_S: Final = 2.0
"""Of the pressure, lost per second by the shut press: no dwell is worth a record beyond."""
_MAX_YIELDING: Final = 1.15
"""Oil that one rise takes, of what another takes: steel gives back what it took."""

_BLANK_HINT: Final = (
    "check that a steel blank is in the die, that the hoses are free of air and that nothing else "
    "drives the valves; then tune again"
)


@dataclass(frozen=True)
class Records:
    """Telemetry of a tuning run, one element per tick, in the board's units."""

    raw: npt.NDArray[np.int64]
    output: npt.NDArray[np.int64]
    step: npt.NDArray[np.int64]
    approaching: Bools


@dataclass(frozen=True)
class ValveObservations:
    """What the windows of a run show of one valve: each an opening and the flow that it passed."""

    oil_mpa: Floats
    opening: Floats
    """Of full stroke, where the spool stood on average."""
    flow_ul_s: Floats
    """The release's as at 10 MPa of oil."""


@dataclass(frozen=True)
class Tuned:
    """What a run has taught."""

    profile: schema.Profile
    residual_percent: float
    """Of the volume pumped, rms, what the model leaves unexplained: the quality figure."""
    leak: Leak
    noise_percent: float
    """Of the transducer's range, one standard deviation."""
    pump: ValveObservations
    release: ValveObservations
    compliance_ul_mpa: Floats
    """What each window of `pump` took per MPa of rise."""
    compliance_at_mpa: Floats
    """Oil pressure in the middle of each of these windows; at its end it is in `pump`."""


Runner = Callable[[str, schema.Profile, list[schema.PlanStepRequest]], Records]
"""Writes a profile to the board, runs steps under a name, and returns the telemetry."""


def tune(profile: schema.Profile, die_um: int, limit_kpa: int, run: Runner) -> list[Tuned]:
    """Tune a press with a steel blank in its die, below `limit_kpa` on the blank.

    Returns what the coarse and the fine run taught; the last one is the result.

    Raises:
        BadInputError: A run taught nonsense. What `run` raises comes through.
    """
    first_kpa = round(COARSE_SHARE * limit_kpa)
    # How far the ram has to travel, and how slowly it does, is not known yet.
    profile = replace(profile, valve_dither=COARSE_DITHER, approach_timeout_ms=_LONGEST_TIMEOUT_MS)
    steps = plan(profile, die_um, first_kpa, sealed_s=_COARSE_SEALED_S, **COARSE_GAINS)
    try:
        coarse = identify(run("coarse", profile, steps), steps, profile)
    except _TooFewWindowsError:
        # It hunted: a pump that opens before its data sheet says cannot be closed by the loop.
        edge = max(0, profile.pump_dead_band - _SHEET_ERROR)
        profile = replace(profile, pump_dead_band=edge)
        coarse = identify(run("coarse-again", profile, steps), steps, profile)
    hunting = replace(coarse.profile, valve_dither=0)
    hunt = run("play", hunting, play_plan(hunting, die_um, first_kpa))
    profile = _with_play(coarse.profile, _seen_play(hunt, coarse.profile), _COARSE_DITHER_MARGIN)
    steps = plan(profile, die_um, limit_kpa, **FINE_GAINS)
    fine = identify(run("fine", profile, steps), steps, profile)
    # Once more, with a dead band and a compliance that are no longer coarse.
    play = _seen_play(hunt, fine.profile)
    known = _with_play(fine.profile, play, _COARSE_DITHER_MARGIN)
    assert profile.valve_dither and known.valve_dither
    least, most = _FINE_DITHER
    if not least <= _COARSE_DITHER_MARGIN * profile.valve_dither / known.valve_dither <= most:
        fine = identify(run("fine-again", known, steps), steps, known)
        play = _seen_play(hunt, fine.profile)
    return [coarse, replace(fine, profile=_with_play(fine.profile, play, DITHER_MARGIN))]


def plan(
    profile: schema.Profile,
    die_um: int,
    limit_kpa: int,
    *,
    sealed_s: float = _SEALED_S,
    **gains: int,
) -> list[schema.PlanStepRequest]:
    """Return the steps of a run below `limit_kpa` on the pellet: two rates up, two rates down.

    In between the press is shut for `sealed_s`, which shows its leak.
    """
    steps = _Steps(profile, die_um, limit_kpa, **gains)
    steps.ramp(1, _SLOW_S)
    steps.hold(1, sealed_s, schema.HoldMode.SEALED)
    steps.release(0.1, _SLOW_S)
    steps.ramp(1, _FAST_S)
    steps.hold(1, 1, schema.HoldMode.REGULATED)
    steps.release(0.1, _FAST_S)
    steps.ramp(0.8, _SLOW_S / 2)
    steps.release(0, _SLOW_S / 2)
    return steps.steps


def play_plan(profile: schema.Profile, die_um: int, limit_kpa: int) -> list[schema.PlanStepRequest]:
    """Return the steps of a run without dither: play makes the loop hunt, and that shows it."""
    steps = _Steps(profile, die_um, limit_kpa, **PLAY_GAINS)
    steps.ramp(0.2, _SLOW_S / 2)
    steps.ramp(0.4, _FAST_S)
    steps.ramp(0.6, _SLOW_S / 2)
    steps.ramp(0.8, _FAST_S)
    steps.release(0, _SLOW_S / 2)
    return steps.steps


class _Steps:
    """Collects steps; pressures are shares of the limit, rates what takes so long to the limit."""

    def __init__(self, profile: schema.Profile, die_um: int, limit_kpa: int, **gains: int) -> None:
        self.steps: list[schema.PlanStepRequest] = []
        limits = MachineProfile.from_wire(profile).limits(die_um)
        self._limit_kpa = limit_kpa
        self._fastest = min(limits.fastest_rise_kpa_s, limits.fastest_fall_kpa_s) // 3
        self._gains = gains

    def ramp(self, share: float, limit_s: float) -> None:
        self._move(schema.StepKind.RAMP, share, limit_s)

    def release(self, share: float, limit_s: float) -> None:
        self._move(schema.StepKind.RELEASE, share, limit_s)

    def hold(self, share: float, seconds: float, mode: schema.HoldMode) -> None:
        # The band is as wide as it may be: what the pressure does in it is what is to be seen.
        self._add(
            schema.StepKind.HOLD,
            target_kpa=round(share * self._limit_kpa),
            tolerance_kpa=self._limit_kpa // (4 if mode == schema.HoldMode.SEALED else 1),
            duration_ms=round(seconds * 1000),
            timeout_ms=30_000,
            mode=mode,
        )

    def _move(self, kind: schema.StepKind, share: float, limit_s: float) -> None:
        rate = min(self._fastest, max(1, round(self._limit_kpa / limit_s)))
        self._add(kind, target_kpa=round(share * self._limit_kpa), rate_kpa_s=rate)

    def _add(self, kind: schema.StepKind, **values: int) -> None:
        step = schema.PlanStepRequest(index=len(self.steps), kind=kind, stage=0)
        self.steps.append(replace(step, **values, **self._gains))  # type: ignore[arg-type]


def identify(
    records: Records, steps: Sequence[schema.PlanStepRequest], profile: schema.Profile
) -> Tuned:
    """Return the profile that explains a run of `plan` on a steel blank.

    Raises:
        BadInputError: What the run shows is no press that this controller could drive; the message
            says which number is out of reason. Nothing is to be stored then.
    """
    zero = _zero(records, profile)
    raw_zero = int(zero)
    oil_mpa = oil_mpa_of(records, zero, profile)
    noise_percent = _noise_percent(records, profile)
    _require_plausible(
        noise_percent < _WORST_NOISE_PERCENT,
        "the transducer's noise",
        noise_percent,
        f"below {_WORST_NOISE_PERCENT} % of its range",
        "check the transducer's cable, shield and supply; pump motor and valve drivers belong on "
        "another supply; then tune again",
    )
    leak = seen_leak(_shut_mpa(records, oil_mpa))
    leak_per_s = leak.per_s
    _require_plausible(
        100 * leak_per_s < _WORST_LEAK_PERCENT_S,
        "the leak, of the pressure per second,",
        100 * leak_per_s,
        f"below {_WORST_LEAK_PERCENT_S:g} %",
        "look for oil at fittings and hoses, and for dirt on the release valve's seat; then tune "
        "again",
    )
    top_mpa = float(oil_mpa.max())
    rising = _Balance.of(records, oil_mpa, _LOWEST_RISING, releasing=False)
    lag_ticks = profile.valve_lag_ms / 10 - 1 if profile.valve_lag_ms else _USUAL_LAG_TICKS
    place = spool(np.maximum(records.output, 0) / _FULL, 0.0, lag_ticks)
    flow_ul_s = profile.pump_flow_ul_s

    dead_band, shape, residual = _dead_band(
        lambda edge: rising.fed(passed(place, edge) * flow_ul_s),
        rising.volumes(leak_per_s, top_mpa),
        rising.moving,
    )
    fed = rising.fed(passed(place, dead_band) * flow_ul_s)
    ramps = [rising.step == n for n, step in enumerate(steps) if step.kind == schema.StepKind.RAMP]
    yielding = _compliance_mismatch(fed, rising.volumes(leak_per_s, top_mpa) @ shape, ramps)
    _require_plausible(
        yielding < _MAX_YIELDING,
        "the oil that one rise took, of what another took,",
        yielding,
        f"below {_MAX_YIELDING} times",
        "something in the die yields: take the sample out and put a steel blank in; then tune "
        "again",
    )
    _require_plausible(
        residual < _WORST_RESIDUAL_PERCENT, "what no press explains", residual, "below 15 %"
    )
    _require_plausible(
        0.002 < dead_band < 0.49, "the pump's dead band", 100 * dead_band, "0-50 % of stroke"
    )
    knots = knots_mpa(profile)
    # Below and above what was pressed the curve goes on flat.
    pressed = np.clip(knots, rising.oil_mpa.min(), rising.oil_mpa.max())
    curve = _compliance_shapes(pressed) @ shape
    _require_plausible(
        bool(np.all(curve > 0)), "the compliance", float(curve.min()), "above 0 uL/MPa"
    )

    falling = _Balance.of(records, oil_mpa, _LOWEST_FALLING, releasing=True)
    root = np.sqrt(np.maximum(oil_mpa, 0) / _REFERENCE_MPA)
    fallen = spool(np.maximum(-records.output, 0) / _FULL, 0.0, lag_ticks)
    taken = -(falling.volumes(leak_per_s, top_mpa) @ shape)[:, None]
    release_dead_band, per_volume, _ = _dead_band(
        lambda edge: falling.fed(passed(fallen, edge) * root), taken, falling.moving
    )
    _require_plausible(
        0.002 < release_dead_band < 0.49,
        "the release's dead band",
        100 * release_dead_band,
        "0-50 % of stroke",
    )
    release_flow_ul_s = 1 / float(per_volume[0])
    ratio = release_flow_ul_s / profile.release_flow_ul_s
    _require_plausible(
        0.2 < ratio < 5, "the release's flow, of the data sheet's,", ratio, "0.2-5 times"
    )

    leak_nl_min, leak_uncertainty_nl_min = leak.stored(
        float((_compliance_shapes(np.array([leak.oil_mpa])) @ shape)[0])
    )
    resolution_mpa = profile.accuracy_ppm * 1e-6 * profile.full_scale_oil_kpa / 1000
    contact = float(np.interp(profile.contact_oil_kpa / 1000, knots, curve))
    landing = 2 * resolution_mpa * contact / _STOP_S / flow_ul_s
    travel_s = float(passed(place, dead_band)[records.approaching].sum()) * _TICK_S
    slowest = max(_SLOWEST_APPROACH, travel_s / _LONGEST_APPROACH_S)
    landing = min(max(landing, slowest), _FASTEST_APPROACH)
    tuned = replace(
        profile,
        raw_zero=raw_zero,
        raw_zero_fraction=int(256 * (zero - raw_zero)),
        raw_full=raw_zero + profile.raw_full - profile.raw_zero,
        pump_dead_band=round(dead_band * _FULL),
        release_dead_band=round(release_dead_band * _FULL),
        release_flow_ul_s=round(release_flow_ul_s),
        compliance_nl_mpa=round(float(curve[-1]) * 1000),
        compliance_curve=tuple(round(float(value) * 1000) for value in curve),
        approach_opening=round((dead_band + landing * (1 - dead_band)) * _FULL),
        approach_timeout_ms=_LONGEST_TIMEOUT_MS,
        tuning_residual_ppm=round(10_000 * residual),
        leak_nl_min=leak_nl_min,
        leak_uncertainty_nl_min=leak_uncertainty_nl_min,
    )
    window_s = _WINDOW * _TICK_S
    needed_ul = rising.volumes(leak_per_s, top_mpa) @ shape
    rise_mpa = np.where(np.abs(rising.rise_mpa) > resolution_mpa, rising.rise_mpa, np.nan)
    return Tuned(
        tuned,
        residual_percent=residual,
        leak=leak,
        noise_percent=noise_percent,
        pump=ValveObservations(rising.oil_mpa, rising.fed(place) / window_s, needed_ul / window_s),
        release=ValveObservations(
            falling.oil_mpa,
            falling.fed(fallen) / window_s,
            taken[:, 0] / np.maximum(falling.fed(root), 1e-9),
        ),
        compliance_ul_mpa=np.asarray(fed / rise_mpa),
        compliance_at_mpa=rising.oil_mpa - rising.rise_mpa / 2,
    )


@dataclass(frozen=True)
class _Play:
    """How the valves follow a command."""

    stroke: float
    """Of full stroke, from one direction to the other: the hysteresis."""
    lag_ticks: float


def _with_play(profile: schema.Profile, play: _Play, margin: float) -> schema.Profile:
    """Return the profile with the play's lag, and a dither of `margin` times half the play."""
    dither = max(_MIN_DITHER, margin * play.stroke / 2)
    return replace(
        profile, valve_dither=round(dither * _FULL), valve_lag_ms=round(10 * play.lag_ticks) + 10
    )


def _seen_play(records: Records, profile: schema.Profile) -> _Play:
    """Return the play and the lag that explain best how a run of `play_plan` hunted.

    Raises:
        BadInputError: The play is out of reason.
    """
    assert profile.compliance_curve is not None
    oil_mpa = oil_mpa_of(records, zero_of(profile), profile)
    balance = _Balance.of(records, oil_mpa, _LOWEST_PLAY, releasing=False)
    command = np.maximum(records.output, 0) / _FULL
    dead_band = profile.pump_dead_band / _FULL
    curve = np.array(profile.compliance_curve) / 1000
    needed = np.interp(balance.oil_mpa, knots_mpa(profile), curve) * balance.rise_mpa

    def distance(play: float, lag_ticks: float) -> float:
        place = spool(command, play, lag_ticks)
        fed = balance.fed(passed(place, dead_band) * profile.pump_flow_ul_s)
        # Not squared: a few windows that the compliance explains badly would outvote the rest.
        return float(np.sum(np.abs(fed - needed)))

    def nearest(plays: Iterable[float], lags_ticks: Sequence[float]) -> tuple[float, float]:
        return min(product(plays, lags_ticks), key=lambda pair: distance(*pair))

    play, lag_ticks = nearest(_PLAYS, _LAGS_TICKS)
    _require_plausible(
        play < _PLAYS[-1], "the valves' hysteresis", 100 * play, "below 8 % of stroke"
    )
    play, lag_ticks = nearest(
        [play + by for by in _FINE_PLAYS if play + by >= 0],
        [lag_ticks + by for by in _FINE_LAGS_TICKS],
    )
    return _Play(play, lag_ticks)


class _TooFewWindowsError(BadInputError):
    """A run in which hardly ever one valve alone was at work."""


@dataclass(frozen=True)
class _Balance:
    """Windows of a run in which one valve alone was at work."""

    start: npt.NDArray[np.int64]
    step: npt.NDArray[np.int64]
    oil_start_mpa: Floats
    oil_mpa: Floats
    """At the end of each window."""
    pressed_mpa_s: Floats
    """Integral of the pressure over each window."""

    @classmethod
    def of(cls, records: Records, oil_mpa: Floats, lowest: float, *, releasing: bool) -> _Balance:
        other = records.output > 0 if releasing else records.output < 0
        busy = _spread(other, _WINDOW + _CLOSING_TICKS) | _spread(records.approaching, _WINDOW)
        busy |= _spread(np.abs(records.output) == _FULL, _WINDOW)
        at_work = records.output < 0 if releasing else records.output > 0
        # Smoothed over a few ticks, centred: noise in a regressor would bias what it multiplies.
        smooth = np.convolve(oil_mpa, np.ones(5) / 5, "same")
        ends = np.flatnonzero(
            ~busy & at_work & (oil_mpa > lowest * oil_mpa.max()) & (records.step < 255)
        )
        ends = ends[(ends > 2 * _WINDOW)][::_STRIDE]
        if len(ends) < _FEWEST:
            raise _TooFewWindowsError(
                f"tuning found nothing to store: one valve alone was at work in {len(ends)} "
                f"windows of the run, expected at least {_FEWEST}",
                hint=_BLANK_HINT,
                code="tuning-nonsense",
            )
        start = ends - _WINDOW
        pressed_s = np.concatenate(([0.0], np.cumsum(smooth) * _TICK_S))
        return cls(
            start,
            records.step[ends],
            smooth[start],
            smooth[ends],
            pressed_s[ends] - pressed_s[start],
        )

    @property
    def rise_mpa(self) -> Floats:
        return self.oil_mpa - self.oil_start_mpa

    @property
    def moving(self) -> Bools:
        """Windows of ramps, by how fast the pressure moved."""
        moved_mpa = np.abs(self.rise_mpa)
        return np.asarray(moved_mpa > np.quantile(moved_mpa, 0.75) / 2)

    def volumes(self, leak_per_s: float, top_mpa: float) -> Floats:
        """Return what each shape of compliance takes up in each window, one column each.

        The leak was seen as a loss of pressure, so its volume goes with the compliance where it was
        seen, at `top_mpa`.
        """
        taken = _integrals(self.oil_mpa) - _integrals(self.oil_start_mpa)
        at_top = _compliance_shapes(np.array([top_mpa]))
        return np.asarray(taken + leak_per_s * self.pressed_mpa_s[:, None] * at_top)

    def fed(self, flow: Floats) -> Floats:
        """Return the volume that a flow per tick feeds in each window."""
        volume = np.concatenate(([0.0], np.cumsum(flow) * _TICK_S))
        return volume[self.start + _WINDOW] - volume[self.start]


def _compliance_shapes(oil_mpa: Floats) -> Floats:
    """Shapes of compliance over pressure: frame and oil, seats that close, entrained air."""
    return np.column_stack((np.ones_like(oil_mpa), 1 / (1 + oil_mpa), 0.1 / (0.1 + oil_mpa) ** 2))


def _integrals(oil_mpa: Floats) -> Floats:
    """Integrals of `_compliance_shapes` over pressure."""
    positive = np.maximum(oil_mpa, 0)
    return np.column_stack((positive, np.log1p(positive), -0.1 / (0.1 + positive)))


def spool(command: Floats, play: float, lag_ticks: float) -> Floats:
    """Return where a spool is that follows its command with play, a tick late and lagging."""
    half = play / 2
    towards = 1 - np.exp(-1 / lag_ticks)
    wanted = place = 0.0
    places = np.empty_like(command)
    for tick, target in enumerate(command.tolist()):
        places[tick] = place
        if target > wanted + half:
            wanted = target - half
        elif target < wanted - half:
            wanted = target + half
        place += (wanted - place) * towards
    return places


def passed(place: Floats, dead_band: float) -> Floats:
    """Return the share of its full flow that a valve passes."""
    return np.asarray(np.maximum(0, place - dead_band) / (1 - dead_band), dtype=np.float64)


def _dead_band(
    fed: Callable[[float], Floats], volumes: Floats, moving: Bools
) -> tuple[float, Floats, float]:
    """Find the dead band with which `volumes` explain best what was fed.

    Out of the question are dead bands that let nothing pass while the pressure was `moving`: they
    would leave only jolts to explain, and those can be explained by anything.

    Returns the dead band, the factors of the volumes' columns, and what is left, rms, in per cent
    of what was fed.
    """
    scale = np.linalg.norm(volumes, axis=0)
    inverse = np.linalg.pinv(volumes / scale, rcond=1e-6)

    def left(edge: float) -> float:
        volume = fed(edge)
        if np.mean(volume[moving] > 0) < _MIN_SHARE_RISING:
            return float("inf")
        rest = volume - volumes / scale @ (inverse @ volume)
        size = float(volume @ volume)
        # Relative, as with a dead band that lets nothing pass nothing is left to explain.
        return float(np.sqrt(rest @ rest / size)) if size > 0 else float("inf")

    best = 0.25
    for reach, count in ((0.25, 101), (0.006, 61), (0.0003, 31)):
        edges = np.linspace(max(0.0, best - reach), min(0.5, best + reach), count)
        best = float(min(edges, key=left))
    factors = inverse @ fed(best) / scale
    return best, factors, 100 * left(best)


def _spread(ticks: Bools, count: int) -> Bools:
    """Return the ticks that have one of `ticks` within the last `count`."""
    return np.asarray(np.convolve(ticks, np.ones(count), "full")[: len(ticks)] > 0)


def knots_mpa(profile: schema.Profile) -> Floats:
    """Return the oil pressures of the compliance curve, MPa."""
    return np.asarray(curve_knots(profile.max_oil_kpa / 1000, KNOTS))


def zero_of(profile: schema.Profile) -> float:
    """Return the reading at zero pressure, counts."""
    return profile.raw_zero + (profile.raw_zero_fraction or 0) / 256


def oil_mpa_of(records: Records, zero: float, profile: schema.Profile) -> Floats:
    """Return the readings as oil pressure above a zero in counts, MPa."""
    span = profile.raw_full - profile.raw_zero
    return np.asarray((records.raw - zero) / span * profile.full_scale_oil_kpa / 1000)


def _zero(records: Records, profile: schema.Profile) -> float:
    """Return the reading of the ram while it travels freely: load is what comes on top.

    Noise of half a count and more spreads the readings over several: their mean knows parts of one.
    """
    travel = np.flatnonzero(records.approaching & (records.step == 0))
    # It begins with filling the cylinder and ends, slowly if the approach is slow, on the blank.
    middle = records.raw[travel[2 * len(travel) // 5 : 3 * len(travel) // 4]]
    if len(middle) < _WINDOW:
        return zero_of(profile)
    zero = float(np.mean(middle))
    off = 100 * abs(zero - zero_of(profile)) / (profile.raw_full - profile.raw_zero)
    _require_plausible(off < 2, "the zero, off the profile's by", off, "below 2 % of the range")
    return zero


def _shut_mpa(records: Records, oil_mpa: Floats) -> Floats:
    """Return the pressures of the sealed hold while both valves are shut."""
    hold = records.step == _SEALED
    shut = oil_mpa[hold][_VALVES_SHUT_TICKS:]
    at_work = np.flatnonzero(records.output[hold][_VALVES_SHUT_TICKS:])
    # Until the band was left; from there on the pump was at work.
    return np.asarray(shut[: at_work[0]] if len(at_work) else shut)


def _noise_percent(records: Records, profile: schema.Profile) -> float:
    """Return the readings' noise, from neighbours where both valves are shut."""
    shut = records.raw[records.step == _SEALED][_VALVES_SHUT_TICKS:]
    if len(shut) < _VALVES_SHUT_TICKS:
        return 0.0
    counts = float(np.std(np.diff(shut)) / np.sqrt(2))
    return 100 * counts / (profile.raw_full - profile.raw_zero)


def _compliance_mismatch(fed: Floats, explained: Floats, ramps: Sequence[Bools]) -> float:
    """Return how much more oil one rise took, against one model of the press, than another."""
    parts = [ramp for ramp in ramps if np.count_nonzero(ramp) >= _FEWEST]
    shares = [float(np.sum(fed[part]) / np.sum(explained[part])) for part in parts]
    least = min(shares, default=1.0)
    return max(shares, default=1.0) / least if least > 0 else float("inf")


def _require_plausible(
    reasonable: bool, what: str, value: float, range_: str, hint: str = _BLANK_HINT
) -> None:
    if not reasonable:
        raise _nonsense(what, f"{value:.3g}", range_, hint)


def _nonsense(what: str, value: str, range_: str, hint: str = _BLANK_HINT) -> BadInputError:
    return BadInputError(
        f"tuning found nothing to store: {what} comes out as {value}, expected {range_}",
        hint=hint,
        code="tuning-nonsense",
    )
