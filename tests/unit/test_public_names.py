"""All public names have docstrings, types, and the errors that they raise."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import typing
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from types import FunctionType, ModuleType

import pressloop
from pydantic import BaseModel

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

# Docstrings of commands are help texts; `hil` is for tests, whose checks raise AssertionError.
NOT_FOR_SCRIPTS = ("pressloop.cli", "pressloop.hil")


# labgrid replaces pyserial, so it is never installed beside the tests.
ELSEWHERE = "pressloop.integrations.labgrid_driver"


def modules() -> list[ModuleType]:
    found = pkgutil.walk_packages(pressloop.__path__, "pressloop.")
    names = [m.name for m in found if not m.name.endswith("_main__") and m.name != ELSEWHERE]
    return [pressloop, *map(importlib.import_module, names)]


MODULES = modules()


def exported() -> set[tuple[str, str]]:
    """Every name of an `__all__`, and every name that a page of the documentation imports."""
    names = {(m.__name__, name) for m in MODULES for name in getattr(m, "__all__", ())}
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for module, imported in re.findall(r"from (pressloop[\w.]*) import \(?([\w, ]+)", text):
            names |= {(module, name) for name in re.findall(r"\w+", imported)}
        for module, name in re.findall(r"`(pressloop(?:\.\w+)+)\.(\w+)[`(]", text):
            names.add((module, name))
    return names


def functions(module: ModuleType) -> Iterator[tuple[str, FunctionType]]:
    """The public functions and methods that a module defines; for a class, its constructor."""
    source = module.__file__
    for name, value in vars(module).items():
        if name.startswith("_") or getattr(value, "__module__", None) != module.__name__:
            continue
        if isinstance(value, FunctionType):
            yield name, value
        elif inspect.isclass(value):
            for member, raw in vars(value).items():
                function = raw
                if isinstance(raw, property):
                    function = raw.fget
                elif isinstance(raw, cached_property):
                    function = raw.func
                elif isinstance(raw, classmethod | staticmethod):
                    function = raw.__func__
                # Dataclasses, named tuples and typing bring methods of their own.
                mine = inspect.isfunction(function) and function.__code__.co_filename == source
                if mine and (member == "__init__" or not member.startswith("_")):
                    yield f"{name}.{member}", function


def test_the_documentation_names_what_there_is() -> None:
    names = exported()
    assert ("pressloop", "Press") in names and ("pressloop.protocol", "Ramp") in names
    for module, name in sorted(names):
        home = importlib.import_module(module)
        try:
            getattr(home, name)
        except AttributeError:
            importlib.import_module(f"{module}.{name}")


def test_every_exported_name_says_what_it_is() -> None:
    silent = []
    for module, name in sorted(exported()):
        home = importlib.import_module(module)
        value = getattr(home, name, None) or importlib.import_module(f"{module}.{name}")
        # A dataclass without a docstring is given its signature, which says nothing.
        doc = inspect.getdoc(value) or ""
        if (inspect.isclass(value) or callable(value)) and (not doc or doc.startswith(f"{name}(")):
            silent.append(f"{module}.{name}")
    assert not silent


def test_a_notebook_shows_the_fields_of_every_model() -> None:
    for module, name in exported():
        value = getattr(importlib.import_module(module), name, None)
        if inspect.isclass(value) and issubclass(value, BaseModel):
            assert set(value.model_fields) <= set(inspect.signature(value).parameters), name


def test_the_types_are_there_at_run_time() -> None:
    """Notebooks and tools read the types; mypy checks that they are right."""
    untyped = []
    for module in MODULES:
        # What runs under MicroPython too has no types.
        typed = "from __future__ import annotations" in inspect.getsource(module)
        for name, function in functions(module) if typed else ():
            hints = typing.get_type_hints(function)
            parts = [*inspect.signature(function).parameters, "return"]
            missing = [part for part in parts if part not in (*hints, "self", "cls")]
            untyped += [f"{module.__name__}.{name}: {part}" for part in missing]
    assert not untyped


def raised_in(function: ast.FunctionDef) -> set[str]:
    """Names of the classes that a function raises itself; `raise` alone does not count."""
    names = set()
    parts: list[ast.AST] = list(function.body)
    while parts:
        part = parts.pop()
        if isinstance(part, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            continue
        if isinstance(part, ast.Raise) and part.exc is not None:
            error = part.exc.func if isinstance(part.exc, ast.Call) else part.exc
            if isinstance(error, ast.Name) and error.id[0].isupper():
                names.add(error.id)
        parts += ast.iter_child_nodes(part)
    return names


def undocumented_errors(source: str) -> Iterator[str]:
    """Errors that public functions and methods of a module raise and do not document."""
    for outer in ast.walk(ast.parse(source)):
        if not isinstance(outer, ast.Module | ast.ClassDef):
            continue
        about = (ast.get_docstring(outer) or "") if isinstance(outer, ast.ClassDef) else ""
        for function in outer.body:
            if not isinstance(function, ast.FunctionDef):
                continue
            if function.name.startswith("_") and function.name != "__init__":
                continue
            doc = about + (ast.get_docstring(function) or "")
            for name in sorted(raised_in(function) - {"NotImplementedError"}):
                if name not in doc:
                    yield f"{function.name} raises {name}"


def test_an_error_that_is_not_documented_is_found() -> None:
    source = 'def f():\n    """Does."""\n    if x:\n        raise ValueError("no")\n'
    assert list(undocumented_errors(source)) == ["f raises ValueError"]
    assert not list(undocumented_errors(source.replace("Does.", "Raises ValueError.")))


def test_every_error_is_in_the_docstring_of_what_raises_it() -> None:
    silent = [
        f"{module.__name__}: {what}"
        for module in MODULES
        if not module.__name__.startswith(NOT_FOR_SCRIPTS)
        for what in undocumented_errors(inspect.getsource(module))
    ]
    assert not silent
