"""Everything of the host that reads bytes from outside, each as a target for hostile input.

A target has sound inputs and a function that takes any bytes. It may raise PressloopError, the
refusal with a code and a next step. Every other exception is a defect.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pressloop import RunRecord, verify
from pressloop.emulator.description import PressDescription, loads
from pressloop.errors import PressloopError
from pressloop.install import uf2
from pressloop.machine.profile import MachineProfile
from pressloop.sample import load_sample
from pressloop.session.board_journal import BoardRecord
from pressloop.validation import validate_text
from pressloop.wire import schema
from pressloop.wire.codec import DecodeError, decode_message, decode_telemetry, encode_message
from pressloop.wire.frame import Frame, FrameDecoder, encode_frame

from tests.property.wire_messages import MESSAGES
from tests.unit.small_record import sound_record
from tests.unit.test_flash import blocks, program

ROOT = Path(__file__).resolve().parents[2]
YAML_TOKENS: tuple[bytes, ...] = (
    b" ", b"\n", b"\t", b": ", b"- ", b"{", b"}", b"[", b"]", b"'", b'"', b"&a ", b"*a", b"<<: ",
    b"!!int ", b"? ", b"| ", b"#", b"%", b"---\n", b"1e999", b".nan", b"null", b"MPa", b"10 t",
    b"2.5,0", b"open", b"die:", b"stages:", b"\xef\xbb\xbf", b"\xe2\x80\x8b", b"\xff", b"\0",
)  # fmt: skip
SAMPLES = (
    b"mass_mg: 140.2\ntrue_density_g_cm3: 2.2\nthickness_mm: 0.985\nmaterial: Na3PS4\n",
    b"material: KBr\npunches_um_mpa: 0.08\nuntil_stage: densify electrolyte\n",
)
JSON_TOKENS = (b"{", b"}", b"[", b"]", b",", b":", b"null", b"-1", b"1e999", b"NaN", b'""', b"true")


@dataclass(frozen=True)
class Target:
    """Something that reads bytes.

    Attributes:
        share: Inputs of a thousand; less where one input takes long.
        sound: Inputs without a fault, which the hostile ones are made from.
        take: Reads bytes; raises PressloopError to refuse them.
        tokens: Byte strings that mean something to its reader.
    """

    share: int
    sound: Sequence[bytes]
    take: Callable[[bytes], object]
    tokens: tuple[bytes, ...] = ()


def targets(scratch: Path) -> dict[str, Target]:
    """Return all targets by name; `scratch` is an empty folder for the files that they read."""
    record = sound_record(scratch / "sound")
    reference = MachineProfile.from_fields(PressDescription().nominal_profile())
    examples = [path.read_bytes() for path in sorted((ROOT / "examples").glob("*.yaml"))]
    presses = [path.read_bytes() for path in sorted((ROOT / "examples/presses").glob("*.yaml"))]
    telemetry = encode_message(schema.TelemetryEvent(first=7, tick=9, records=bytes(range(200))))
    payloads = [bytes([i]) + b"\xa0" for i in range(len(MESSAGES))]
    payloads += [
        bytes([MESSAGES.index(schema.Profile)]) + encode_message(reference.to_wire()),
        bytes([MESSAGES.index(schema.TelemetryEvent)]) + telemetry,
    ]
    frames = [encode_frame(Frame(2, 1, i, 1, payload)) for i, payload in enumerate(payloads)]

    def protocol(data: bytes) -> None:
        validation = validate_text(data.decode("utf-8", "surrogateescape"), "hostile", reference)
        assert (validation.protocol is None) == bool(validation.errors)

    def sample(data: bytes) -> None:
        path = scratch / "sample.yaml"
        path.write_bytes(data)
        load_sample(path)

    def image(data: bytes) -> None:
        path = scratch / "image.uf2"
        path.write_bytes(data)
        uf2.read(path)

    def file_ofsound_record(name: str) -> Target:
        folder = scratch / name

        def take(data: bytes) -> None:
            if not folder.exists():
                shutil.copytree(record, folder)
            (folder / name).write_bytes(data)
            for read in (_open, verify):
                try:
                    read(folder)
                except PressloopError:
                    continue

        tokens: tuple[bytes, ...] = JSON_TOKENS if name.endswith(".json") else ()
        return Target(1, [(record / name).read_bytes()], take, tokens)

    return {
        "frames": Target(420, frames, lambda data: FrameDecoder().feed(data)),
        "messages": Target(350, payloads, _take_message),
        "telemetry": Target(150, [telemetry], decode_telemetry),
        "board-journal": Target(20, [bytes(32), b"\xa5" * 32], BoardRecord.unpack),
        "protocols": Target(20, examples, protocol, YAML_TOKENS),
        "presses": Target(
            20, presses, lambda data: loads(data.decode("utf-8", "surrogateescape")), YAML_TOKENS
        ),
        "samples": Target(10, SAMPLES, sample, YAML_TOKENS),
        "images": Target(5, [b"".join(blocks(program()))], image),
        **{
            name: file_ofsound_record(name)
            for name in (
                "run.journal",
                "run.json",
                "telemetry.parquet",
                "manifest.json",
                "run.truth",
            )
        },
    }


def _take_message(data: bytes) -> None:
    """Decode as the message that the first byte names; what is decoded must encode again."""
    if not data:
        return
    kind = MESSAGES[data[0] % len(MESSAGES)]
    try:
        message = decode_message(kind, data[1:])
    except DecodeError:
        return
    assert decode_message(kind, encode_message(message)) == message


def _open(folder: Path) -> None:
    """Read all that a record has."""
    record = RunRecord.open(folder)
    record.table()
