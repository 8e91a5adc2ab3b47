"""The page says whether the press was calibrated and commissioned, as far as anything says it."""

from __future__ import annotations

from datetime import date

import pytest
from pressloop.web.machine_view import state_rows
from pressloop.wire.schema import State

TODAY = date(2026, 11, 28)


@pytest.mark.parametrize(
    ("values", "rows"),
    [
        ({"name": "my press", "firmware": "1.0", "calibration_day": None}, []),
        ({"calibration_day": 20_785}, [["Calibration day", "2026-11-28"]]),
        ({"calibration_day": "2026-11-28"}, [["Calibration day", "2026-11-28"]]),
        ({"calibration_due_day": "2026-11-28"}, [["Calibration due day", "2026-11-28"]]),
        ({"calibration_due_day": 20_784}, [["Calibration due day", "2026-11-27, overdue"]]),
        ({"commissioned_day": 20_000}, [["Commissioned", "2024-10-04"]]),
        ({"calibration": State.IDLE}, [["Calibration", "idle"]]),
        ({"calibration_error_percent": 0.25}, [["Calibration error, %", "0.25"]]),
    ],
)
def test_states_are_words_and_dates(values: dict[str, object], rows: list[list[str]]) -> None:
    assert state_rows(values, TODAY) == rows
