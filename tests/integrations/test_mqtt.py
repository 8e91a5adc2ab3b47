"""Runs on an MQTT broker: nothing is lost when broker, network or publisher go away."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("paho.mqtt", reason="needs pressloop[mqtt]")

from pressloop.cli.app import app
from pressloop.errors import PressloopError
from pressloop.evaluation import finalise
from pressloop.integrations.mqtt_publisher import Broker, MqttPublisher
from pressloop.integrations.run_feed import RunFeed
from pressloop.integrations.run_feeds import RunFeeds
from pressloop.record import RunRecorder
from pressloop.record.journal import JOURNAL_NAME, read_journal, whole_entries
from typer.testing import CliRunner

from tests.emulated.command_line import command
from tests.integrations.mosquitto import Cable, Mosquitto, Subscriber, subscribed, wait_until
from tests.unit import synthetic_run
from tests.unit.synthetic_run import Shape

RUN = synthetic_run.run(
    Shape(targets_mpa=(20.0, 8.0), hold_s=0.3, prompt_s=0.05, bump_mpa=0.01, noise_mpa=0.0)
)
BOARD = RUN.header.board.unique_id


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    folder = tmp_path / "broker"
    folder.mkdir()
    broker = Mosquitto(folder)
    yield broker
    broker.stop()


class Recording:
    """Records the synthetic run piece by piece, as a program that follows a press would."""

    def __init__(self, folder: Path, run_id: str = RUN.header.run_id) -> None:
        self.folder = folder
        header = RUN.header.model_copy(update={"run_id": run_id})
        self._recorder = RunRecorder.create(folder, header)
        self._recorder.started(RUN.run_first, RUN.start_tick)
        self._sent = 0

    def some(self, pieces: int = 5, records: int = 3) -> None:
        for _ in range(pieces):
            stop = min(self._sent + records, len(RUN.records))
            if stop > self._sent:
                self._recorder.telemetry(*RUN.batch(self._sent, stop))
            self._sent = stop

    def end(self) -> None:
        self._recorder.telemetry(*RUN.batch(self._sent, len(RUN.records)))
        self._recorder.close(RUN.end())
        finalise(self.folder)

    def interrupt(self) -> None:
        self._recorder.close()


def recorded(folder: Path, run_id: str = RUN.header.run_id) -> Path:
    run = Recording(folder, run_id)
    run.some()
    run.end()
    return folder


def offsets(folder: Path) -> set[int]:
    return {offset for offset, _, _ in whole_entries((folder / JOURNAL_NAME).read_bytes())}


def received(reader: Subscriber) -> set[int]:
    return {one["offset"] for one in reader.json("/journal")}


@contextmanager
def publishing(folder: Path, port: int, positions: Path) -> Iterator[RunFeeds]:
    """Publish in a thread until the block is left."""
    publisher = MqttPublisher(Broker("127.0.0.1", port), "pressloop", "lab")
    feeds = RunFeeds(publisher, [folder], positions, say=lambda text: None)
    stop = threading.Event()
    thread = threading.Thread(target=feeds.publish, args=(stop,))
    thread.start()
    try:
        yield feeds
    finally:
        stop.set()
        thread.join(30)
        publisher.close()


def publish(folder: Path, broker: Mosquitto, positions: Path, *more: str) -> tuple[int, str]:
    """Run the command to its end."""
    result = CliRunner().invoke(
        app,
        ["mqtt", str(folder), "--broker", f"127.0.0.1:{broker.port}", "--name", "lab"]
        + ["--positions", str(positions), *more],
    )
    return result.exit_code, result.output


def test_a_finished_run_is_published_once_with_state_and_result(
    broker: Mosquitto, tmp_path: Path
) -> None:
    folder, positions = recorded(tmp_path / "run"), tmp_path / "positions"
    with subscribed(broker.port) as reader:
        assert publish(folder, broker, positions)[0] == 0
        wait_until(lambda: reader.json("/result") and received(reader) == offsets(folder))
        wait_until(lambda: reader.words("/publisher/lab")[-1:] == ["offline"])
        first = len(reader.json("/journal"))
        assert first == len(offsets(folder))
        assert publish(folder, broker, positions)[0] == 0
        wait_until(lambda: len(reader.words("/publisher/lab")) >= 4)
        assert len(reader.json("/journal")) == first

    kinds = [one["kind"] for one in reader.json("/journal")]
    assert (kinds[0], kinds[1], kinds[-1]) == ("header", "start", "end")
    assert set(reader.messages) == {
        f"pressloop/{BOARD}/journal",
        f"pressloop/{BOARD}/state",
        f"pressloop/{BOARD}/result",
        "pressloop/publisher/lab",
    }
    pressures = [
        value
        for one in reader.json("/journal")
        if one["kind"] == "telemetry"
        for value in one["records"]["pressure_mpa"]
    ]
    assert len(pressures) == len(RUN.records)
    assert max(pressures) == pytest.approx(20.0, abs=0.1)
    (result,) = reader.json("/result")
    assert result["end_reason"] == "completed"

    # A later subscriber gets what the broker retains: not the journal.
    with subscribed(broker.port, f"pressloop/{BOARD}/state") as late:
        wait_until(lambda: late.json("/state"))
        (state,) = late.json("/state")
    assert (state["recording"], state["end_reason"]) == (False, "completed")
    assert state["simulated"] is True


def test_nothing_is_lost_when_broker_network_and_publisher_go_away(
    broker: Mosquitto, tmp_path: Path
) -> None:
    folder, positions = tmp_path / "run", tmp_path / "positions"
    cable = Cable(broker.port)
    run = Recording(folder)
    with subscribed(broker.port) as reader:
        with publishing(folder, cable.port, positions):
            run.some()
            wait_until(lambda: received(reader) == offsets(folder))

            broker.stop()
            run.some()
            broker.start()
            wait_until(lambda: received(reader) == offsets(folder))

            cable.cut()
            wait_until(lambda: reader.words("/publisher/lab")[-1] == "offline")
            run.some()
            cable.mend()
            wait_until(lambda: received(reader) == offsets(folder))
            assert reader.words("/publisher/lab")[-1] == "online"

            cable.cut()
            run.some()
        # The publisher ends with the network still cut; its successor continues.
        run.some()
        cable.mend()
        with publishing(folder, cable.port, positions):
            run.end()
            wait_until(lambda: received(reader) == offsets(folder) and reader.json("/result"))
        counts = [one["offset"] for one in reader.json("/journal")]
    cable.close()
    # What comes twice names itself by its offset; it is what was on its way at a cut.
    assert len(counts) - len(set(counts)) < 40
    sent = [one["first"] for one in reader.json("/journal") if one["kind"] == "telemetry"]
    assert list(dict.fromkeys(sent)) == sorted(set(sent))
    assert sum(len(one["records"]["tick"]) for one in unique(reader)) == len(RUN.records)


def unique(reader: Subscriber) -> list[dict[str, dict[str, list[int]]]]:
    """Return the telemetry messages, without those that came twice."""
    found = {one["offset"]: one for one in reader.json("/journal")}
    return [one for one in found.values() if one["kind"] == "telemetry"]


@pytest.mark.slow
def test_a_killed_publisher_is_continued_and_the_broker_says_that_it_is_gone(
    broker: Mosquitto, tmp_path: Path
) -> None:
    runs, positions = tmp_path / "runs", tmp_path / "positions"
    run = Recording(runs / "one")
    words = ["mqtt", runs, "--broker", f"127.0.0.1:{broker.port}", "--name", "lab"]
    arguments = command(*words, "--positions", positions)
    with subscribed(broker.port) as reader:
        first = subprocess.Popen(arguments, stderr=subprocess.DEVNULL)
        run.some()
        wait_until(lambda: received(reader) == offsets(run.folder))
        first.send_signal(signal.SIGSTOP)
        run.some(20)
        first.kill()
        first.wait()
        wait_until(lambda: reader.words("/publisher/lab")[-1] == "offline")
        assert received(reader) < offsets(run.folder)  # killed before it had published all
        second = subprocess.Popen(arguments, stderr=subprocess.DEVNULL)
        run.end()
        recorded(runs / "two", "02" * 8)  # a run that begins later in the same folder
        wait_until(lambda: len(reader.json("/result")) == 2)
        second.terminate()
        assert second.wait(20) == 0
    for folder in (runs / "one", runs / "two"):
        run_id = read_journal(folder / JOURNAL_NAME).entries[0]["run_id"]
        sent = {one["offset"] for one in reader.json("/journal") if one["run_id"] == run_id}
        assert sent == offsets(folder)
    assert reader.words("/publisher/lab")[-1] == "offline"


def test_a_run_that_was_interrupted_is_named_and_continued_later(
    broker: Mosquitto, tmp_path: Path
) -> None:
    folder, positions = tmp_path / "run", tmp_path / "positions"
    run = Recording(folder)
    run.some()
    run.interrupt()
    with subscribed(broker.port) as reader:
        code, said = publish(folder, broker, positions)
        assert code == 1
        assert "interrupted" in " ".join(said.split())
        wait_until(lambda: received(reader) == offsets(folder))
        assert reader.json("/state")[-1]["end_reason"] == "interrupted"
        with RunRecorder.reopen(folder) as recorder:
            recorder.close(RUN.end())
        finalise(folder)
        assert publish(folder, broker, positions)[0] == 0
        wait_until(lambda: received(reader) == offsets(folder))
        sent = [one["offset"] for one in reader.json("/journal")]
    assert len(sent) == len(set(sent))
    assert len(read_journal(folder / JOURNAL_NAME).entries) == len(sent)


def test_a_broker_that_refuses_is_named(tmp_path: Path) -> None:
    (tmp_path / "passwords").write_text("")
    refusing = Mosquitto(tmp_path, password_file=tmp_path / "passwords")
    code, said = publish(recorded(tmp_path / "run"), refusing, tmp_path / "positions")
    refusing.stop()
    assert code == 1
    assert "mqtt-refused" in said


@pytest.mark.parametrize(
    ("host", "port", "cause"),
    [
        ("no-such-host.invalid", 1883, "finds no address for 'no-such-host.invalid'"),
        ("127.0.0.1", 9, "nothing listens on port 9 of 127.0.0.1"),
    ],
)
def test_a_broker_that_is_not_there_is_named_with_the_cause_and_awaited(
    tmp_path: Path, host: str, port: int, cause: str
) -> None:
    publisher = MqttPublisher(Broker(host, port), "pressloop", "lab")
    stop = threading.Event()
    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        if "cannot reach" in text:
            stop.set()

    RunFeeds(publisher, [recorded(tmp_path / "run")], tmp_path / "positions", say=say).publish(stop)
    publisher.close()
    assert said[-1].startswith(f"cannot reach {host}:{port}: ")
    assert cause in said[-1]
    assert said[-1].endswith("Trying again")


def test_two_publishers_of_one_run_are_refused(broker: Mosquitto, tmp_path: Path) -> None:
    folder = recorded(tmp_path / "run")
    publisher = MqttPublisher(Broker("127.0.0.1", broker.port), "pressloop", "lab")
    try:
        feed = RunFeed(folder, publisher, tmp_path)
        with pytest.raises(PressloopError) as refused:
            RunFeed(folder, publisher, tmp_path)
        feed.close()
        RunFeed(folder, publisher, tmp_path).close()
    finally:
        publisher.close()
    assert refused.value.code == "already-published"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], "nothing-named"),
        (["no-such-folder"], "no-folder"),
        (["--any-board", "--broker", "mqtt://a/b"], "bad-broker"),
        (["--any-board", "--broker", "a:99999"], "bad-broker"),
        (["--any-board", "--broker", "a..b"], "bad-broker"),
        (["--any-board", "--topic", "a/#"], "bad-topic"),
    ],
)
def test_wrong_words_are_named(arguments: list[str], code: str) -> None:
    result = CliRunner().invoke(app, ["mqtt", *arguments])
    assert result.exit_code == 2
    assert f"({code})" in result.output


def test_without_the_extra_the_pip_command_is_named() -> None:
    hidden = "import sys; sys.modules['paho'] = None\nimport pressloop.integrations.mqtt_publisher"
    done = subprocess.run([sys.executable, "-c", hidden], capture_output=True, text=True)
    assert "pip install 'pressloop[mqtt]'" in done.stderr


class HeldPublisher:
    """Takes messages like a broker that acknowledges only what the test lets it."""

    broker, topic, room = "a", "b", 4

    def __init__(self) -> None:
        self.tags: list[tuple[RunFeed, tuple[object, ...]]] = []

    def publish(self, topic: str, payload: object, *, tag: Any, retain: bool = False) -> None:
        self.tags.append(tag)
        self.room -= 1


def test_what_was_sent_and_not_acknowledged_is_sent_again(tmp_path: Path) -> None:
    folder = recorded(tmp_path / "run")
    held: Any = HeldPublisher()
    feed = RunFeed(folder, held, tmp_path)
    feed.step()
    entries = [what[1] for _, what in held.tags if what[0] == "entry"]
    assert len(entries) == 4
    feed.note_acknowledged(held.tags[0][1])
    feed.note_acknowledged(held.tags[1][1])
    feed.close()

    later: Any = HeldPublisher()
    feed = RunFeed(folder, later, tmp_path)
    feed.step()
    feed.close()
    assert [what[1] for _, what in later.tags if what[0] == "entry"][:2] == entries[2:]
