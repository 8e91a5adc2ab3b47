"""Tracks which telemetry records have arrived and which are missing."""

from __future__ import annotations


class SequenceTracker:
    """Tracks which sequence numbers have arrived, and which exist but are still missing.

    Sequence numbers are contiguous on the board, so a jump means missing records. Duplicates and
    late batches are recognised in any order. The gaps are few and short; they are kept as half-open
    ranges, ascending.
    """

    def __init__(self, first: int) -> None:
        """Expect records from `first` on."""
        self.next = first
        self._missing: list[range] = []

    @property
    def missing(self) -> list[range]:
        """Missing sequence numbers, ascending."""
        return list(self._missing)

    def expect(self, stop: int) -> None:
        """Note that all records below `stop` exist."""
        if stop > self.next:
            self._missing.append(range(self.next, stop))
            self.next = stop

    def request(self, missing: range) -> None:
        """Note records below `next` as missing that were not expected until now."""
        overlapping = [gap for gap in self._missing if _overlap(gap, missing)]
        for gap in overlapping:
            self._missing.remove(gap)
            missing = range(min(gap.start, missing.start), max(gap.stop, missing.stop))
        if missing:
            self._missing.append(missing)
            self._missing.sort(key=lambda gap: gap.start)

    def mark_received(self, first: int, count: int) -> list[range]:
        """Note that `count` records arrived, beginning with number `first`.

        Returns:
            The numbers of those that had not arrived before.
        """
        self.expect(first)
        stop = first + count
        fresh = self._remove(range(first, stop))
        if stop > self.next:
            start = max(self.next, first)
            fresh.append(range(start, stop))
            self.next = stop
        return fresh

    def mark_lost(self, oldest: int) -> list[range]:
        """Note that the board no longer holds records below `oldest`.

        Returns:
            The missing records that are lost for good.
        """
        return self._remove(range(oldest))

    def _remove(self, arrived: range) -> list[range]:
        removed = []
        remaining = []
        for gap in self._missing:
            inside = _overlap(gap, arrived)
            if not inside:
                remaining.append(gap)
                continue
            removed.append(inside)
            parts = (range(gap.start, inside.start), range(inside.stop, gap.stop))
            remaining.extend(part for part in parts if part)
        self._missing = remaining
        return removed


def _overlap(one: range, other: range) -> range:
    return range(max(one.start, other.start), min(one.stop, other.stop))
