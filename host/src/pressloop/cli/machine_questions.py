"""What `pressloop machine new` asks: each value of a data sheet, and why it is wanted."""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pressloop.emulator.description import PressDescription
from pressloop.machine.profile import lever
from pressloop.yaml.values import read_yaml

NONE: Final = "none"
"""Answer where there is no second transducer."""

SECOND: Final = "second_transducer.full_scale_bar"

_MAX_COMMENT: Final = 90
"""Characters of a line of comment in the file."""

Answers = Mapping[str, Any]
"""Answers by their key in the press file."""


@dataclass(frozen=True)
class Question:
    """One value of a press file.

    Attributes:
        key: Its key in the file, such as `ram.area_cm2`.
        text: What is asked, with the unit.
        why: What it is for and where to find it; also in the comment in the file.
        in_file: What the comment says in place of `text`, where the file is written otherwise.
        usual: Returns the default from the answers so far; None: that of the preset.
        worth: Returns what an answer means for this press.
        must_be_typed: Whether it sets every pressure, so that no default is offered.
    """

    key: str
    text: str
    why: str
    usual: Callable[[Answers], Any] | None = None
    worth: Callable[[Answers], str] | None = None
    must_be_typed: bool = False
    in_file: str = ""

    def read(self, text: str) -> Any:
        """Return a typed answer as the value that the press file holds; text stays text.

        Several values are separated by commas or spaces.
        """
        if self.key == "name":
            return text
        if self.key == SECOND and text.lower() == NONE:
            return NONE
        if self.key in ("dies_mm", "die_loads_kn"):
            return [_number(word) for word in text.replace(",", " ").split()]
        return _number(text)


def _number(word: str) -> Any:
    """Return a number as YAML reads it; what is none stays text, and is refused by the model."""
    value = read_yaml(f"value: {word}\n").data
    return value["value"] if isinstance(value, dict) and "value" in value else word


def _smallest_die(answers: Answers) -> float:
    return float(min(answers["dies_mm"]))


def _ram_worth(answers: Answers) -> str:
    die = _smallest_die(answers)
    mpa = lever(answers["ram.area_cm2"] * 100, die) / 10
    return f"1 bar of oil is {mpa:.3g} MPa on a {die:g} mm die"


def _transducer_worth(answers: Answers) -> str:
    die = _smallest_die(answers)
    bar = answers["transducer.full_scale_bar"] * answers["transducer.accuracy_percent"] / 100
    mpa = bar * lever(answers["ram.area_cm2"] * 100, die) / 10
    return f"no tolerance below +-{mpa:.3g} MPa can be told on a {die:g} mm die"


def _limit_worth(answers: Answers) -> str:
    kilonewton = answers["limits.max_oil_bar"] * answers["ram.area_cm2"] / 100
    mpa = kilonewton * 1000 / (math.pi / 4 * _smallest_die(answers) ** 2)
    return f"up to {kilonewton:.3g} kN, {mpa:.4g} MPa on a {_smallest_die(answers):g} mm die"


def _usual_contact(answers: Answers) -> float:
    return float(f"{answers['transducer.full_scale_bar'] / 200:.3g}")


