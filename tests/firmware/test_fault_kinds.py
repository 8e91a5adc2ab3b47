"""Faults of the emulated press: each kind does to press and transducer what its text says."""

from pressloop_sim.plant import fault_kinds
from pressloop_sim.plant.fault_kinds import BY_NAME, KINDS, parse
from pressloop_sim.plant.fault_schedule import FaultSchedule
from pressloop_sim.plant.hydraulic_faults import HydraulicFaults
from pressloop_sim.plant.noise import Rng
from pressloop_sim.plant.plant import Plant
from pressloop_sim.plant.sensor_faults import SensorFaults
from pressloop_sim.plant.transducer import RAW_FULL, RAW_ZERO, Transducer
from pressloop_sim.plant.valve_faults import ValveFaults
from pressloop_sim.plant.vessel_faults import VesselFaults

TICK_S = 0.01
FULL_SCALE_MPA = 40.0
COUNTS_PER_MPA = (RAW_FULL - RAW_ZERO) / FULL_SCALE_MPA
# Pellet pressure per oil pressure: a ram of 1450 mm2 on a die of 10 mm.
LEVER = 1450.0 / 78.53981633974483
PRESS = {
    "ram_area_mm2": 1450.0,
    "die_area_mm2": 78.53981633974483,
    "approach_gap_mm": 0.5,
    "return_force_n": 150.0,
    "oil_volume_mm3": 50000.0,
    "oil_bulk_modulus_mpa": 1380.0,
    "oil_air_fraction": 0.002,
    "frame_stiffness_n_mm": 100000.0,
    "valve_lag_s": 0.03,
    "valve_delay_s": 0.01,
    "valve_hysteresis": 0.0,
    "pump_dead_band": 0.2,
    "pump_flow_mm3_s": 1000.0,
    "pump_ripple": 0.0,
    "pump_ripple_hz": 23.0,
    "release_dead_band": 0.2,
    "release_flow_10mpa_mm3_s": 10000.0,
    "leak_mm3_s_mpa": 0.0,
    "powder_solid_height_mm": 0.5,
    "powder_initial_density": 1.0,
    "powder_panelli_a": 0.0,
    "powder_modulus_mpa": 20000.0,
    "powder_heckel_k": 0.0,
    "powder_relaxation_share": 0.0,
    "powder_relaxation_half_s": 15.0,
    "powder_crack_mpa": 1e9,
    "powder_crack_release_mpa_s": 1e9,
    "powder_crack_loss": 0.03,
}


class Bench:
    """A press with one transducer, and its schedule of faults."""

    def __init__(self, noise_mpa=0.0):
        self.plant = Plant(PRESS)
        self.transducer = Transducer(Rng(1), FULL_SCALE_MPA, 0.0, 1.0, noise_mpa, 0.0, TICK_S)
        self.tick = 0
        self.faults = FaultSchedule(
            {
                fault_kinds.SENSOR: SensorFaults(self, "transducer", self.plant, PRESS, TICK_S),
                fault_kinds.SECOND: SensorFaults(
                    self, "second.transducer", self.plant, PRESS, TICK_S
                ),
                fault_kinds.VALVE: ValveFaults(self.plant),
                fault_kinds.HYDRAULIC: HydraulicFaults(self.plant),
                fault_kinds.VESSEL: VesselFaults(self.plant),
            }
        )
        self.raw = 0

    def run(self, seconds, pump=0.0, release=0.0):
        """Let time pass under two openings; return what the transducer read last, MPa of oil."""
        self.plant.pump.command = pump
        self.plant.release.command = release
        for _ in range(int(seconds / TICK_S + 0.5)):
            if self.tick >= self.faults.due_tick:
                self.faults.step(self.tick)
            self.plant.step(TICK_S)
            self.raw = self.transducer.sample(self.plant.oil_mpa)
            self.tick += 1
        return (self.raw - RAW_ZERO) / COUNTS_PER_MPA

    def press(self, oil_mpa=10.0):
        """Pump up to a pressure and shut both valves."""
        while self.plant.oil_mpa < oil_mpa:
            self.run(TICK_S, pump=0.6)
        self.run(0.5)

    def inject(self, text):
        """Inject a fault at once."""
        self.faults.add(parse(text), self.tick)


