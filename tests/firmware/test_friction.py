"""Friction of the ram: Dahl's law against its closed form, and the press that has it."""

import math

from pressloop_sim.plant.friction import RamFriction
from pressloop_sim.plant.plant import SUBSTEP_S, Plant
from pressloop_sim.plant.ram_with_friction import PlantWithFriction, build_plant
from test_plant import PRESS, TICK_S, _close, _press_to, _run

AREA = PRESS["ram_area_mm2"]
LEVER = AREA / PRESS["die_area_mm2"]
FRICTION = {
    "friction_coulomb_n": 40.0,
    "friction_share": 0.02,
    "friction_stribeck_share": 0.0,
    "friction_stribeck_mm_s": 0.05,
    "friction_presliding_mm": 0.02,
    "friction_spread": 0.0,
}


def _config(**changes):
    config = dict(PRESS)
    config.update(FRICTION)
    config.update(changes)
    return config


def _press(substep_s=SUBSTEP_S, seed=1, **changes):
    return PlantWithFriction(_config(**changes), substep_s, seed)


def _seal(oil_mpa=10.0, speed=0.0, **changes):
    seal = RamFriction(_config(**changes), 1)
    seal.set_level(oil_mpa, speed)
    return seal


def _level(oil_mpa, share=0.02):
    return 40.0 + share * AREA * oil_mpa


def _slide(seal, *travels):
    for travel in travels:
        seal.force_n = seal.after(travel)
    return seal.force_n


# --- the law


def test_a_seal_is_elastic_before_it_slides():
    seal = _seal()
    level = _level(10.0)
    # 0.02 mm: Fc / d.
    _close(_slide(seal, 1e-6) / 1e-6, level / 0.02, 1e-4)
    _close(seal.slope_n_mm, level / 0.02, 1e-4)


def test_presliding_has_its_closed_form_in_one_step_and_in_many():
    level = _level(10.0)
    whole = _slide(_seal(), 0.03)
    _close(whole, level * (1 - math.exp(-1.5)), 1e-12)
    _close(_slide(_seal(), *[0.0003] * 100), whole, 1e-12)


def test_a_reversal_from_sliding_is_twice_as_stiff():
    seal = _seal()
    level = _level(10.0)
    _close(_slide(seal, 1.0), level, 1e-12)
    seal.after(-1e-9)
    _close(seal.slope_n_mm, 2 * level / 0.02, 1e-4)
    _close(_slide(seal, -0.01), 2 * level * math.exp(-0.5) - level, 1e-12)
    _close(_slide(seal, -1.0), -level, 1e-12)


def test_friction_never_exceeds_its_level():
    seal = _seal()
    for at in range(400):
        force = _slide(seal, 0.013 * math.sin(at * at))
        assert abs(force) <= _level(10.0)


def test_no_cycle_of_travel_yields_energy():
    level = _level(10.0)
    for first in (-1.0, -0.01, 0.0, 0.005, 1.0):
        for reach in (0.001, 0.01, 0.1, 1.0):
            seal = _seal()
            _slide(seal, first)
            stored = -(seal.force_n**2) * 0.02 / (2 * level)
            work = 0.0
            for way in [reach / 500] * 500 + [-reach / 500] * 500:
                before = seal.force_n
                work += way * (before + _slide(seal, way)) / 2
            stored += seal.force_n**2 * 0.02 / (2 * level)
            assert work > stored, (first, reach)
            if reach == 1.0:
                _close(work, 2 * reach * level, 0.06)


def test_friction_falls_with_its_level_and_rises_with_travel_alone():
    seal = _seal(10.0)
    _slide(seal, 1.0)
    seal.set_level(5.0, 0.0)
    _close(seal.force_n, _level(5.0), 1e-12)
    seal.set_level(20.0, 0.0)
    _close(seal.force_n, _level(5.0), 1e-12)
    _slide(seal, -1.0)
    seal.set_level(5.0, 0.0)
    _close(seal.force_n, -_level(5.0), 1e-12)


def test_the_level_grows_with_oil_pressure():
    assert _seal(0.0).level_n == 40.0
    _close(_seal(27.0).level_n, _level(27.0), 1e-12)


