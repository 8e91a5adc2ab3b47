"""Prints the figures of the chip as a table, and compares them with their targets."""

from __future__ import annotations

from pressloop_bench.speed.chip_peers import CBOR2, SIMPLE_PID
from pressloop_bench.speed.chip_speed import ChipFigures

# Targets. The tick is to take no longer than one step of micropython-simple-pid took when it was
# first measured on the emulated chip; what it takes today is measured as well.
_TICK_US = 356.0
_LATE_US = 500.0
_ENCODE_SHARE = 20


def table(figures: ChipFigures) -> list[str]:
    """Return the lines of the table and of the verdicts."""
    lines = ["", "The tick on the emulated RP2040, 125 MHz, without waits but where named"]
    rest, hold = figures.parts_us["at rest"], figures.parts_us["hold"]
    lines.append(f"  {'us':34} {'at rest':>9} {'hold':>9}")
    lines += [f"  {part:34} {rest[part]:9.1f} {hold[part]:9.1f}" for part in rest]
    lines.append(
        f"  {'':34} {'mean':>9} {'longest':>9} {'wait: I2C':>10} {'flash':>9}"
        f" {'with foreground, per 10 ms':>28}"
    )
    for name, mean in figures.tick_us.items():
        most, busy = figures.tick_most_us[name], figures.busy_us_per_tick[name]
        waits = f"{figures.bus_wait_us[name]:10.0f} {figures.flash_wait_us[name]:9.0f}"
        lines.append(f"  {'whole tick, ' + name:34} {mean:9.0f} {most:9.0f} {waits} {busy:28.0f}")
    loop_us, flash_us = figures.simple_pid_loop_us, figures.simple_pid_flash_us
    lines.append(f"  {SIMPLE_PID.name + ', in a loop':34} {loop_us:9.0f} {'':20} {flash_us:9.0f}")
    lines.append(f"  {'':34} {'us':>9} {'bytes':>9}")
    costs = [
        ("whole tick, hold", figures.tick_us["hold"], figures.tick_bytes),
        (f"{SIMPLE_PID.name}, one step", figures.simple_pid_us, figures.simple_pid_bytes),
        ("50 steps in a row, each", figures.simple_pid_tight_us, None),
        ("one telemetry record, encoded", figures.record_us, figures.record_bytes),
        (f"{CBOR2.name}, 7 integers", figures.cbor2_us, figures.cbor2_bytes),
        ("json.dumps, 6 keys", figures.json_us, figures.json_bytes),
        ("frame of 20 records", figures.frame_us, None),
        ("a request, in and answered", figures.request_us, figures.request_bytes),
    ]
    for name, us, size in costs:
        if us is None:
            excuse = figures.excuses.get(name.split(",")[0], "")
            lines.append(f"  {name:34} not measured: {excuse}")
        else:
            lines.append(f"  {name:34} {us:9.1f} {'' if size is None else size:>9}")
    lines.append(
        f"  {'tick late by, us':34} {'p50':>9} {'p99':>9} {'p99.9':>9} {'max':>9} {'missed':>9}"
    )
    late = {**figures.late_us, "soft timer, floats, print": figures.naive_late_us}
    missed = {**figures.missed, "soft timer, floats, print": figures.naive_missed}
    for name, quantiles in late.items():
        numbers = "".join(f" {value:9.1f}" for value in quantiles.values())
        lines.append(f"  {name:34}{numbers} {missed[name]:9}")
    lines += [f"  heap free {name}: {free} bytes" for name, free in figures.heap_free.items()]
    return lines + [""] + verdicts(figures)


def verdicts(figures: ChipFigures) -> list[str]:
    """Return a line for each target, with the value and whether it is met."""
    tick = max(figures.tick_us.values())
    lines = [_line("whole tick, us", tick, _TICK_US)]
    if figures.simple_pid_us:
        lines.append(_line("whole tick over one simple-pid step", tick / figures.simple_pid_us, 1))
        waited = max(
            figures.tick_us[name] + figures.bus_wait_us[name] + figures.flash_wait_us[name]
            for name in figures.tick_us
        )
        step = figures.simple_pid_loop_us + figures.simple_pid_flash_us
        lines.append(_line("the same in a loop, with all waits", waited / step, 1))
    if figures.cbor2_us:
        share = figures.record_us / figures.cbor2_us
        lines.append(_line("a record over cbor2", share, 1 / _ENCODE_SHARE))
    lines.append(_line("bytes allocated in the tick", figures.tick_bytes, 0))
    lines.append(_line("bytes allocated for a record", figures.record_bytes, 0))
    worst = max(quantiles["p99.9"] for quantiles in figures.late_us.values())
    lines.append(_line("late by at p99.9, us", worst, _LATE_US))
    lines.append(_line("missed ticks", sum(figures.missed.values()), 0))
    return lines


def _line(what: str, value: float, most: float) -> str:
    verdict = "PASS" if value <= most else "short"
    return f"  {what:40} {value:9.3g}   target <= {most:<8.3g} {verdict}"
