"""The approach: fast, then slow, gentle at contact, and bounded when the reading is wrong."""

from pressloop_fw.wire import schema
from rig import PRESS, PROFILE, Rig, hold, prompt, ramp, release
from two_channels import TWO_CHANNELS, TwoChannelRig

# The pump at full flow moves the ram by 0.69 mm/s, so that the 4 mm take 5.8 s.
TRAVEL_S = 4 * 1450 / 1000
STATED = {
    schema.PROFILE_APPROACH_UM: 4000,
    schema.PROFILE_RETURN_OIL_KPA: 103,
    schema.PROFILE_TUNING_RESIDUAL_PPM: 5000,
    # As tuning finds it: the landing raises the pressure by less than that of contact.
    schema.PROFILE_APPROACH_OPENING: 14000,
}


def _profile(base, **more):
    profile = dict(base)
    profile.update(STATED)
    for name, value in more.items():
        profile[getattr(schema, "PROFILE_" + name.upper())] = value
    return profile


def _one_channel(press=None, seated=True, has_displacement=False, **more):
    """Return a rig with one channel whose board has seen the ram at its seat, or not."""
    rig = Rig(press, _profile(PROFILE, **more), has_displacement=has_displacement)
    if seated:
        rig.run(1)
    return rig


def _two_channels(press=None, **more):
    rig = TwoChannelRig(press, _profile(TWO_CHANNELS, **more))
    rig.run(1)
    return rig


def _steel():
    """Return a press with a piece in its die that hardly yields."""
    press = dict(PRESS)
    press["powder_initial_density"] = 0.98
    press["powder_solid_height_mm"] = 5.0
    return press


def _seconds_to_contact(rig, steps=None):
    """Start and let the approach pass; return how long it took, s, and the true peak, MPa."""
    rig.start(steps or [ramp(250000), hold(250000)])
    peak = 0.0
    ticks = 0
    while rig.sequencer.approaching:
        rig.tick()
        ticks += 1
        peak = max(peak, rig.plant.pellet_mpa)
        assert ticks < 60 * schema.TICK_HZ
    assert rig.controller.interlocks.fault == schema.FAULT_NONE
    for _ in range(5):
        rig.tick()
        peak = max(peak, rig.plant.pellet_mpa)
    return ticks / schema.TICK_HZ, peak


def _peak_until(rig, fault, seconds):
    """Let time pass until a fault; return how long it took, s, and the true peak with the rest."""
    peak = 0.0
    ticks = 0
    while not rig.controller.interlocks.fault and ticks < seconds * schema.TICK_HZ:
        ticks += 1
        rig.tick()
        peak = max(peak, rig.plant.pellet_mpa)
    assert rig.controller.interlocks.fault == fault
    for _ in range(30):
        rig.tick()
        peak = max(peak, rig.plant.pellet_mpa)
    return ticks / schema.TICK_HZ, peak


def _block(rig):
    """Let the reading stay that of the travelling ram."""
    rig.raw = 4850


def test_the_approach_takes_two_seconds_more_than_the_travel_at_full_flow():
    seconds, peak = _seconds_to_contact(_two_channels())
    assert seconds < TRAVEL_S + 2
    # Twice what counts as contact.
    assert peak < 2 * 3.7


def test_the_approach_lands_gently_on_a_hard_sample_and_for_a_low_target():
    for press, target_kpa, limit_mpa in ((_steel(), 250000, 16), (_steel(), 20000, 8)):
        rig = _two_channels(press)
        _, peak = _seconds_to_contact(rig, [ramp(target_kpa), hold(target_kpa)])
        assert peak < limit_mpa, target_kpa


def test_a_sample_that_is_met_early_is_met_with_less_than_the_limit_allows():
    press = _steel()
    press["approach_gap_mm"] = 2.0
    _, peak = _seconds_to_contact(_two_channels(press))
    assert peak < 550 / 16 + 3.7
    press["approach_gap_mm"] = 2.0
    _, peak = _seconds_to_contact(_two_channels(press), [ramp(10000, 5000), hold(10000)])
    assert peak < 10


def test_with_one_channel_the_last_part_is_longer_and_slower():
    rig = _one_channel()
    seconds, peak = _seconds_to_contact(rig)
    assert TRAVEL_S + 1 < seconds < 15
    assert peak < 2 * 3.7


def test_a_ram_that_may_stand_anywhere_travels_slowly_until_it_is_at_its_seat():
    # The spring's pressure does not show, so only time tells.
    rig = _two_channels(return_oil_kpa=40)
    slow, _ = _seconds_to_contact(rig)
    assert slow > TRAVEL_S + 2
    rig.ask(schema.CMD_ABORT)
    assert rig.run(60, rig.idle_again)
    rig.run(60)
    fast, peak = _seconds_to_contact(rig)
    assert fast < TRAVEL_S + 2 and peak < 7.4


def test_a_blocked_line_before_contact_ends_the_approach_little_beyond_the_travel():
    rig = _one_channel()
    rig.start([ramp(250000), hold(250000)])
    rig.run(2)
    _block(rig)
    seconds, peak = _peak_until(rig, schema.FAULT_NO_CONTACT, 30)
    assert seconds < 15
    assert peak < 190
    # Nothing yields under a hard sample: the figure that validation prints.
    rig = _one_channel(_steel())
    rig.start([ramp(250000), hold(250000)])
    rig.run(2)
    _block(rig)
    _, peak = _peak_until(rig, schema.FAULT_NO_CONTACT, 30)
    assert 300 < peak < 460


