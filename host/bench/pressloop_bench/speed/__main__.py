"""`make bench`: the speed of the emulated board, of decoding telemetry, of the page, of the tick.

Speeds are ratios of two things measured in the same process, because absolute times depend on the
machine more than on the program.
"""

from __future__ import annotations

import dataclasses
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import cbor2
from pressloop.press import Press
from pressloop.run.prompts import confirm_all
from pressloop.wire.codec import decode_telemetry, encode_message
from pressloop.wire.schema import SHORT_RECORD_SIZE, TICK_HZ, TelemetryEvent

from pressloop_bench.page import latency
from pressloop_bench.speed.chip_speed import measure
from pressloop_bench.speed.report import table

_RECORDS: Final = 20
_REPEATS: Final = 5
_CALLS: Final = 4000


def emulated_speed(protocol: Path) -> float:
    """Run a protocol on the emulated board; return virtual over wall time, recording included.

    Prompts are answered at once; until the answer arrives, virtual time passes at real-time pace.
    """
    with tempfile.TemporaryDirectory() as folder, Press.open("emulated") as press:
        start_s = time.perf_counter()
        run = press.start(protocol, out=folder, on_prompt=confirm_all)
        first = run.status().tick
        run.wait()
        wall_s = time.perf_counter() - start_s
        return (press.status().tick - first) / TICK_HZ / wall_s


def decode_ratio() -> float:
    """Return the speed of decoding a telemetry event over that of `cbor2.loads` alone."""
    payload = encode_message(TelemetryEvent(1000, 1020, bytes(range(SHORT_RECORD_SIZE)) * _RECORDS))
    ours = _best(lambda: decode_telemetry(payload))
    bare = _best(lambda: cbor2.loads(payload))
    return bare / ours


def _best(action: Callable[[], object]) -> float:
    """Return the shortest time of several rounds: a disturbance can only make a round longer."""
    rounds = []
    for _ in range(_REPEATS):
        start_s = time.perf_counter()
        for _ in range(_CALLS):
            action()
        rounds.append(time.perf_counter() - start_s)
    return min(rounds)


def main() -> None:
    """Measure, print the table and write build/bench.json."""
    measured: dict[str, Any] = {
        "emulated_over_real_time": round(emulated_speed(Path("examples/sodium_three_step.yaml"))),
        "telemetry_decode_over_cbor2_loads": round(decode_ratio(), 2),
    }
    page = latency.measure()
    measured["page"] = None if page is None else dataclasses.asdict(page)
    chip = measure()
    measured["chip"] = dataclasses.asdict(chip)
    out = Path("build/bench.json")
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")
    for name in ("emulated_over_real_time", "telemetry_decode_over_cbor2_loads"):
        print(f"{name.replace('_', ' '):40} {measured[name]:>8}x")
    if page is None:
        print("page: not measured, there is no Chromium on this machine")
    else:
        print(
            f"page, from sample to pixel, {page.viewers} viewers: p50 {page.p50_ms:g} ms, "
            f"p99 {page.p99_ms:g} ms, most {page.most_ms:g} ms, {page.frames_s:g} pictures/s"
        )
    print("\n".join(table(chip)))
    print(f"written to {out}")


if __name__ == "__main__":
    main()
