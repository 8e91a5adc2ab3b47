"""Four published laws, each in the place of ours: what a lab could use instead.

A peer takes the place of `pid.py` in the firmware's controller and gets everything around it as
it is: filtered reading, setpoint generator, soft landing, dead bands and dither from the tuning
run, split range, the root law of the release. What it does not have is what makes our law:
feed-forward, stiffness over pressure, compliance of the sample, an integral for each valve.

Each law works in its own units, per cent of the output per MPa of error; `Gains` are those of a
press that full opening raises by 1 MPa/s, and are scaled to each press by its tuned stiffness. They
were found by `gain_search.py` on the reference press and a few others, as were ours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from simple_pid import PID

from pressloop_bench.control.press_run import TICK_S, firmware

_FULL: Final = 100.0
# No rate of pressure reaches this, kPa/s.
_NEVER: Final = 1 << 30


@dataclass(frozen=True)
class Gains:
    """Gains of a law with output in MPa/s: kp in 1/s, ki in 1/s2, kd without unit."""

    kp: float
    ki: float
    kd: float


class Law(Protocol):
    """A PID law from MPa to per cent of the output."""

    def reset(self, measured: float) -> None:
        """Clear integral and derivative."""

    def __call__(self, setpoint: float, measured: float) -> float:
        """Return -100 (release) .. 100 (pump); called once per tick."""


class SimplePid:
    """The package simple-pid, unchanged: derivative on the measurement, clamped integral."""

    def __init__(self, kp: float, ki: float, kd: float) -> None:
        """Take gains in per cent per MPa."""
        self._pid = PID(kp, ki, kd, sample_time=None, output_limits=(-_FULL, _FULL))

    def reset(self, measured: float) -> None:
        """Clear integral and derivative."""
        self._pid.reset()

    def __call__(self, setpoint: float, measured: float) -> float:
        """Return the output."""
        self._pid.setpoint = setpoint
        return float(self._pid(measured, dt=TICK_S) or 0.0)


class KlipperControlPid:
    """Klipper's heater law (its documentation and `ControlPID`); the release is negative heat.

    A heater's derivative is smoothed over at least 2 s; a press is faster, so here it is 50 ms. The
    integral is bounded by the full output, and changes only while the output is not at its bound.
    """

    _SMOOTH_S: Final = 0.05

    def __init__(self, kp: float, ki: float, kd: float) -> None:
        """Take gains in per cent per MPa."""
        self._kp, self._ki, self._kd = kp, ki, kd
        self.reset(0.0)

    def reset(self, measured: float) -> None:
        """Clear integral and derivative."""
        self._last = measured
        self._derivative = 0.0
        self._integral = 0.0

    def __call__(self, setpoint: float, measured: float) -> float:
        """Return the output."""
        change = measured - self._last
        self._last = measured
        kept = self._SMOOTH_S - TICK_S
        self._derivative = (self._derivative * kept + change) / self._SMOOTH_S
        error = setpoint - measured
        most = _FULL / self._ki if self._ki else 0.0
        integral = max(-most, min(most, self._integral + error * TICK_S))
        wanted = self._kp * error + self._ki * integral - self._kd * self._derivative
        bounded = max(-_FULL, min(_FULL, wanted))
        if wanted == bounded:
            self._integral = integral
        return bounded


class KilnControllerPid:
    """kiln-controller's law: derivative on the error, and a window around the setpoint.

    Outside the window the output is full, up or down, and the integral is zero; inside it is a
    plain PID whose integral has no other bound. The published window is 5 F of some 2000 F; here
    it is the same share of 500 MPa, rounded up.
    """

    _WINDOW_MPA: Final = 2.0

    def __init__(self, kp: float, ki: float, kd: float) -> None:
        """Take gains in per cent per MPa."""
        self._kp, self._ki, self._kd = kp, ki, kd
        self.reset(0.0)

    def reset(self, measured: float) -> None:
        """Clear integral and derivative."""
        self._integral = 0.0
        self._last_error = 0.0

    def __call__(self, setpoint: float, measured: float) -> float:
        """Return the output."""
        error = setpoint - measured
        change = (error - self._last_error) / TICK_S
        self._last_error = error
        if abs(error) > self._WINDOW_MPA:
            self._integral = 0.0
            return _FULL if error > 0 else -_FULL
        self._integral += self._ki * error * TICK_S
        wanted = self._kp * error + self._integral + self._kd * change
        return max(-_FULL, min(_FULL, wanted))


class SmithPredictor:
    """A PI law with Smith's predictor (Chem. Eng. Prog. 53 (1957) 217), for an integrating press.

    The prediction adds what was commanded and has not acted yet, by a first-order lag, so that a
    constant load makes no offset. The press is told to it by `knows`, as a lab would tell it: by
    its tuned lag and stiffness.
    """

    def __init__(self, kp: float, ki: float, kd: float) -> None:
        """Take gains in per cent per MPa; the law has no derivative."""
        self._kp, self._ki = kp, ki
        self._follow = 1.0
        self._mpa_s = 0.0
        self.reset(0.0)

    def knows(self, lag_ticks: float, full_mpa_s: float) -> None:
        """Take the lag of the valves, and the rate of the fully open pump."""
        self._follow = 1 / (lag_ticks + 0.5)
        self._mpa_s = full_mpa_s / _FULL

    def reset(self, measured: float) -> None:
        """Clear integral and prediction."""
        self._integral = 0.0
        self._commanded = 0.0
        self._acting = 0.0
        self._pending = 0.0

    def __call__(self, setpoint: float, measured: float) -> float:
        """Return the output."""
        self._acting += (self._commanded - self._acting) * self._follow
        self._pending += (self._commanded - self._acting) * self._mpa_s * TICK_S
        error = setpoint - measured - self._pending
        wanted = self._kp * error + self._integral
        bounded = max(-_FULL, min(_FULL, wanted))
        if wanted == bounded:
            self._integral += self._ki * error * TICK_S
        self._commanded = bounded
        return bounded


LAWS: Final[dict[str, Callable[[float, float, float], Law]]] = {
    "simple-pid": SimplePid,
    "Klipper": KlipperControlPid,
    "kiln-controller": KilnControllerPid,
    "Smith predictor": SmithPredictor,
}

GAINS: Final[dict[str, Gains]] = {
    "simple-pid": Gains(27, 48, 0),
    "Klipper": Gains(23.4, 81, 0.27),
    "kiln-controller": Gains(16, 62.4, 0.152),
    "Smith predictor": Gains(16, 20.8, 0),
}
"""What `gain_search.py` found: the best of both starts. The Smith predictor has those that it found
for our law, which is the nearest to it."""


class PeerPid:
    """Adapts a law to the interface of the firmware's `Pid`."""

    def __init__(
        self,
        make: Callable[[float, float, float], Law],
        gains: Gains,
        full: float,
        lag_ticks: float = 4.0,
    ) -> None:
        """Take a law, its gains, the rate of the fully open pump, MPa/s, and the valves' lag."""
        share = _FULL / full
        # A peer's integral is its own: the tick does not lower it.
        self.asked_less = 0
        self._law = make(gains.kp * share, gains.ki * share, gains.kd * share)
        if isinstance(self._law, SmithPredictor):
            self._law.knows(lag_ticks, full)
        self._kpa_s = full * 1000 / _FULL
        # The tick passes them to the law, and reads from them whether the output was at a limit.
        self._saturated = firmware("loop.pid").SATURATED
        self.block = [0] * (self._saturated + 1)
        self._value: int = firmware("loop.setpoint").VALUE_KPA
        self._rise: int = firmware("loop.split_range").RISE_KPA_S
        self._fall: int = firmware("loop.split_range").FALL_KPA_S

    def configure(self, scaling: object) -> None:
        """Ignore the scale: the law keeps its own."""

    def ask_less(self, rate_kpa_s: int, gain: int) -> None:
        """Ignore that a reading stays above its hold."""

    def set_gains(self, kp: int, ki: int, kd: int, gain: int = 1) -> None:
        """Ignore the gains of the plan: the law keeps its own."""

    def act_through(self, releasing: bool) -> None:
        """Ignore the change of valve: the law has one integral for both."""

    def forget(self) -> None:
        """Ignore the start of a run: `restart` begins anew."""

    def restart(self, pressure_kpa: int) -> None:
        """Begin anew after the valves were driven by something else."""
        self._law.reset(pressure_kpa / 1000)

    def law(
        self,
        registers: list[int],
        setpoint: Sequence[int],
        pressure_kpa: int,
        valves: Sequence[int],
    ) -> int:
        """Return the wanted rate, kPa/s; the rate of the setpoint is not used."""
        low_kpa_s, high_kpa_s = -valves[self._fall], valves[self._rise]
        wanted = round(self._law(setpoint[self._value] / 1000, pressure_kpa / 1000) * self._kpa_s)
        registers[self._saturated] = not low_kpa_s < wanted < high_kpa_s
        return max(low_kpa_s, min(high_kpa_s, wanted))


