"""The powder's laws, each against a closed form or the published value it stands for."""

import math

from pressloop_sim.plant.damage import DIE_BURST, FAST_RELEASE, FORCED, OVER_PRESSURE, Cracking
from pressloop_sim.plant.densification import Heckel, Panelli
from pressloop_sim.plant.powder import Powder
from pressloop_sim.plant.relaxation import Relaxation
from test_plant import PRESS, TICK_S, _close, _press, _press_to, _run

# Peleg's constants of the reference powder: a = 0.3 and T = 15 s.
K1, K2 = 50.0, 1 / 0.3


def _powder(**changes):
    config = dict(PRESS)
    config.update(changes)
    return Powder(config)


# --- densification

# Material, Panelli's A, Heckel's K, the published density and pressure, D at 250 and 500 MPa.
FITS = (
    ("Na3PS4", 0.0471, 0.00208, 0.81, 510, 0.74, 0.81),
    ("Li3PS4", 0.0755, 0.00334, 0.90, 510, 0.83, 0.90),
    ("sulfide", 0.0585, 0.00306, 0.82, 365, 0.78, 0.85),
)


def _density(law, pressure):
    return 0.81 / law.height(pressure)[0]


def test_both_laws_pass_through_the_published_densities():
    for _, a, k, density, pressure, _, _ in FITS:
        assert abs(_density(Panelli(0.81, 0.45, a), pressure) - density) < 0.003
        assert abs(_density(Heckel(0.81, 0.45, k), pressure) - density) < 0.003


def test_panelli_gives_the_tabled_densities_at_250_and_500_mpa():
    for _, a, _, _, _, at_250, at_500 in FITS:
        law = Panelli(0.81, 0.45, a)
        assert abs(_density(law, 250.0) - at_250) < 0.006
        assert abs(_density(law, 500.0) - at_500) < 0.006


def test_laws_are_straight_lines_in_their_own_coordinates():
    panelli, heckel = Panelli(0.81, 0.45, 0.0471), Heckel(0.81, 0.45, 0.00208)
    for pressure in (0.5, 74.0, 250.0, 500.0):
        for law, exponent in (
            (panelli, 0.0471 * math.sqrt(pressure)),
            (heckel, 0.00208 * pressure),
        ):
            _close(math.log(1 / (1 - _density(law, pressure))), exponent - math.log(0.55), 1e-9)


def test_slopes_of_the_laws_are_their_derivatives():
    for law in (Panelli(0.81, 0.45, 0.0471), Heckel(0.81, 0.45, 0.00208)):
        for pressure in (0.1, 5.0, 74.0, 500.0):
            step = pressure * 1e-5
            rise = law.height(pressure + step)[0] - law.height(pressure - step)[0]
            _close(law.height(pressure)[1], rise / (2 * step), 1e-4)
        _close(law.height(0.0)[0], 0.81 / 0.45, 1e-12)
        _close(law.loose_mm, 0.81 / 0.45, 1e-12)


def test_solid_blank_does_not_densify():
    assert Panelli(5.0, 1.0, 0.0).height(500.0) == (5.0, 0.0)


# --- elasticity


def test_pellet_springs_back_by_about_two_per_cent_from_500_mpa():
    # E = 15-20 GPa and nu = 0.3, confined: 1.9-2.5 % of the height.
    recovered = []
    for youngs in (20000.0, 15000.0):
        confined = youngs * 0.7 / (1.3 * 0.4)
        powder = _powder(powder_modulus_mpa=confined)
        pressed, _ = powder.squeeze(500.0)
        recovered.append(1 - pressed / powder.height(0.0))
        _close(recovered[-1], 500 / confined, 1e-12)
    assert abs(recovered[0] - 0.019) < 0.0005
    assert abs(recovered[1] - 0.025) < 0.0005


def test_slope_under_load_is_the_derivative_of_the_height():
    for lost in (0.0, 40.0):
        powder = _powder()
        powder.relaxation.lost_mpa = lost
        for pressure in (0.1, 5.0, 74.0, 500.0):
            step = pressure * 1e-5
            above, _ = powder.squeeze(pressure + step)
            below, _ = powder.squeeze(pressure - step)
            _close(powder.squeeze(pressure)[1], (above - below) / (2 * step), 1e-4)


# --- relaxation


def _peleg(pressure, t_s, k1, k2):
    return pressure * (1 - t_s / (k1 + k2 * t_s))


def _held(relaxation, pressure, seconds, steps):
    """Keep the height for a while: what flows is lost in pressure."""
    for _ in range(steps):
        pressure -= relaxation.step(pressure, seconds / steps)
    return pressure