def _refused(call, *arguments):
    try:
        call(*arguments)
    except ValueError as error:
        return str(error)
    raise AssertionError("not refused")


def _near(value, expected, within):
    assert -within <= value - expected <= within, (value, expected)


# --- text


def test_faults_are_read_as_they_are_written():
    for text in (
        "sensor-frozen@12.5",
        "leak=0.5@3",
        "sensor-offset=-4@0",
        "burst",
        "wrong-die=8@0",
    ):
        assert parse(text).text() == text


def test_what_is_no_fault_is_refused_with_the_reason():
    assert "sensor-frozen" in _refused(parse, "sensor-melted@1")
    assert "leak=UL_S_MPA" in _refused(parse, "leak@1")
    assert "burst@" in _refused(parse, "burst=3@1")
    assert "not a number" in _refused(parse, "burst@soon")
    assert "within" in _refused(parse, "sensor-dropout=1.5@1")
    assert "within" in _refused(parse, "leak=nan@1")
    assert "within" in _refused(parse, "burst@-1")
    assert "@0" in _refused(parse, "wrong-die=8@5")


def test_names_of_kinds_are_unique():
    assert len(BY_NAME) == len(KINDS)


# --- schedule


def test_faults_are_injected_in_order_of_time_and_listed():
    bench = Bench()
    bench.faults.load([parse("pump-dead@0.2"), parse("sensor-zero@0.1")])
    bench.run(0.15)
    assert [(tick, fault.text()) for tick, fault in bench.faults.injected] == [
        (10, "sensor-zero@0.1")
    ]
    bench.run(0.15)
    assert [tick for tick, _ in bench.faults.injected] == [10, 20]


def test_faults_for_parts_that_a_press_has_not_are_refused_before_anything_moves():
    bench = Bench()
    bench.second = None
    assert "one transducer" in _refused(bench.faults.load, [parse("second-zero@1")])
    assert "kinds: sensor-frozen" in _refused(bench.faults.load, [parse("flash-full@1")])
    assert "has a ram" in _refused(bench.faults.load, [parse("vessel-air=5@0")])


# --- sensor


class Second:
    """A second channel: an object that holds a transducer of its own."""

    def __init__(self):
        self.transducer = Transducer(Rng(2), FULL_SCALE_MPA, 0.0, 1.0, 0.0, 0.0, TICK_S)


def test_second_channel_breaks_alone():
    bench = Bench()
    bench.second = Second()
    bench.press()
    bench.inject("second-zero")
    assert bench.run(TICK_S) > 9
    assert bench.second.transducer.sample(bench.plant.oil_mpa) == RAW_ZERO


def test_frozen_reading_stays_count_for_count():
    bench = Bench(noise_mpa=0.05)
    bench.press()
    bench.inject("sensor-frozen")
    bench.run(TICK_S)
    raw = bench.raw
    bench.run(1, release=1.0)
    assert bench.raw == raw and bench.plant.oil_mpa < 1


def test_blocked_line_keeps_the_pressure_with_its_noise():
    bench = Bench(noise_mpa=0.05)
    bench.press()
    bench.inject("sensor-blocked")
    seen = set()
    for _ in range(50):
        _near(bench.run(TICK_S, release=1.0), 10, 0.5)
        seen.add(bench.raw)
    assert len(seen) > 10


def test_zero_open_and_short():
    for text, raw in (("sensor-zero", RAW_ZERO), ("sensor-open", 0), ("sensor-short", 30000)):
        bench = Bench()
        bench.press()
        bench.inject(text)
        bench.run(TICK_S)
        assert bench.raw == raw


