"""The report answers three questions on its first page, fits two, and has every figure."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import weasyprint  # type: ignore[import-untyped]
from pressloop.cli.app import app
from pressloop.evaluation import RunRecord, finalise
from pressloop.record import RunEnd, RunRecorder
from pressloop.record.model import RecordedConditions
from pressloop.reports import methods_of, report_html
from pressloop.reports.methods import calibration_of
from pressloop.reports.page import _page
from pressloop.reports.questions import answers_of
from pressloop.sample import Sample
from typer.testing import CliRunner

from tests.unit import synthetic_run
from tests.unit.golden_records import write
from tests.unit.synthetic_run import Shape

SHAPE = Shape(targets_mpa=(20.0, 8.0), hold_s=0.3, prompt_s=0.05, bump_mpa=0.01)
QUESTIONS = ("Was it pressed as asked?", "How sure?", "What was different?")


def recorded(
    folder: Path, shape: Shape = SHAPE, *, sample: Sample | None = None, **header: Any
) -> RunRecord:
    run = synthetic_run.run(shape)
    run.header = synthetic_run.header(shape, **header)
    write(folder, run, run.end(), sample=sample)
    finalise(folder)
    return RunRecord.open(folder)


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> RunRecord:
    return recorded(tmp_path_factory.mktemp("report") / "run", Shape(bump_mpa=3))


@pytest.fixture(scope="module")
def page(record: RunRecord) -> str:
    return report_html(record)


def refuse(url: str, *_: object, **__: object) -> dict[str, object]:
    raise AssertionError(f"the page loads {url}")


def pages_of_pdf(content: bytes) -> int:
    """Count the pages, whose objects may lie in compressed streams."""
    parts = [content]
    for stream in re.findall(rb"stream\r?\n(.*?)endstream", content, re.DOTALL):
        with suppress(zlib.error):
            parts.append(zlib.decompressobj().decompress(stream))
    return sum(len(re.findall(rb"/Type ?/Page\b", part)) for part in parts)


def pages(record: RunRecord) -> int:
    """Count the pages as they are printed, without the values that only the screen shows."""
    text = _page(record, (), with_values=False)
    return len(weasyprint.HTML(string=text, url_fetcher=refuse).render().pages)


def numbers(value: object) -> Iterator[int | float]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from numbers(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from numbers(inner)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield value


def test_every_figure_of_the_record_is_on_the_page(record: RunRecord, page: str) -> None:
    document = json.loads((record.directory / "run.json").read_text())
    cells = set(re.findall(r"<td>([^<]*)</td>", page))
    found = list(numbers(document))
    assert len(found) > 300
    assert [number for number in found if repr(number) not in cells] == []


def test_the_first_page_answers_the_three_questions(page: str) -> None:
    first, _, second = page.partition('<div class="second">')
    assert [question for question in QUESTIONS if f"<h2>{question}</h2>" in first] == [*QUESTIONS]
    assert "How it was pressed" in second and "How it was pressed" not in first
    assert first.count("<svg") == 1 and second.count("<svg") == 1


def test_the_page_loads_nothing(page: str) -> None:
    for target in re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?([^"')\s>]*)""", page):
        assert target.startswith("#"), target
    assert "<script" not in page and "@import" not in page
    # Identifiers of the pictures do not meet each other's.
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    for target in set(re.findall(r'(?:xlink:href="|url\()#([^")]+)', page)):
        assert target in ids


def test_a_failed_run_says_no_with_values_and_limits(page: str) -> None:
    assert '<span class="word">NO</span>' in page
    assert "the limit is the tolerance of" in html.unescape(page)
    assert "SIMULATED" in page.partition("</header>")[0]


def test_a_real_run_is_not_marked_as_simulated(tmp_path: Path) -> None:
    run = synthetic_run.run(SHAPE)
    header = synthetic_run.header(SHAPE, simulated=False)
    with RunRecorder.create(tmp_path, header) as recorder:
        recorder.started(run.run_first, run.start_tick)
        recorder.telemetry(*run.batch(0, 1 << 20))
        recorder.close(run.end())
    text = report_html(RunRecord.open(tmp_path))
    assert "SIMULATED" not in text
    assert '<span class="word">YES</span>' in text
    assert "No person confirmed the diameter of the die" in text


@pytest.mark.slow
@pytest.mark.parametrize("case", ["many stages", "much went wrong", "nothing recorded"])
def test_two_printed_pages_however_much_there_is_to_say(tmp_path: Path, case: str) -> None:
    if case == "many stages":
        targets = tuple(10.0 + 7 * (at % 3) + at / 10 for at in range(12))
        shape = Shape(targets_mpa=targets, hold_s=0.1, prompt_s=0.03, bump_mpa=0.5)
        record = recorded(tmp_path, shape, protocol_name="twelve stages with long names " * 2)
        assert len(record.summary.stages) == 12
    elif case == "much went wrong":
        run = synthetic_run.run(Shape(bump_mpa=9))
        with RunRecorder.create(tmp_path, run.header) as recorder:
            recorder.started(run.run_first, run.start_tick)
            for start in range(0, 1400, 70):
                recorder.telemetry(*run.batch(start, start + 40))
                recorder.event("pause", by=f"operator {start} with a name of some length")
            recorder.close(run.end(end_reason="fault", fault="over-pressure", note="x " * 150))
        record = RunRecord.open(tmp_path)
    else:
        with RunRecorder.create(tmp_path, synthetic_run.header(SHAPE)) as recorder:
            recorder.close(RunEnd(end_reason="not-started", note="the board refused"))
        record = RunRecord.open(tmp_path)
    assert pages(record) == 2


