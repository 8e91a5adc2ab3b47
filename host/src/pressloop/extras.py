"""Name the pip command that installs a missing optional dependency."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
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
