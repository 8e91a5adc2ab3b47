"""No call of the public API lets another error out than a PressloopError, whatever it is given.

Every argument of every public call gets values of the wrong kind. A TypeError is right only for a
wrong number of arguments or an unknown name, which Python itself raises.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pressloop
import pytest
from pressloop import (
    EmulatedBoard,
    Hold,
    MachineProfile,
    Press,
    PressloopError,
    RunRecord,
    confirm_all,
    list_boards,
    load_protocol,
    load_sample,
)
from pressloop.plan import compile_plan
from pressloop.run.run import Run
from pressloop.wire.schema import State
from pressloop.yaml.user_model import UserModel

from tests.unit.fake_board import REFERENCE, FakeBoard
from tests.unit.test_threads import NO_PROMPT, plays


class Odd:
    """An object whose text cannot be made."""

    def __repr__(self) -> str:
        raise ZeroDivisionError


WRONG: dict[str, Any] = {
    "none": None,
    "nan": float("nan"),
    "inf": float("inf"),
    "negative": -1,
    "huge": 10**400,
    "endless": 10**5000,
    "large": 1e308,
    "true": True,
    "complex": 1j,
    "empty": "",
    "null": "a\0b",
    "surrogate": "\ud800",
    "long": "x" * 100_000,
    "bytes": b"x",
    "list": [],
    "nested": [[None]],
    "dict": {1: 2},
    "object": object(),
    "odd": Odd(),
    "class": int,
}


def survives(call: Callable[[], object], where: str) -> BaseException | None:
    """Make a call, which may succeed; fail if anything but a PressloopError escapes."""
    try:
        call()
    except PressloopError as error:
        assert error.code and error.message, where
        str(error)
        return error
    except Exception as error:
        raise AssertionError(f"{where}: {type(error).__name__}: {error}") from error
    return None


def arguments(function: Callable[..., object]) -> list[str]:
    """Return the names of a function's arguments."""
    return [
        name
        for name, parameter in inspect.signature(function).parameters.items()
        if name != "self" and parameter.kind is not parameter.VAR_KEYWORD
    ]


def walk(name: str, function: Callable[..., object], good: dict[str, Any]) -> None:
    """Call a function with each wrong value for each of its arguments, the others being good."""
    for argument in arguments(function):
        for kind, value in WRONG.items():
            given = {**good, argument: value}
            survives(lambda given=given: function(**given), f"{name}({argument}={kind})")  # type: ignore[misc]


def user_models() -> Iterator[type[UserModel]]:
    """The public models that a user builds."""
    for name in pressloop.__all__:
        found = getattr(pressloop, name)
        if inspect.isclass(found) and issubclass(found, UserModel):
            yield found


@pytest.mark.parametrize("model", list(user_models()), ids=lambda model: model.__name__)
def test_every_field_of_every_model(model: type[UserModel]) -> None:
    for name in model.model_fields:
        for kind, value in WRONG.items():
            survives(lambda name=name, value=value: model(**{name: value}), f"{name}={kind}")  # type: ignore[misc]
            survives(lambda value=value: model(nonsense=value), kind)  # type: ignore[misc]


def test_methods_of_the_models() -> None:
    hold = Hold(duration="1 s", tolerance="1 %")
    walk("Hold.tolerance_kpa", hold.tolerance_kpa, {"target_kpa": 1000, "die_um": 10_000})
    walk("MachineProfile.limits", REFERENCE.limits, {})
    walk("MachineProfile.lever", REFERENCE.lever, {})
    walk("MachineProfile.from_fields", MachineProfile.from_fields, {})
    walk("MachineProfile.from_wire", MachineProfile.from_wire, {})
    walk("model_copy", REFERENCE.model_copy, {"update": {}})


def test_calls_without_a_board(tmp_path: Path) -> None:
    walk("load_protocol", load_protocol, {})
    walk("load_sample", load_sample, {})
    walk("list_boards", list_boards, {})
    walk("RunRecord.open", RunRecord.open, {})
    walk("Press.reopen", Press.reopen, {"record_dir": tmp_path})
    walk("EmulatedBoard", EmulatedBoard, {})


def test_opening(board: FakeBoard) -> None:
    for argument in arguments(Press.open):
        for kind, value in WRONG.items():
            if argument == "port" and (value is None or kind == "surrogate"):
                continue  # None looks for boards on USB
            given = {"port": board.url, argument: value}

            def call(given: dict[str, Any] = given) -> None:
                Press.open(**given).close()

            survives(call, f"Press.open({argument}={kind})")


PRESS_CALLS = ("write_profile", "validate", "attach", "tune", "upload")
RUN_CALLS = ("pause", "resume", "confirm", "advance", "abort", "dump", "wait", "result")


