"""An isostatic vessel: its water, the pressure of its line, and the switch at its lid."""

from pressloop_fw.loop.scaling import Scaling
from pressloop_fw.loop.unloaded import is_unloaded
from pressloop_fw.service.profile_store import Profile
from pressloop_fw.wire import schema
from pressloop_sim.plant.ram_with_friction import build_plant
from pressloop_sim.plant.vessel import VesselPlant
from pressloop_sim.plant.water import MODULUS_MPA, STIFFENING, Water
from rig import PROFILE, RefusedError, Rig, hold, ramp

VOLUME_MM3 = 1e6
BORE_UM = 60000
BORE_MM2 = 2827

VESSEL = dict(PROFILE)
VESSEL.update(
    {
        schema.PROFILE_RAM_AREA_MM2: BORE_MM2,
        schema.PROFILE_DIES_UM: [BORE_UM],
        schema.PROFILE_FULL_SCALE_OIL_KPA: 250000,
        schema.PROFILE_MAX_OIL_KPA: 220000,
        schema.PROFILE_COMPLIANCE_NL_MPA: 454545,
        schema.PROFILE_RAW_ZERO: 4800,
        schema.PROFILE_RAW_FULL: 24000,
        schema.PROFILE_CONTACT_OIL_KPA: 1000,
        schema.PROFILE_PUMP_FLOW_UL_S: 2000,
        schema.PROFILE_RELEASE_FLOW_UL_S: 4000,
        schema.PROFILE_LID_SWITCH: True,
    }
)


def _config(leak=0.0):
    return {
        "ram_area_mm2": BORE_MM2,
        "die_area_mm2": BORE_MM2,
        "approach_gap_mm": 4.0,
        "return_force_n": 150.0,
        "oil_volume_mm3": 50000.0,
        "oil_bulk_modulus_mpa": 1380.0,
        "oil_air_fraction": 0.005,
        "frame_stiffness_n_mm": 1e5,
        "valve_lag_s": 0.03,
        "valve_delay_s": 0.01,
        "valve_hysteresis": 0.0,
        "pump_dead_band": 0.2,
        "pump_flow_mm3_s": 2000.0,
        "pump_ripple": 0.0,
        "pump_ripple_hz": 0.0,
        "release_dead_band": 0.2,
        "release_flow_10mpa_mm3_s": 4000.0,
        "leak_mm3_s_mpa": leak,
        "powder_solid_height_mm": 3.0,
        "powder_initial_density": 0.45,
        "powder_panelli_a": 0.0471,
        "powder_heckel_k": 0.0,
        "powder_modulus_mpa": 20000.0,
        "powder_relaxation_share": 0.0,
        "powder_relaxation_half_s": 15.0,
        "powder_crack_mpa": 1e9,
        "powder_crack_release_mpa_s": 1e9,
        "powder_crack_loss": 0.03,
        "vessel_volume_mm3": VOLUME_MM3,
    }


def test_water_stiffens_as_its_law_says():
    water = Water(VOLUME_MM3)
    assert water.pressure(0.0) == 0.0
    for pressure in (1.0, 50.0, 200.0, 400.0):
        pumped = water.pumped(pressure)
        assert abs(water.pressure(pumped) - pressure) < 1e-9 * pressure
        # dP/dV is K(P)/V, by a small difference.
        rise = (water.pressure(pumped + 1.0) - water.pressure(pumped - 1.0)) / 2
        assert abs(rise - (MODULUS_MPA + STIFFENING * pressure) / VOLUME_MM3) < 1e-6 * rise
        assert abs(rise - water.stiffness(pressure)) < 1e-6 * rise
    # 71 mL more in a litre are 200 MPa; with a constant modulus they would be 156.
    assert abs(water.pumped(200.0) / 1000 - 71.43) < 0.01


def test_air_is_pressed_together_before_the_water():
    water = Water(VOLUME_MM3)
    water.air_mm3 = 5000.0
    assert water.pressure(0.0) == 0.0
    for pressure in (0.01, 0.1, 1.0, 50.0, 400.0):
        pumped = water.pumped(pressure)
        assert abs(water.pressure(pumped) - pressure) < 1e-6 * pressure
        step = 1e-3 * pumped
        rise = (water.pressure(pumped + step) - water.pressure(pumped - step)) / (2 * step)
        assert abs(rise - water.stiffness(pressure)) < 1e-3 * rise
    # Half of it at the pressure of the atmosphere; at 50 MPa all but 0.2 %.
    full = Water(VOLUME_MM3)
    assert abs(water.pumped(0.101325) - full.pumped(0.101325) - 2500) < 1e-6
    assert 4980 < water.pumped(50.0) - full.pumped(50.0) < 5000


def test_the_pressure_follows_flow_less_leak():
    leak = 0.5
    plant = build_plant(_config(leak))
    assert isinstance(plant, VesselPlant)
    plant.pump.command = 1.0
    plant.release.command = 0.0
    for _ in range(4000):
        plant.step(0.01)
    before = plant.oil_mpa
    plant.step(0.01)
    rate = (plant.oil_mpa - before) / 0.01
    expected = (MODULUS_MPA + STIFFENING * before) * (2000.0 - leak * before) / VOLUME_MM3
    assert abs(rate - expected) < 2e-3 * expected
    # The line presses the sample, and nothing moves.
    assert plant.pellet_mpa == plant.oil_mpa > 100.0
    assert plant.closing_mm() == plant.ram_mm() == 0.0
    assert plant.density() > 0.6
    plant.change_die(10000)
    assert plant.pellet_mpa == plant.oil_mpa > 100.0