QUESTIONS: Final = (
    Question("name", "Name of this press", "For records and plots; up to 40 letters."),
    Question(
        "dies_mm",
        "Diameters of your dies, mm",
        "A protocol for another die is refused. A wrong die gives a wrong pressure.",
        must_be_typed=True,
    ),
    Question(
        "die_loads_kn",
        "Greatest load of each of these dies, kN; 0 where you do not know it",
        "Of the die's data sheet, 1 t is 9.81 kN. A protocol or run above it is refused.",
        usual=lambda answers: [0 for _ in answers["dies_mm"]],
    ),
    Question(
        "ram.area_cm2",
        "Effective area of the ram, cm2",
        "In the cylinder's data sheet; pi/4 times the bore squared. Every pressure is in "
        "proportion to it.",
        worth=_ram_worth,
        must_be_typed=True,
    ),
    Question(
        "ram.return_force_n",
        "Force of the return spring with the weight of the ram, N",
        "The oil carries it before the pellet gets anything; tuning measures the zero with it.",
    ),
    Question(
        "transducer.full_scale_bar",
        "Range of the oil-pressure transducer, bar",
        "On its label. A smaller range tells smaller pressures apart.",
        must_be_typed=True,
    ),
    Question(
        "transducer.accuracy_percent",
        "Its accuracy, % of the range",
        "All errors together, by its data sheet. It sets the smallest tolerance.",
        worth=_transducer_worth,
    ),
    Question(
        "transducer.converter",
        "Converter of its signal: ads1115, or adc for the chip's own",
        "The chip's own tells 8.7 bits; the ADS1115 is the reference wiring.",
        usual=lambda _: "ads1115",
    ),
    Question(
        "limits.max_oil_bar",
        "Highest oil pressure of press, hoses and cylinder, bar",
        "The lowest of their ratings, and below the transducer's range. Above it the board trips; "
        "a relief valve must stand behind it.",
        must_be_typed=True,
        worth=_limit_worth,
    ),
    Question(
        SECOND,
        "Range of a second transducer on the same oil, bar; none if there is none",
        "On the chip's own converter it bounds what a wrong first one can do. With one channel the "
        "press works, and every record says so.",
        usual=lambda _: NONE,
        in_file="Range of a second transducer on the same oil, bar; without one write fitted: "
        "false here",
    ),
    Question(
        "pump.flow_ml_s",
        "Flow of the pump with its valve fully open, mL/s",
        "Of its data sheet, L/min times 16.7. It limits the fastest ramp; tuning corrects it.",
    ),
    Question(
        "pump.dead_band_percent",
        "Dead band of the pump valve, % of stroke",
        "Command at which it begins to open; usual: 20. Tuning measures it.",
    ),
    Question(
        "release.flow_ml_s_at_10_mpa",
        "Flow of the release valve fully open at 100 bar, mL/s",
        "Of its data sheet. It limits the fastest release; tuning corrects it.",
    ),
    Question(
        "release.dead_band_percent",
        "Dead band of the release valve, % of stroke",
        "As for the pump valve.",
    ),
    Question(
        "valves.hysteresis_percent",
        "Hysteresis of the valves, % of stroke",
        "Of their data sheet, with dither; usual: 2 to 5. The dither follows from it.",
    ),
    Question(
        "valves.lag_ms",
        "Lag of the valves, ms",
        "Time constant from command to flow; usual: 20 to 50. Tuning measures it.",
    ),
    Question(
        "oil.volume_ml",
        "Oil between valves and ram, hoses included, mL",
        "Stiffness of the closed press; tuning measures it together with the frame.",
    ),
    Question(
        "frame.stiffness_kn_mm",
        "Stiffness of the frame, kN/mm",
        "Columns, plates and punches in series; 100 if you do not know it. Tuning measures it.",
    ),
    Question(
        "controller.contact_bar",
        "Oil pressure that counts as contact, bar",
        "Above the transducer's noise and the friction of the free ram.",
        usual=_usual_contact,
    ),
)


def value_of(press: PressDescription, key: str) -> Any:
    """Return the value of a press at a dotted key; a tuple as a list."""
    if key == SECOND:
        return press.second_full_scale_bar or NONE
    value: Any = press
    for part in key.split("."):
        value = getattr(value, part)
    return list(value) if isinstance(value, tuple) else value


def file_text(answers: Answers) -> str:
    """Return the press file of these answers, each value with its reason."""
    lines = [
        "# A press, described for Pressloop. Keys: docs/press-file.md.",
        "# Check it: pressloop machine check FILE. Store it: pressloop machine write FILE.",
    ]
    open_section = ""
    for question in QUESTIONS:
        value = answers.get(question.key)
        if value is None:
            continue
        section, _, name = question.key.rpartition(".")
        if section != open_section or not section:
            lines.append("")
            if section:
                lines.append(f"{section}:")
            open_section = section
        indent = "  " if section else ""
        if value == NONE:
            name, value = "fitted", False
        comment = textwrap.wrap(
            f"{question.in_file or question.text}. {question.why}", _MAX_COMMENT
        )
        lines += [f"{indent}# {line}" for line in comment]
        lines.append(f"{indent}{name}: {_written(value)}")
    return "\n".join(lines) + "\n"


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    if isinstance(value, str):
        # Double quotes with JSON's escapes are YAML, whatever the text has in it.
        return value if value.replace(" ", "").isalnum() else json.dumps(value, ensure_ascii=False)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
