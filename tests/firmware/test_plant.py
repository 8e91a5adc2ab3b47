"""The emulated press: each law against its source, and the whole against a finer clock."""

import math

from pressloop_sim.plant.damage import FORCED
from pressloop_sim.plant.noise import Rng
from pressloop_sim.plant.oil import Oil, Spring
from pressloop_sim.plant.plant import SUBSTEP_S, Plant
from pressloop_sim.plant.transducer import BROKEN, RAW_FULL, RAW_ZERO, SHORT, Transducer
from pressloop_sim.plant.valves import PumpValve, ReleaseValve, Valve

TICK_S = 0.01
# The reference press, without the errors of an individual.
PRESS = {
    "ram_area_mm2": 1450.0,
    "die_area_mm2": 78.5398,
    "approach_gap_mm": 4.0,
    "return_force_n": 150.0,
    "oil_volume_mm3": 50000.0,
    "oil_bulk_modulus_mpa": 1380.0,
    "oil_air_fraction": 0.005,
    "frame_stiffness_n_mm": 100000.0,
    "valve_lag_s": 0.03,
    "valve_delay_s": 0.01,
    "valve_hysteresis": 0.02,
    "pump_dead_band": 0.2,
    "pump_flow_mm3_s": 1000.0,
    "pump_ripple": 0.02,
    "pump_ripple_hz": 23.0,
    "release_dead_band": 0.2,
    "release_flow_10mpa_mm3_s": 10000.0,
    "leak_mm3_s_mpa": 0.0167,
    "powder_solid_height_mm": 0.81,
    "powder_initial_density": 0.45,
    "powder_panelli_a": 0.0471,
    "powder_modulus_mpa": 23600.0,
    "powder_heckel_k": 0.0,
    "powder_relaxation_share": 0.3,
    "powder_relaxation_half_s": 15.0,
    "powder_crack_mpa": 690.0,
    "powder_crack_release_mpa_s": 200.0,
    "powder_crack_loss": 0.03,
}


def _press(substep_s=SUBSTEP_S, **changes):
    config = dict(PRESS)
    config.update(changes)
    return Plant(config, substep_s)


def _run(plant, seconds, pump, release):
    plant.pump.command = pump
    plant.release.command = release
    for _ in range(int(seconds / TICK_S + 0.5)):
        plant.step(TICK_S)


def _press_to(plant, pellet_mpa):
    """Pump until the pellet is under `pellet_mpa`, shut both valves and let them close."""
    plant.release.command = 0.0
    plant.pump.command = 0.5
    while plant.pellet_mpa < pellet_mpa:
        plant.step(TICK_S)
    _run(plant, 0.3, 0.0, 0.0)


def _press_to_oil_mpa(pellet_mpa):
    plant = _press()
    _press_to(plant, pellet_mpa)
    return plant.oil_mpa


def _close(value, expected, relative):
    assert abs(value - expected) <= relative * abs(expected), (value, expected)


# --- the die


def test_another_die_is_as_if_it_had_been_in_from_the_start():
    changed = _press()
    changed.change_die(12000)
    area = math.pi / 4 * 12.0**2
    height = PRESS["powder_solid_height_mm"] * PRESS["die_area_mm2"] / area
    fresh = _press(die_area_mm2=area, powder_solid_height_mm=height)
    for plant in (changed, fresh):
        _press_to(plant, 100.0)
    _close(changed.oil_mpa, fresh.oil_mpa, 1e-12)
    _close(changed.ram_mm(), fresh.ram_mm(), 1e-12)
    _close(changed.oil_mpa / _press_to_oil_mpa(100.0), 1.44, 0.02)


def test_another_die_comes_with_fresh_powder():
    plant = _press()
    _press_to(plant, 50.0)
    plant.apply_damage(FORCED)
    plant.change_die(12000)
    fresh = _press()
    fresh.change_die(12000)
    assert plant.state() == fresh.state()


def test_the_die_that_is_in_keeps_its_pellet():
    plant = _press()
    _press_to(plant, 50.0)
    pressed = plant.state()
    plant.change_die(plant.die_um)
    assert plant.state() == pressed


# --- oil


def test_oil_is_as_stiff_as_its_bulk_modulus_without_air():
    oil = Oil(50000.0, 1380.0, 0.0)
    _close(oil.slope(10.0), 50000 / 1380, 1e-12)
    _close(oil.taken_up(10.0), 10 * 50000 / 1380, 1e-12)


