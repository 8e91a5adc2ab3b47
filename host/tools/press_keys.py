"""Write the table of keys in docs/press-file.md from the press file's model: `press_keys.py`.

The tests hold the page equal to the model; run this after a change of a key.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pressloop.emulator.description import PressDescription
from pydantic import BaseModel
from pydantic.fields import FieldInfo

PAGE = Path(__file__).resolve().parents[2] / "docs" / "press-file.md"
HEAD = "| field | default | what |\n|---|---|---|\n"


def fields(model: type[BaseModel], outer: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Yield every field that is no section, with its path."""
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from fields(inner, f"{outer}{name}.")
        else:
            yield outer + name, field


def table() -> str:
    """Return the table of keys."""
    rows = []
    for name, field in fields(PressDescription):
        default = list(field.default) if isinstance(field.default, tuple) else field.default
        rows.append(f"| `{name}` | {default} | {field.description} |\n")
    return HEAD + "".join(rows)


def with_table(page: str) -> str:
    """Return the page with the table of today."""
    before, _, rest = page.partition(HEAD)
    after = rest[rest.index("\n\n") + 1 :]
    return before + table() + after


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
