"""Shows how a run ended as data for a page: the verdict on each stage, in words and figures."""

from __future__ import annotations

import math
from typing import Any

from pressloop.evaluation import RunSummary, VerdictRow, verdict_rows, verdict_sentence
from pressloop.session.fault_texts import explain_fault
from pressloop.web.words import end_sentence, outcome_sentence


def result_view(summary: RunSummary, record: str) -> dict[str, Any]:
    """Return the result of a run; `record` is the name of its folder."""
    rows = [row for row in verdict_rows(summary) if row.source == "reading"]
    return {
        "record": record,
        "protocol": summary.protocol_name,
        "simulated": summary.simulated,
        "end_reason": summary.end_reason,
        "end": end_sentence(summary.end_reason),
        "fault": None if summary.fault is None else _fault(summary.fault),
        "sentence": verdict_sentence(summary),
        "started": summary.started_unix_time_second,
        "duration_s": summary.duration_s,
        "die_mm": summary.header.die_mm,
        "gaps": len(summary.gaps),
        "gap_s": [[gap.first_tick, gap.seconds] for gap in summary.gaps],
        "warnings": list(summary.warnings),
        "stages": [_stage(row) for row in rows],
    }


def _fault(name: str) -> dict[str, str]:
    meaning, remedy = explain_fault(name)
    return {"name": name, "meaning": outcome_sentence(meaning), "next": outcome_sentence(remedy)}


def _finite(values: dict[str, Any]) -> dict[str, Any]:
    """Return values without numbers that JSON does not have: they become None."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in values.items()
    }


def _stage(row: VerdictRow) -> dict[str, Any]:
    stage = row.stage
    shown = {
        "name": stage.label,
        "verdict": row.verdict,
        "reasons": [outcome_sentence(reason) for reason in row.reasons],
        "target_mpa": stage.target_mpa,
        "target_kn": stage.target_force_kn,
        "mean_mpa": stage.mean_mpa,
        "force_kn": stage.force_kn,
        "peak_mpa": stage.peak_mpa,
        "dwell_s": stage.dwell_s,
        "planned_dwell_s": stage.planned_dwell_s,
        "in_band_fraction": stage.in_band_fraction,
        "uncertainty_mpa": stage.mean_mpa_uncertainty,
    }
    return _finite(shown)
