"""Press a sodium-ion cell from a script: python examples/press_a_cell.py [PORT] [FOLDER]

PORT is "emulated" by default. For a real press give its serial port, or the USB serial number of
its board. FOLDER gets the record.
"""

import sys
from pathlib import Path

from pressloop import OpenPrompt, Press, PressloopError, PressStatus, ask_on_terminal, confirm_all

PROTOCOL = Path(__file__).with_name("sodium_three_step.yaml")


def show(status: PressStatus) -> None:
    """Print the status in one line, over the last one."""
    stage = status.stage_name or status.state.name.lower()
    line = f"{stage}: {status.pressure_mpa:.1f} of {status.target_mpa:g} MPa"
    print(f"\r{line:60}", end="", file=sys.stderr)


def ask(prompt: OpenPrompt) -> bool:
    """Ask on the terminal; confirm without asking if there is none."""
    return ask_on_terminal(prompt) if sys.stdin.isatty() else confirm_all(prompt)


def main() -> int:
    """Press one cell; return the exit code."""
    port = sys.argv[1] if len(sys.argv) > 1 else "emulated"
    folder = sys.argv[2] if len(sys.argv) > 2 else "runs/press-a-cell"
    try:
        with Press.open(port) as press:
            simulated = press.hello.simulated
            # Only a simulated run may be confirmed without a look at the press.
            result = press.run(
                PROTOCOL,
                out=folder,
                on_prompt=ask if simulated else ask_on_terminal,
                on_status=show,
                overwrite=simulated,
            )
    except PressloopError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"\n{result.end_reason}, record in {result.directory}", file=sys.stderr)
    for stage in result.summary.stages:
        print(f"{stage.name}: peak {stage.peak_mpa:.1f} MPa, {stage.dwell_s:.0f} s in band")
    return 0 if result.completed else 1


if __name__ == "__main__":
    sys.exit(main())