def test_entrained_air_softens_oil_at_low_pressure_alone():
    oil = Oil(50000.0, 1380.0, 0.005)
    bare = 50000 / 1380
    assert oil.slope(0.0) > 50 * bare
    assert oil.slope(20.0) < 1.01 * bare
    # The slope is the derivative of what is taken up.
    _close((oil.taken_up(1.001) - oil.taken_up(0.999)) / 0.002, oil.slope(1.0), 1e-5)


def test_pressure_inverts_taken_up():
    oil = Oil(50000.0, 1380.0, 0.005)
    spring = Spring(oil)
    for elastic in (0.0, 21.0):
        spring.set(elastic)
        for pressure in (0.001, 0.1, 1.0, 27.0, 60.0):
            volume = oil.taken_up(pressure) + elastic * pressure
            _close(spring.pressure(volume), pressure, 1e-9)
            _close(spring.stiffness, 1 / (oil.slope(pressure) + elastic), 1e-9)
        assert spring.pressure(0.0) == 0.0


# --- valves


def _valve(**changes):
    settings = {
        "substep_s": SUBSTEP_S,
        "dead_band": 0.0,
        "lag_s": 0.03,
        "delay_s": 0.0,
        "hysteresis": 0.0,
        "unpowered": 0.0,
    }
    settings.update(changes)
    return Valve(**settings)


def test_valve_is_a_first_order_lag():
    valve = _valve()
    valve.command = 1.0
    # advance() answers for the middle of its substep: the 7th is that from 30 to 35 ms.
    opening = [valve.advance() for _ in range(7)][-1]
    _close(opening, 1 - math.exp(-0.0325 / 0.03), 1e-9)


def test_valve_waits_for_its_transport_delay():
    valve = _valve(delay_s=0.02)
    valve.command = 1.0
    openings = [valve.advance() for _ in range(5)]
    assert openings[:4] == [0.0] * 4
    assert openings[4] > 0.0


def test_valve_passes_nothing_within_its_dead_band_and_all_at_full_stroke():
    valve = _valve(dead_band=0.2)
    valve.command = 0.2
    assert max(valve.advance() for _ in range(200)) == 0.0
    valve.command = 0.6
    _close([valve.advance() for _ in range(200)][-1], 0.5, 1e-9)
    valve.command = 1.0
    _close([valve.advance() for _ in range(200)][-1], 1.0, 1e-9)


def test_valve_stands_higher_coming_down_than_going_up():
    valve = _valve(hysteresis=0.04)
    openings = []
    for command in (0.5, 1.0, 0.5):
        valve.command = command
        openings.append([valve.advance() for _ in range(300)][-1])
    _close(openings[2] - openings[0], 0.04, 1e-6)


def test_release_flow_goes_with_the_root_of_pressure():
    valve = ReleaseValve(SUBSTEP_S, 0.2, 0.03, 0.01, 0.0, 10000.0)
    _close(valve.flow(1.0, 10.0), 10000, 5e-3)
    _close(valve.flow(0.5, 40.0) / valve.flow(0.5, 10.0), 2.0, 5e-3)
    assert valve.flow(1.0, 0.0) == 0.0


def test_release_valve_is_open_without_power_and_the_pump_shut():
    release = ReleaseValve(SUBSTEP_S, 0.2, 0.03, 0.01, 0.0, 10000.0)
    pump = PumpValve(SUBSTEP_S, 0.2, 0.03, 0.01, 0.0, 1000.0, 0.0, 0.0)
    assert release.advance() == 1.0
    assert pump.advance() == 0.0


def test_ripple_has_its_amplitude_and_no_mean():
    pump = PumpValve(SUBSTEP_S, 0.2, 0.03, 0.01, 0.0, 1000.0, 0.05, 20.0)
    flows = [pump.flow(1.0) for _ in range(1000)]
    _close(max(flows), 1050, 1e-9)
    _close(min(flows), 950, 1e-9)
    _close(sum(flows) / len(flows), 1000, 1e-9)


# --- transducer and noise


def test_transducer_is_linear_between_its_zero_and_its_full_scale():
    transducer = Transducer(Rng(1), 40.0, 0.0, 1.0, 0.0, 0.0, TICK_S)
    assert transducer.sample(0.0) == RAW_ZERO
    assert transducer.sample(40.0) == RAW_FULL
    assert transducer.sample(20.0) == (RAW_ZERO + RAW_FULL) // 2


