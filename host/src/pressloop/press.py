"""The press as a script uses it: open, look, run a protocol, attach to a run."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final

from pressloop._version import __version__
from pressloop.arguments import (
    callable_argument,
    path_argument,
    real_number,
    require_callables,
    require_instance,
    whole_number,
)
from pressloop.connect import EMULATED, open_emulated_session, open_session, resolve_address
from pressloop.emulator.description import PressDescription
from pressloop.emulator.faults import read_faults
from pressloop.emulator.process import EmulatedBoard, Pacing
from pressloop.errors import (
    BadInputError,
    CommandRefusedError,
    PressloopError,
    RecordError,
)
from pressloop.extras import needs_extra
from pressloop.machine.profile import MachineProfile
from pressloop.machine.reported_profile import reported_profile
from pressloop.plan import Plan
from pressloop.record import ThinningRules
from pressloop.record.entries import header_of, refuse_ended
from pressloop.record.journal import JOURNAL_NAME, read_journal
from pressloop.record.model import ContinuedRun
from pressloop.run.active_runs import refuse_owned
from pressloop.run.die import die_is_confirmed
from pressloop.run.prompts import Asker
from pressloop.run.reattach import reattach, reopen_run
from pressloop.run.remote_control import RemoteControl
from pressloop.run.result import RunResult, html_table
from pressloop.run.run import Run
from pressloop.run.start import prepare_run, start_run
from pressloop.run.terminal import ask_on_terminal, refuse_unasked
from pressloop.run.upload import upload
from pressloop.sample import Sample
from pressloop.session.board_journal import BoardRecord, read_board_journal
from pressloop.session.interrupted_run import InterruptedRun, ask_interrupted_run
from pressloop.session.reconnect import RECONNECT_TIMEOUT_S
from pressloop.session.session import Session
from pressloop.session.status import PressStatus
from pressloop.session.telemetry import TelemetryBatch
from pressloop.session.telemetry_iterator import TelemetryIterator
from pressloop.tuning.result import TuningResult
from pressloop.units import (
    FORCE,
    LENGTH,
    PRESSURE,
    as_pressure,
)
from pressloop.units.argument import quantity_argument
from pressloop.validation import LoadedProtocol, ProtocolSource, Validation, validate_loaded
from pressloop.wire.schema import (
    TICK_HZ,
    AbortRequest,
    ClearRequest,
    Fault,
    HelloReply,
    ProfileReadRequest,
    ProfileWriteRequest,
    State,
)

DEFAULT_THINNING: Final = ThinningRules()
"""Thins only what is more than 15 min away from any change, so short runs keep every record."""

DEFAULT_DIE_UM: Final = 10_000
"""Die of a tuning run on a simulated press, where no person needs to confirm it, um."""

_HOST: Final = f"pressloop {__version__}"

_log = logging.getLogger(__name__)


class Press:
    """A press whose controller is connected.

    Use it in a `with` block: leaving the block for any reason aborts a run that is still active,
    waits until the pressure is released, and closes the port.

    Raises:
        LinkClosedError, BoardTimeoutError: From every method that asks the board: the link was
            lost for good, or there was no reply.
    """

    def __init__(
        self,
        port: str,
        session: Session,
        *,
        board: EmulatedBoard | None = None,
    ) -> None:
        """Use `open` or `reopen`."""
        self._port = port
        self._session = session
        self._board = board
        self._run: Run | None = None
        self._remote_control: RemoteControl | None = None

    @classmethod
    def open(
        cls,
        port: str | Path | None = None,
        *,
        press: PressDescription | Path | str | None = None,
        seed: int = 0,
        pacing: Pacing = "lockstep",
        speed: float = 1.0,
        reconnect_timeout_s: float = RECONNECT_TIMEOUT_S,
        take_over: bool = False,
    ) -> Press:
        """Connect to a press.

        Args:
            port: `"emulated"` starts an emulated board and press, `"emulated:pico"` the flash image
                on an emulated chip; `"socket://host:port"`; `"rfc2217://host:port"`; a serial port
                such as `"/dev/ttyACM0"` or `"COM5"`; a USB serial number; None finds the one board
                that is plugged in.
            press: The press to emulate, or the path of its description.
            seed: Seed of everything random in the emulated press.
            pacing: `"lockstep"` lets simulated time pass as fast as this program follows, `"real"`
                at the pace of the wall clock.
            speed: With `"real"`: how many times faster than the wall clock, at most as fast as this
                program follows.
            reconnect_timeout_s: How long to try to reconnect when the link is lost.
            take_over: Connect even if another program of this user follows a run on the board. On a
                socket this ends the link of that program.

        Raises:
            NoBoardError: There is no board; `no-hello` if what is at the port is no controller.
            AmbiguousPortError: Several boards are plugged in and `port` names none of them.
            PortBusyError: Another program uses the port, or you have no permission to open it;
                `run-active` if it follows a run there.
            VersionMismatchError: The firmware was built from another wire schema.
            EmulatorError: The emulated board could not be started; `no-image` if there is no flash
                image to start it with.
            BadInputError: The port or the description of the press is malformed.
        """
        reconnect_timeout_s = real_number(reconnect_timeout_s, "reconnect_timeout_s")
        if port is not None:
            # The text as it was given: a path would fold the slashes of an address.
            port = port if isinstance(port, str) else str(path_argument(port, "port"))
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
                hint='use the port "emulated" or "emulated:pico", or leave the description out',
            )
        address = resolve_address(port)
        if not take_over:
            refuse_owned(address.name)
        session = open_session(address, host=_HOST, reconnect_timeout_s=reconnect_timeout_s)
        opened = cls(address.name, session)
        if opened.hello.last_fault is not Fault.NONE:
            opened._warn_of_interrupted_run()
        return opened

    @classmethod
    def reopen(cls, record_dir: str | Path, *, port: str | None = None) -> Press:
        """Connect to the press of a record, to `attach` to its run.

        Args:
            record_dir: Folder of the record whose program ended before its run.
            port: Where the board is now, if not at the port that the record names.

        Raises:
            RecordError: There is no readable record, or its run has ended.
            PressloopError: As in `open`.
        """
        path = path_argument(record_dir, "record_dir") / JOURNAL_NAME
        contents = read_journal(path)
        refuse_ended(contents, path.parent)
        return cls.open(port or header_of(contents, path).port)

    @classmethod
    def _on_emulated(cls, board: EmulatedBoard) -> Press:
        return cls(board.url, open_emulated_session(board, host=_HOST), board=board)

    # --- looking

    @property
    def hello(self) -> HelloReply:
        """The board's hello: versions, identity, capabilities, boot, whether it is simulated."""
        return self._session.hello

    @property
    def session(self) -> Session:
        """The session with the board, for requests that this class does not offer."""
        return self._session

    @property
    def board(self) -> EmulatedBoard | None:
        """The emulated board, if this program started one."""
        return self._board

    @property
    def console(self) -> list[str]:
        """Lines that the board printed outside frames, such as tracebacks."""
        return self._session.console

    def status(self) -> PressStatus:
        """Ask the board for the state of the press."""
        return PressStatus.from_wire(self._session.status())

    def interrupted_run(self) -> InterruptedRun | None:
        """Ask which run the last loss of power or reset cut off; None after the next start."""
        return ask_interrupted_run(self._session)

    def board_journal(self, most: int = 100) -> list[BoardRecord]:
        """Read the newest records of the board's journal, the newest first; it survives power.

        Raises:
            CommandRefusedError: `storage`: the board has no journal.
        """
        return read_board_journal(self._session, whole_number(most, "most", low=1))

    def _warn_of_interrupted_run(self) -> None:
        """Log which run the last reset cut off, if there is one."""
        try:
            cut = self.interrupted_run()
        except BaseException:
            self._session.close()
            raise
        if cut is not None:
            _log.warning("the run %s was interrupted: %s", cut.run_id.hex(), cut.description)

    def telemetry(self) -> Iterator[TelemetryBatch]:
        """Iterate over batches of telemetry from now on, also without a run."""
        with TelemetryIterator(self._session) as batches:
            yield from batches

    def profile(self) -> MachineProfile:
        """Read the machine profile.

        Raises:
            CommandRefusedError: `no-profile`.
        """
        return reported_profile(self._session.request(ProfileReadRequest()), self.hello)

    def write_profile(self, profile: MachineProfile) -> None:
        """Store a machine profile on the board; the press must be at rest.

        Raises:
            CommandRefusedError: `bad-state`, `profile-invalid` or `storage`.
            BadInputError: `wrong-type`, if it is no machine profile.
        """
        require_instance(profile, MachineProfile, "profile")
        wire = profile.to_wire()
        values = {field.name: getattr(wire, field.name) for field in wire.FIELDS}
        self._session.request(ProfileWriteRequest(**values))

    # --- running

    def validate(self, protocol: ProtocolSource) -> Validation:
        """Check a protocol against the profile of this press.

        Raises:
            CommandRefusedError: `no-profile`.
            BadInputError: The file cannot be read. Mistakes in the protocol are findings.
        """
        return validate_loaded(
            LoadedProtocol.of(protocol), self.profile(), real=not self.hello.simulated
        )

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
        die: str | None = None,
        remote_control: bool = True,
        faults: Sequence[str] = (),
        continues: str | Path | None = None,
        from_stage: str | None = None,
    ) -> RunResult:
        """Run a protocol to its end and return the result.

        `on_prompt` is called in the calling thread. Ctrl-C or an exception of a callback aborts
        the run; it is raised when the press is at rest and the record is complete.

        Args:
            protocol: The protocol; it is checked against the profile of this press first.
            out: Folder of the record; created if it does not exist.
            on_prompt: Asks the operator.
            on_status: Called a few times a second with the status.
            overwrite: Replace a record that is in the folder.
            thinning: How quiet stretches are thinned; None keeps every record (8 MB an hour).
                Thinning changes no measure of the run.
            sample: What lies in the die. It can also be given later: `pressloop sample`.
            die: Diameter that a person has read off the die in the press for this run, such as
                `"10 mm"`. A real press needs it: no sensor tells one die from another.
            remote_control: Let `pressloop pause`, `abort`, `watch` and the like in another terminal
                of the same user reach this run, over a server on 127.0.0.1.
            faults: Faults to rehearse on an emulated press that this program started, each as
                `KIND[=VALUE]@SECONDS`: docs/faults.md. What was broken stays broken.
            continues: Folder of a run of this protocol that did not complete; only the rest is
                pressed. A prompt asks first whether the same pellet is in the die.
            from_stage: Where to continue; by default with the first stage that is not done.

        Returns:
            The result, also if the run did not complete: see `RunResult.end_reason`.

        Raises:
            BadInputError: The protocol has mistakes, or the board refused it. `wrong-die`: it is
                for another die. `die-unconfirmed`: the press is real and `die` is missing.
                `no-faults-here`, `unknown-fault`, `bad-fault` or `fault-not-here` for faults.
                `other-protocol`, `nothing-to-continue`, `unknown-stage` for `continues`.
            PressloopError: `no-terminal`: the protocol has prompts, and `on_prompt` cannot ask them
                here. Nothing has moved, unless standard input ended later.
            CommandRefusedError: The press is not ready: fault, guard, emergency stop, pressure.
            RecordError: The folder holds a record, or cannot be written: `record-folder`.
            LinkClosedError: The link was lost for good; the run continues as the protocol says.
        """
        before = self._run
        callable_argument(on_prompt, "on_prompt")
        source = LoadedProtocol.of(protocol)
        main_thread = threading.current_thread() is threading.main_thread()
        refuse_unasked(source, on_prompt, main_thread, continues=continues is not None)
        try:
            run = self.start(
                source,
                out=out,
                on_prompt=None,
                on_status=on_status,
                overwrite=overwrite,
                thinning=thinning,
                sample=sample,
                die=die,
                remote_control=remote_control,
                faults=faults,
                continues=continues,
                from_stage=from_stage,
            )
            run.answer_prompts(on_prompt)
        except BaseException as error:
            if self._run is not None and self._run is not before:
                self._run.abort_and_finish(_abort_reason(error))
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
        die: str | None = None,
        remote_control: bool = True,
        faults: Sequence[str] = (),
        continues: str | Path | None = None,
        from_stage: str | None = None,
    ) -> Run:
        """Start a protocol and return at once, for notebooks and for scripts that steer the run.

        `on_prompt` is called in a thread of its own; without it, prompts wait for `Run.confirm`.
        Arguments and errors are those of `run`, such as RecordError.
        """
        out = path_argument(out, "out")
        require_callables(on_prompt=on_prompt, on_status=on_status)
        if sample is not None:
            require_instance(sample, Sample, "sample")
        if thinning is not None:
            require_instance(thinning, ThinningRules, "thinning")
        requested = read_faults(faults, self._board.port_name if self._board else self._port)
        source, continued = _rest_of(LoadedProtocol.of(protocol), continues, from_stage)
        die_um = None if die is None else round(quantity_argument(die, "die", LENGTH).value)
        refuse_unasked(source, on_prompt, main_thread=False)
        try:
            run = prepare_run(
                self._session,
                source,
                port=self._port,
                board=self._board,
                out=out,
                overwrite=bool(overwrite),
                thinning=thinning,
                sample=sample,
                die_um=die_um,
                ask=on_prompt,
                on_status=on_status,
                faults=requested,
                continues=continued,
            )
        except OSError as error:
            raise RecordError(
                f"cannot write the record in {out}: {error.strerror or error}",
                hint="choose a folder that you can write to, on a disk with free space",
                code="record-folder",
            ) from error

        def start() -> None:
            # Set before the press may move, so that `close` aborts the run in any case.
            self._run = run
            try:
                start_run(self._session, run)
            except BaseException:
                self._run = None
                raise

        self._session.in_order(start)
        if remote_control:
            self._allow_remote_control(run)
        return run

    def attach(
        self,
        record_dir: str | Path,
        *,
        on_prompt: Asker | None = None,
        on_status: Callable[[PressStatus], None] | None = None,
        remote_control: bool = True,
    ) -> Run:
        """Follow a run again whose program ended: fetch the missing telemetry, record to the end.

        This moves nothing. A board that paused because it lost its host stays paused until
        `Run.resume`. A run that has ended meanwhile is recorded to its end. If the board has
        restarted, the record says so.

        Raises:
            RecordError: There is no such record, it has ended, another program records it, or the
                board is another one or has begun another run.
        """
        require_callables(on_prompt=on_prompt, on_status=on_status)
        run, contents = reopen_run(
            self._session,
            path_argument(record_dir, "record_dir"),
            ask=on_prompt,
            on_status=on_status,
        )
        self._run = run
        reattach(self._session, run, contents)
        if remote_control:
            self._allow_remote_control(run)
        return run

    def _allow_remote_control(self, run: Run) -> None:
        """Let other programs of this user on this machine steer and watch a run."""
        if self._remote_control is not None:
            self._remote_control.close()
        self._remote_control = RemoteControl(
            run, url=self._session.url, emulated=self._board is not None
        )
        self._remote_control.start()

    def tune(
        self,
        limit: str,
        die: str | None = None,
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
            limit: Highest pressure on the blank, such as `"400 MPa"`, or force on it, such as
                `"30 kN"`. The ceiling of the runs is a tenth higher.
            die: Diameter that a person has read off the die that holds the blank, such as
                `"10 mm"`. A real press needs it; on a simulated one it is 10 mm without it.
            out: Folder of the records, one folder in it for each run; new or empty.
            on_status: Called a few times a second with what the press is doing.

        Returns:
            The profiles before and after, and what the runs showed.

        Raises:
            BadInputError: `tuning-nonsense`: the runs show no press that this controller could
                drive; the message names the implausible number. `vessel-not-tuned`: an isostatic
                vessel has no ram. `unknown-die`, `over-limit`, `contact-pressure`: the press cannot
                do it. Also if a run did not complete.
            UnitError: `limit` or `die` is no quantity; a number without a unit is none.
            RecordError: `out` is not empty.
            CommandRefusedError: The press is not ready: fault, guard, emergency stop, pressure; or
                there is no profile to start from.
            PressloopError: `missing-extra`: tuning needs `pressloop[data]`.
        """
        require_callables(on_status=on_status)
        with needs_extra("data"):
            from pressloop.tuning.runner import TuningRunner, require_ram
        before = self.profile()
        require_ram(before)
        if die is None:
            die_is_confirmed(DEFAULT_DIE_UM, None, simulated=self.hello.simulated)
            die_um = DEFAULT_DIE_UM
        else:
            die_um = round(quantity_argument(die, "die", LENGTH).value)
        runner = TuningRunner(
            partial(self.run, die=die),
            self.write_profile,
            path_argument(out, "out"),
            die_um=die_um,
            limit_kpa=round(
                as_pressure(quantity_argument(limit, "limit", PRESSURE, FORCE), die_um).value
            ),
            on_status=on_status,
            rest=self._rest,
        )
        return runner.tune(before)

    def _rest(self, seconds: float) -> None:
        """Let press time pass while nothing runs; an emulated press makes it pass quickly."""
        ends = self.session.status().tick + round(seconds * TICK_HZ)
        with TelemetryIterator(self.session) as batches:
            for batch in batches:
                if batch.newest is not None and batch.newest.tick >= ends:
                    return

    def upload(self, plan: Plan, validation: Validation | None = None) -> None:
        """Send a plan to the board without starting it.

        Raises:
            BadInputError: The board refused the plan; the finding says where.
            CommandRefusedError: The board accepts no plan now.
        """
        require_instance(plan, Plan, "plan")
        if validation is not None:
            require_instance(validation, Validation, "validation")
        upload(self._session, plan, None if validation is None else validation.marks)

    def abort(self) -> None:
        """End the active run, if there is one: release at its vent rate."""
        with suppress(CommandRefusedError):  # no run is active, or about to start
            if self._session.status().state is not State.VENTING:
                self._session.request(AbortRequest())

    def clear_fault(self) -> Fault:
        """Clear the latched fault.

        Returns:
            The fault that was latched; `Fault.NONE` if there was none.

        Raises:
            CommandRefusedError: The cause of the fault is still there.
        """
        fault = self._session.status().fault
        if fault is not Fault.NONE:
            self._session.request(ClearRequest(fault))
        return fault

    # --- the end

    def close(self) -> None:
        """Bring the press to rest and disconnect.

        An active run is aborted and followed to its end, unless it was detached. An emulated board
        that this program started is stopped.

        Raises:
            PressloopError: The press could not be brought to rest.
        """
        run, self._run = self._run, None
        detached = run is not None and run.detached
        try:
            if run is not None and not detached:
                run.abort_and_finish("the press was closed")
        finally:
            if self._remote_control is not None:
                self._remote_control.close()
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
        """Close the press; an error of the block is not replaced by one of closing."""
        try:
            self.close()
        except PressloopError as problem:
            if error is None:
                raise
            _log.error("%s", problem)

    def __repr__(self) -> str:
        """Return board and address in one line."""
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


def _rest_of(
    source: LoadedProtocol, continues: str | Path | None, from_stage: str | None
) -> tuple[LoadedProtocol, ContinuedRun | None]:
    """Return the protocol to press and the run that it continues; without one, the whole."""
    if continues is None:
        if from_stage is not None:
            raise BadInputError(
                "from_stage without the run that is continued",
                hint="name the folder of its record: continues=",
            )
        return source, None
    with needs_extra("data"):
        from pressloop.run.continuation import continue_run
    return continue_run(source, path_argument(continues, "continues"), from_stage)


def _abort_reason(error: BaseException) -> str:
    return "operator (Ctrl-C)" if isinstance(error, KeyboardInterrupt) else repr(error)
