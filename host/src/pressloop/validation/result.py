"""Define the result of checking a protocol for a press."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from pressloop.errors import BadInputError
from pressloop.findings import Finding
from pressloop.machine.calibration import CalibrationStatus
from pressloop.machine.channels import ChannelComparison
from pressloop.protocol import Protocol
from pressloop.validation.any_source import LoadedProtocol
from pressloop.yaml import SourceMap


@dataclass(frozen=True)
class Validation:
    """The result of checking a protocol for a press."""

    source: LoadedProtocol
    """The protocol as it was given, read once."""
    protocol: Protocol | None
    """The protocol; None if there are errors."""
    findings: tuple[Finding, ...]
    """All findings, in the order of the text."""
    comparison: ChannelComparison | None = None
    """What the board allows the two pressure channels to differ by; None on a single-channel press
    and where the die is not known."""
    calibration: CalibrationStatus | None = None
    """How the press was calibrated, as seen on the day of the check."""

    @property
    def marks(self) -> SourceMap:
        """Position of each key in the text, for a later refusal by the board."""
        return self.source.draft.marks

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that prevent the run."""
        return tuple(f for f in self.findings if f.severity == "error")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """The findings that do not prevent the run."""
        return tuple(f for f in self.findings if f.severity == "warning")

    def checked(self) -> Protocol:
        """Return the protocol if it can be run.

        Raises:
            BadInputError: There are errors; `findings` lists them.
        """
        if self.protocol is None:
            raise BadInputError(
                f"{self.source.name} cannot be run on this press",
                hint="correct the findings; docs/protocol-file.md explains every key and code",
                findings=self.errors,
            )
        return self.protocol

    def _channels(self) -> dict[str, Any] | None:
        """Return the comparison of the channels, MPa, for JSON; None where it is not known."""
        if self.comparison is None:
            return None
        comparison = self.comparison
        return {
            "allowed_mpa": comparison.allowed_kpa(0) / 1000,
            "allowed_percent": 2,
            "first_error_mpa": comparison.first_error_kpa / 1000,
            "second_error_mpa": comparison.second_error_kpa / 1000,
            "noise_mpa": comparison.noise_kpa / 1000,
            "lag_s": comparison.lag_s,
        }

    def as_dict(self) -> dict[str, Any]:
        """Return the result as plain data, for JSON."""
        return {
            "source": self.source.name,
            "valid": self.protocol is not None,
            "channels": self._channels(),
            "calibration": None if self.calibration is None else asdict(self.calibration),
            "findings": [finding.as_dict() for finding in self.findings],
        }
