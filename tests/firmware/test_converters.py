"""The drivers of converters that need no chip: an ADS1115 whose supply is measured."""

from pressloop_fw.boards.ads1115 import Ads1115

# Configuration that selects AIN0.
SIGNAL = b"\x01\x42\xe3"


class Bus:
    """An I2C bus with an ADS1115; `signal_v` and `supply_v` are before both dividers by two."""

    def __init__(self):
        self.signal_v = 2.5
        self.supply_v = 5.0
        self.answers = True
        # Calls until one fails, of those that select an input; 0: none does.
        self.fails_in = 0
        self.selected = b""
        self.switches = 0

    def _check(self):
        if not self.answers:
            raise OSError(5)

    def _count_down(self):
        if self.fails_in:
            self.fails_in -= 1
            if not self.fails_in:
                raise OSError(5)

    def writeto(self, address, data):
        self._check()
        self._count_down()
        assert address == 0x48
        if len(data) == 1:
            assert bytes(data) == b"\0"
            return
        self.switches += 1
        self.selected = bytes(data)

    def readfrom_into(self, address, buf):
        self._check()
        volts = self.signal_v if self.selected == SIGNAL else self.supply_v
        counts = int(volts / 2 * 8000 + 0.5)
        buf[0] = counts >> 8
        buf[1] = counts & 0xFF


def _ratiometric():
    bus = Bus()
    converter = Ads1115(bus, 0x48)
    converter.set_ratiometric(True)
    return bus, converter.read


def test_a_plain_converter_reads_its_input_and_never_switches():
    bus = Bus()
    read = Ads1115(bus, 0x48).read
    assert [read() for _ in range(200)] == [10000] * 200
    assert bus.switches == 1


def test_without_an_answer_a_plain_converter_reads_zero():
    bus = Bus()
    read = Ads1115(bus, 0x48).read
    bus.answers = False
    assert read() == 0


def test_the_signal_is_corrected_by_its_supply():
    bus, read = _ratiometric()
    # Two readings until the supply is known: less than what a broken wire needs.
    assert [read(), read(), read()] == [0, 0, 10000]
    for supply_v in (5.0, 4.6, 5.4):
        bus.supply_v = supply_v
        # The sensor signals half of its supply.
        bus.signal_v = supply_v / 2
        readings = [read() for _ in range(70)]
        assert abs(readings[-1] - 10000) <= 1


def test_the_supply_is_read_every_64_ticks_and_costs_one_reading():
    bus, read = _ratiometric()
    read(), read(), read()
    before = bus.switches
    for tick in range(6400):
        # A signal that rises: a reading that stands for a tick more is late, not wrong.
        bus.signal_v = 1.0 + tick / 6400
        counts = read()
        assert abs(counts - (4000 + 4000 * tick / 6400)) < 2
    assert 190 <= bus.switches - before <= 200


def test_a_supply_out_of_range_reads_as_a_broken_wire():
    bus, read = _ratiometric()
    read(), read(), read()
    bus.supply_v = 4.4
    readings = [read() for _ in range(70)]
    assert readings[-1] == 0
    bus.supply_v = 5.0
    assert [read() for _ in range(70)][-1] == 10000


def test_a_bus_that_fails_in_between_never_takes_the_supply_for_the_signal():
    for fails_in in (1, 2, 3, 4):
        bus, read = _ratiometric()
        read(), read(), read()
        bus.signal_v = 1.0
        bus.fails_in = fails_in
        readings = [read() for _ in range(200)]
        assert bus.fails_in == 0 and 0 in readings
        assert set(readings) == {0, 4000}
        assert readings.count(0) <= 4
    bus, read = _ratiometric()
    read(), read(), read()
    bus.signal_v = 1.0
    for tick in range(600):
        bus.answers = tick % 7 != 3
        assert read() in (0, 4000)
