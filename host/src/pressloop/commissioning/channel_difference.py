"""Notes by how much the two pressure channels differ in a run."""

from __future__ import annotations

from pressloop.session.status import PressStatus


class ChannelDifference:
    """The largest difference of the channels above half of the target."""

    def __init__(self, target_mpa: float) -> None:
        """Note nothing yet."""
        self._above_mpa = target_mpa / 2
        self._differences: list[float] = []

    def look(self, status: PressStatus) -> None:
        """Note the difference in a status; a press with one channel has none."""
        if status.second_mpa is not None and status.pressure_mpa > self._above_mpa:
            self._differences.append(abs(status.second_mpa - status.pressure_mpa))

    def measured(self) -> dict[str, float | str]:
        """Return the largest difference for the report; nothing if none was noted."""
        if not self._differences:
            return {}
        return {"channels_differ_mpa": round(max(self._differences), 3)}