def test_stribeck_adds_its_peak_at_rest_and_half_of_it_at_its_speed():
    peak = 0.01 * AREA * 10.0
    _close(_seal(friction_stribeck_share=0.01).level_n, _level(10.0) + peak, 1e-12)
    half = _seal(speed=0.05, friction_stribeck_share=0.01).level_n
    _close(half, _level(10.0) + peak / 2, 1e-12)


def test_runs_differ_within_the_spread_and_a_seed_repeats_them():
    seal = RamFriction(_config(friction_spread=0.2), 3)
    factors = []
    for _ in range(200):
        factors.append(seal.factor)
        seal.begin_run()
    assert 0.8 <= min(factors) < 0.82 and 1.18 < max(factors) <= 1.2
    again = RamFriction(_config(friction_spread=0.2), 3)
    assert again.factor == factors[0]
    assert RamFriction(_config(friction_spread=0.2), 4).factor != factors[0]
    again.set_level(0.0, 0.0)
    _close(again.level_n, 40.0 * factors[0], 1e-12)


# --- the press


def test_without_friction_the_press_is_the_one_without():
    assert type(build_plant(PRESS)) is Plant
    assert type(build_plant(_config())) is PlantWithFriction
    plain = build_plant(PRESS)
    slick = _press(friction_coulomb_n=0.0, friction_share=0.0)
    for pump, release, seconds in ((0.9, 0, 9), (0.4, 0, 4), (0, 0.3, 1), (0.4, 0, 3), (0, 0, 2)):
        for plant in (plain, slick):
            _run(plant, seconds, pump, release)
        assert plain.pellet_mpa > 5.0
        assert abs(plain.pellet_mpa - slick.pellet_mpa) < 0.02, (plain.state(), slick.state())
        assert slick.friction_mpa < 1e-3


def test_rising_the_pellet_gets_less_than_the_oil_by_the_level():
    for share in (0.02, 0.05):
        plant = _press(friction_share=share)
        _press_to(plant, 250.0)
        missing_n = (plant.oil_derived_mpa() - plant.pellet_mpa) / LEVER * AREA
        # Friction is behind its level by what the level grows on the pre-sliding distance.
        _close(missing_n, 0.96 * _level(plant.oil_mpa, share), 0.02)


def test_falling_the_pellet_gets_more_than_the_oil_by_the_level():
    plant = _press()
    _press_to(plant, 400.0)
    plant.release.command = 0.215
    while plant.pellet_mpa > 100.0:
        plant.step(TICK_S)
    surplus_n = (plant.pellet_mpa - plant.oil_derived_mpa()) / LEVER * AREA
    _close(surplus_n, _level(plant.oil_mpa), 0.01)


def test_the_loop_between_rising_and_falling_is_two_levels_wide():
    plant = _press(powder_relaxation_share=0.0, friction_presliding_mm=0.004)
    _press_to(plant, 400.0)
    plant.release.command = 0.25
    while plant.oil_derived_mpa() > 100.0:
        plant.step(TICK_S)
    surplus = plant.pellet_mpa - plant.oil_derived_mpa()
    level = _level(plant.oil_mpa)
    _run(plant, 0.3, 0.0, 0.0)
    plant.release.command = 0.25
    while plant.oil_derived_mpa() > 20.0:
        plant.step(TICK_S)
    _run(plant, 0.3, 0.0, 0.0)
    plant.release.command = 0.0
    plant.pump.command = 0.25
    while plant.oil_derived_mpa() < 100.0:
        plant.step(TICK_S)
    missing = plant.oil_derived_mpa() - plant.pellet_mpa
    width_n = (surplus + missing) * PRESS["die_area_mm2"]
    _close(width_n, level + _level(plant.oil_mpa), 0.02)


def test_volume_accounts_for_oil_travel_frame_and_pellet():
    plant = _press()
    for pump, release, seconds in ((0.9, 0, 9), (0.4, 0, 6), (0, 0.3, 1), (0.4, 0, 5), (0, 0, 3)):
        _run(plant, seconds, pump, release)
        powder = plant.powder
        force = plant.pellet_mpa * 78.5398
        in_die = powder.solid_mm / powder.density(plant.pellet_mpa)
        travel = 4.0 + (powder.loose_mm - in_die) + force / 100000
        assert plant.pellet_mpa > 5
        _close(plant.ram_mm(), travel, 1e-5)
        oil_n = AREA * plant.oil_mpa - 150.0
        _close(oil_n, force + plant.friction.force_n, 1e-6)
        # The level of the last substep: the pressure has fallen by its flow since then.
        assert abs(plant.friction.force_n) <= _level(plant.oil_mpa) * 1.02


