"""The optional displacement channel: in the record where there is a sensor, and nowhere else."""

import struct

from pressloop_fw.loop.flags import RunFlags
from pressloop_fw.loop.pid import Pid
from pressloop_fw.loop.setpoint import SetpointGenerator
from pressloop_fw.loop.split_range import OUTPUT, SplitRange
from pressloop_fw.loop.telemetry_ring import TelemetryRing, append_record
from pressloop_fw.wire import schema
from rig import Rig, hold, ramp

_STEPS = [ramp(100000, 50000), hold(100000, 500)]


def _hello(rig):
    return rig.ask(schema.CMD_HELLO, {1: 7, 2: schema.PROTOCOL_MAJOR, 3: 0, 4: "test"})


def test_a_press_without_a_sensor_keeps_its_short_records():
    rig = Rig()
    assert not _hello(rig)[8] & schema.CAP_DISPLACEMENT
    rig.start(_STEPS)
    rig.run(0.1)
    assert rig.app.ring.record_size == schema.SHORT_RECORD_SIZE
    assert len(rig.records(0)[0]) == 9


def test_the_record_follows_the_platens():
    rig = Rig(has_displacement=True)
    assert _hello(rig)[8] & schema.CAP_DISPLACEMENT
    rig.start(_STEPS)
    assert rig.run(60, rig.idle_again)
    records = rig.records(0)
    closing = [record[9] for record in records]
    # Retracted; the way to the powder; the powder at pressure is lower than it was loose.
    at_contact = next(record[9] for record in records if record[1] > 5000)
    assert closing[0] < 10
    assert 4000 < at_contact < max(closing) < 4000 + 500 / 0.45
    # Springback: without load the platens open by some um, before the ram moves back.
    peak = max(records, key=lambda record: record[1])[9]
    at_release = next(record[9] for record in reversed(records) if record[1] > 10000)
    assert 1 <= peak - at_release < 100


def test_no_displacement_is_recorded_as_none():
    rig = Rig(has_displacement=True)
    rig.displacement_um = schema.NO_DISPLACEMENT
    rig.start(_STEPS)
    rig.run(0.05)
    assert all(record[9] == schema.NO_DISPLACEMENT for record in rig.records(0))


def test_a_backfill_has_as_many_records_as_fit_the_reply():
    for has_displacement, count, size in (
        (False, 20, schema.SHORT_RECORD_SIZE),
        (True, 18, schema.RECORD_SIZE),
    ):
        rig = Rig(has_displacement=has_displacement)
        rig.start(_STEPS)
        rig.run(0.5)
        reply = rig.ask(schema.CMD_BACKFILL, {1: rig.app.ring.oldest, 2: 20})
        assert len(reply[schema.BACKFILL_REPLY_RECORDS]) == count * size


def test_live_records_fit_their_event_in_either_size():
    for has_displacement in (False, True):
        rig = Rig(has_displacement=has_displacement)
        _hello(rig)
        sent = []
        rig.app.link.send_event = lambda kind, end, sent=sent: sent.append(end)
        rig.ask(schema.CMD_STREAM, {1: True, 2: 40})
        rig.run(0.9)
        assert len(sent) == 2


def test_the_ring_wraps_with_the_displacement_beside_its_record():
    ring = TelemetryRing(8, has_displacement=True)
    setpoint, valves, pid, run_flags = SetpointGenerator(), SplitRange(), Pid(), RunFlags()
    setpoint.value_kpa = 6
    valves.registers[OUTPUT] = -7
    run_flags.write(schema.FLAG_DWELLING, True)
    for n in range(21):
        append_record(
            *(
                ring.registers,
                ring.buf,
                n,
                -5,
                8,
                setpoint.registers,
                valves.registers,
                pid.registers,
            ),
            *(run_flags.registers, 0, 9, 1, 3, 1000 + n),
        )
    first = ring.oldest
    count = ring.next - first
    buf = bytearray(count * ring.record_size)
    assert ring.copy(first, count, buf, 0) == len(buf)
    for n in range(count):
        record = struct.unpack_from(schema.RECORD_FORMAT, buf, n * ring.record_size)
        assert record == (first + n, -5, 6, -7, 8, 9, 1, 2, 3, 1000 + first + n)
