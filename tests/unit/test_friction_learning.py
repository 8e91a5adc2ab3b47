"""Learning the friction of a ram from plateaus reached from below and from above."""

from __future__ import annotations

import numpy as np
import pytest
from pressloop.analysis.friction import Bools, Floats, learn_friction
from pressloop.errors import BadInputError
from pressloop.machine.profile import MachineProfile

OIL_N = np.array([2000.0, 8000.0, 20000.0, 40000.0])
UP_AND_DOWN = np.concatenate((OIL_N, OIL_N[::-1]))
RISING = np.repeat((True, False), 4)


def reference_of(
    newtons: float,
    share: float,
    *,
    zero: float = 0.0,
    gain: float = 0.0,
    noise: float = 0.0,
    oil: Floats = UP_AND_DOWN,
    rising: Bools = RISING,
) -> Floats:
    side = np.where(rising, 1.0, -1.0)
    scatter = noise * np.random.default_rng(1).standard_normal(oil.size)
    return np.asarray(oil - side * (newtons + share * oil) - zero - gain * oil + scatter)


def test_exact_plateaus_give_both_parts_and_what_is_no_friction() -> None:
    reference = reference_of(60, 0.03, zero=120, gain=0.004)
    model = learn_friction(UP_AND_DOWN, reference, RISING)
    assert model.newtons == pytest.approx(60, abs=0.1)
    assert model.percent == pytest.approx(3, abs=1e-4)
    assert model.zero_n == pytest.approx(120, abs=0.1)
    assert model.gain == pytest.approx(0.004, abs=1e-5)
    assert model.friction_n(40000) == pytest.approx(1260, abs=1)
    # One run: the next may differ by a fifth.
    assert model.uncertainty_percent == pytest.approx(20, abs=0.1)


def test_the_stated_uncertainty_covers_the_error_of_noisy_plateaus() -> None:
    """Eight plateaus leave four degrees of freedom: with k = 2 only 82 % were inside."""
    inside = 0
    for seed in range(200):
        scatter = 150 * np.random.default_rng(seed).standard_normal(8)
        model = learn_friction(UP_AND_DOWN, reference_of(60, 0.03) + scatter, RISING)
        off = abs(model.friction_n(40000) - 1260)
        inside += off <= model.fit_percent / 100 * model.friction_n(40000)
    assert inside >= 180


def test_several_runs_show_their_spread_and_lower_the_uncertainty() -> None:
    factors = (0.85, 1.0, 1.1, 1.05)
    oil = np.tile(UP_AND_DOWN, 4)
    rising = np.tile(RISING, 4)
    run = np.repeat(np.arange(4), 8)
    reference = np.concatenate([reference_of(60 * f, 0.03 * f) for f in factors])
    model = learn_friction(oil, reference, rising, run=run)
    assert model.runs == 4
    assert model.friction_n(40000) == pytest.approx(1260, rel=0.02)
    deviation = np.std(factors, ddof=1) / np.mean(factors)
    assert model.run_spread_percent == pytest.approx(100 * 2 * deviation / 2, rel=0.05)
    alone = learn_friction(UP_AND_DOWN, reference[:8], RISING)
    assert model.uncertainty_percent < alone.uncertainty_percent


def test_a_reference_that_differs_between_the_directions_is_in_the_uncertainty() -> None:
    model = learn_friction(UP_AND_DOWN, reference_of(60, 0.03), RISING, reference_error_n=300.0)
    assert model.fit_percent == pytest.approx(100 * 2 * 300 / 6**0.5 / 1260, rel=0.01)


def test_a_part_that_comes_out_negative_is_left_out_and_the_rest_refitted() -> None:
    model = learn_friction(UP_AND_DOWN, reference_of(-40, 0.03), RISING)
    assert model.newtons == 0
    assert 2.7 < model.percent < 3


def test_four_plateaus_suffice_without_the_gain() -> None:
    oil = np.array([5000.0, 40000.0, 40000.0, 5000.0])
    rising = np.array([True, True, False, False])
    model = learn_friction(oil, reference_of(60, 0.03, zero=50, oil=oil, rising=rising), rising)
    assert model.gain is None
    assert model.friction_n(40000) == pytest.approx(1260, abs=1)


def test_the_fields_are_those_of_a_profile() -> None:
    fields = learn_friction(UP_AND_DOWN, reference_of(60, 0.03), RISING).profile_fields()
    assert set(fields) <= set(MachineProfile.model_fields)
    assert fields["friction_percent"] == pytest.approx(3)
    assert fields["friction_n"] == 60
    assert fields["friction_uncertainty_percent"] == pytest.approx(20, abs=0.1)


@pytest.mark.parametrize(
    ("oil", "reference", "rising", "says"),
    [
        (OIL_N, OIL_N, np.ones(4, bool), "0 levels reached from above"),
        (UP_AND_DOWN, reference_of(60, 0.03), ~RISING, "would drive the ram"),
        (UP_AND_DOWN, UP_AND_DOWN[:4], RISING, "differ in length"),
        (UP_AND_DOWN, UP_AND_DOWN * np.nan, RISING, "reading is missing"),
        (UP_AND_DOWN / 1000 + 30000, UP_AND_DOWN, RISING, "1 levels reached from below"),
        (UP_AND_DOWN, reference_of(1, 0.0001, noise=400.0), RISING, "N"),
    ],
)
def test_what_shows_no_friction_is_refused_with_the_reason(
    oil: Floats, reference: Floats, rising: Bools, says: str
) -> None:
    with pytest.raises(BadInputError) as refused:
        learn_friction(oil, reference, rising)
    assert refused.value.code == "friction-not-learned"
    assert says in refused.value.message
    assert refused.value.hint


def test_levels_that_lie_close_together_are_refused() -> None:
    oil = np.array([20000.0, 22000.0, 22000.0, 20000.0])
    rising = np.array([True, True, False, False])
    with pytest.raises(BadInputError, match="ratio of at least"):
        learn_friction(oil, reference_of(60, 0.03, oil=oil, rising=rising), rising)
