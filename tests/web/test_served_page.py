"""The page without a browser: what its requests do to an emulated press, and who may do it."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest
from pressloop.cli.app import app
from pressloop.emulator.process import EmulatedBoard
from pressloop.errors import NoBoardError
from pressloop.evaluation import RunRecord
from pressloop.press import Press
from pressloop.run.active_runs import active_runs
from pressloop.sample import read_sample
from pressloop.session.session import Session
from pressloop.transport.transport import open_transport
from pressloop.web import press_owner
from pressloop.web.board_choice import BoardChoice
from pressloop.web.hub import Hub
from pressloop.web.live_curve import LiveCurve
from pressloop.web.press_owner import PressOwner
from pressloop.wire.schema import TICK_HZ, ProfileWriteRequest
from typer.testing import CliRunner
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.emulated.command_line import command
from tests.web.page_client import (
    HOST_TIMEOUT_S,
    Page,
    Refused,
    Served,
    lab_folders,
    served,
    wait_until,
)

pytestmark = pytest.mark.slow

SPEED = 20.0


@pytest.fixture(scope="module")
def one_site(tmp_path_factory: pytest.TempPathFactory, micropython: Path) -> Iterator[Served]:
    """A page of an emulated press that runs 20 times faster than the clock."""
    choice = BoardChoice("emulated", speed=SPEED)
    with served(tmp_path_factory.mktemp("page"), choice) as page:
        yield page


@pytest.fixture
def site(one_site: Served) -> Served:
    """That page with its press at rest, whatever the test before has left."""
    one_site.bring_to_rest()
    return one_site


@pytest.fixture
def ada(site: Served) -> Iterator[Page]:
    """A page that controls a press at rest."""
    page = Page(site.url, "a")
    page.open()
    page.wait(lambda: page.state() == "idle")
    page.post("control/take", name="Ada")
    yield page
    page.close()


@pytest.fixture
def ben(site: Served) -> Iterator[Page]:
    """A page that only watches."""
    page = Page(site.url, "b")
    page.open()
    page.wait(lambda: "curve" in page.seen)
    yield page
    page.close()


@pytest.fixture
def board(micropython: Path) -> Iterator[EmulatedBoard]:
    """An emulated board of another program, as far as the page knows."""
    with EmulatedBoard(pacing="real", speed=SPEED, ring_records=60_000) as emulated:
        with closing(Session(lambda: open_transport(emulated.url), host="test")) as session:
            session.request(ProfileWriteRequest(**emulated.press.nominal_profile()))
        yield emulated


def test_a_run_with_prompts_is_started_answered_and_judged(
    site: Served, ada: Page, ben: Page
) -> None:
    record = ada.start("three.yaml")["record"]
    for _ in range(2):
        ada.wait(lambda: ada.state() == "prompting")
        status = ada.seen["status"]
        assert status["sentence"].startswith("The press waits for you: Insert the")
        with pytest.raises(Refused) as refusal:
            ben.post("confirm", step=status["step"])
        assert refusal.value.error["code"] == "no-control"
        assert ada.post("confirm", step=status["step"])["done"]
        ada.wait(lambda: ada.state() == "running")
    ada.wait(lambda: ada.seen["result"] is not None)
    result = ada.seen["result"]
    assert result["end_reason"] == "completed"
    assert [stage["verdict"] for stage in result["stages"]] == ["pass"] * 3
    assert [stage["name"] for stage in ada.seen["run"]["stages"] if stage["target_mpa"]] == [
        "first",
        "second",
        "third",
    ]
    ben.wait(lambda: ben.seen["result"] is not None)
    summary = RunRecord.open(site.runs / record).summary
    assert summary.complete
    said = [event.data.get("by") for event in summary.events if event.kind == "prompt-answered"]
    assert said == ["Ada (page)", "Ada (page)"]
    (row,) = [row for row in ada.get("runs")["rows"] if row["record"] == record]
    columns = [row["moment"], row["verdict"], row["kind"], str(site.runs / record), row["about"]]
    assert columns[1:] == ["pass", "simulated", str(site.runs / record), "Three steps"]
    listed = CliRunner().invoke(app, ["runs", str(site.runs)]).stdout.splitlines()
    assert "\t".join([*columns, row["problem"]]) in listed
    assert ada.get(f"run?id={record}")["sentence"] == result["sentence"]
    curve = ada.get(f"curve?id={record}&points=300")
    assert max(curve["hi"]) > 199
    assert len(curve["t"]) <= 300


def test_pause_resume_and_skip_steer_the_run_and_say_why_not(ada: Page) -> None:
    record = ada.start("long.yaml")["record"]
    ada.wait(lambda: ada.word() == "Hold")
    (row,) = [row for row in ada.get("runs")["rows"] if row["record"] == record]
    assert (row["about"], row["verdict"]) == ("Long hold", "in progress")
    assert "not paused" in ada.seen["status"]["obstacles"]["resume"]
    assert not ada.post("steer", command="resume")["done"]
    assert ada.post("steer", command="pause")["done"]
    ada.wait(lambda: ada.state() == "paused")
    assert ada.seen["status"]["pause"] == "Paused by Ada (page)."
    assert ada.post("steer", command="resume")["done"]
    ada.wait(lambda: ada.state() == "running")
    assert ada.post("steer", command="skip")["done"]
    ada.wait(lambda: ada.seen["result"] is not None)
    assert ada.seen["result"]["end_reason"] == "completed"


SAMPLE = "name: pellet 17\nlot: L-0412\nmass_mg: 100\ntrue_density_g_cm3: 2.1\n"


def test_a_sample_file_is_kept_and_what_it_leaves_open_is_named(site: Served, ada: Page) -> None:
    shown = ada.post("sample", id="long.yaml", sample=SAMPLE)
    assert ["lot", "L-0412"] in shown["given"]
    assert {"operator", "material", "thickness_mm", "die_material"} <= set(shown["missing"])
    assert not {"name", "lot", "until_stage", "mass_uncertainty_mg"} & set(shown["missing"])
    wrong = ada.post("sample", id="long.yaml", sample="name: x\nlott: 3\n")
    assert wrong["problem"].startswith("Line 2: 'lott' is not a key here.")
    record = ada.start("long.yaml", sample=SAMPLE)["record"]
    kept = read_sample(site.runs / record)
    assert kept is not None
    assert (kept.name, kept.lot, kept.operator) == ("pellet 17", "L-0412", None)
    (row,) = [row for row in ada.get("runs")["rows"] if row["record"] == record]
    assert row["about"] == "Long hold; pellet 17, lot L-0412"


def test_a_rehearsal_predicts_the_curve_of_this_press(site: Served, ada: Page) -> None:
    text = ada.get("protocol?id=three.yaml")["text"]
    rehearsed = ada.post("rehearse", text=text, id="three.yaml")
    assert rehearsed["end_reason"] == "completed"
    assert max(rehearsed["curve"]["hi"]) == pytest.approx(200, abs=3)
    assert ada.state() == "idle"
    with pytest.raises(Refused) as refusal:
        ada.post("rehearse", text=text.replace("8 s", "20 h"), id="three.yaml")
    assert refusal.value.error["code"] == "rehearsal-long"


def test_the_machine_is_described(ada: Page) -> None:
    shown = ada.get("machine")
    assert dict(shown["identity"])["Board"] == "emulated"
    assert [die["die_mm"] for die in shown["dies"]] == sorted(
        die["die_mm"] for die in shown["dies"]
    )
    assert shown["tuning"].startswith("The press was not tuned")


def test_everyone_may_abort_and_every_page_hears_of_it(ada: Page, ben: Page) -> None:
    ada.start("long.yaml")
    ada.wait(lambda: ada.word() == "Hold")
    assert ben.post("abort", name="Ben")["done"]
    ada.wait(lambda: ada.seen["result"] is not None)
    assert ada.seen["result"]["end_reason"] == "aborted"
    assert ada.seen["notice"]["text"].startswith("Ben pressed abort.")


def test_an_abort_during_the_start_ends_the_run(
    site: Served, ada: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    press = site.server._page.owner.press
    start = press.start

    def start_late(*arguments: object, **options: object) -> object:
        assert not ada.post("abort", name="Ada")["done"]  # nothing runs yet
        return start(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(press, "start", start_late)
    ada.start("long.yaml")
    ada.wait(lambda: ada.seen["result"] is not None)
    assert ada.seen["result"]["end_reason"] == "aborted"


def test_a_second_holder_is_refused_with_who_holds_control(ada: Page, ben: Page) -> None:
    with pytest.raises(Refused) as refusal:
        ben.post("control/take", name="Ben")
    assert refusal.value.status == 409
    assert refusal.value.error["message"] == "Ada controls the press."
    ada.wait(lambda: "notice" in ada.seen)
    assert ada.seen["notice"]["text"].startswith("Ben asks for control.")
    for path, data in (
        ("start", {"id": "three.yaml", "sha256": ""}),
        ("steer", {"command": "pause"}),
        ("clear", {}),
        ("dump", {}),
        ("protocols/save", {"id": "x.yaml", "text": ""}),
    ):
        with pytest.raises(Refused) as refusal:
            ben.post(path, **data)
        assert refusal.value.error["code"] == "no-control"


def test_only_the_text_that_was_shown_is_pressed(site: Served, ada: Page) -> None:
    shown = ada.get("protocol?id=long.yaml")
    path = site.protocols / "long.yaml"
    path.write_text(shown["text"].replace("74 MPa", "80 MPa"))
    try:
        with pytest.raises(Refused) as refusal:
            ada.post("start", id="long.yaml", sha256=shown["sha256"], die="10")
    finally:
        path.write_text(shown["text"])
    assert refusal.value.error["code"] == "changed-on-disk"
    with pytest.raises(Refused) as refusal:
        ada.post("start", id="long.yaml", sha256=shown["sha256"], die="12")
    assert refusal.value.error["code"] == "wrong-die"


def test_a_fault_is_said_in_words_with_the_next_step(tmp_path: Path, board: EmulatedBoard) -> None:
    with served(tmp_path, BoardChoice(board.url)) as site:
        ada = Page(site.url, "a")
        ada.open()
        ada.wait(lambda: ada.state() == "idle")
        ada.post("control/take", name="Ada")
        board.control({"faults": ["sensor-open@14"]})
        ada.start("long.yaml")
        ada.wait(lambda: ada.state() == "fault")
        fault = ada.seen["status"]["fault"]
        assert fault["meaning"].startswith("The transducer's signal is below")
        assert fault["next"] == "Check its cable and its supply."
        ada.wait(lambda: ada.seen["result"] is not None)
        assert ada.seen["result"]["end_reason"] == "fault"
        with pytest.raises(Refused):
            ada.post("clear")  # the wire is still broken
        ada.close()


def test_frames_come_twenty_times_a_second_while_a_page_is_looked_at(
    tmp_path: Path, micropython: Path
) -> None:
    with served(tmp_path, BoardChoice("emulated")) as site:
        page = Page(site.url, "a")
        page.open()

        def steps() -> list[int]:
            ticks = [frame["tick"] for frame in page.frames]
            return [later - tick for tick, later in pairwise(ticks)]

        page.wait(lambda: steps()[-3:] == [5, 5, 5])
        assert min(steps()) > 0
        page.close()


def request(site: Served, method: str, path: str, **headers: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(site.netloc)
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    body = b"{}" if method == "POST" else None
    connection.request(method, path, body, names)
    return connection.getresponse()


def test_the_page_forbids_itself_what_it_does_not_need(site: Served) -> None:
    answer = request(site, "GET", "/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    text = answer.read().decode()
    assert "http://" not in text and "https://" not in text
    assert "<script>" not in text and " style=" not in text and "onclick" not in text
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_requests_of_other_pages_are_refused(site: Served) -> None:
    own = f"http://{site.netloc}"
    assert request(site, "POST", "/api/abort", x_pressloop="1", origin=own).status == 200
    assert request(site, "POST", "/api/abort", origin=own).status == 403
    foreign = "http://evil.example"
    assert request(site, "POST", "/api/abort", x_pressloop="1", origin=foreign).status == 403
    assert request(site, "GET", "/", host="evil.example").status == 403
    for origin in (Origin(foreign), None):
        with pytest.raises(InvalidStatus), connect(f"ws://{site.netloc}/live", origin=origin):
            pass


def test_a_request_without_a_length_is_refused(site: Served) -> None:
    connection = http.client.HTTPConnection(site.netloc)
    headers = {"x-pressloop": "1", "transfer-encoding": "chunked"}
    connection.request("POST", "/api/validate", iter([b"{}"]), headers, encode_chunked=True)
    assert connection.getresponse().status == 413


def test_nothing_beside_the_folder_is_served(site: Served) -> None:
    for path in ("/static/../server.py", "/static/%2e%2e/server.py", "/api/run?id=..%2f..%2fetc"):
        assert request(site, "GET", path).status == 404
    assert request(site, "GET", "/api/curve?id=x&points=nan").status in (400, 404)
    assert request(site, "GET", "/docs").status == 404


def test_with_a_token_a_page_shows_it_once(tmp_path: Path) -> None:
    choice = BoardChoice("socket://127.0.0.1:9")
    with served(tmp_path, choice, token="a-token-of-24-characters") as site:
        assert request(site, "GET", "/").status == 401
        assert request(site, "GET", "/?token=wrong").status == 401
        shown = request(site, "GET", "/?token=a-token-of-24-characters")
        assert shown.status == 303
        cookie = shown.headers["set-cookie"]
        assert "HttpOnly" in cookie and "SameSite=strict" in cookie
        assert "a-token" not in cookie
        assert request(site, "GET", "/", cookie=cookie.split(";")[0]).status == 200
        assert request(site, "POST", "/api/abort", x_pressloop="1").status == 401
        origin = Origin(f"http://{site.netloc}")
        with pytest.raises(InvalidStatus), connect(f"ws://{site.netloc}/live", origin=origin):
            pass


def test_without_a_press_the_page_says_so_and_what_to_do(tmp_path: Path) -> None:
    with served(tmp_path, BoardChoice("socket://127.0.0.1:9")) as site:
        page = Page(site.url, "a")
        page.open()
        page.wait(lambda: (page.seen.get("link") or {}).get("state") == "lost")
        error = page.seen["link"]["error"]
        assert error["message"] and error["hint"]
        outcome = page.post("abort", name="Ada")
        assert not outcome["done"]
        assert "emergency stop" in outcome["message"]
        page.close()


def test_a_wrong_port_is_said_in_the_terminal_and_the_page_stays(tmp_path: Path) -> None:
    protocols, runs = lab_folders(tmp_path)
    words = ("serve", "--port", tmp_path / "ttyWRONG", "--http-port", "0")
    folders = ("--protocols", protocols, "--runs", runs)
    server = subprocess.Popen(
        command(*words, *folders), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert server.stdout is not None and server.stderr is not None
    url = server.stdout.readline().strip()
    said = []
    for line in server.stderr:
        said.append(line)
        if "connects by itself" in line:
            break
    text = "".join(said)
    assert f"cannot open {tmp_path / 'ttyWRONG'}: there is no such port" in text
    assert "hint" in text and "pressloop ports" in text
    page = Page(url, "a")
    page.open()
    page.wait(lambda: (page.seen.get("link") or {}).get("state") == "lost")
    page.close()
    server.send_signal(signal.SIGINT)
    server.communicate()
    assert server.returncode == 0


class LateBoard(BoardChoice):
    """A board that cannot be opened three times; then it is there."""

    failed = 0

    def open(self) -> Press:
        """Fail with one error or another, or connect."""
        if LateBoard.failed == 3:
            return super().open()
        LateBoard.failed += 1
        raise NoBoardError("no power" if LateBoard.failed < 3 else "no cable", hint="look")


def test_each_change_of_the_link_is_said_once_to_the_terminal(
    tmp_path: Path, board: EmulatedBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(press_owner, "RETRY_S", 0.01)
    monkeypatch.setattr(LateBoard, "failed", 0)
    said: list[str | None] = []
    hub = Hub(curve := LiveCurve())
    owner = PressOwner(
        LateBoard(board.url),
        hub,
        curve,
        tmp_path,
        on_link=lambda error: said.append(None if error is None else error.message),
    )
    owner.begin()
    wait_until(lambda: hub.newest("status") is not None)
    assert said == ["no power", "no cable", None]
    board.stop()
    wait_until(lambda: len(said) == 4)
    assert said[3] is not None and "being opened again" in said[3]
    assert owner.stop("leave")


def test_a_killed_server_leaves_the_press_safe_and_the_next_one_follows_its_run(
    tmp_path: Path, board: EmulatedBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The board holds, as the protocol says of the loss of its host; nothing of the run is lost."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    protocols, runs = lab_folders(tmp_path)
    words = ("serve", "--port", board.url, "--http-port", "0")
    folders = ("--protocols", protocols, "--runs", runs)
    server = subprocess.Popen(command(*words, *folders), stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    page = Page(server.stdout.readline().strip(), "a")
    page.open()
    page.wait(lambda: page.state() == "idle")
    page.post("control/take", name="Ada")
    record = page.start("long.yaml")["record"]
    page.wait(lambda: page.word() == "Hold")
    os.kill(server.pid, signal.SIGKILL)
    server.wait()
    page.close()
    lost_tick = board.control({"get": True})["tick"] + HOST_TIMEOUT_S * TICK_HZ
    wait_until(lambda: board.control({"get": True})["tick"] > lost_tick + TICK_HZ)
    assert board.control({"get": True})["oil_derived_mpa"] == pytest.approx(74, abs=3)
    with served(tmp_path, BoardChoice(board.url)) as again:
        page = Page(again.url, "a")
        page.open()
        page.wait(lambda: page.state() in ("paused", "running"))
        page.wait(lambda: page.seen["run"] is not None)
        assert page.seen["run"]["record"] == record
        page.wait(lambda: page.state() == "paused")
        page.wait(lambda: "heard nothing" in page.seen["status"]["pause"])
        page.wait(lambda: page.seen["curve"]["run"]["t"])
        assert max(page.seen["curve"]["run"]["hi"]) > 73
        page.post("control/take", name="Ada")
        assert page.post("steer", command="resume")["done"]
        page.wait(lambda: page.word() == "Hold")
        assert page.post("steer", command="skip")["done"]
        page.wait(lambda: page.seen["result"] is not None)
        assert page.seen["result"]["end_reason"] == "completed"
        assert page.seen["result"]["gaps"] == 0
        page.close()


def test_ctrl_c_at_the_server_releases_the_pressure_and_completes_the_record(
    tmp_path: Path, board: EmulatedBoard
) -> None:
    protocols, runs = lab_folders(tmp_path)
    words = ("serve", "--port", board.url, "--http-port", "0")
    folders = ("--protocols", protocols, "--runs", runs)
    server = subprocess.Popen(
        command(*words, *folders), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    page = Page(server.stdout.readline().strip(), "a")
    page.open()
    page.wait(lambda: page.state() == "idle")
    page.post("control/take", name="Ada")
    record = page.start("long.yaml")["record"]
    page.wait(lambda: page.word() == "Hold")
    page.close()
    server.send_signal(signal.SIGINT)
    _, said = server.communicate()
    assert server.returncode == 0
    assert "aborting: releasing the pressure" in said
    assert RunRecord.open(runs / record).summary.end_reason == "aborted"
    assert board.control({"get": True})["oil_derived_mpa"] < 2


def test_an_abort_reaches_the_program_that_owns_the_board(
    tmp_path: Path, board: EmulatedBoard
) -> None:
    protocols, _ = lab_folders(tmp_path)
    theirs = ("run", protocols / "long.yaml", "--out", tmp_path / "theirs", "--port", board.url)
    owner = subprocess.Popen(
        command(*theirs),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    wait_until(lambda: any(run.is_on(board.url) for run in active_runs()))
    with served(tmp_path, BoardChoice(board.url)) as site:
        page = Page(site.url, "a")
        page.open()
        page.wait(lambda: (page.seen.get("link") or {}).get("state") == "lost")
        assert "runs 'Long hold'" in page.seen["link"]["error"]["message"]
        assert page.post("abort", name="Ada")["done"]
        _, said = owner.communicate()
        page.wait(lambda: page.state() == "idle")  # the board is free now
        page.close()
    assert owner.returncode == 1, said
    assert RunRecord.open(tmp_path / "theirs").summary.end_reason == "aborted"


def test_other_computers_are_not_served_without_the_option() -> None:
    words = ("serve", "--port", "emulated", "--host", "0.0.0.0")
    done = subprocess.run(command(*words), capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--allow-remote" in done.stderr
    assert done.stdout == ""


def test_a_lost_board_is_said_and_an_abort_does_not_hang(
    tmp_path: Path, board: EmulatedBoard
) -> None:
    with served(tmp_path, BoardChoice(board.url)) as site:
        page = Page(site.url, "a")
        page.open()
        page.wait(lambda: page.state() == "idle")
        page.post("control/take", name="Ada")
        page.start("long.yaml")
        page.wait(lambda: page.word() == "Hold")
        board.stop()
        page.wait(lambda: page.seen["link"]["state"] == "reconnecting")
        assert "cable" in page.seen["link"]["error"]["hint"]
        outcome = page.post("abort", name="Ada")
        assert not outcome["done"]
        assert "emergency stop" in outcome["message"]
        page.close()