def test_transducer_has_the_offset_and_span_error_it_was_given():
    transducer = Transducer(Rng(1), 40.0, 0.4, 0.99, 0.0, 0.0, TICK_S)
    counts_per_mpa = (RAW_FULL - RAW_ZERO) / 40
    assert transducer.sample(0.0) == RAW_ZERO + int(0.4 * counts_per_mpa)
    assert transducer.sample(20.0) == RAW_ZERO + int((0.4 + 19.8) * counts_per_mpa)


def test_transducer_saturates_inside_the_range_of_a_sound_one():
    transducer = Transducer(Rng(1), 40.0, 0.0, 1.0, 0.0, 0.0, TICK_S)
    assert transducer.sample(90.0) == 20.5 * 1200
    assert transducer.sample(-9.0) == 3.8 * 1200


def test_transducer_faults_read_outside_that_range():
    transducer = Transducer(Rng(1), 40.0, 0.0, 1.0, 0.0, 0.0, TICK_S)
    transducer.fault = BROKEN
    assert transducer.sample(20.0) < 3.6 * 1200
    transducer.fault = SHORT
    assert transducer.sample(20.0) > 21 * 1200


def test_transducer_follows_as_a_first_order_lag():
    transducer = Transducer(Rng(1), 40.0, 0.0, 1.0, 0.0, TICK_S, TICK_S)
    span = RAW_FULL - RAW_ZERO
    assert abs(transducer.sample(40.0) - RAW_ZERO - span * (1 - math.exp(-1))) <= 1


def test_noise_has_mean_0_and_variance_1_and_is_bounded():
    rng = Rng(7)
    values = [rng.gauss() for _ in range(4000)]
    mean = sum(values) / len(values)
    variance = sum(value * value for value in values) / len(values)
    assert abs(mean) < 0.05
    assert abs(variance - 1) < 0.07
    assert max(abs(value) for value in values) < 3.5


def test_seeds_differ_and_repeat():
    assert [Rng(3).bits() for _ in range(3)] == [Rng(3).bits() for _ in range(3)]
    assert len({Rng(seed).bits() for seed in range(200)}) == 200


# --- the press


def test_closed_press_moves_175_bar_per_millilitre():
    # An incompressible blank and oil without air: V/B + A^2/k alone.
    plant = _press(
        powder_initial_density=1.0,
        powder_panelli_a=0.0,
        powder_modulus_mpa=1e9,
        oil_air_fraction=0.0,
        leak_mm3_s_mpa=0.0,
        powder_relaxation_share=0.0,
    )
    _press_to(plant, 100.0)
    volume, pressure = plant.volume_mm3, plant.oil_mpa
    _press_to(plant, 200.0)
    _close((plant.oil_mpa - pressure) / (plant.volume_mm3 - volume), 0.0175, 2e-3)


def test_ram_travels_the_gap_before_the_pellet_feels_anything():
    plant = _press(pump_ripple=0.0)
    plant.release.command = 0.0
    plant.pump.command = 1.0
    while plant.pellet_mpa == 0.0:
        plant.step(TICK_S)
        if plant.volume_mm3 > 1000:
            # The return force and no more.
            _close(plant.oil_mpa, 150 / 1450, 0.3)
    # 4 mm x 1450 mm2, and the oil that the return force compresses.
    _close(plant.volume_mm3, 4 * 1450, 0.05)


def test_pellet_pressure_is_oil_pressure_times_the_area_ratio():
    plant = _press()
    _press_to(plant, 300.0)
    _close(plant.pellet_mpa, (plant.oil_mpa - 150 / 1450) * 1450 / 78.5398, 1e-9)


def test_volume_accounts_for_oil_travel_frame_and_pellet():
    plant = _press()
    for pump, release, seconds in ((0.9, 0, 9), (0.4, 0, 6), (0, 0.3, 1), (0.4, 0, 5), (0, 0, 3)):
        _run(plant, seconds, pump, release)
        powder = plant.powder
        oil = Oil(50000.0, 1380.0, 0.005)
        force = plant.pellet_mpa * 78.5398
        in_die = powder.solid_mm / powder.density(plant.pellet_mpa)
        travel = 4.0 + (powder.loose_mm - in_die) + force / 100000
        assert plant.pellet_mpa > 5
        # The flow of the last tick moves the pellet after the pressure was found.
        _close(oil.taken_up(plant.oil_mpa) + 1450 * travel, plant.volume_mm3, 1e-5)