def install_law(
    controller: Any, name: str, gains: Gains, full_mpa_s: float, lag_ticks: float = 4.0
) -> None:
    """Replace the law of a firmware controller by a peer's.

    The guards that compare pumping with the reading are switched off for it: they judge the rate
    that our law asks for, and a peer that hunts would be stopped where it should be measured.
    """
    controller.interlocks.check_volume = lambda _answer: None
    controller.interlocks.latch_standing = lambda _fault: None
    controller.leak_test.begin = lambda: None
    controller.leak_test.decide = lambda: None
    # Nor does it have the dead band that ours learns from its integral.
    _forget_tuning(controller.pump_dead_band)
    controller.take_law(PeerPid(LAWS[name], gains, full_mpa_s, lag_ticks))
    # A peer does not look at the sample: no slope is steep enough to tell of it.
    restart = controller.sample_compliance.restart
    controller.sample_compliance.restart = lambda pressure_kpa, _: restart(pressure_kpa, _NEVER)


def _forget_tuning(dead_band: Any) -> None:
    """Let the dead band of a pump stay that of the profile, also of one that comes later."""
    tuned = firmware("loop.pump_dead_band").TUNED
    configure = dead_band.configure

    def configure_untuned(profile: Any, scaling: Any) -> None:
        configure(profile, scaling)
        dead_band.registers[tuned] = 0

    dead_band.configure = configure_untuned
    dead_band.registers[tuned] = 0


def flat(profile: dict[str, Any]) -> dict[str, Any]:
    """Return a tuned profile without the compliance curve: one stiffness for all pressures."""
    return {key: value for key, value in profile.items() if key != "compliance_curve"}