def test_a_blocked_line_in_the_approach_of_a_ram_that_was_only_taken_off_the_sample():
    rig = _one_channel()
    steps = [ramp(250000, 50000), hold(250000, 1000), release(0, 50000), ramp(250000), hold(250000)]
    rig.start(steps)
    assert rig.run(60, lambda: rig.sequencer.step_index == 3)
    _block(rig)
    _, peak = _peak_until(rig, schema.FAULT_NO_CONTACT, 30)
    # Without the travel back it would be the whole way again, more than 1000 MPa.
    assert peak < 500


def test_a_prompt_forgets_where_the_sample_was():
    rig = _one_channel()
    steps = [ramp(50000, 50000), hold(50000, 500), release(0, 50000), prompt()]
    rig.start(steps + [ramp(50000), hold(50000, 500)])
    assert rig.run(60, lambda: rig.sequencer.state == schema.STATE_PROMPTING)
    # A lower sample: the ram has to go further than it went back.
    rig.plant._gap += 0.6
    rig.plant._find_contact()
    rig.ask(schema.CMD_CONFIRM, {schema.CONFIRM_REQUEST_STEP: 3})
    assert rig.run(60, lambda: rig.sequencer.hold.dwelling)


def test_a_reading_that_stays_that_of_the_seat_is_told_before_contact():
    rig = _one_channel()
    rig.raw = rig.sample()
    rig.start([ramp(250000), hold(250000)])
    seconds, peak = _peak_until(rig, schema.FAULT_NO_PRESSURE_GAIN, 10)
    assert seconds < 3.4 and peak == 0.0


def test_oil_that_takes_half_of_the_way_before_the_ram_moves_is_no_fault():
    """A reading that rises lives, however slowly it leaves the pressure of the seat."""
    for rises, faults in ((True, False), (False, True)):
        rig = _one_channel()
        approach = rig.sequencer.approach
        approach.restart(250000)
        seat_kpa = approach.mean_kpa()
        while approach.travel <= approach._half_way:
            # Two fifths of the pressure of the return spring at half of the way.
            share = approach.travel * 2 // 5 if rises else 0
            approach.step(seat_kpa - seat_kpa * share // approach._half_way)
        assert approach.mean_kpa() <= approach._seat_kpa
        assert approach.stays_at_seat == faults, rises


def test_a_pump_that_delivers_nothing_in_the_approach_is_told():
    rig = _one_channel()
    rig.plant.pump._full_flow = 0.0
    rig.start([ramp(250000), hold(250000)])
    seconds, _ = _peak_until(rig, schema.FAULT_NO_PRESSURE_GAIN, 10)
    assert seconds < 4


def test_without_a_sample_the_approach_ends_at_twice_its_travel():
    press = dict(PRESS)
    press["approach_gap_mm"] = 100.0
    rig = _two_channels(press)
    rig.start([ramp(250000), hold(250000)])
    _peak_until(rig, schema.FAULT_NO_CONTACT, 60)
    assert 8.4 < rig.plant.ram_mm() < 9.6


def test_platens_that_stand_while_the_pump_runs_show_a_blocked_line():
    for press in (PRESS, _steel()):
        rig = _one_channel(press, has_displacement=True)
        rig.start([ramp(250000), hold(250000)])
        rig.run(2)
        _block(rig)
        _, peak = _peak_until(rig, schema.FAULT_NO_PRESSURE_GAIN, 30)
        assert peak < 60


def test_the_travel_of_the_platens_is_no_fault_on_any_speed():
    for opening, flow in ((8000, 1.0), (14000, 0.6), (14000, 1.0)):
        press = dict(PRESS)
        press["pump_flow_mm3_s"] *= flow
        rig = _one_channel(press, has_displacement=True, approach_opening=opening)
        _seconds_to_contact(rig)


def test_a_ram_near_the_end_of_its_stroke_ends_the_run():
    rig = _one_channel(has_displacement=True, stroke_um=5200)
    # 4 mm to the sample, and 0.3 mm by which it yields until 250 MPa.
    rig.start([ramp(250000, 50000), hold(250000)])
    assert rig.run(60, lambda: rig.controller.interlocks.fault != schema.FAULT_NONE)
    assert rig.controller.interlocks.fault == schema.FAULT_STROKE_END
    assert 4.2 < rig.plant.closing_mm() < 4.3
    rig = _one_channel(has_displacement=True, stroke_um=6000)
    rig.start([ramp(250000, 50000), hold(250000, 1000), release(0, 50000)])
    assert rig.run(60, rig.idle_again)


def test_an_approach_ends_before_the_stroke_does():
    press = dict(PRESS)
    press["approach_gap_mm"] = 100.0
    rig = _two_channels(press, stroke_um=6000)
    rig.start([ramp(250000), hold(250000)])
    _peak_until(rig, schema.FAULT_NO_CONTACT, 60)
    assert rig.plant.ram_mm() < 5.2
