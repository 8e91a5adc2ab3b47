"""An export has every figure of the record, exactly and with its unit, and says if simulated."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import sys
import zipfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from mcap.reader import make_reader
from openpyxl import load_workbook  # type: ignore[import-untyped]
from pressloop.cli.app import app
from pressloop.errors import BadInputError, PressloopError
from pressloop.evaluation import RunRecord, finalise
from pressloop.reports import (
    export_csv,
    export_eln,
    export_mcap,
    export_xlsx,
    join_cycler,
    write_report,
    write_report_pdf,
)
from pressloop.reports.cycler_table import PRESSURE, SIMULATED
from pressloop.reports.run_values import run_values
from pressloop.reports.workbook import Sheet, column_name, write_workbook
from pressloop.sample import Sample
from typer.testing import CliRunner

from tests.unit import synthetic_run
from tests.unit.golden_records import thinned, write
from tests.unit.synthetic_run import Shape

SHAPE = Shape(targets_mpa=(20.0, 8.0), hold_s=0.3, prompt_s=0.05, bump_mpa=0.01)


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> RunRecord:
    folder = tmp_path_factory.mktemp("record") / "first"
    run = synthetic_run.run(SHAPE)
    write(folder, run, run.end(), sample=Sample(name="=1+1", operator="Ä. Kim", material="KBr"))
    finalise(folder)
    return RunRecord.open(folder)


def telemetry(record: RunRecord, name: str) -> list[Any]:
    values: list[Any] = record.table()[name].to_pylist()
    return values


@pytest.mark.parametrize(
    ("form", "separator", "decimal"),
    [
        ({}, ",", "."),
        ({"decimal": ","}, ";", ","),
        ({"separator": "\t", "decimal": ","}, "\t", ","),
    ],
)
def test_csv_has_every_row_exactly(
    record: RunRecord, tmp_path: Path, form: dict[str, str], separator: str, decimal: str
) -> None:
    path, stages = export_csv(record, tmp_path / "t.csv", **form)  # type: ignore[arg-type]
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=separator))
    read = [float(row["pressure / MPa"].replace(decimal, ".")) for row in rows]
    assert read == telemetry(record, "pressure_mpa")
    assert [float(row["true oil / MPa"].replace(decimal, ".")) for row in rows] == telemetry(
        record, "true_oil_mpa"
    )
    assert {row["simulated"] for row in rows} == {"true"}
    assert rows[0]["displacement / mm"] == ""
    with stages.open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file, delimiter=separator))
    assert [row["source"] for row in found] == ["reading"] * 2 + ["truth"] * 2
    mean = float(found[0]["mean / MPa"].replace(decimal, "."))
    assert mean == record.summary.stages[0].mean_mpa
    assert "ramp rate / (MPa/s)" in found[0]
    # A share from 0 to 1, whatever its key ends with.
    assert "hold within 0.5 % of target" in found[0]


@pytest.mark.parametrize(
    "form",
    [
        {"decimal": ",", "separator": ","},
        {"decimal": "·"},
        {"separator": ""},
        {"separator": "ab"},
        {"separator": "."},
        {"separator": "1"},
    ],
)
def test_a_csv_that_could_not_be_read_back_is_refused(
    record: RunRecord, tmp_path: Path, form: dict[str, str]
) -> None:
    with pytest.raises(BadInputError) as refusal:
        export_csv(record, tmp_path / "t.csv", **form)  # type: ignore[arg-type]
    assert refusal.value.code == "bad-csv-form"


def test_the_workbook_has_run_stages_and_telemetry_exactly(
    record: RunRecord, tmp_path: Path
) -> None:
    book = load_workbook(export_xlsx(record, tmp_path / "run.xlsx"), read_only=True)
    assert book.sheetnames == ["run", "stages", "telemetry"]
    rows = list(book["run"].iter_rows(min_row=2, values_only=True))
    assert [row[0] for row in rows] == [v.place for v in run_values(record.summary)]
    by_place = {row[0]: row[1] for row in rows}
    assert by_place["sample.name"] == "=1+1"  # a text, and no formula
    assert by_place["simulated"] is True
    assert by_place["stages[1].mean_mpa"] == record.summary.stages[1].mean_mpa
    rows = list(book["telemetry"].iter_rows(values_only=True))
    column = rows[0].index("true oil / MPa")
    assert [row[column] for row in rows[1:]] == telemetry(record, "true_oil_mpa")
    assert "relative density" in rows[0]


def test_a_thinned_record_brings_its_intervals(tmp_path: Path) -> None:
    thinned(tmp_path / "run")
    finalise(tmp_path / "run")
    record = RunRecord.open(tmp_path / "run")
    means = record.intervals()
    assert means is not None
    *_, path = export_csv(record, tmp_path / "t.csv")
    assert path.name == "t-intervals.csv"
    with path.open(encoding="utf-8", newline="") as file:
        read = [float(row["mean / MPa"]) for row in csv.DictReader(file)]
    assert read == means["mean_mpa"].to_pylist()
    book = load_workbook(export_xlsx(record, tmp_path / "run.xlsx"))
    assert book["intervals"].max_row == means.num_rows + 1


def test_a_number_of_seventeen_digits_survives(tmp_path: Path) -> None:
    exact = [0.1 + 0.2, 5e-324, 1.7976931348623157e308, -1e-7, 2**53 + 1, True, None, "a\0b<&>"]
    write_workbook(tmp_path / "x.xlsx", [Sheet("s", list("abcdefgh"), [exact])])
    (row,) = load_workbook(tmp_path / "x.xlsx")["s"].iter_rows(min_row=2, values_only=True)
    assert list(row) == [*exact[:-1], "a b<&>"]


def test_columns_are_named_by_letters() -> None:
    assert [column_name(index) for index in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]


def test_mcap_has_a_schema_and_the_exact_time_of_every_message(
    record: RunRecord, tmp_path: Path
) -> None:
    with export_mcap(record, tmp_path / "run.mcap").open("rb") as file:
        reader = make_reader(file)
        seen = list(reader.iter_messages(topics=["telemetry"]))
        others = {channel.topic for _, channel, _ in reader.iter_messages()}
        for described, _, message in reader.iter_messages():
            assert described is not None
            Draft202012Validator(json.loads(described.data)).validate(json.loads(message.data))
        attached = {item.name: item.data for item in reader.iter_attachments()}
        (metadata,) = reader.iter_metadata()
    assert others == {"telemetry", "stages"}
    described = seen[0][0]
    assert described is not None and described.encoding == "jsonschema"
    schema = json.loads(described.data)
    assert schema["properties"]["pressure_mpa"] == {
        "type": "number",
        "description": "pressure, MPa",
    }
    messages = [json.loads(message.data) for _, _, message in seen]
    assert [m["pressure_mpa"] for m in messages] == telemetry(record, "pressure_mpa")
    assert all(m["simulated"] is True and set(m) <= set(schema["properties"]) for m in messages)
    times = [message.log_time for _, _, message in seen]
    assert {late - early for early, late in pairwise(times)} == {10_000_000}
    assert json.loads(attached["run.json"])["run_id"] == record.summary.run_id
    assert metadata.metadata["simulated"] == "true"


def test_eln_is_one_folder_whose_files_match_their_checksums(
    record: RunRecord, tmp_path: Path
) -> None:
    with zipfile.ZipFile(export_eln(record, tmp_path / "cell 1.eln")) as archive:
        names = archive.namelist()
        assert {name.split("/")[0] for name in names} == {"cell 1"}
        document = json.loads(archive.read("cell 1/ro-crate-metadata.json"))
        entities = {entity["@id"]: entity for entity in document["@graph"]}
        files = [entity for entity in entities.values() if entity["@type"] == "File"]
        for file in files:
            content = archive.read(f"cell 1/{file['@id'].removeprefix('./')}")
            assert hashlib.sha256(content).hexdigest() == file["sha256"]
            assert str(len(content)) == file["contentSize"]
    assert len(files) == len(names) - 1
    assert {file["name"] for file in files} >= {"run.journal", "run.json", "telemetry.parquet"}
    (part,) = entities["./"]["hasPart"]
    dataset = entities[part["@id"]]
    assert {item["@id"] for item in dataset["hasPart"]} == {file["@id"] for file in files}
    assert entities[dataset["author"]["@id"]]["name"] == "Ä. Kim"
    assert dataset["name"].startswith("SIMULATED") and "Not recorded: " in dataset["text"]
    # Every reference leads to something that is described.
    for entity in entities.values():
        for value in entity.values():
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, dict) and not one["@id"].startswith("https://w3id.org/"):
                    assert one["@id"] in entities


def test_a_run_without_a_result_is_not_packed(tmp_path: Path) -> None:
    run = synthetic_run.run(SHAPE)
    write(tmp_path / "cut", run, None, batches=((0, 60),))
    with pytest.raises(BadInputError, match="still being recorded"):
        export_eln(RunRecord.open(tmp_path / "cut"), tmp_path / "cut.eln")


def cycler(path: Path, rows: list[list[object]], separator: str = ",") -> Path:
    headings = ["Test Time / s", "Voltage / V", "Current / A", "Unix Time / s"]
    lines: list[list[object]] = [[*headings[: len(rows[0])]], *rows]
    path.write_text("\n".join(separator.join(map(str, line)) for line in lines) + "\n")
    return path


def joined(record: RunRecord, table: Path, path: Path, **how: Any) -> list[dict[str, str]]:
    join_cycler(record, table, path, allow_simulated=True, **how)
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=";" if ";" in table.read_text() else ","))


def test_the_pressure_is_joined_by_the_clock_and_the_cyclers_text_stays(
    record: RunRecord, tmp_path: Path
) -> None:
    start = record.summary.started_unix_time_second
    rows: list[list[object]] = [
        [0, "3.7000", "1e-3", start - 5],
        [1, "3.70", "0.0010", start + 0.5],
        [2, "3.71", ".001", start + 0.505],
        [9, "3.72", "0", start + 1000],
    ]
    found = joined(record, cycler(tmp_path / "c.csv", rows), tmp_path / "j.csv")
    assert [row["Voltage / V"] for row in found] == ["3.7000", "3.70", "3.71", "3.72"]
    pressure = telemetry(record, "pressure_mpa")
    assert [row[PRESSURE] == "" for row in found] == [True, False, False, True]
    assert float(found[1][PRESSURE]) == pytest.approx(1e6 * pressure[50], abs=100)
    assert float(found[2][PRESSURE]) == pytest.approx(5e5 * (pressure[50] + pressure[51]), abs=100)
    assert [row[SIMULATED] for row in found] == ["", "1", "1", ""]


def test_the_pressure_is_joined_by_the_test_time_and_with_decimal_commas(
    record: RunRecord, tmp_path: Path
) -> None:
    rows: list[list[object]] = [["100,5", "3,7", "0,001"], ["101,0", "3,7", "0,001"]]
    table = cycler(tmp_path / "c.csv", rows, ";")
    found = joined(record, table, tmp_path / "j.csv", start_s=100)
    pressure = telemetry(record, "pressure_mpa")
    assert "." not in found[0][PRESSURE]
    assert float(found[0][PRESSURE].replace(",", ".")) == pytest.approx(1e6 * pressure[50])


def test_a_gap_of_the_record_has_no_pressure(tmp_path: Path) -> None:
    run = synthetic_run.run(SHAPE)
    write(tmp_path / "gap", run, run.end(), batches=((0, 40), (60, 1 << 20)))
    finalise(tmp_path / "gap")
    record = RunRecord.open(tmp_path / "gap")
    rows: list[list[object]] = [[t, 3.7, 0] for t in (0.39, 0.5, 0.6)]
    found = joined(record, cycler(tmp_path / "c.csv", rows), tmp_path / "j.csv", start_s=0)
    assert [row[PRESSURE] == "" for row in found] == [False, True, False]


def test_a_table_of_another_time_is_refused(record: RunRecord, tmp_path: Path) -> None:
    table = cycler(tmp_path / "c.csv", [[5, 3.7, 0]])
    with pytest.raises(BadInputError) as refusal:
        joined(record, table, tmp_path / "j.csv", start_s=5000)
    assert refusal.value.code == "no-overlap"
    assert not (tmp_path / "j.csv").exists()


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("Test Time / s,Applied Pressure / Pa\n1,2\n", "not-bdf", "press alone is not valid"),
        ("Test Time / s,Voltage / V\n1,2\n", "not-bdf", "'Current / A'"),
        ("Test Time / s,Voltage / V,Current / A\n", "not-bdf", "no rows"),
        ("Test Time / s,Voltage / V,Current / A\n1,2\n", "not-bdf", "row 2 has 2 cells"),
        ("Test Time / s,Voltage / V,Current / A\n1,2,3\n", "no-common-time", "Unix Time"),
        (
            "Test Time / s,Voltage / V,Current / A,Applied Pressure / Pa\n1,2,3,4\n",
            "has-pressure",
            "already",
        ),
        ("Test Time / s,Voltage / V,Current / A,Unix Time / s\n1,2,3,x\n", "bad-number", "row 2"),
        ("", "not-bdf", "Voltage"),
    ],
)
def test_a_table_that_is_none_of_the_format_is_refused(
    record: RunRecord, tmp_path: Path, text: str, code: str, said: str
) -> None:
    (tmp_path / "c.csv").write_text(text)
    with pytest.raises(BadInputError, match=said) as refusal:
        join_cycler(record, tmp_path / "c.csv", tmp_path / "j.csv", allow_simulated=True)
    assert refusal.value.code == code


def test_a_simulated_pressure_is_joined_to_a_cell_only_on_request(
    record: RunRecord, tmp_path: Path
) -> None:
    table = cycler(tmp_path / "c.csv", [[1, 3.7, 0]])
    with pytest.raises(BadInputError) as refusal:
        join_cycler(record, table, tmp_path / "j.csv", start_s=0)
    assert refusal.value.code == "simulated-pressure"


def test_the_commands_write_beside_the_record_and_change_nothing(
    record: RunRecord, tmp_path: Path
) -> None:
    run, folder = CliRunner().invoke, record.directory
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    done = run(app, ["export", str(folder), "--csv", "--xlsx", "--mcap", "--eln"])
    assert done.exit_code == 0
    names = ["telemetry.csv", "telemetry-stages.csv", "run.xlsx", "run.mcap", "first.eln"]
    assert [Path(line).name for line in done.stdout.split()] == names
    assert run(app, ["verify", str(folder)]).exit_code == 0
    for name in names:
        (folder / name).unlink()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert run(app, ["export", str(folder)]).exit_code == 2
    assert run(app, ["export", str(folder), "--csv", "--mcap", "-o", "x"]).exit_code == 2
    nowhere = str(tmp_path / "no" / "x.csv")
    assert run(app, ["export", str(folder), "--csv", "-o", nowhere]).exit_code == 2
    table = cycler(tmp_path / "c.csv", [[1, 3.7, 0]])
    arguments = ["join", str(folder), str(table), "--start", "0"]
    assert run(app, arguments).exit_code == 2
    done = run(app, [*arguments, "--allow-simulated"])
    assert done.exit_code == 0 and "1 of 1 rows" in done.stderr
    assert Path(done.stdout.strip()).name == "c-with-pressure.csv"


@pytest.mark.parametrize(
    ("arguments", "package"),
    [
        (["export", "--mcap"], "mcap"),
        (["report"], "jinja2"),
        (["report", "--pdf"], "weasyprint"),
    ],
)
def test_a_missing_package_is_named_with_its_pip_command(
    record: RunRecord, monkeypatch: pytest.MonkeyPatch, arguments: list[str], package: str
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    command, *options = arguments
    out = str(record.directory.parent / f"{package}-out")
    done = CliRunner().invoke(app, [command, str(record.directory), *options, "-o", out])
    assert done.exit_code == 1
    assert re.search(rf"{package}[.\w]* is not installed", done.stderr)
    assert "pip install 'pressloop[reports]'" in done.stderr
    for format_ in ("--csv", "--xlsx", "--eln"):
        assert (
            CliRunner().invoke(app, ["export", str(record.directory), format_, "-o", out]).exit_code
            == 0
        )


@pytest.mark.parametrize(
    "export", [export_csv, export_xlsx, export_mcap, export_eln, write_report, write_report_pdf]
)
def test_a_path_that_is_none_is_an_error_of_the_package(record: RunRecord, export: Any) -> None:
    for wrong in (None, 1, "a\0b", "x" * 9000):
        with pytest.raises(PressloopError):
            export(record, wrong)