def test_offset_is_on_the_pellet():
    bench = Bench()
    bench.press()
    before = bench.run(TICK_S)
    bench.inject("sensor-offset=20")
    _near(bench.run(TICK_S) - before, 20 / LEVER, 0.01)


def test_drift_grows_with_time():
    bench = Bench()
    bench.press()
    before = bench.run(TICK_S)
    bench.inject("sensor-drift=10")
    _near(bench.run(2.0) - before, 20 / LEVER, 0.02)


def test_gain_and_slowness():
    bench = Bench()
    bench.press()
    before = bench.run(TICK_S)
    bench.inject("sensor-gain=0.5")
    _near(bench.run(TICK_S), before / 2, 0.01)
    bench = Bench()
    bench.press()
    before = bench.run(TICK_S)
    bench.inject("sensor-slow=1")
    _near(bench.run(TICK_S), before, 0.01)
    # After one time constant 37 % of the step is left.
    _near(bench.run(1.0, release=1.0), 0.37 * before, 0.15 * before)


def test_noise_is_of_full_scale():
    bench = Bench()
    bench.press()
    bench.inject("sensor-noise=1")
    readings = [bench.run(TICK_S) for _ in range(400)]
    mean = sum(readings) / len(readings)
    variance = sum((reading - mean) ** 2 for reading in readings) / len(readings)
    _near(variance**0.5, 0.4, 0.05)


def test_dropout_loses_its_share():
    bench = Bench()
    bench.press()
    bench.inject("sensor-dropout=0.3")
    lost = 0
    for _ in range(1000):
        bench.run(TICK_S)
        lost += bench.raw == 0
    _near(lost, 300, 50)


# --- valves and hydraulics


def test_stuck_pump_passes_its_share_of_the_flow():
    bench = Bench()
    bench.press()
    volume = bench.plant.volume_mm3
    bench.inject("pump-stuck-open=20")
    bench.run(1.0)
    _near(bench.plant.volume_mm3 - volume, 200, 5)


def test_dead_pump_delivers_nothing():
    bench = Bench()
    bench.press()
    volume = bench.plant.volume_mm3
    bench.inject("pump-dead")
    bench.run(1.0, pump=1.0)
    _near(bench.plant.volume_mm3, volume, 1e-6)


def test_release_stays_shut_or_open():
    bench = Bench()
    bench.press()
    bench.inject("release-stuck-shut")
    bench.run(1.0, release=1.0)
    assert bench.plant.oil_mpa > 9
    bench.inject("release-stuck-open")
    bench.run(1.0, release=0.0)
    assert bench.plant.oil_mpa < 1


def test_leak_burst_and_relief():
    bench = Bench()
    bench.press()
    before = bench.plant.oil_mpa
    volume = bench.plant.volume_mm3
    bench.inject("leak=2")
    bench.run(0.1)
    _near(volume - bench.plant.volume_mm3, 2 * before * 0.1, 0.2)
    bench.inject("burst")
    bench.run(0.2)
    assert bench.plant.oil_mpa < 0.3
    bench = Bench()
    bench.inject("relief=100")
    bench.press(9.0)
    bench.run(5.0, pump=1.0)
    _near(bench.plant.oil_mpa, 10.0, 0.4)


def test_ram_at_the_end_of_its_stroke_loads_only_the_oil():
    bench = Bench()
    bench.press()
    pellet, oil = bench.plant.pellet_mpa, bench.plant.oil_mpa
    bench.inject("stroke-end")
    bench.run(0.5, pump=0.6)
    _near(bench.plant.pellet_mpa, pellet, 0.5)
    assert bench.plant.oil_mpa > oil + 2
    bench.run(2.0, release=1.0)
    assert bench.plant.pellet_mpa < 1


def test_wrong_die_stays_in_the_press():
    bench = Bench()
    bench.inject("wrong-die=8")
    bench.plant.change_die(10000)
    assert bench.plant.die_um == 8000
