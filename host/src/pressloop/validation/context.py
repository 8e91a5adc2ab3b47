"""Hold a protocol and a press for the checks, and collect their findings."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pressloop.findings import Finding, KeyPath, Severity
from pressloop.machine.die_limits import DieLimits
from pressloop.machine.profile import MachineProfile
from pressloop.protocol import Protocol
from pressloop.protocol.loading import Draft
from pressloop.units import pressure_text
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
        limits: Limits of the press with the die, within the range of messages; None: the die is
            unknown.
        ceiling_kpa: Ceiling on the pellet, kPa; None: unknown.
        findings: The findings so far.
    """

    def __init__(self, draft: Draft, protocol: Protocol, profile: MachineProfile) -> None:
        self.protocol = protocol
        self.profile = profile
        self.marks = draft.marks
        self.limits = (
            None if draft.is_unreliable(("die",)) else _wire_limits(profile, protocol.die_um)
        )
        self.ceiling_kpa = None if draft.is_unreliable(("ceiling",)) else protocol.ceiling_kpa
        self.findings: list[Finding] = []
        self._draft = draft
        self._said: set[tuple[str, KeyPath]] = set()

    def is_unreliable(self, path: KeyPath) -> bool:
        """Return whether a place has a stand-in for what could not be understood."""
        return self._draft.is_unreliable(path)

    def pressure(self, kpa: int) -> str:
        """Return a pressure for a message, with the force beside it where the die is known."""
        return pressure_text(kpa, None if self.limits is None else self.protocol.die_um)

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