def test_held_height_relaxes_by_pelegs_law_at_every_pressure_and_step():
    for start in (74.0, 250.0, 500.0):
        for steps in (1, 7, 10000):
            for seconds in (0.5, 15.0, 600.0):
                left = _held(Relaxation(0.3, 15.0), start, seconds, steps)
                _close(left, _peleg(start, seconds, K1, K2), 1e-9)


def test_half_of_the_loss_comes_in_the_half_time_and_all_in_the_end():
    _close(_held(Relaxation(0.3, 15.0), 500.0, 15.0, 10), 500 * (1 - 0.15), 1e-9)
    _close(_held(Relaxation(0.3, 15.0), 500.0, 1e9, 10), 500 * 0.7, 1e-6)


def test_peleg_with_other_constants_follows_every_step_in_pressure():
    for first, seconds, second in ((250.0, 180.0, 500.0), (500.0, 60.0, 450.0), (74.0, 9.0, 74.0)):
        relaxation = Relaxation(0.3, 15.0)
        _held(relaxation, first, seconds, 10)
        lost = relaxation.lost_mpa
        over = second - (K2 - 1) * lost
        assert over > 0
        k1, k2 = K1 * second * (second + lost) / over**2, K2 * second / over
        for t_s in (1.0, 30.0, 300.0):
            again = Relaxation(0.3, 15.0)
            again.lost_mpa = lost
            _close(_held(again, second, t_s, 10), _peleg(second, t_s, k1, k2), 1e-9)


def test_held_pressure_creeps_as_the_flow_rule_integrates():
    # With y = s/p and b = k2 - 1: t/k1 = (1 + b)/b^2 (1/(1 - b y) - 1) + ln(1 - b y)/b^2.
    b = K2 - 1
    for pressure in (74.0, 500.0):
        relaxation = Relaxation(0.3, 15.0)
        for tick in range(1, 20001):
            relaxation.step(pressure, TICK_S)
            if tick in (100, 2000, 20000):
                left = 1 - b * relaxation.lost_mpa / pressure
                t_s = K1 * ((1 + b) * (1 / left - 1) + math.log(left)) / b**2
                _close(t_s, tick * TICK_S, 2e-3)


def test_creep_ends_at_the_back_stress_and_does_not_come_back():
    relaxation = Relaxation(0.3, 15.0)
    for _ in range(2000):
        relaxation.step(500.0, 1000.0)
    _close(relaxation.lost_mpa, 500 / (K2 - 1), 1e-3)
    assert relaxation.step(74.0, TICK_S) == 0.0


def test_relaxation_refuses_what_no_powder_does():
    for share, half in ((1.0, 15.0), (-0.1, 15.0), (0.3, 0.0)):
        try:
            Relaxation(share, half)
        except ValueError:
            continue
        raise AssertionError((share, half))


# --- cracking


def test_sulfide_is_sound_at_625_mpa_and_fractured_at_750():
    # The published pair for Li6PS5Cl, and the limit between them.
    cracking = Cracking(690.0, 200.0)
    assert cracking.cause(625.0, TICK_S) == 0
    assert cracking.cause(750.0, TICK_S) == OVER_PRESSURE


def _time_to_crack(cracking, pressure, rate):
    seconds = 0.0
    cracking.cause(pressure, TICK_S)
    while pressure > 0.0:
        pressure -= rate * TICK_S
        seconds += TICK_S
        if cracking.cause(max(pressure, 0.0), TICK_S):
            return seconds
    return None


def test_release_cracks_above_the_critical_rate_alone():
    assert _time_to_crack(Cracking(690.0, 200.0), 500.0, 199.0) is None
    # The pressure runs ahead of the critical rate by 20 MPa in 20/(rate - 200) seconds.
    for rate in (300.0, 400.0, 1200.0):
        seconds = _time_to_crack(Cracking(690.0, 200.0), 500.0, rate)
        assert abs(seconds - 20.0 / (rate - 200.0)) <= TICK_S + 1e-9
    assert _time_to_crack(Cracking(690.0, 200.0), 19.0, 5000.0) is None


def test_steel_blank_never_cracks():
    assert _time_to_crack(Cracking(1e9, 1e9), 900.0, 1e5) is None


def test_crack_takes_height_once_and_for_good():
    powder = _powder()
    powder.squeeze(500.0)
    sound = powder.height(0.0)
    powder.crack(OVER_PRESSURE)
    powder.crack(FAST_RELEASE)
    _close(powder.height(0.0), 0.97 * sound, 1e-12)
    _close(powder.squeeze(500.0)[0] / (1 - 500.0 / 23600.0), 0.97 * sound, 1e-9)
    assert powder.damage == OVER_PRESSURE | FAST_RELEASE


# --- in the press


