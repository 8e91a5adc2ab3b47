"""Writes the reference pages that follow from the code: Python, faults, refusals, protocol keys."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pressloop
from pressloop.session.fault_texts import FAULT_TEXTS
from pressloop.session.refusals import REFUSAL_TEXTS
from pressloop.wire.names import wire_name
from pressloop.wire.schema import Fault

PYTHON_PAGES: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "press": ("Press and run", ("Press", "Run", "RunResult", "OpenPrompt", "list_boards")),
    "telemetry": (
        "Status and telemetry",
        ("PressStatus", "TelemetryBatch", "TelemetryRecord", "State", "EndReason", "Fault"),
    ),
    "protocol": (
        "Protocol",
        (
            "load_protocol",
            "Protocol",
            "Stage",
            "Ramp",
            "Hold",
            "Until",
            "Release",
            "Prompt",
            "Repeat",
            "HostLoss",
            "Pid",
        ),
    ),
    "record": ("Record", ("RunRecord", "Verification", "verify", "Sample", "load_sample")),
    "machine": ("Machine and emulated press", ("MachineProfile", "EmulatedBoard")),
    "errors": (
        "Errors",
        tuple(sorted(name for name in pressloop.__all__ if name.endswith("Error"))),
    ),
}
"""Pages of the Python reference; a public name that is on none is added to the last but one."""

FAULTS_HEAD: Final = """\
# Faults

A fault latches: the first one wins, the outputs are safe, and a person clears it with `pressloop
clear` once its cause is gone. [Rehearse a fault](../faults.md) says how to try one on the emulated
press, [hazards](../hazards.md) what each guards against.

| fault | number | what happened | what to do |
|---|---|---|---|
"""

REFUSALS_HEAD: Final = """\
# Refusals

A board that refuses a command says why by one of these codes; nothing has moved. In Python it is
the `code` of a `CommandRefusedError`. Values in braces are those of the board.

| code | what it means | what to do |
|---|---|---|
"""

KEYS_HEAD: Final = """\
# Keys of a protocol file

[The protocol file](../protocol-file.md) explains them; these tables follow from the
[schema](../protocol/protocol.schema.json) that editors use.
"""

_REST: Final = "machine"


def python_pages() -> Iterator[tuple[str, str]]:
    """Yield path and text of each page of the Python reference."""
    named = {name for _, names in PYTHON_PAGES.values() for name in names}
    rest = tuple(sorted(set(pressloop.__all__) - named - {"__version__"}))
    for key, (title, names) in PYTHON_PAGES.items():
        shown = [*names, *(rest if key == _REST else ())]
        blocks = "\n".join(f"## {name}\n\n::: {_home(name)}\n" for name in shown)
        yield f"reference/python/{key}.md", f"# {title}\n\n{_import_line(shown)}\n\n{blocks}"


def _home(name: str) -> str:
    """Return where a public name is defined: the documentation is read from the source."""
    value = getattr(pressloop, name)
    module = getattr(value, "__module__", None)
    if module is None or not module.startswith("pressloop"):
        module = f"pressloop.{pressloop._HOMES[name]}"  # noqa: SLF001 -- the one list of homes
    return f"{module}.{getattr(value, '__qualname__', name)}"


def _import_line(names: list[str]) -> str:
    text = "from pressloop import " + ", ".join(names)
    if len(text) > 90:
        lines = textwrap.fill(
            ", ".join(names), 86, initial_indent=" " * 4, subsequent_indent=" " * 4
        )
        text = f"from pressloop import (\n{lines},\n)"
    return f"```python\n{text}\n```"


def fault_page() -> str:
    """Return the page with all faults."""
    rows = []
    for fault in Fault:
        name = wire_name(fault)
        meaning, remedy = FAULT_TEXTS.get(name, ("", ""))
        if fault is not Fault.NONE:
            rows.append(f"| `{name}` | {int(fault)} | {meaning} | {remedy} |\n")
    return FAULTS_HEAD + "".join(rows)


def refusal_page() -> str:
    """Return the page with the codes of a board's refusals."""
    rows = [
        f"| `{wire_name(code)}` | {meaning} | {remedy} |\n"
        for code, (meaning, remedy) in REFUSAL_TEXTS.items()
    ]
    return REFUSALS_HEAD + "".join(rows)


def protocol_key_page(schema_file: Path) -> str:
    """Return the page with every key of a protocol file, from its JSON schema."""
    schema = json.loads(schema_file.read_text("utf-8"))
    parts = [KEYS_HEAD]
    documents = {"The document": schema, **schema.get("$defs", {})}
    for title, definition in documents.items():
        properties = definition.get("properties")
        if properties:
            required = set(definition.get("required", ()))
            rows = [_key_row(key, value, key in required) for key, value in properties.items()]
            text = definition.get("description", "").split("\n\n")[0]
            parts.append(
                f"\n## {title}\n\n{' '.join(text.split())}\n\n"
                "| key | value | default | meaning |\n|---|---|---|---|\n" + "".join(rows)
            )
    return "".join(parts)


def _key_row(key: str, value: dict[str, Any], required: bool) -> str:
    default = "required" if required else _default(value)
    text = " ".join(str(value.get("description", "")).split())
    return f"| `{key}` | {_kind(value)} | {default} | {text} |\n"


def _default(value: dict[str, Any]) -> str:
    """Return the default of a key, as a file would have it."""
    match value.get("default"):
        case None:
            return "none" if "default" in value else ""
        case dict() as several:
            return "`{" + ", ".join(f"{key}: {one}" for key, one in several.items()) + "}`"
        case one:
            return f"`{one}`"


def _kind(value: dict[str, Any]) -> str:
    """Return what may stand for a key, in a few words."""
    if "$ref" in value:
        name = value["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "const" in value:
        return f"`{value['const']}`"
    if "enum" in value:
        return ", ".join(f"`{one}`" for one in value["enum"])
    for several in ("anyOf", "oneOf"):
        if several in value:
            kinds = [_kind(one) for one in value[several] if one.get("type") != "null"]
            return " or ".join(dict.fromkeys(kinds))
    if value.get("examples"):
        return "such as " + ", ".join(f"`{one}`" for one in value["examples"][:3])
    if value.get("type") == "array":
        return f"list of {_kind(value.get('items', {}))}"
    return str(value.get("type", "any"))
