"""Makes the rest of a protocol from the record of a run that did not complete.

A press never goes on by itself after a reset, an abort or a fault: what lies in the die may have
been taken out, or broken. A person chooses the stage to go on from. The rest of the protocol begins
with a prompt, so the press does not move before a person has confirmed it at the press, and the
answer is in the record.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pressloop.arguments import shown_value
from pressloop.errors import BadInputError, RecordError
from pressloop.evaluation import RunRecord, RunSummary
from pressloop.protocol import Prompt, Protocol, Stage
from pressloop.record.model import ContinuedRun, RunHeader
from pressloop.validation import LoadedProtocol
from pressloop.wire.schema import PlanStepRequest

_DONE: Final = ("done", "advanced")
_MAX_PROMPT_BYTES: Final = PlanStepRequest.range_of("text")[1]


def continue_run(
    source: LoadedProtocol, record_dir: Path, from_stage: str | None
) -> tuple[LoadedProtocol, ContinuedRun]:
    """Return the protocol from a stage on, and what the new record says of the run before.

    Args:
        source: The protocol of the run that did not complete.
        record_dir: Folder of its record.
        from_stage: Name of a stage; None: the first one that is not done.

    Raises:
        BadInputError: The protocol has mistakes. `other-protocol`: the run was one of another
            protocol. `nothing-to-continue`: it completed. `unknown-stage`: there is no such stage
            outside a repeat block.
        RecordError: There is no such record, or it cannot be read. `record-busy`: the run is still
            being recorded.
    """
    source.require_form()
    protocol = source.draft.protocol
    if protocol is None:  # require_form raises before
        raise BadInputError(f"{source.name} is no protocol", hint="validate it first")
    record = RunRecord.open(record_dir)
    summary = record.summary
    _require_ended(record, record_dir)
    whole = _whole_protocol_sha256(summary.header)
    if whole != protocol.sha256:
        raise BadInputError(
            f"{record_dir} is a run of another protocol than {source.name}",
            code="other-protocol",
            hint="name the protocol as it was when the run was started; its text is in run.json",
        )
    name = from_stage or _first_unfinished(summary, record_dir)
    first = _first_item(protocol, name)
    confirm = Prompt(prompt=_question(record_dir.name, name))
    rest = protocol.model_copy(update={"stages": [confirm, *protocol.stages[first:]]})
    return LoadedProtocol.of_object(rest), ContinuedRun(
        run_id=summary.run_id,
        end_reason=summary.end_reason,
        from_stage=name,
        protocol_sha256=whole,
    )


def _require_ended(record: RunRecord, folder: Path) -> None:
    if record.in_progress:
        raise RecordError(
            f"the run in {folder} is still being recorded",
            code="record-busy",
            hint="wait for its end, or end it with `pressloop abort`",
        )
    if record.summary.end_reason == "completed":
        raise BadInputError(
            f"the run in {folder} completed: there is nothing to continue",
            code="nothing-to-continue",
            hint="to press again, run the protocol without --continue",
        )


def _whole_protocol_sha256(header: RunHeader) -> str | None:
    """Return the hash of the protocol of a run, or of the whole one that the run continued."""
    if header.continues is not None:
        return header.continues.protocol_sha256
    pressed = LoadedProtocol.of_text(header.protocol_text, "the record").draft.protocol
    return None if pressed is None else pressed.sha256


def _first_unfinished(summary: RunSummary, folder: Path) -> str:
    """Return the name of the first stage that did not end; prompts are asked again with it."""
    for stage in summary.stages:
        if stage.outcome not in _DONE:
            return stage.name
    raise BadInputError(
        f"every stage of the run in {folder} is done",
        code="nothing-to-continue",
        hint="name a stage to press it again",
    )


def _first_item(protocol: Protocol, name: str) -> int:
    """Return the place of a stage in the list of stages, or of the prompt just before it."""
    for index, item in enumerate(protocol.stages):
        if isinstance(item, Stage) and item.name == name:
            before = index > 0 and isinstance(protocol.stages[index - 1], Prompt)
            return index - 1 if before else index
    names = ", ".join(item.name for item in protocol.stages if isinstance(item, Stage))
    raise BadInputError(
        f"a run cannot continue from {shown_value(name)}: no stage outside a repeat block has that "
        "name",
        code="unknown-stage",
        hint=f"the stages are: {names}" if names else "the protocol has only repeat blocks",
    )


def _question(run: str, stage: str) -> str:
    text = f"Continue run {run} from stage {stage}: is the same pellet in the die, and sound?"
    return text.encode()[:_MAX_PROMPT_BYTES].decode(errors="ignore")