def test_press_without_leak_and_flow_holds_its_pressure():
    plant = _press(leak_mm3_s_mpa=0.0, powder_relaxation_share=0.0)
    _press_to(plant, 250.0)
    before = plant.pellet_mpa
    _run(plant, 60, 0.0, 0.0)
    _close(plant.pellet_mpa, before, 1e-9)


def test_flow_and_leak_let_the_pressure_sink():
    sunk = []
    for leak, share in ((0.0, 0.3), (0.0167, 0.0), (0.0167, 0.3)):
        plant = _press(leak_mm3_s_mpa=leak, powder_relaxation_share=share)
        _press_to(plant, 500.0)
        before = plant.pellet_mpa
        _run(plant, 30, 0.0, 0.0)
        sunk.append(before - plant.pellet_mpa)
    assert min(sunk) > 0.5
    assert sunk[2] > sunk[0] and sunk[2] > sunk[1]


def test_leak_is_laminar():
    plant = _press(powder_relaxation_share=0.0)
    _press_to(plant, 400.0)
    volume, pressure = plant.volume_mm3, plant.oil_mpa
    _run(plant, 1.0, 0.0, 0.0)
    _close(volume - plant.volume_mm3, 0.0167 * pressure, 0.01)


def test_pressing_again_to_the_same_pressure_is_elastic():
    plant = _press(powder_relaxation_share=0.0, leak_mm3_s_mpa=0.0, powder_crack_release_mpa_s=1e9)
    _press_to(plant, 300.0)
    pressure = plant.pellet_mpa
    height = plant.powder.height_mm
    _run(plant, 1.0, 0.0, 0.3)
    assert plant.pellet_mpa < 0.8 * pressure
    _press_to(plant, 0.97 * pressure)
    assert plant.powder.height_mm == height


def test_open_release_valve_empties_the_press_and_brings_the_ram_back():
    plant = _press()
    _press_to(plant, 500.0)
    _run(plant, 1.0, 0.0, 1.0)
    assert plant.pellet_mpa == 0.0
    _run(plant, 30.0, 0.0, 1.0)
    assert plant.oil_mpa < 0.01
    assert plant.volume_mm3 < 30


def test_time_that_is_not_a_whole_substep_is_not_lost():
    even, odd = _press(), _press()
    even.pump.command = odd.pump.command = 0.9
    for _ in range(300):
        even.step(0.01)
    for _ in range(1000):
        odd.step(0.003)
    assert odd.volume_mm3 == even.volume_mm3


def _worst_step_error(openings):
    """Return by how much the plant's clock is off one 32 times finer, and the highest pressure.

    Openings, one per tick, are positive for the pump and negative for the release valve.
    """
    coarse, fine = _press(), _press(TICK_S / 64)
    worst = highest = 0.0
    for opening in openings:
        for plant in (coarse, fine):
            plant.pump.command = max(opening, 0.0)
            plant.release.command = max(-opening, 0.0)
            plant.step(TICK_S)
        worst = max(worst, abs(coarse.pellet_mpa - fine.pellet_mpa))
        highest = max(highest, fine.pellet_mpa)
    return worst, highest


_APPROACH = [0.95] * 800


def test_substeps_are_fine_enough_for_ramps_and_holds():
    up = [0.28 + 0.06 * math.sin(tick / 30) for tick in range(1500)]
    hold = [0.0] * 300
    down = [-0.22 - 0.01 * math.sin(tick / 20) for tick in range(400)]
    error, highest = _worst_step_error(_APPROACH + up + hold + down + up)
    assert highest > 350, highest
    assert error < 0.05, error


def test_substeps_are_fine_enough_for_valves_that_bang():
    # Up to 300 MPa and back within tenths of a second.
    rng = Rng(1)
    openings = []
    for _ in range(150):
        drawn = rng.bits() % 1000 / 1000
        openings += [-0.2 - 0.2 * drawn if drawn < 0.3 else 0.1 + 0.35 * drawn] * 8
    error, highest = _worst_step_error(_APPROACH + openings)
    assert highest > 300, highest
    assert error < 0.6, error
