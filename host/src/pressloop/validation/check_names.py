"""Check that stages have different names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pressloop.findings import KeyPath
from pressloop.protocol import Item, Repeat, Stage
from pressloop.validation.context import Context


def check_names(context: Context) -> None:
    """Warn of stages with the same name; the passes of a repeat block count as one stage."""
    first: dict[str, KeyPath] = {}
    for stage, path in _stages_of(context.protocol.stages, ("stages",)):
        name_path = (*path, "name")
        if context.is_unreliable(name_path):
            continue
        if stage.name in first:
            mark = context.marks.value(first[stage.name])
            where = f" in line {mark.line}" if mark else ""
            context.warn(
                "duplicate-name",
                name_path,
                f"another stage{where} is called '{stage.name}' too",
                "give each stage its own name: reports and results use it",
            )
        first.setdefault(stage.name, name_path)


def _stages_of(items: Sequence[Item], path: KeyPath) -> Iterator[tuple[Stage, KeyPath]]:
    """Yield the stages in the order of the text; those of a repeat block once."""
    for index, item in enumerate(items):
        if isinstance(item, Repeat):
            yield from _stages_of(item.stages, (*path, index, "stages"))
        elif isinstance(item, Stage):
            yield item, (*path, index)
