"""The SDK works from threads, asyncio and notebooks alike, and leaves the press safe."""

from __future__ import annotations

import asyncio
import builtins
import io
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import pytest
from pressloop import Press, PressloopError, RunResult, ask_on_terminal, confirm_all
from pressloop.wire.schema import EndReason, State

from tests.unit.fake_board import FakeBoard

PROTOCOL = """
pressloop: 1
name: A stage and a question
die: 10 mm
ceiling: 300 MPa
stages:
  - name: densify
    ramp: {target: 250 MPa, rate: 10 MPa/s}
  - prompt: Insert the cathode
  - name: bond
    hold: {target: 250 MPa, duration: 10 s, tolerance: 1 %}
"""
NO_PROMPT = PROTOCOL.replace("  - prompt: Insert the cathode\n", "")


def plays(board: FakeBoard) -> FakeBoard:
    """Let the board go through its plan by itself."""

    def step_press() -> None:
        if board.state is State.RUNNING:
            board.go_to(board.step + 1)

    board.step_press = step_press  # type: ignore[method-assign]
    board.lockstep = True
    return board


@pytest.fixture(autouse=True)
def no_signal_handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    """No call of the SDK installs a signal handler, in any thread."""
    set_handler = signal.signal

    def watch(number: int, handler: signal.Handlers) -> object:
        # pytest-timeout and asyncio have handlers of their own.
        caller = sys._getframe(1).f_globals["__name__"]
        assert not caller.startswith("pressloop"), f"{caller} installed a signal handler"
        return set_handler(number, handler)

    monkeypatch.setattr(signal, "signal", watch)


def test_a_run_from_asyncio(board: FakeBoard, tmp_path: Path) -> None:
    async def press_a_cell() -> RunResult:
        press = await asyncio.to_thread(Press.open, plays(board).url)
        with press:
            return await asyncio.to_thread(press.run, PROTOCOL, out=tmp_path, on_prompt=confirm_all)

    assert asyncio.run(press_a_cell()).end_reason == "completed"


def test_a_run_inside_a_running_loop_as_in_a_notebook_cell(
    board: FakeBoard, tmp_path: Path
) -> None:
    async def cell() -> str:
        with Press.open(plays(board).url) as press:
            run = press.start(PROTOCOL, out=tmp_path, on_prompt=confirm_all)
            return run.result(20).end_reason

    assert asyncio.run(cell()) == "completed"


def test_a_cancelled_task_leaves_the_press_at_rest(board: FakeBoard, tmp_path: Path) -> None:
    """The thread of `to_thread` cannot be cancelled: leaving the block aborts its run."""
    threads: list[threading.Thread] = []

    async def press_a_cell(press: Press) -> None:
        def run() -> None:
            threads.append(threading.current_thread())
            press.run(NO_PROMPT, out=tmp_path)

        await asyncio.to_thread(run)

    async def main() -> None:
        with Press.open(board.url) as press:
            task = asyncio.create_task(press_a_cell(press))
            await asyncio.to_thread(board.wait_for, lambda: board.executed("start"))
            board.advance(20)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            board.lockstep = True  # the board lets time pass, so that its end is seen

    asyncio.run(main())
    assert (board.state, board.end_reason) == (State.IDLE, EndReason.ABORTED)
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


def test_ctrl_c_in_the_main_thread_ends_a_run_of_another_thread(
    board: FakeBoard, tmp_path: Path
) -> None:
    with (
        ThreadPoolExecutor(1) as pool,
        pytest.raises(KeyboardInterrupt),
        Press.open(board.url) as press,
    ):
        future = pool.submit(press.run, NO_PROMPT, out=tmp_path)
        board.wait_for(lambda: board.executed("start"))
        board.lockstep = True
        board.advance(20)
        raise KeyboardInterrupt
    assert (board.state, board.end_reason) == (State.IDLE, EndReason.ABORTED)
    assert future.result(10).end_reason == "aborted"


def test_two_presses_in_two_threads(tmp_path: Path) -> None:
    def run(board: FakeBoard) -> str:
        with Press.open(board.url) as press:
            folder = tmp_path / board.url.rpartition(":")[2]
            return press.run(PROTOCOL, out=folder, on_prompt=confirm_all).end_reason

    with FakeBoard() as one, FakeBoard() as two, ThreadPoolExecutor(2) as pool:
        assert list(pool.map(run, [plays(one), plays(two)])) == ["completed", "completed"]


def test_a_press_is_opened_in_one_thread_and_used_in_others(
    board: FakeBoard, tmp_path: Path
) -> None:
    with ThreadPoolExecutor(4) as pool, Press.open(plays(board).url) as press:
        run = pool.submit(press.start, PROTOCOL, out=tmp_path, on_prompt=confirm_all).result()
        states = [pool.submit(press.status) for _ in range(20)]
        assert pool.submit(run.result, 20).result().end_reason == "completed"
        assert all(state.result() for state in states)


# --- questions


class Kernel:
    """Stands in for the kernel of a notebook, whose `input` would wait for ever in a thread."""

    def raw_input(self, prompt: str = "") -> str:
        if threading.current_thread() is not threading.main_thread():
            raise AssertionError("the kernel would wait for ever here")
        return ""


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ipykernel", ModuleType("ipykernel"))
    monkeypatch.setattr(builtins, "input", Kernel().raw_input)
    monkeypatch.setattr(sys, "stdin", io.StringIO())


@pytest.mark.usefixtures("kernel")
def test_a_notebook_asks_in_its_main_thread(board: FakeBoard, tmp_path: Path) -> None:
    with Press.open(plays(board).url) as press:
        assert press.run(PROTOCOL, out=tmp_path).end_reason == "completed"


@pytest.mark.usefixtures("kernel")
def test_a_notebook_is_told_before_anything_moves(board: FakeBoard, tmp_path: Path) -> None:
    with Press.open(plays(board).url) as press:
        with pytest.raises(PressloopError, match="notebook") as caught:
            asyncio.run(asyncio.to_thread(press.run, PROTOCOL, out=tmp_path))
        assert caught.value.code == "no-terminal" and "run.confirm()" in caught.value.hint
        with pytest.raises(PressloopError, match="notebook"):
            press.start(PROTOCOL, out=tmp_path, on_prompt=ask_on_terminal)
        nested = PROTOCOL.replace("  - prompt", "  - repeat: 2\n    stages:\n      - prompt")
        with pytest.raises(PressloopError, match="notebook"):
            press.start(nested, out=tmp_path, on_prompt=ask_on_terminal)
        assert not board.executed("start")
        # Without a prompt there is nothing to ask.
        run = asyncio.run(asyncio.to_thread(press.run, NO_PROMPT, out=tmp_path))
        assert run.end_reason == "completed"


@pytest.mark.parametrize("stdin", ["ended", "none"])
def test_a_prompt_without_a_terminal_is_an_error_of_ours(
    stdin: str, board: FakeBoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO() if stdin == "ended" else None)
    with Press.open(plays(board).url) as press:
        with pytest.raises(PressloopError, match="cannot be asked") as caught:
            press.run(PROTOCOL, out=tmp_path)
        assert caught.value.code == "no-terminal"
    assert board.state is State.IDLE
    assert bool(board.executed("start")) == (stdin == "ended")
