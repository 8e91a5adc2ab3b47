"""Keeps which sequence numbers a record holds, and finds those that are missing."""

from __future__ import annotations

from bisect import bisect_left, bisect_right


class SequenceRanges:
    """A set of sequence numbers as disjoint, ascending, inclusive ranges."""

    def __init__(self) -> None:
        """Start empty."""
        self._firsts: list[int] = []
        self._lasts: list[int] = []

    def add(self, first: int, count: int) -> None:
        """Add `count` numbers from `first` on; ranges that touch or overlap become one."""
        if count <= 0:
            return
        last = first + count - 1
        # Every range from `low` to `high - 1` touches the new one.
        low = bisect_left(self._lasts, first - 1)
        high = bisect_right(self._firsts, last + 1)
        if low < high:
            first = min(first, self._firsts[low])
            last = max(last, self._lasts[high - 1])
        self._firsts[low:high] = [first]
        self._lasts[low:high] = [last]

    def ranges(self) -> list[tuple[int, int]]:
        """Return all ranges as (first, last), ascending."""
        return list(zip(self._firsts, self._lasts, strict=True))

    def gaps(self, first: int, stop: int) -> list[tuple[int, int]]:
        """Return the missing ranges as (first, last) among `first` .. `stop - 1`."""
        gaps = []
        index = bisect_left(self._lasts, first)
        while first < stop:
            if index == len(self._firsts) or self._firsts[index] >= stop:
                gaps.append((first, stop - 1))
                break
            if self._firsts[index] > first:
                gaps.append((first, self._firsts[index] - 1))
            first = self._lasts[index] + 1
            index += 1
        return gaps
