"""Hold a protocol and a press for the checks, and collect their findings."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pressloop.findings import Finding, KeyPath, Severity
from pressloop.machine.die_limits import DieLimits
from pressloop.machine.profile import MachineProfile
from pressloop.plan.compile import bore_or_die_um
from pressloop.protocol import Protocol
from pressloop.protocol.loading import Draft
from pressloop.units import PRESSURE_RATE, force_text, format_quantity, pressure_text
from pressloop.wire.schema import PlanStepRequest

# Largest values that messages to the board can contain, whatever the press.
_WIRE_RATE_KPA_S: Final = PlanStepRequest.range_of("rate_kpa_s")[1]
_WIRE_PRESSURE_KPA: Final = PlanStepRequest.range_of("target_kpa")[1]


class Context:
    """Input of the checks, and collection of their findings.

    Attributes:
        protocol: The protocol, with stand-ins at unreliable places.
        profile: Profile of the press.
        marks: Position of each key in the text.
        die_um: Diameter that the board computes with, um: of the die, or of a vessel's bore.
        limits: Limits of the press with the die, within the range of messages; None: the die is
            unknown.
        ceiling_kpa: Ceiling on the pellet, kPa; None: unknown.
        findings: The findings so far.
    """

    def __init__(self, draft: Draft, protocol: Protocol, profile: MachineProfile) -> None:
        self.protocol = protocol
        self.profile = profile
        self.marks = draft.marks
        self.die_um = bore_or_die_um(protocol, profile)
        self.limits = None if draft.is_unreliable(("die",)) else _wire_limits(profile, self.die_um)
        self.ceiling_kpa = None if draft.is_unreliable(("ceiling",)) else protocol.ceiling_kpa
        self.findings: list[Finding] = []
        self._draft = draft
        self._said: set[tuple[str, KeyPath]] = set()

    def is_unreliable(self, path: KeyPath) -> bool:
        """Return whether a place has a stand-in for what could not be understood."""
        return self._draft.is_unreliable(path)

    def pressure(self, kpa: int) -> str:
        """Return a pressure for a message, with the force beside it where the die is known."""
        if self.limits is None:
            return pressure_text(kpa, None)
        if self.protocol.is_isostatic and kpa:
            return f"{pressure_text(kpa, None)} ({force_text(kpa, self.die_um)} on the lid)"
        return pressure_text(kpa, self.protocol.die_um or None)

    @staticmethod
    def rate(kpa_s: int) -> str:
        """Return a rate for a message."""
        return format_quantity(kpa_s, PRESSURE_RATE)

    @property
    def with_die(self) -> str:
        """The die as a part of a sentence: `with a 10 mm die`, or `in the vessel`."""
        return "in the vessel" if self.protocol.is_isostatic else f"with a {self.protocol.die} die"

    def error(self, code: str, path: KeyPath, message: str, hint: str) -> None:
        """Report a mistake that prevents the run."""
        self._report("error", code, path, message, hint)

    def warn(self, code: str, path: KeyPath, message: str, hint: str) -> None:
        """Report a value that is allowed but probably not intended."""
        self._report("warning", code, path, message, hint)

    def _report(
        self, severity: Severity, code: str, path: KeyPath, message: str, hint: str
    ) -> None:
        """Report a finding once for each place, even if several passes have it."""
        if self.is_unreliable(path) or (code, path) in self._said:
            return
        self._said.add((code, path))
        self.findings.append(self.marks.finding(severity, code, path, message, hint))


def _wire_limits(profile: MachineProfile, die_um: int) -> DieLimits:
    """Return the limits of a press with a die, within the range of messages to the board."""
    limits = profile.limits(die_um)
    return replace(
        limits,
        pellet_limit_kpa=min(limits.pellet_limit_kpa, _WIRE_PRESSURE_KPA),
        fastest_rise_kpa_s=min(limits.fastest_rise_kpa_s, _WIRE_RATE_KPA_S),
        fastest_fall_kpa_s=min(limits.fastest_fall_kpa_s, _WIRE_RATE_KPA_S),
    )