@pytest.mark.slow
def test_a_browser_prints_two_pages(page: str, tmp_path: Path) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium on this machine")
    (tmp_path / "page.html").write_text(page, "utf-8")
    command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
    command += [f"--user-data-dir={tmp_path / 'profile'}"]
    command += [f"--print-to-pdf={tmp_path / 'page.pdf'}", (tmp_path / "page.html").as_uri()]
    subprocess.run(command, check=True, capture_output=True)
    assert pages_of_pdf((tmp_path / "page.pdf").read_bytes()) == 2


def test_what_was_different_names_who_did_what(tmp_path: Path) -> None:
    run = synthetic_run.run(SHAPE)
    with RunRecorder.create(tmp_path, run.header) as recorder:
        recorder.started(run.run_first, run.start_tick)
        recorder.telemetry(*run.batch(0, 60))
        recorder.event("pause", by="operator (key)")
        recorder.event("pause", by="operator (key)")
        recorder.close(run.end(end_reason="aborted"))
    said = answers_of(RunRecord.open(tmp_path).summary).differences
    assert "The run ended before its time: aborted." in said
    assert "Paused 2 times, by operator (key)." in said


def test_the_methods_say_every_parameter_that_is_known(tmp_path: Path) -> None:
    sample = Sample(
        name="17", material="Na3PS4", lot="L-1", operator="A. Kim", mass_mg=140.2,
        true_density_g_cm3=2.2, plunger_diameter_mm=9.98, temperature_c=23,
        layers=("Na3PS4", "cathode"),
    )  # fmt: skip
    conditions = RecordedConditions(die_material="steel", plunger_material="WC", atmosphere="argon")
    profile = {
        **synthetic_run.REFERENCE.model_dump(mode="json"),
        "calibration_date": "2026-03-01",
        "calibration_due": "2027-03-01",
    }
    record = recorded(tmp_path, sample=sample, conditions=conditions, profile=profile)
    methods = methods_of(record.summary)
    for part in (
        "SIMULATED: no press moved",
        "Na3PS4 (lot L-1, 140.2 mg) was pressed uniaxially in a 10 mm steel die "
        "with 9.98 mm WC plungers at 23 °C in argon.",
        "Layers from below: Na3PS4, cathode.",
        "ramp at 100 MPa/s to 20 MPa (1.57 kN), hold at 20 MPa (1.57 kN) for 0.3 s",
        "Pressed by A. Kim",
        "calibrated on 2026-03-01, due on 2027-03-01",
        "transducer 400 bar",
    ):
        assert part in methods.text
    assert methods.missing == ()
    assert "Not recorded" not in methods.text
    assert calibration_of(record.header)["date"] == "2026-03-01"


def test_what_is_missing_is_named_and_never_made_up(record: RunRecord, page: str) -> None:
    methods = methods_of(record.summary)
    assert methods.missing == (
        "material of the powder", "lot", "mass", "operator", "die material", "plunger material",
        "plunger diameter", "temperature", "atmosphere", "order of layers", "calibration date",
    )  # fmt: skip
    assert methods.text.endswith("order of layers, calibration date.")
    for invented in (" in air", "°C", "steel", "room temperature"):
        assert invented not in methods.text
    assert page.count("not recorded") >= 11


def test_beside_other_runs_the_report_says_what_differs(tmp_path: Path) -> None:
    others = [recorded(tmp_path / f"{at}", run_id=f"{at:016x}") for at in range(1, 5)]
    assert "Beside 4 other runs, this one is like the others." in report_html(
        recorded(tmp_path / "mine"), beside=others
    )
    wrong = recorded(tmp_path / "wrong", die_mm=8.0, run_id="ff")
    said = report_html(wrong, beside=others).partition('<div class="second">')[0]
    assert "this one is not like the others: die of 8 mm, the others 10 mm" in said
    mine = recorded(tmp_path / "again")
    said = report_html(mine, beside=others[:1])
    assert "Beside 1 other run, all with the same plan: too few to tell" in said
    assert "1 of them with another plan" in report_html(mine, beside=[wrong])


def test_texts_of_the_user_are_no_markup(tmp_path: Path) -> None:
    record = recorded(tmp_path, sample=Sample(name="<script>alert(1)</script>"))
    assert "<script" not in report_html(record)


def test_the_command_writes_page_and_pdf_of_two_pages(record: RunRecord) -> None:
    folder = record.directory
    run = CliRunner().invoke
    done = run(app, ["report", str(folder)])
    assert done.exit_code == 0 and Path(done.stdout.strip()) == folder / "report.html"
    done = run(app, ["report", str(folder), "--pdf"])
    assert done.exit_code == 0 and Path(done.stdout.strip()) == folder / "report.pdf"
    content = (folder / "report.pdf").read_bytes()
    assert pages_of_pdf(content) == 2
    assert content.startswith(b"%PDF") and b"/EmbeddedFile" in content
    assert run(app, ["report", str(folder / "no")]).exit_code == 2
