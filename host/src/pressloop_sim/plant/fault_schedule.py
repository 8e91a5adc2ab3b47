"""Injects the faults of a run into a press, each when its time has come."""

from pressloop_sim.plant.fault_kinds import KINDS, ScheduledFault

_TICK_HZ = 100
_NEVER = 1 << 60


class FaultTarget:
    """What the faults of one group act on; a module per group has the subclasses."""

    def inject(self, kind: str, value: float) -> None:
        """Break the part as `kind` says, from now on.

        Raises:
            ValueError: This press has no such part.
        """
        raise NotImplementedError

    def check(self, kind: str) -> None:
        """Raise a ValueError if this press lacks the part that a kind breaks."""


class FaultSchedule:
    """Keeps the faults of a run in order of time; `step` injects those that are due.

    `due_tick` is when the next one is due, in ticks since the start of the run. A loop compares it
    and calls `step` only then. `injected` lists what was injected: ticks since the start of the run
    (-1 before the first run) and the fault. Faults stay: a part that is broken is not repaired by
    the next run.
    """

    def __init__(self, targets: "dict[str, FaultTarget]") -> None:
        """Take what the faults act on, by the group of their kinds."""
        self._targets = targets
        self._waiting: list[ScheduledFault] = []
        self.injected: list[tuple[int, ScheduledFault]] = []
        self.due_tick = _NEVER

    def load(self, faults: "list[ScheduledFault]") -> None:
        """Replace the faults that wait, for the run that comes next.

        Raises:
            ValueError: One of them cannot be injected on this press; all are refused.
        """
        for fault in faults:
            self._target(fault).check(fault.kind.name)
        self._waiting = sorted(faults, key=_tick)
        self.injected = []
        self._note_due()

    def add(self, fault: ScheduledFault, elapsed_ticks: int) -> None:
        """Inject a fault at once if it has no time, else put it among those that wait.

        Raises:
            ValueError: It cannot be injected on this press.
        """
        target = self._target(fault)
        target.check(fault.kind.name)
        if fault.at_s is None:
            self._inject(fault, elapsed_ticks)
        else:
            self._waiting = sorted(self._waiting + [fault], key=_tick)
            self._note_due()

    def step(self, elapsed_ticks: int) -> None:
        """Inject what is due `elapsed_ticks` after the start of the run."""
        while self._waiting and _tick(self._waiting[0]) <= elapsed_ticks:
            self._inject(self._waiting.pop(0), elapsed_ticks)
        self._note_due()

    def _inject(self, fault: ScheduledFault, elapsed_ticks: int) -> None:
        self._target(fault).inject(fault.kind.name, fault.value)
        self.injected.append((elapsed_ticks, fault))

    def _target(self, fault: ScheduledFault) -> FaultTarget:
        target = self._targets.get(fault.kind.group)
        if target is None:
            raise ValueError(
                fault.kind.name
                + " cannot be injected here; kinds: "
                + ", ".join(kind.form for kind in KINDS if kind.group in self._targets)
            )
        return target

    def _note_due(self) -> None:
        self.due_tick = _tick(self._waiting[0]) if self._waiting else _NEVER


def _tick(fault: ScheduledFault) -> int:
    """Return when a fault is due, in whole ticks."""
    return int((fault.at_s or 0.0) * _TICK_HZ + 0.5)
