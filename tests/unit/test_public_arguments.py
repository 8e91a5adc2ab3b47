"""A script gets a PressloopError for every mistake, and may pass any number type."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pressloop
import pytest
from pressloop import (
    BadInputError,
    EmulatedBoard,
    Hold,
    MachineProfile,
    Pid,
    Press,
    PressDescription,
    PressloopError,
    Protocol,
    Ramp,
    Repeat,
    Sample,
    Stage,
    ThinningRules,
    load_protocol,
    load_sample,
)
from pressloop.run.run import Run
from pressloop.sample import keep_sample, read_sample
from pressloop.yaml.user_model import UserModel

from tests.unit.fake_board import REFERENCE, FakeBoard

PROTOCOL = """
pressloop: 1
name: One stage
die: 10 mm
ceiling: 300 MPa
stages:
  - name: densify
    ramp: {target: 250 MPa, rate: 10 MPa/s}
"""

INTEGERS = [
    *(kind(3) for kind in (np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint64)),
    np.array(3),
    np.array(3, dtype=np.uint16),
]
numpy: Any = np
"""Numbers of numpy where the types say int or float: type checkers would refuse them."""

FLOATS = [
    *(kind(2.5) for kind in (np.float16, np.float32, np.float64, np.longdouble)),
    np.array(2.5),
    np.array(2.5, dtype=np.float32),
    Fraction(5, 2),
    Decimal("2.5"),
    *INTEGERS,
]


def ramp() -> Ramp:
    return Ramp(target="10 MPa", rate="5 MPa/s")


def stage() -> Stage:
    return Stage(name="a", ramp=ramp())


def name_of(value: object) -> str:
    return f"{type(value).__name__}-{getattr(value, 'dtype', '')}"


# --- numbers of other packages


@pytest.mark.parametrize("number", INTEGERS, ids=name_of)
def test_any_integer_type_is_an_integer(number: Any) -> None:
    repeat = Repeat(repeat=number, stages=[stage()])
    assert repeat.repeat == 3 and type(repeat.repeat) is int
    board = EmulatedBoard(seed=number, ring_records=number)
    assert board.seed == 3 and type(board.seed) is int


@pytest.mark.parametrize("number", FLOATS, ids=name_of)
def test_any_float_type_is_a_float(number: Any, tmp_path: Path) -> None:
    sample = Sample(mass_mg=number, true_density_g_cm3=number, thickness_mm=number)
    assert sample.mass_mg == float(number)
    keep_sample(tmp_path, sample)
    assert read_sample(tmp_path) == sample
    assert Pid(kp="1 /s", ki="1 /s2", kd=number).kd == float(number)
    EmulatedBoard(speed=number, silence_s=number, orphan_s=number)


def models() -> Iterator[type[UserModel]]:
    """Every model of the public names that a user builds, with the sections inside."""
    waiting = [getattr(pressloop, name) for name in pressloop.__all__]
    seen: set[object] = set()
    while waiting:
        found = waiting.pop()
        if found in seen:
            continue
        seen.add(found)
        waiting += typing.get_args(found)
        if inspect.isclass(found) and issubclass(found, UserModel):
            waiting += [field.annotation for field in found.model_fields.values()]
            yield found


def numeric_fields() -> Iterator[tuple[type[UserModel], str, type]]:
    for model in models():
        for name, field in model.model_fields.items():
            parts = {field.annotation, *typing.get_args(field.annotation)}
            kinds = {typing.get_args(p)[0] if hasattr(p, "__metadata__") else p for p in parts}
            if kinds & {int, float} and bool not in kinds:
                yield model, name, int if int in kinds else float


NUMERIC = sorted(numeric_fields(), key=lambda found: (found[0].__name__, found[1]))


def test_the_walk_finds_the_numbers_of_the_api() -> None:
    found = {(model.__name__, name) for model, name, _ in NUMERIC}
    assert {("Repeat", "repeat"), ("Pid", "kd"), ("Sample", "mass_mg")} <= found
    assert {("MachineProfile", "raw_zero"), ("PowderSection", "mass_mg")} <= found
    assert {("ThinningRules", "before_s")} <= found
    assert len(found) > 60


@pytest.mark.parametrize(
    ("model", "name", "kind"), NUMERIC, ids=[f"{m.__name__}.{n}" for m, n, _ in NUMERIC]
)
def test_every_number_of_a_model(model: type[UserModel], name: str, kind: type) -> None:
    """Numpy's number gives what Python's gives, and true is none of them."""

    def outcome(value: object) -> object:
        try:
            return getattr(model(**{name: value}), name)
        except BadInputError as error:
            found = [f for f in error.findings if f.path == name]
            return [f.code for f in found] or "accepted"

    for value in (0, 1, 50, 10**6):
        for other in (np.int64, np.int32) if kind is int else (np.int64, np.float64):
            assert outcome(other(value)) == outcome(kind(value)), (value, other)
    with pytest.raises(BadInputError, match="number"):
        model(**{name: True})


def test_the_list_of_numeric_arguments_is_complete() -> None:
    """A new number of these classes belongs into the tests below."""
    found = set()
    for owner in (Press, EmulatedBoard, Run):
        members = [n for n in vars(owner) if not n.startswith("_")] + ["__init__"]
        for name in members:
            member = inspect.unwrap(getattr(owner, name))
            if not callable(member):
                continue
            for argument, kind in typing.get_type_hints(member).items():
                kinds = (kind, *typing.get_args(kind))
                if (int in kinds or float in kinds) and argument != "return":
                    found.add(f"{owner.__name__}.{name}.{argument}")
    of_the_package = {"Run.begin.run_first", "Run.begin.start_tick", "Run.abort_and_wait.limit_s"}
    assert found - of_the_package == {
        *(f"Press.open.{name}" for name in ("seed", "speed", "reconnect_timeout_s")),
        *(f"EmulatedBoard.__init__.{name}" for name in ("seed", "speed", "ring_records")),
        *(f"EmulatedBoard.__init__.{name}" for name in ("silence_s", "orphan_s")),
        "Press.board_journal.most",
        *("Run.wait.limit_s", "Run.result.limit_s", "Run.confirm.step", "Run.advance.step"),
    }


@pytest.mark.parametrize("value", [True, "3", None, [], np.array([1, 2]), float("nan"), 1j])
@pytest.mark.parametrize("name", ["seed", "speed", "ring_records", "silence_s", "orphan_s"])
def test_what_is_no_number_is_refused(name: str, value: Any) -> None:
    with pytest.raises(BadInputError, match=name) as caught:
        EmulatedBoard(**{name: value})
    assert caught.value.hint


def test_a_run_takes_numbers_of_numpy(board: FakeBoard, tmp_path: Path) -> None:
    with Press.open(board.url, reconnect_timeout_s=numpy.float32(2), seed=numpy.int64(3)) as press:
        run = press.start(
            PROTOCOL, out=tmp_path / "run", thinning=ThinningRules(before_s=numpy.int8(9))
        )
        assert not run.wait(numpy.float32(0.01))
        with pytest.raises(BadInputError, match="limit_s"):
            run.wait(True)
        with pytest.raises(BadInputError, match="limit_s"):
            run.result("1 s")  # type: ignore[arg-type]
        with pytest.raises(BadInputError, match="step"):
            run.confirm(1.5)  # type: ignore[arg-type]
        with pytest.raises(PressloopError):
            run.advance(numpy.int64(300))
        run.advance(numpy.int64(0))
        board.advance(20)
        run.abort()
        run.result(numpy.int64(10))


# --- every error is a PressloopError

MISTAKES: dict[str, tuple[Callable[[], object], str, str]] = {
    "pressure without a unit": (
        lambda: Ramp(target=100, rate="20 MPa/s"),  # type: ignore[arg-type]
        "missing-unit",
        "target",
    ),
    "numpy pressure without a unit": (
        lambda: Ramp(target=np.float32(100), rate="20 MPa/s"),  # type: ignore[arg-type]
        "missing-unit",
        "target",
    ),
    "unknown name": (
        lambda: Ramp(target="1 MPa", rate="1 MPa/s", rat="2 MPa/s"),  # type: ignore[call-arg]
        "unknown-key",
        "rat",
    ),
    "missing argument": (lambda: Ramp(target="1 MPa"), "missing-key", "rate"),  # type: ignore
    "hold without an end": (lambda: Hold(tolerance="1 %"), "no-end", "duration"),
    "empty stage": (lambda: Stage(name="a"), "empty-stage", "."),
    "mistake in a nested mapping": (
        lambda: Stage(name="a", ramp={"target": 5, "rate": "1 MPa/s"}),  # type: ignore[arg-type]
        "missing-unit",
        "ramp.target",
    ),
    "mistake in a list": (
        lambda: Protocol(
            name="a",
            die="10 mm",
            ceiling="5 MPa",
            stages=[{"name": "x", "ramp": {"target": 5, "rate": "1 MPa/s"}}],  # type: ignore
        ),
        "missing-unit",
        "stages[0].ramp.target",
    ),
    "no stages": (
        lambda: Protocol(name="a", die="10 mm", ceiling="5 MPa", stages=[]),
        "bad-value",
        "stages",
    ),
    "half a density": (lambda: Sample(mass_mg=1), "contradiction", "."),
    "true for a mass": (
        lambda: Sample(mass_mg=True, true_density_g_cm3=2),
        "bad-value",
        "mass_mg",
    ),
    "negative area": (
        lambda: PressDescription(ram={"area_cm2": -1}),  # type: ignore[arg-type]
        "bad-value",
        "ram.area_cm2",
    ),
    "profile that contradicts itself": (
        lambda: MachineProfile(**(REFERENCE.model_dump() | {"raw_full": 1})),
        "contradiction",
        "raw_full",
    ),
    "wrong copy": (
        lambda: REFERENCE.model_copy(update={"leak_ul_min": "much"}),
        "bad-value",
        "leak_ul_min",
    ),
    "thinning": (lambda: ThinningRules(before_s=-1), "bad-value", "before_s"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_arguments_is_a_bad_input(mistake: str) -> None:
    build, code, place = MISTAKES[mistake]
    with pytest.raises(BadInputError) as caught:
        build()
    error = caught.value
    assert (error.code, error.findings[0].path) == (code, place)
    assert error.message and error.hint and error.findings[0].message
    assert "pydantic" not in str(error)
    assert str(error).count(error.findings[0].message) == 1


def test_all_mistakes_of_a_call_are_listed() -> None:
    with pytest.raises(BadInputError, match="2 mistakes") as caught:
        Ramp(target=100, rate=20)  # type: ignore[arg-type]
    assert [finding.path for finding in caught.value.findings] == ["target", "rate"]


def test_an_object_is_frozen() -> None:
    one = ramp()
    with pytest.raises(BadInputError, match="model_copy"):
        one.target = "20 MPa"
    with pytest.raises(BadInputError, match="frozen"):
        del one.rate
    assert one.model_copy(update={"target": "20 MPa"}).target_kpa(10_000) == 20_000


OTHER_CALLS: dict[str, Callable[[Path], object]] = {
    "profile with an unknown field": lambda _: MachineProfile.from_fields({"nonsense": 1}),
    "profile with text": lambda _: MachineProfile.from_fields(
        {**PressDescription().nominal_profile(), "ram_area_mm2": "big"}
    ),
    "protocol from a number": lambda _: load_protocol(5),  # type: ignore[arg-type]
    "protocol with a null character": lambda _: load_protocol("a\0b"),
    "protocol from a folder": load_protocol,
    "sample from None": lambda _: load_sample(None),  # type: ignore[arg-type]
    "board from a folder": lambda path: EmulatedBoard(path),
    "board with a wrong pacing": lambda _: EmulatedBoard(pacing="fast"),  # type: ignore[arg-type]
    "board in a number": lambda _: EmulatedBoard(work_dir=5),  # type: ignore[arg-type]
    "port that is a number": lambda _: Press.open(5),  # type: ignore[arg-type]
    "port with a null character": lambda _: Press.open("/dev/tty\0"),
    "record of nothing": lambda _: Press.reopen(None),  # type: ignore[arg-type]
    "record that is a file": lambda path: Press.reopen(path / "file"),
}


@pytest.mark.parametrize("call", OTHER_CALLS)
def test_other_public_calls(call: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(PressloopError) as caught:
        OTHER_CALLS[call](tmp_path)
    assert caught.value.message and caught.value.hint and caught.value.code


def test_calls_of_an_open_press(board: FakeBoard, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    calls: list[Callable[[], object]] = [
        lambda: press.run(5, out=tmp_path),  # type: ignore[arg-type]
        lambda: press.run(PROTOCOL, out=5),  # type: ignore[arg-type]
        lambda: press.run(PROTOCOL, out=tmp_path / "file"),
        lambda: press.run(PROTOCOL, out=tmp_path / "file" / "below"),
        lambda: press.run(PROTOCOL, out=tmp_path / "r", sample={"mass_mg": 1}),  # type: ignore
        lambda: press.start(PROTOCOL, out=tmp_path / "r", thinning=5),  # type: ignore[arg-type]
        lambda: press.write_profile({}),  # type: ignore[arg-type]
        lambda: press.attach(5),  # type: ignore[arg-type]
        lambda: press.tune(400, out=tmp_path),  # type: ignore[arg-type]
        lambda: press.tune(None, out=tmp_path),  # type: ignore[arg-type]
        lambda: press.tune("400 MPa", np.int64(10), out=tmp_path),  # type: ignore[arg-type]
    ]
    with Press.open(board.url) as press:
        for call in calls:
            with pytest.raises(PressloopError) as caught:
                call()
            assert caught.value.hint
        assert not board.executed("start")
