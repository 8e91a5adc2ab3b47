"""The base of all models that a user builds, from a file or from Python.

Pydantic's own errors do not leave the SDK: a mistake in the arguments is a `BadInputError` with the
same findings as a mistake in a file.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError, PydanticKnownError
from typing_extensions import Self

from pressloop.errors import BadInputError
from pressloop.number_types import plain, text_of, written
from pressloop.number_types.forms import number_hint
from pressloop.yaml.form_error import form_error
from pressloop.yaml.model_file import model_findings
from pressloop.yaml.source_map import SourceMap
from pressloop.yaml.values import YamlSource


class UserModel(BaseModel):
    """Base of the models that a user builds: immutable, and unknown names are refused.

    Numbers may be of any integer or float type, such as numpy's; true and false are no numbers.

    Raises:
        BadInputError: The arguments have mistakes; `findings` lists each. The code is that of the
            first finding.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    def __init__(self, /, **data: Any) -> None:
        try:
            super().__init__(**data)
        except ValidationError as invalid:
            raise _bad_arguments(type(self), invalid, data) from None

    # Without this mark pydantic would call `__init__` for nested models of a file as well, and the
    # findings of the whole file would end at the first one.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy with other values, which are checked like those of a new model.

        Raises:
            BadInputError: A value is wrong, or contradicts another one.
        """
        if not update:
            return super().model_copy(deep=deep)
        if not isinstance(update, Mapping):
            raise BadInputError(
                f"update: {text_of(update, repr)[:60]} is no mapping of names to values",
                hint="write model_copy(update={name: value})",
                code="wrong-type",
            )
        base = super().model_copy(deep=True) if deep else self
        given = {name: getattr(base, name) for name in self.model_fields_set}
        return type(self)(**(given | {text_of(name): value for name, value in update.items()}))

    if not TYPE_CHECKING:  # type checkers know from `frozen` that assignments are wrong

        def __setattr__(self, name: str, value: object) -> None:
            self._refuse_change(name)

        def __delattr__(self, name: str) -> None:
            self._refuse_change(name)

    def _refuse_change(self, name: str) -> NoReturn:
        raise BadInputError(
            f"{type(self).__name__}.{name} cannot be changed: the object is frozen",
            hint=f"make a changed copy: model_copy(update={{{name!r}: ...}})",
            code="frozen",
        )

    @field_validator("*", mode="before")
    @classmethod
    def _take_plain_numbers(cls, value: Any, info: ValidationInfo) -> Any:
        value = plain(value)
        items = value if isinstance(value, list) else [value]
        truths = [index for index, item in enumerate(items) if isinstance(item, bool)]
        kinds = (
            _scalar_types(cls.model_fields[str(info.field_name)].annotation) if truths else set()
        )
        if bool not in kinds and kinds & {int, float}:
            if value is items:
                raise _no_number_in_list(items, truths[0])
            raise PydanticKnownError("float_type" if float in kinds else "int_type")
        return value


def _no_number_in_list(items: list[Any], index: int) -> PydanticCustomError:
    """Return the error for a list that has true or false in place of a number."""
    message = f"'{written(items[index])}' is not a number"
    return form_error("bad-value", message, number_hint(items[index], "number"), (index,))


def _scalar_types(annotation: Any) -> set[Any]:
    """Return the plain types that an annotation names, also inside unions and tuples."""
    if get_origin(annotation) in (Annotated, Union, types.UnionType, tuple, list):
        return set().union(*(_scalar_types(part) for part in get_args(annotation)))
    return {annotation} if isinstance(annotation, type) else set()


def _bad_arguments(
    model: type[BaseModel], invalid: ValidationError, data: dict[str, Any]
) -> BadInputError:
    """Return the error for arguments that pydantic refused."""
    name = model.__name__
    findings = model_findings(invalid, YamlSource(data, SourceMap(), []), model)
    first = findings[0]
    if len(findings) > 1:
        message = f"{name} has {len(findings)} mistakes in its arguments"
        hint = f"help({name}) explains each argument"
    else:
        where = "" if first.path == "." else f"{first.path}: "
        message, hint = f"{name}: {where}{first.message}", first.hint
    return BadInputError(message, hint=hint, findings=findings, code=first.code)