def test_the_pressure_of_the_line_is_that_of_the_sample_to_the_kpa():
    scaling = Scaling(Profile(VESSEL), BORE_UM)
    assert scaling.oil_kpa(200000) == scaling.pellet_kpa(200000) == 200000
    assert scaling.pellet_limit_kpa == 220000
    press = dict(VESSEL)
    del press[schema.PROFILE_LID_SWITCH]
    # The bore in whole mm2 would be 0.02 % off.
    assert Scaling(Profile(press), BORE_UM).pellet_kpa(200000) != 200000


def test_a_vessel_has_one_bore_and_no_ram():
    for changes, field in (
        ({schema.PROFILE_DIES_UM: [BORE_UM, 10000]}, schema.PROFILE_DIES_UM),
        ({schema.PROFILE_RAM_AREA_MM2: 2830}, schema.PROFILE_RAM_AREA_MM2),
        (
            {
                schema.PROFILE_FRICTION_PPM: 1,
                schema.PROFILE_FRICTION_N: 1,
                schema.PROFILE_FRICTION_UNCERTAINTY_PPM: 1,
            },
            schema.PROFILE_FRICTION_UNCERTAINTY_PPM,
        ),
        ({schema.PROFILE_LOAD_CELL_CAPACITY_N: 1000}, schema.PROFILE_LOAD_CELL_CAPACITY_N),
        ({schema.PROFILE_FRICTION_N: 1}, schema.PROFILE_FRICTION_N),
        ({schema.PROFILE_STROKE_UM: 50000}, schema.PROFILE_STROKE_UM),
        ({schema.PROFILE_DIE_LOADS_N: [1000]}, schema.PROFILE_DIE_LOADS_N),
    ):
        values = dict(VESSEL)
        values.update(changes)
        assert Profile(values).contradiction() == field
    assert Profile(VESSEL).contradiction() == 0


class VesselRig(Rig):
    """A board with a vessel and a switch at its lid, which may stick."""

    def __init__(self):
        self.capabilities = schema.CAP_LID_SWITCH
        self.sticks = False
        Rig.__init__(self, press=_config(), profile=dict(VESSEL))

    def sample(self):
        return int(4800.5 + self.plant.oil_mpa / 250 * 19200)

    def read_inputs(self):
        if self.sticks or self.plant.has_lid_pressure():
            return self.inputs | schema.INPUT_VESSEL_PRESSURE
        return self.inputs


def _pressed(rig):
    rig.start(
        [ramp(50000, 3000), hold(50000, 500, 1000)],
        die_um=BORE_UM,
        ceiling_kpa=60000,
        vent_rate_kpa_s=5000,
    )
    return rig


def test_a_vessel_is_pressed_by_the_same_loop():
    rig = _pressed(VesselRig())
    assert rig.run(60, rig.idle_again)
    assert rig.status()[schema.STATUS_REPLY_END_REASON] == schema.END_COMPLETED
    assert abs(rig.result(1)[schema.STEP_RESULT_REPLY_PEAK_KPA] - 50000) < 300
    assert rig.plant.oil_mpa < 0.1


def test_a_run_ends_only_when_the_switch_at_the_lid_is_open():
    rig = _pressed(VesselRig())
    assert rig.run(60, lambda: rig.sequencer.state == schema.STATE_VENTING)
    rig.sticks = True
    assert rig.run(30, lambda: rig.plant.oil_mpa < 0.01)
    # The transducer says zero, but it may be off by 0.25 MPa.
    assert not rig.run(3, rig.idle_again)
    assert rig.controller.release_watch.stands
    rig.sticks = False
    assert rig.run(1, rig.idle_again)
    rig.run(0.3)
    assert not rig.controller.release_watch.stands


def test_no_run_starts_while_the_switch_at_the_lid_shows_pressure():
    rig = VesselRig()
    rig.upload([ramp(50000, 3000)], die_um=BORE_UM, ceiling_kpa=60000, vent_rate_kpa_s=5000)
    rig.sticks = True
    rig.run(0.1)
    try:
        rig.ask(schema.CMD_START, {schema.START_REQUEST_RUN_ID: b"12345678"})
    except RefusedError as refused:
        assert refused.code == schema.ERR_PRESSURISED
    else:
        raise AssertionError("a run began under a lid with pressure")
    rig.sticks = False
    rig.run(0.1)
    rig.ask(schema.CMD_START, {schema.START_REQUEST_RUN_ID: b"12345678"})


def test_a_board_without_that_input_takes_no_profile_that_relies_on_it():
    rig = Rig(press=_config())
    try:
        rig.ask(schema.CMD_PROFILE_WRITE, dict(VESSEL))
    except RefusedError as refused:
        assert (refused.code, refused.field) == (
            schema.ERR_PROFILE_INVALID,
            schema.PROFILE_LID_SWITCH,
        )
    else:
        raise AssertionError("a lid that nothing watches passes for one that is watched")
    bare = dict(VESSEL)
    bare[schema.PROFILE_LID_SWITCH] = False
    rig.ask(schema.CMD_PROFILE_WRITE, bare)
    rig.tick()
    assert rig.controller.scaling.lid_pressure is None
    assert is_unloaded(rig.controller.scaling, 0)