def test_sealed_press_follows_the_pellet_through_its_own_compliance():
    # Pellet and press are springs in series on a flowing pellet: what the pellet gives way, the
    # press follows, and the pressure falls by that over the compliance of both.
    plant = _press(leak_mm3_s_mpa=0.0, oil_air_fraction=0.0, powder_relaxation_share=0.3)
    _press_to(plant, 500.0)
    lost = plant.powder.relaxation.lost_mpa
    pressure = plant.pellet_mpa
    _run(plant, 60.0, 0.0, 0.0)
    flowed = plant.powder.height_mm * (plant.powder.relaxation.lost_mpa - lost) / 23600.0
    lever = 1450.0 / 78.5398
    press = (50000.0 / 1380.0 / 1450.0 + 1450.0 / 100000.0) / lever
    _close(pressure - plant.pellet_mpa, flowed / (press + plant.powder.elastic()), 2e-3)
    assert pressure - plant.pellet_mpa > 1.0


def test_rigid_press_shows_pelegs_law_itself():
    # Oil and frame a million times stiffer: the height is held.
    plant = _press(
        leak_mm3_s_mpa=0.0,
        oil_air_fraction=0.0,
        oil_bulk_modulus_mpa=1.38e9,
        frame_stiffness_n_mm=1e12,
        pump_flow_mm3_s=1.0,
        approach_gap_mm=0.0,
        powder_initial_density=0.99,
    )
    plant.release.command = 0.0
    plant.pump.command = 1.0
    while plant.pellet_mpa < 300.0:
        plant.step(TICK_S)
    _run(plant, 0.5, 0.0, 0.0)
    relaxation = plant.powder.relaxation
    start, lost = plant.pellet_mpa, relaxation.lost_mpa
    over = start - (K2 - 1) * lost
    k1, k2 = K1 * start * (start + lost) / over**2, K2 * start / over
    for seconds in (5.0, 20.0, 120.0):
        _run(plant, seconds, 0.0, 0.0)
    _close(plant.pellet_mpa, _peleg(start, 145.0, k1, k2), 1e-3)


def test_press_cracks_its_pellet_and_loses_force_suddenly_and_for_good():
    plant = _press(leak_mm3_s_mpa=0.0, powder_crack_mpa=400.0)
    _press_to(plant, 390.0)
    plant.pump.command = 0.25
    while not plant.damage:
        before = plant.pellet_mpa
        plant.step(TICK_S)
    assert plant.damage == OVER_PRESSURE
    assert before > 399.0
    plant.step(TICK_S)
    assert plant.pellet_mpa < before - 5.0
    _run(plant, 1.0, 0.0, 0.0)
    after = plant.pellet_mpa
    _run(plant, 60.0, 0.0, 0.0)
    assert plant.pellet_mpa <= after
    assert plant.damage == OVER_PRESSURE


def test_opening_the_release_fully_cracks_a_pellet_and_a_slow_release_does_not():
    for opening, damage in ((1.0, FAST_RELEASE), (0.215, 0)):
        plant = _press()
        _press_to(plant, 500.0)
        _run(plant, 10.0, 0.0, opening)
        assert plant.pellet_mpa < 250.0
        assert plant.damage == damage


def test_burst_die_lets_the_punches_meet():
    plant = _press()
    _press_to(plant, 300.0)
    plant.apply_damage(DIE_BURST)
    _run(plant, 0.1, 0.0, 0.0)
    assert plant.pellet_mpa < 10.0
    assert plant.density() == plant.pellet_mm() == 0.0
    plant.apply_damage(FORCED)
    assert plant.damage == DIE_BURST
    _press_to(plant, 100.0)
    loose = 4.0 + plant.powder.loose_mm
    _close(plant.closing_mm(), loose, 1e-6)


def test_displacement_is_gap_height_and_stretch():
    plant = _press()
    assert abs(plant.ram_mm()) < 1e-9
    _press_to(plant, 300.0)
    in_die = plant.powder.solid_mm / plant.density()
    _close(plant.pellet_mm(), in_die, 1e-9)
    # The flow of the last tick moves the pellet after the pressure was found.
    _close(plant.closing_mm(), 4.0 + plant.powder.loose_mm - in_die, 1e-5)
    _close(plant.ram_mm() - plant.closing_mm(), plant.pellet_mpa * 78.5398 / 100000.0, 1e-6)


def test_forced_crack_at_rest_is_there_at_the_next_press():
    plant = _press()
    _press_to(plant, 300.0)
    _run(plant, 5.0, 0.0, 0.25)
    height = plant.powder.height_mm
    plant.apply_damage(FORCED)
    _press_to(plant, 100.0)
    assert plant.damage == FORCED
    _close(plant.powder.height_mm, 0.97 * height, 1e-9)
