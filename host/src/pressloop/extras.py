"""Optional dependencies: say which pip command brings what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pressloop.errors import PressloopError

if TYPE_CHECKING:
    from pandas import DataFrame as DataFrame
else:
    # Importing pandas takes longer than all of Pressloop, and a hint does not need it.
    DataFrame = Any


@contextmanager
def needs_extra(extra: str) -> Iterator[None]:
    """Turn a failed import in the block into an error that names the pip command.

    Raises:
        PressloopError: `missing-extra`, when a package outside Pressloop is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "pressloop":
            raise
        raise PressloopError(
            f"{error.name} is not installed",
            code="missing-extra",
            hint=f"pip install 'pressloop[{extra}]'",
        ) from error
