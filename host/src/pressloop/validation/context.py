"""A protocol on a press: what is known of both, and what there is to say."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pressloop.findings import Finding, KeyPath, Severity
from pressloop.machine.profile import DieLimits, MachineProfile
from pressloop.protocol import Protocol
from pressloop.protocol.loading import Draft
from pressloop.wire.schema import PlanStepRequest

# No press is faster or stronger in the messages to the board.
_WIRE_RATE_KPA_S: Final = PlanStepRequest.range_of("rate_kpa_s")[1]
_WIRE_PRESSURE_KPA: Final = PlanStepRequest.range_of("target_kpa")[1]


class Context:
    """What the checks look at, and where they report.

    Attributes:
        protocol: With stand-ins at unreliable places.
        profile: The press.
        marks: Where each key stands in the text.
        limits: What the press can do with the die, within what messages can say; None: which die
            is meant is unknown, and nothing follows from it.
        ceiling_kpa: kPa on the pellet; None: unknown.
        findings: What has been reported.
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
        """Whether a place holds a stand-in for what could not be understood."""
        return self._draft.is_unreliable(path)

    def error(self, code: str, path: KeyPath, message: str, hint: str) -> None:
        """Report what keeps the protocol from being run."""
        self._report("error", code, path, message, hint)

    def warn(self, code: str, path: KeyPath, message: str, hint: str) -> None:
        """Report what is worth a second look."""
        self._report("warning", code, path, message, hint)

    def _report(
        self, severity: Severity, code: str, path: KeyPath, message: str, hint: str
    ) -> None:
        """Report once per place, however many passes meet it."""
        if self.is_unreliable(path) or (code, path) in self._said:
            return
        self._said.add((code, path))
        self.findings.append(self.marks.finding(severity, code, path, message, hint))


def _wire_limits(profile: MachineProfile, die_um: int) -> DieLimits:
    limits = profile.limits(die_um)
    return replace(
        limits,
        pellet_limit_kpa=min(limits.pellet_limit_kpa, _WIRE_PRESSURE_KPA),
        fastest_rise_kpa_s=min(limits.fastest_rise_kpa_s, _WIRE_RATE_KPA_S),
        fastest_fall_kpa_s=min(limits.fastest_fall_kpa_s, _WIRE_RATE_KPA_S),
    )
