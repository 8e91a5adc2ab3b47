"""A press, as a script uses it: open, look, run a protocol, steer, attach again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Final

from pressloop._version import __version__
from pressloop.connect import EMULATED, connect_emulated, resolve_address
from pressloop.emulator.description import PressDescription
from pressloop.emulator.process import EmulatedBoard, Pacing
from pressloop.errors import (
    BadInputError,
    CommandRefusedError,
    PressloopError,
)
from pressloop.extras import needs_extra
from pressloop.machine.profile import MachineProfile, converter_of
from pressloop.plan import Plan, compile_plan
from pressloop.record import EmulatedPress, RunEnd, RunRecorder, ThinningRules
from pressloop.record.entries import header_of, refuse_ended
from pressloop.record.header import new_header
from pressloop.record.journal import JOURNAL_NAME, read_journal
from pressloop.run.prompts import Asker, ask_on_terminal
from pressloop.run.reattach import is_same_boot, reattach, truth_of
from pressloop.run.result import RunResult, html_table
from pressloop.run.run import VENT_LIMIT_S, Run
from pressloop.run.run_monitor import NOT_STARTED
from pressloop.run.upload import upload
from pressloop.sample import Sample, keep_sample, refuse_unknown_stage
from pressloop.session.reconnect import RECONNECT_TIMEOUT_S
from pressloop.session.session import Session
from pressloop.session.status import PressStatus
from pressloop.session.telemetry import TelemetryBatch
from pressloop.session.telemetry_iterator import TelemetryFeed
from pressloop.tuning.result import TuningResult
from pressloop.units import LENGTH, PRESSURE, parse
from pressloop.validation import Validation
from pressloop.validation.any_source import ProtocolSource, text_of, validate
from pressloop.wire.schema import (
    AbortRequest,
    ClearRequest,
    Fault,
    HelloReply,
    Profile,
    ProfileReadRequest,
    ProfileWriteRequest,
    StartRequest,
    State,
)

DEFAULT_THINNING: Final = ThinningRules()
"""Nothing within a quarter of an hour of any change is thinned, so short runs never are."""

_EMULATED_RELINK_S: Final = 2.0
"""An emulated board has no cable to replug: when its process is gone it is gone."""

_NO_PROFILE: Final = bytes(8)
_MINOR_WITH_LEAK: Final = 3
_HOST: Final = f"pressloop {__version__}"

_log = logging.getLogger(__name__)


class Press:
    """A press with a controller that was said hello to.

    Use it in a `with` block: leaving the block, whatever the reason, aborts a run that is still
    active, waits for the pressure to be released, and lets go of the port.

    Raises:
        LinkClosedError, BoardTimeoutError: From every method that asks the board: the link was
            lost for good, or there was no reply.
    """

    def __init__(
        self,
        place: str,
        session: Session,
        *,
        board: EmulatedBoard | None = None,
    ) -> None:
        """Use `open` or `reopen`."""
        self._place = place
        self._session = session
        self._board = board
        self._run: Run | None = None

    @classmethod
    def open(
        cls,
        port: str | None = None,
        *,
        press: PressDescription | Path | str | None = None,
        seed: int = 0,
        pacing: Pacing = "lockstep",
        speed: float = 1.0,
        reconnect_timeout_s: float = RECONNECT_TIMEOUT_S,
    ) -> Press:
        """Connect to a press.

        Args:
            port: `"emulated"` starts an emulated board and press, `"emulated:pico"` the flash image
                on an emulated chip; `"socket://host:port"`; a serial port such as `"/dev/ttyACM0"`
                or `"COM5"`; a USB serial number; None finds the one board that is plugged in.
            press: The press to emulate, or the path of its description.
            seed: Of everything random in the emulated press.
            pacing: `"lockstep"` lets virtual time pass as fast as this program follows, `"real"`
                at wall-clock pace.
            speed: With `"real"`: how many times faster than the wall clock.
            reconnect_timeout_s: How long a lost link is tried again.

        Raises:
            NoBoardError: There is no board.
            AmbiguousPortError: Several boards are plugged in and none was named.
            PortBusyError: Another program has the port, or you may not open it.
            BoardTimeoutError: Something is there, but it does not speak the protocol.
            VersionMismatchError: The firmware is of another major version.
            EmulatorError: The emulated board could not be started; `no-image` if there is no flash
                image to start it with.
            BadInputError: The port or the description of the press is malformed.
        """
        if port in EMULATED:
            board = EMULATED[port](press, seed=seed, pacing=pacing, speed=speed).start()
            try:
                return cls._on_emulated(board)
            except BaseException:
                board.stop()
                raise
        if press is not None:
            raise BadInputError(
                f"the press description is for the emulated press, the port is {port!r}",
                hint='use the port "emulated" or "emulated:pico", or leave out the description',
            )
        place = resolve_address(port)
        session = Session(place.connect, host=_HOST, reconnect_timeout_s=reconnect_timeout_s)
        return cls(place.name, session)

    @classmethod
    def reopen(cls, record_dir: str | Path, *, port: str | None = None) -> Press:
        """Connect to the press of a record, to `attach` to its run.

        Args:
            record_dir: Of a run that was being recorded when its program ended.
            port: Where the board is now, if not where the record says.

        Raises:
            RecordError: There is no readable record, or its run has ended.
            PressloopError: As from `open`.
        """
        path = Path(record_dir) / JOURNAL_NAME
        contents = read_journal(path)
        refuse_ended(contents, path.parent)
        return cls.open(port or header_of(contents, path).port)

    @classmethod
    def _on_emulated(cls, board: EmulatedBoard) -> Press:
        session = Session(
            lambda: connect_emulated(board), host=_HOST, reconnect_timeout_s=_EMULATED_RELINK_S
        )
        try:
            if session.hello.profile_hash == _NO_PROFILE:
                session.request(ProfileWriteRequest(**board.press.nominal_profile()))
        except BaseException:
            session.close()
            raise
        return cls(board.url, session, board=board)

    # --- looking

    @property
    def hello(self) -> HelloReply:
        """What the board said of itself: versions, identity, capabilities, boot, simulated."""
        return self._session.hello

    @property
    def session(self) -> Session:
        """The conversation underneath, for requests that this class does not offer."""
        return self._session

    @property
    def board(self) -> EmulatedBoard | None:
        """The emulated board, if this program started one."""
        return self._board

    @property
    def console(self) -> list[str]:
        """What the board printed outside frames, as lines: its tracebacks, for one."""
        return self._session.console

    def status(self) -> PressStatus:
        """Ask the board what it is doing."""
        return PressStatus.from_wire(self._session.status())

    def telemetry(self) -> Iterator[TelemetryBatch]:
        """Iterate over batches of telemetry from now on, with or without a run."""
        with TelemetryFeed(self._session) as feed:
            yield from feed

    def profile(self) -> MachineProfile:
        """Read the machine profile.

        Raises:
            CommandRefusedError: `no-profile`.
        """
        return self._profile_of(self._session.request(ProfileReadRequest()))

    def write_profile(self, profile: MachineProfile) -> None:
        """Store a machine profile on the board. Only at rest.

        Firmware that speaks wire protocol 1.2 or older knows no leak and no fraction of a count:
        they are left out there, and what the board then reports is a profile without them.

        Raises:
            CommandRefusedError: `bad-state`, `profile-invalid` or `storage`.
        """
        wire = profile.to_wire()
        if self.hello.minor < _MINOR_WITH_LEAK:
            wire = replace(
                wire, leak_nl_min=None, leak_uncertainty_nl_min=None, raw_zero_fraction=None
            )
        values = {field.name: getattr(wire, field.name) for field in wire.FIELDS}
        self._session.request(ProfileWriteRequest(**values))

    # --- running

    def validate(self, protocol: ProtocolSource) -> Validation:
        """Check a protocol against this press's own profile.

        Raises:
            CommandRefusedError: `no-profile`.
            BadInputError: The protocol is a file that cannot be read. Mistakes in it are findings.
        """
        return validate(protocol, self.profile())

    def run(
        self,
        protocol: ProtocolSource,
        *,
        out: str | Path,
        on_prompt: Asker = ask_on_terminal,
        on_status: Callable[[PressStatus], None] | None = None,
        overwrite: bool = False,
        thinning: ThinningRules | None = DEFAULT_THINNING,
        sample: Sample | None = None,
    ) -> RunResult:
        """Run a protocol to its end and return the result.

        Prompts are put by `on_prompt` in the calling thread. Ctrl-C, and any exception of a
        callback, aborts the press, waits until it is at rest, completes the record, and is raised.

        Args:
            protocol: What to run; checked against the press's own profile first.
            out: Folder of the record; made if need be.
            on_prompt: Asks the operator.
            on_status: Called a few times a second with what the press is doing.
            overwrite: Replace a record that is in the folder.
            thinning: How long quiet stretches are summed up; None keeps every record (8 MB an
                hour). No measure changes by it.
            sample: What lies in the die; can also be said later: `pressloop sample`.

        Returns:
            The result, also when the run did not complete: see `RunResult.end_reason`.

        Raises:
            BadInputError: The protocol has mistakes, or the board refused it.
            CommandRefusedError: The press is not ready: fault, guard, emergency stop, pressure.
            RecordError: The folder holds a record.
            VersionMismatchError: The firmware is too old for what the protocol asks for.
            LinkClosedError: The link was lost for good; the run goes on as the protocol says.
        """
        before = self._run
        try:
            run = self.start(
                protocol,
                out=out,
                on_prompt=None,
                on_status=on_status,
                overwrite=overwrite,
                thinning=thinning,
                sample=sample,
            )
            run.answer_prompts(on_prompt)
        except BaseException as error:
            if self._run is not None and self._run is not before:
                self._abort_and_finish(self._run, _abort_reason(error))
            raise
        return run.result()

    def start(
        self,
        protocol: ProtocolSource,
        *,
        out: str | Path,
        on_prompt: Asker | None = None,
        on_status: Callable[[PressStatus], None] | None = None,
        overwrite: bool = False,
        thinning: ThinningRules | None = DEFAULT_THINNING,
        sample: Sample | None = None,
    ) -> Run:
        """Start a protocol and return at once, for notebooks and for scripts that steer.

        Prompts are put by `on_prompt` in a thread of its own; without it, they wait for
        `Run.confirm`. Arguments and errors are those of `run`.
        """
        wire_profile = self._session.request(ProfileReadRequest())
        profile = self._profile_of(wire_profile)
        validation = validate(protocol, profile)
        plan = compile_plan(validation.checked(), profile)
        self.upload(plan, validation)
        header = new_header(
            plan,
            self.hello,
            wire_profile,
            profile=profile,
            protocol_text=text_of(protocol),
            port=self._place,
            emulated_press=self._emulated_press(plan.begin.die_um / 1000),
            thinning=thinning,
        )
        refuse_unknown_stage(sample, header.pressing_stages)
        truth = self._board.truth_path if self._board is not None else None
        recorder = RunRecorder.create(out, header, overwrite=overwrite, truth=truth)
        keep_sample(Path(out), sample)
        if truth is not None:
            recorder.event("note", text="true state of the emulated press", truth=str(truth))
        run = Run(self._session, recorder, ask=on_prompt, on_status=on_status)
        self._session.in_order(lambda: self._start(run, recorder))
        return run

    def attach(
        self,
        record_dir: str | Path,
        *,
        on_prompt: Asker | None = None,
        on_status: Callable[[PressStatus], None] | None = None,
    ) -> Run:
        """Go on with a run whose program ended: fill the hole in its telemetry, record on.

        Nothing moves for it. A board that paused because its host was lost stays paused until
        `Run.resume`. A run that ended meanwhile is recorded to its end; if the board restarted,
        the record says so.

        Raises:
            RecordError: No such record, it has ended, it is being recorded, or the board is
                another one or has begun another run.
        """
        path = Path(record_dir) / JOURNAL_NAME
        contents = read_journal(path)
        header = header_of(contents, path)
        goes_on = is_same_boot(self._session, header)
        recorder = RunRecorder.reopen(record_dir, truth=truth_of(contents))
        run = Run(self._session, recorder, ask=on_prompt, on_status=on_status)
        self._run = run
        if goes_on:
            self._session.in_order(lambda: reattach(self._session, run, recorder, contents))
        else:
            run.follower.on_relink(restarted=True)
        return run

    def tune(
        self,
        limit: str,
        die: str = "10 mm",
        *,
        out: str | Path,
        on_status: Callable[[PressStatus], None] | None = None,
    ) -> TuningResult:
        """Learn the press from three runs on a steel blank, and store the profile that was found.

        A hardened steel blank must be in the die and the guard closed before the call: the press
        moves at once. The runs take five to ten minutes on a real press. If one of them fails or
        shows nonsense, the profile from before is written back and the error is raised. After a
        fault the board refuses it and keeps the profile of the last run; a log entry says so.
        docs/tuning.md says what is learned and how certain it is.

        Args:
            limit: Highest pressure on the blank, such as `"400 MPa"`. The ceiling of the runs is a
                tenth higher.
            die: Diameter of the die that holds the blank.
            out: Folder of the records, one folder in it for each run; new or empty.
            on_status: Called a few times a second with what the press is doing.

        Returns:
            The profiles before and after, and what the runs showed.

        Raises:
            BadInputError: `tuning-nonsense`: the runs show no press that this controller could
                drive; the message names the implausible number. `unknown-die`, `over-limit`,
                `contact-pressure`: the press cannot do it. Also if a run did not complete.
            UnitError: `limit` or `die` is no quantity.
            RecordError: `out` is not empty.
            CommandRefusedError: The press is not ready: fault, guard, emergency stop, pressure; or
                there is no profile to start from.
            PressloopError: `missing-extra`: tuning needs `pressloop[data]`.
        """
        with needs_extra("data"):
            from pressloop.tuning.runner import TuningRunner
        runner = TuningRunner(
            self.run,
            self.write_profile,
            Path(out),
            die_um=round(parse(die, LENGTH).value),
            limit_kpa=round(parse(limit, PRESSURE).value),
            on_status=on_status,
        )
        return runner.tune(self.profile())

    def upload(self, plan: Plan, validation: Validation | None = None) -> None:
        """Send a plan to the board without starting it.

        Raises:
            BadInputError: The board refused the plan; the finding says where.
            CommandRefusedError: The board takes no plan now.
            VersionMismatchError: The firmware is too old for what the plan asks for.
        """
        upload(self._session, plan, None if validation is None else validation.marks)

    def abort(self) -> None:
        """End whatever run is active: release at its vent rate."""
        with suppress(CommandRefusedError):
            if self._session.status().state not in (State.IDLE, State.FAULT, State.VENTING):
                self._session.request(AbortRequest())

    def clear_fault(self) -> Fault:
        """Clear the latched fault.

        Returns:
            The fault that was latched, `Fault.NONE` without.

        Raises:
            CommandRefusedError: Its cause is still there.
        """
        fault = self._session.status().fault
        if fault is not Fault.NONE:
            self._session.request(ClearRequest(fault))
        return fault

    # --- the end

    def close(self) -> None:
        """Leave the press safe and let go of it.

        An active run is aborted and waited for, unless it was detached. An emulated board that
        this program started is stopped.

        Raises:
            PressloopError: The press could not be brought to rest.
        """
        run, self._run = self._run, None
        detached = run is not None and run.detached
        try:
            if run is not None and not detached:
                self._abort_and_finish(run, "the press was closed")
        finally:
            self._session.close()
            if self._board is not None and not detached:
                self._board.stop()

    def __enter__(self) -> Press:
        """Use in a `with` block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close; an error that is already on its way is not replaced."""
        try:
            self.close()
        except PressloopError as problem:
            if error is None:
                raise
            _log.error("%s", problem)

    def _abort_and_finish(self, run: Run, by: str) -> None:
        """Bring an active run to its end, and complete its record."""
        if run.is_active and not run.abort_and_wait(by):
            raise PressloopError(
                f"the press is not at rest {2 * VENT_LIMIT_S:g} s after the abort",
                hint="look at the gauge; use the emergency stop, or release by hand",
                code="not-at-rest",
            )
        if run.has_ended:
            # Whoever waited for the result has had its errors; here the record matters.
            with suppress(Exception):
                run.result(0)

    def _start(self, run: Run, recorder: RunRecorder) -> None:
        """Start the committed plan. In the dispatcher thread, so that no record is missed."""
        self._session.start_stream()
        self._run = run
        try:
            reply = self._session.request(StartRequest(run.run_id))
        except CommandRefusedError as refusal:
            self._run = None
            recorder.close(RunEnd(end_reason=NOT_STARTED, note=refusal.message))
            raise
        except BaseException:
            # Whether it started is unknown: `attach` can find out.
            self._run = None
            recorder.close()
            raise
        recorder.started(reply.run_first, reply.tick)
        run.begin(reply.run_first, reply.tick)

    def _profile_of(self, wire: Profile) -> MachineProfile:
        profile = MachineProfile.from_wire(wire)
        return profile.model_copy(update={"converter": converter_of(self.hello.python)})

    def _emulated_press(self, die_mm: float) -> EmulatedPress | None:
        if self._board is None:
            return None
        # The emulated board puts in the die that the plan names.
        press = self._board.press.model_copy(update={"die_mm": die_mm})
        description = press.model_dump(mode="json")
        return EmulatedPress(description=description, seed=self._board.seed)

    def __repr__(self) -> str:
        """Board and place in one line."""
        simulated = ", simulated" if self.hello.simulated else ""
        return f"<Press on {self.hello.board} at {self._session.url}{simulated}>"

    def _repr_html_(self) -> str:
        hello = self.hello
        return html_table(
            [
                ("board", hello.board),
                ("at", self._session.url),
                ("firmware", f"{hello.firmware} (build {hello.build})"),
                ("simulated", "yes, no real press" if hello.simulated else "no"),
            ]
        )


def _abort_reason(error: BaseException) -> str:
    return "operator (Ctrl-C)" if isinstance(error, KeyboardInterrupt) else repr(error)
