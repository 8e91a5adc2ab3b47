"""Starts a run: checks and uploads its protocol, creates its record, starts the press."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from pressloop.emulator.faults import RequestedFault
from pressloop.emulator.process import EmulatedBoard
from pressloop.errors import CommandRefusedError, RecordError
from pressloop.machine.reported_profile import reported_profile
from pressloop.plan import compile_plan
from pressloop.record import EmulatedPress, RunEnd, RunRecorder, ThinningRules
from pressloop.record.header import new_header
from pressloop.record.model import ContinuedRun
from pressloop.run.die import die_is_confirmed
from pressloop.run.fault_injection import FaultInjection, in_record
from pressloop.run.pause_reason import PauseReason
from pressloop.run.prompts import Asker
from pressloop.run.run import Run
from pressloop.run.run_monitor import NOT_STARTED
from pressloop.run.upload import upload
from pressloop.sample import Sample, keep_sample, refuse_unknown_stage
from pressloop.session.session import Session
from pressloop.session.status import PressStatus
from pressloop.validation import LoadedProtocol, validate_loaded
from pressloop.wire.schema import ProfileReadRequest, StartRequest


def prepare_run(
    session: Session,
    source: LoadedProtocol,
    *,
    port: str,
    board: EmulatedBoard | None,
    out: Path,
    overwrite: bool,
    thinning: ThinningRules | None,
    sample: Sample | None,
    die_um: int | None,
    ask: Asker | None,
    on_status: Callable[[PressStatus], None] | None,
    faults: tuple[RequestedFault, ...] = (),
    continues: ContinuedRun | None = None,
) -> Run:
    """Check and upload a protocol and create the record of its run; nothing moves yet.

    Args:
        session: Session with the board.
        source: The protocol, which is checked against the board's own profile.
        port: Name by which to find the board again.
        board: The emulated board, if this program started one.
        out: Folder of the record; created if it does not exist.
        overwrite: Replace a record that is in the folder.
        thinning: How quiet stretches are thinned; None keeps every record.
        sample: What lies in the die, if known.
        die_um: Diameter that a person read off the die in the press, um; None if none did.
        ask: Asks the operator; None leaves prompts to `Run.confirm`.
        on_status: Called a few times a second with the status.
        faults: Faults of the emulated press in this run.
        continues: The run before, if this one presses the rest of its protocol.

    Raises:
        BadInputError: The protocol has mistakes, the board refused it, the sample names a stage
            that does not exist, or the press lacks the part of a fault. `wrong-die`,
            `die-unconfirmed`: the die is another one, or no person has confirmed it.
        CommandRefusedError: The board has no profile or accepts no plan now.
        RecordError: The folder holds a record.
    """
    wire_profile = session.request(ProfileReadRequest())
    profile = reported_profile(wire_profile, session.hello)
    validation = validate_loaded(source, profile, real=not session.hello.simulated)
    plan = compile_plan(validation.checked(), profile)
    # A vessel has one bore, so that there is nothing to read off.
    die_confirmed = (profile.is_vessel and die_um is None) or die_is_confirmed(
        plan.begin.die_um, die_um, simulated=session.hello.simulated
    )
    if board is not None:
        board.schedule(faults)
    upload(session, plan, validation.marks)
    header = new_header(
        plan,
        session.hello,
        wire_profile,
        profile=profile,
        protocol_text=source.text,
        port=port,
        emulated_press=_emulated_press(board, plan.begin.die_um / 1000, faults),
        thinning=thinning,
        die_confirmed=die_confirmed,
        comparison=validation.comparison,
        continues=continues,
    )
    refuse_unknown_stage(sample, header.pressing_stages)
    truth = None if board is None else board.truth_path
    recorder = RunRecorder.create(out, header, overwrite=overwrite, truth=truth)
    keep_sample(out, sample)
    if truth is not None:
        recorder.event("note", text="true state of the emulated press", truth=str(truth))
    return Run(
        session,
        recorder,
        ask=ask,
        on_status=on_status,
        reason=PauseReason(plan.begin.host_timeout_ms / 1000),
        injection=None if board is None or not faults else FaultInjection(board, faults),
    )


def start_run(session: Session, run: Run) -> None:
    """Start the plan on the board and follow the run.

    Call it in the dispatcher thread, so that no record is missed. If the start cannot be recorded,
    the run is aborted and followed to its end like any other whose record fails; `Run.result`
    raises why.

    Raises:
        CommandRefusedError: The press is not ready; the record says that the run did not start.
        BoardTimeoutError, LinkClosedError: It is unknown whether the run started; `attach` can
            find out.
    """
    session.start_stream()
    try:
        # Bound to the profile that the protocol was checked against.
        header = run.recorder.header
        profile_hash = bytes.fromhex(header.profile_hash).ljust(8, b"\0")
        reply = session.request(StartRequest(run.run_id, header.die_um, profile_hash=profile_hash))
    except CommandRefusedError as refusal:
        with suppress(RecordError):  # the refusal is the news
            run.recorder.close(RunEnd(end_reason=NOT_STARTED, note=refusal.message))
        raise
    except BaseException:
        run.recorder.close()
        raise
    # From here on the press moves, so the run is followed whatever fails.
    failure: BaseException | None = None
    try:
        run.recorder.started(reply.run_first, reply.tick)
    except BaseException as error:
        failure = error
    run.begin(reply.run_first, reply.tick)
    if failure is not None:
        run.monitor.fail(failure)


def _emulated_press(
    board: EmulatedBoard | None, die_mm: float, faults: tuple[RequestedFault, ...]
) -> EmulatedPress | None:
    """Describe the emulated press, with the die that the protocol names in it."""
    if board is None:
        return None
    press = board.press.model_copy(update={"die_mm": die_mm})
    return EmulatedPress(
        description=press.model_dump(mode="json"),
        seed=board.seed,
        faults=in_record(faults),
    )