def test_the_ram_travels_against_friction_alone():
    plant = _press(pump_ripple=0.0)
    plant.release.command = 0.0
    plant.pump.command = 0.8
    while plant.ram_mm() < 3.0:
        plant.step(TICK_S)
    assert plant.pellet_mpa == 0.0
    _close(plant.oil_mpa * AREA, 150.0 + _level(plant.oil_mpa), 1e-3)


def test_the_ram_comes_back_and_stands_on_its_stop():
    plant = _press()
    _press_to(plant, 300.0)
    _run(plant, 30.0, 0.0, 1.0)
    assert plant.pellet_mpa == 0.0
    assert plant.oil_mpa < 0.01
    assert abs(plant.ram_mm()) < 1e-6
    _press_to(plant, 310.0)


def test_no_cycle_of_the_press_yields_energy():
    # A solid blank: oil, frame and blank give back what they took, so the loop is friction's.
    plant = _press(
        powder_initial_density=1.0,
        powder_panelli_a=0.0,
        powder_relaxation_share=0.0,
        leak_mm3_s_mpa=0.0,
        pump_ripple=0.0,
    )
    _press_to(plant, 100.0)

    def way(pump, release, until):
        work = 0.0
        plant.pump.command = pump
        plant.release.command = release
        while not until():
            volume, pressure = plant.volume_mm3, plant.oil_mpa
            plant.step(TICK_S)
            work += (plant.volume_mm3 - volume) * (plant.oil_mpa + pressure) / 2
        return work

    low, high = plant.volume_mm3, plant.volume_mm3 + 300.0
    way(0.3, 0.0, lambda: plant.volume_mm3 > high)
    way(0.0, 0.22, lambda: plant.volume_mm3 < low)
    loop = way(0.3, 0.0, lambda: plant.volume_mm3 > high)
    start = plant.oil_mpa
    loop += way(0.0, 0.22, lambda: plant.volume_mm3 < low)
    assert loop > 0.0, loop
    assert start > plant.oil_mpa


def test_a_crack_and_another_die_are_survived():
    plant = _press()
    _press_to(plant, 200.0)
    before = plant.pellet_mpa
    plant.apply_damage(4)
    plant.step(TICK_S)
    assert plant.pellet_mpa < before
    plant.change_die(12000)
    assert plant.friction.force_n == 0.0 and plant.ram_mm() == 0.0
    _press_to(plant, 100.0)
    plant.apply_damage(8)
    plant.step(TICK_S)
    assert plant.pellet_mpa < 100.0


def _worst_step_error(openings, **changes):
    coarse, fine = _press(**changes), _press(TICK_S / 32, **changes)
    worst = highest = 0.0
    for opening in openings:
        for plant in (coarse, fine):
            plant.pump.command = max(opening, 0.0)
            plant.release.command = max(-opening, 0.0)
            plant.step(TICK_S)
        worst = max(worst, abs(coarse.pellet_mpa - fine.pellet_mpa))
        highest = max(highest, fine.pellet_mpa)
    return worst, highest


def test_substeps_are_fine_enough_with_the_worst_friction():
    up = [0.28 + 0.06 * math.sin(tick / 30) for tick in range(1200)]
    down = [-0.22 - 0.01 * math.sin(tick / 20) for tick in range(300)]
    error, highest = _worst_step_error(
        [0.95] * 800 + up + [0.0] * 100 + down + up[:400],
        friction_share=0.05,
        friction_presliding_mm=0.01,
        friction_stribeck_share=0.02,
    )
    assert highest > 250, highest
    assert error < 0.06, error


def test_at_the_end_of_its_stroke_the_ram_gives_the_pellet_no_more():
    plant = _press()
    _press_to(plant, 50.0)
    plant.stop_ram()
    pellet = plant.pellet_mpa
    _run(plant, 2.0, 0.3, 0.0)
    assert plant.oil_derived_mpa() > 2 * pellet
    _close(plant.pellet_mpa, pellet, 0.02)
    _run(plant, 10.0, 0.0, 0.5)
    assert plant.pellet_mpa == 0.0
