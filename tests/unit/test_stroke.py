"""A stroke that is too short for the ceiling is said before the run."""

from __future__ import annotations

import pytest
from pressloop.machine.stroke import StrokeLeft
from pressloop.validation import validate_text

from tests.unit.reference_press import ONE_RAMP, reference


def test_what_is_left_behind_contact_is_stroke_less_approach_less_stretch() -> None:
    profile = reference(approach_mm=4.0, stroke_mm=10.0, compliance_curve_ul_mpa=None)
    left = StrokeLeft.of(profile, 400, 10)
    assert left is not None
    assert left.behind_contact_mm == 6
    oil_mpa = 400 / profile.lever(10)
    assert left.stretch_mm == pytest.approx(
        profile.compliance_ul_mpa * oil_mpa / (100 * profile.ram_area_cm2)
    )
    assert left.suffices


@pytest.mark.parametrize(("stroke_mm", "codes"), [(None, []), (10.0, []), (5.5, ["stroke-short"])])
def test_a_stroke_that_may_end_in_the_ramp_is_a_warning(
    stroke_mm: float | None, codes: list[str]
) -> None:
    validation = validate_text(ONE_RAMP, "test", reference(approach_mm=4.0, stroke_mm=stroke_mm))
    assert [finding.code for finding in validation.findings] == codes
    if codes:
        assert "1.5 mm of its stroke left" in validation.findings[0].message
        assert validation.protocol is not None
