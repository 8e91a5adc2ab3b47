"""Compute by how much the two pressure channels of a press may differ.

The second channel is a transducer on another converter. It bounds the pressure and does not verify
it: the board trips when the channels differ by more than their stated errors, the friction between
them and their noise explain, or by more than 2 % of the reading, whichever is larger. While the
pressure moves fast, the difference of their lags explains some more. The integer formulas are those
of the board (`pressloop_fw/loop/second_transducer.py`); docs/second-channel.md derives them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from pressloop.machine.profile import MachineProfile

LAG_MS: Final = 30
"""Difference of the channels' lags that the board assumes if the profile has none, ms."""

NOISE_PPM: Final = 1000
"""Noise of a reading that the board assumes if the profile has none, ppm of full scale."""

_SIGMAS: Final = 6
_READINGS_PER_MEAN: Final = 4
_SHARE_Q11: Final = 41


@dataclass(frozen=True)
class ChannelComparison:
    """What the board allows two channels to differ by, on one die; pressures are on the pellet.

    Attributes:
        first_error_kpa: Stated error of the first channel, kPa.
        second_error_kpa: Stated error of the second channel, kPa.
        noise_kpa: Six standard deviations of the difference of two means of four readings, kPa.
        friction_q11: Friction between the channels, 1/2048 of the reading.
        lag_s: By how much the lags of the channels may differ, s.
    """

    first_error_kpa: int
    second_error_kpa: int
    noise_kpa: int
    friction_q11: int
    lag_s: float

    @classmethod
    def of(cls, profile: MachineProfile, die_um: int) -> ChannelComparison | None:
        """Return the comparison of a press with a die; None on a single-channel press."""
        if profile.single_channel:
            return None
        wire, limits = profile.to_wire(), profile.limits(die_um)
        second_oil_kpa, accuracy_ppm = wire.second_full_scale_oil_kpa, wire.second_accuracy_ppm
        if second_oil_kpa is None or accuracy_ppm is None:
            return None
        full_kpa = wire.full_scale_oil_kpa * limits.ratio_q10 // 1024
        second_full_kpa = second_oil_kpa * limits.ratio_q10 // 1024
        noise_ppm = NOISE_PPM if wire.channel_noise_ppm is None else wire.channel_noise_ppm
        noise = full_kpa * noise_ppm // 1_000_000
        second_noise = second_full_kpa * noise_ppm // 1_000_000
        lag_ms = LAG_MS if wire.channel_lag_ms is None else wire.channel_lag_ms
        sigma_kpa = math.isqrt(noise**2 + second_noise**2)
        return cls(
            first_error_kpa=limits.resolution_kpa,
            second_error_kpa=second_full_kpa * accuracy_ppm // 1_000_000,
            noise_kpa=_SIGMAS * sigma_kpa // math.isqrt(_READINGS_PER_MEAN),
            friction_q11=-(-(wire.channel_friction_ppm or 0) * 2048 // 1_000_000),
            lag_s=lag_ms / 1000,
        )

    def allowed_kpa(self, pressure_kpa: int, rate_kpa_s: float = 0.0) -> int:
        """Return the difference that is explained at a pressure, at rest or in a movement, kPa.

        One of the six standard deviations of the noise is enough for the lags in a slow movement:
        the board trips on three means in a row, which are as unlikely beyond the other five.
        """
        errors = self.first_error_kpa + self.second_error_kpa + self.noise_kpa
        friction = pressure_kpa * self.friction_q11 >> 11
        lag = max(0, round(rate_kpa_s * self.lag_s) - self.noise_kpa // _SIGMAS)
        return max(errors + friction + lag, pressure_kpa * _SHARE_Q11 >> 11)
