"""Name the pip command of an optional dependency that is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from pressloop.errors import PressloopError

if TYPE_CHECKING:
    from pandas import DataFrame as DataFrame
else:
    # Importing pandas takes longer than all of Pressloop, and a type annotation does not need it.
    DataFrame = Any


@contextmanager
def needs_extra(extra: str) -> Iterator[None]:
    """Turn a failed import inside the block into an error that names the pip command.

    Args:
        extra: Name of the extra that contains the package.

    Raises:
        PressloopError: `missing-extra`, if a package outside Pressloop is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "pressloop":
            raise
        raise PressloopError(
            f"{error.name} is not installed",
            code="missing-extra",
            hint=f"install it with: pip install 'pressloop[{extra}]'",
        ) from error


def import_public(package: str, homes: Mapping[str, str], name: str) -> object:
    """Import a public name of a room whose modules need the extra `data`, for its `__getattr__`.

    Args:
        package: `__name__` of the room.
        homes: Module of the room by public name.
        name: What a script asks for.

    Raises:
        AttributeError: It is no public name.
        PressloopError: `missing-extra`.
    """
    if name not in homes:
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    with needs_extra("data"):
        return getattr(import_module(f"{package}.{homes[name]}"), name)
