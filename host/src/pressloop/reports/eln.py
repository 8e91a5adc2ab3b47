"""Packs a record as an `.eln` archive, which electronic lab notebooks import.

It is a ZIP file with one folder, which is an RO-Crate: the files of the record with their
checksums, and who pressed what and when as linked data.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from datetime import datetime, timezone
from html import escape
from pathlib import Path
from typing import Any, Final

from pressloop._version import __version__
from pressloop.arguments import path_argument
from pressloop.errors import BadInputError
from pressloop.evaluation import RunRecord, RunSummary, verdict_sentence
from pressloop.evaluation.manifest import RECORD_FILES
from pressloop.record.columns import MANIFEST_NAME, SIGNATURE_NAME, SUMMARY_NAME
from pressloop.reports.methods import methods_of
from pressloop.units.keys import name_and_unit

_METADATA: Final = "ro-crate-metadata.json"
_OPERATOR: Final = "#operator"
_SOFTWARE: Final = "#pressloop"

_MEDIA_TYPES: Final = {
    ".json": "application/json",
    ".parquet": "application/vnd.apache.parquet",
    ".journal": "application/cbor-seq",
}

_SHOWN_FIGURES: Final = ("target_mpa", "mean_mpa", "peak_mpa", "dwell_s", "mean_mpa_uncertainty")


def export_eln(record: RunRecord, path: str | Path) -> Path:
    """Pack a record as an `.eln` archive.

    Args:
        record: Of a run that has ended.
        path: Of the archive; its name without the ending is also that of the folder inside.

    Returns:
        The path.

    Raises:
        BadInputError: `not-finalised`, if the run has no result yet.
    """
    folder, target = record.directory, path_argument(path, "path")
    if not (folder / SUMMARY_NAME).exists():
        raise BadInputError(
            f"{folder} has no {SUMMARY_NAME}: the run is still being recorded, or was cut off",
            hint="write the result of a run that was cut off: pressloop verify --repair",
            code="not-finalised",
        )
    wanted = (*RECORD_FILES, MANIFEST_NAME, SIGNATURE_NAME)
    names = [name for name in wanted if (folder / name).exists()]
    root, part = target.stem, f"run-{record.summary.run_id}"
    document = _document(record, names, part)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{root}/{_METADATA}", json.dumps(document, indent=2, ensure_ascii=False))
        for name in names:
            archive.write(folder / name, f"{root}/{part}/{name}")
    return target


def _document(record: RunRecord, names: list[str], part: str) -> dict[str, Any]:
    summary = record.summary
    started = datetime.fromtimestamp(summary.started_unix_time_second, timezone.utc).isoformat()
    files = [_file(record.directory / name, f"./{part}/{name}") for name in names]
    figures = list(_figures(summary))
    graph: list[dict[str, Any]] = [
        {
            "@id": _METADATA,
            "@type": "CreativeWork",
            "about": {"@id": "./"},
            "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
            "dateCreated": started,
            "sdPublisher": {"@id": _SOFTWARE},
        },
        {
            "@id": "./",
            "@type": "Dataset",
            "name": _title(summary),
            "description": "Record of a press run",
            "datePublished": started,
            "license": "not stated by the record",
            "hasPart": [{"@id": f"./{part}/"}],
        },
        {
            "@id": f"./{part}/",
            "@type": "Dataset",
            "name": _title(summary),
            "identifier": summary.run_id,
            "dateCreated": started,
            "description": verdict_sentence(summary) or f"ended: {summary.end_reason}",
            "text": _html(summary),
            "keywords": ", ".join(_keywords(summary)),
            "hasPart": [{"@id": file["@id"]} for file in files],
            "variableMeasured": [{"@id": figure["@id"]} for figure in figures],
            **_author(summary),
        },
        {
            "@id": _SOFTWARE,
            "@type": "SoftwareApplication",
            "name": "Pressloop",
            "version": __version__,
        },
        *files,
        *figures,
    ]
    operator = summary.sample.operator if summary.sample is not None else None
    if operator:
        graph.append({"@id": _OPERATOR, "@type": "Person", "name": operator})
    return {"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": graph}


def _title(summary: RunSummary) -> str:
    sample = summary.sample.name if summary.sample is not None else None
    title = f"{summary.protocol_name}: {sample}" if sample else summary.protocol_name
    return f"SIMULATED: {title}" if summary.simulated else title


def _keywords(summary: RunSummary) -> list[str]:
    sample = summary.sample
    words = ["press run", "simulated" if summary.simulated else "real press", summary.end_reason]
    if sample is not None:
        words += [word for word in (sample.material, sample.lot) if word]
    return words


def _author(summary: RunSummary) -> dict[str, Any]:
    has_operator = summary.sample is not None and summary.sample.operator
    return {"author": {"@id": _OPERATOR}} if has_operator else {}


def _html(summary: RunSummary) -> str:
    parts = [verdict_sentence(summary), methods_of(summary).text]
    return "".join(f"<p>{escape(text)}</p>" for text in parts if text)


def _figures(summary: RunSummary) -> list[dict[str, Any]]:
    figures = []
    for stage in summary.stages:
        for key in _SHOWN_FIGURES:
            value = getattr(stage, key)
            if value is not None:
                name, unit = name_and_unit(key)
                figures.append(
                    {
                        "@id": f"#stage-{stage.index}-{key}",
                        "@type": "PropertyValue",
                        "propertyID": f"stages[{stage.index}].{key}",
                        "name": f"{stage.label}: {name}",
                        "value": value,
                        "unitText": unit,
                    }
                )
    return figures


def _file(path: Path, identifier: str) -> dict[str, Any]:
    content = path.read_bytes()
    return {
        "@id": identifier,
        "@type": "File",
        "name": path.name,
        "encodingFormat": _MEDIA_TYPES.get(path.suffix, "application/octet-stream"),
        "contentSize": str(len(content)),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