def test_calls_of_a_press(board: FakeBoard, tmp_path: Path) -> None:
    good: dict[str, Any] = {
        "limit": "100 MPa",
        "die": "10 mm",
        "out": tmp_path / "tune",
        "record_dir": tmp_path,
    }
    with Press.open(board.url) as press:
        good["plan"] = compile_plan(press.validate(NO_PROMPT).checked(), REFERENCE)
        for name in PRESS_CALLS:
            function = getattr(press, name)
            known = {key: good[key] for key in arguments(function) if key in good}
            if name != "tune":
                walk(name, function, known)
                continue
            for argument in ("limit", "die", "out"):
                for kind, value in WRONG.items():
                    if argument == "die" and value is None:
                        continue  # a simulated press takes its own die, and would begin
                    given = {**known, argument: value}
                    assert survives(
                        lambda given=given: press.tune(**given),  # type: ignore[misc]
                        f"tune({argument}={kind})",
                    )
        assert not board.executed("start")


@pytest.mark.parametrize("name", ["start", "run"])
def test_starting_a_run(name: str, board: FakeBoard, tmp_path: Path) -> None:
    folders = iter(range(10_000))
    with Press.open(plays(board).url) as press:
        function = getattr(press, name)
        for argument in arguments(function):
            for kind, value in WRONG.items():
                if argument == "out" and isinstance(value, str):
                    continue  # a folder of that name
                if argument.startswith("on_") and kind == "class":
                    continue  # can be called; what a callback raises is the script's own error
                given = {
                    "protocol": NO_PROMPT,
                    "out": tmp_path / str(next(folders)),
                    "on_prompt": confirm_all,
                    argument: value,
                }

                def call(given: dict[str, Any] = given) -> None:
                    made = function(**given)
                    if isinstance(made, Run):
                        made.abort()
                        made.result(20)

                survives(call, f"{name}({argument}={kind})")
                assert press.status().state is State.IDLE


def test_calls_of_a_run(board: FakeBoard, tmp_path: Path) -> None:
    with Press.open(board.url) as press:
        board.lockstep = True
        run = press.start(NO_PROMPT, out=tmp_path / "run")
        for name in RUN_CALLS:
            for argument in arguments(getattr(run, name)):
                for kind, value in WRONG.items():
                    if kind in ("none", "large") and name in ("wait", "result") and run.is_active:
                        continue  # waits for the end
                    survives(
                        lambda name=name, argument=argument, value=value: getattr(run, name)(  # type: ignore[misc]
                            **{argument: value}
                        ),
                        f"{name}({argument}={kind})",
                    )
        assert run.result(20).end_reason in ("aborted", "completed")
        # Used again after its end.
        for name in ("status", "frame", "telemetry", "detach", *RUN_CALLS):
            survives(lambda name=name: getattr(run, name)(), f"{name} after the end")  # type: ignore[misc]


def test_a_closed_press(board: FakeBoard, tmp_path: Path) -> None:
    with Press.open(plays(board).url) as press:
        run = press.start(NO_PROMPT, out=tmp_path / "run")
        run.result(20)
    press.close()
    with press:  # entered a second time
        pass
    calls: dict[str, Callable[[], object]] = {
        "status": press.status,
        "profile": press.profile,
        "telemetry": lambda: list(press.telemetry()),
        "validate": lambda: press.validate(NO_PROMPT),
        "write_profile": lambda: press.write_profile(REFERENCE),
        "run": lambda: press.run(NO_PROMPT, out=tmp_path / "2"),
        "start": lambda: press.start(NO_PROMPT, out=tmp_path / "3"),
        "attach": lambda: press.attach(tmp_path / "run"),
        "tune": lambda: press.tune("100 MPa", out=tmp_path / "4"),
        "abort": press.abort,
        "clear_fault": press.clear_fault,
        "run.status": run.status,
        "run.pause": run.pause,
        "run.abort": run.abort,
        "run.confirm": run.confirm,
    }
    for name, call in calls.items():
        assert survives(call, f"{name} of a closed press") is not None, name
    for looking in ("hello", "console", "board", "session"):
        survives(lambda looking=looking: getattr(press, looking), looking)  # type: ignore[misc]
    repr(press)
    assert run.result(1).end_reason == "completed"


def test_two_threads_at_once(board: FakeBoard, tmp_path: Path) -> None:
    """Two threads start, steer and close the same press; one of two starts is refused."""
    with ThreadPoolExecutor(4) as pool:
        for attempt in range(5):
            press = Press.open(plays(board).url)

            def start(number: int, press: Press = press, attempt: int = attempt) -> object:
                run = press.start(NO_PROMPT, out=tmp_path / f"{attempt}-{number}")
                run.pause()
                run.resume()
                return run.result(20)

            calls: list[Callable[[], object]] = [
                lambda start=start: start(0),  # type: ignore[misc]
                lambda start=start: start(1),  # type: ignore[misc]
                press.status,
                press.abort,
            ]
            list(pool.map(lambda call: survives(call, "two at once"), calls))
            list(pool.map(lambda call: survives(call, "closing"), [press.close, press.close]))
        with Press.open(board.url) as press:
            assert press.status().state is State.IDLE
