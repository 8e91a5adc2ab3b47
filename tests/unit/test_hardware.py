"""The hardware as data: pins that exist once, kinds whose numbers fit, boards that serve them."""

from __future__ import annotations

from collections import Counter

import pytest
from pressloop.errors import BadInputError
from pressloop.hardware.bill import BILL
from pressloop.hardware.boards import BOARDS, HEADER_PIN, BoardDeclaration, board
from pressloop.hardware.fitting import Fitted, find_unserved
from pressloop.hardware.harness import CONNECTORS, terminal_of
from pressloop.hardware.hydraulics import COMPONENTS
from pressloop.hardware.kinds import SIGNAL_KINDS, SUPPLY_COUNTS
from pressloop.hardware.thermistor import celsius
from pressloop_sim.plant import transducer
from pressloop_sim.plant.oil_thermistor import counts_at

BOARD = pytest.mark.parametrize("declared", BOARDS.values(), ids=list(BOARDS))


@BOARD
def test_each_pin_of_the_header_has_one_signal(declared: BoardDeclaration) -> None:
    used = [pin.gpio for pin in declared.pins]
    used += [gpio for bus in declared.buses for gpio in (bus.sda, bus.scl)]
    assert [gpio for gpio, times in Counter(used).items() if times > 1] == []
    assert set(used) <= set(HEADER_PIN)
    assert not set(used) & set(declared.reserved)


@BOARD
def test_pins_can_do_what_their_signal_needs(declared: BoardDeclaration) -> None:
    for bus in declared.buses:
        # RP2040 data sheet, table 2: SDA and SCL of each block are on these pins only.
        assert (bus.sda // 2 % 2, bus.sda % 2) == (bus.number, 0)
        assert bus.scl == bus.sda + 1
    for key in ("pressure", "second_pressure", "auxiliary"):
        pin = declared.pin(key)
        assert pin is not None and 26 <= pin.gpio <= 28
    tick, pump = declared.pin("tick"), declared.pin("pump")
    assert tick is not None and pump is not None
    assert tick.gpio // 2 % 8 != pump.gpio // 2 % 8, "the tick needs a PWM slice of its own"


@pytest.mark.parametrize("key", SIGNAL_KINDS)
def test_the_levels_of_a_signal_rise_and_fit_the_converters(key: str) -> None:
    kind = SIGNAL_KINDS[key]
    assert 0 <= kind.raw_fault_low <= kind.raw_zero < kind.raw_full < kind.raw_fault_high
    assert kind.high_v <= 3.3, "the chip's own converter and a supply of 3.3 V end there"
    assert kind.has_live_zero or kind.caution


def test_the_current_loop_has_the_counts_of_the_emulated_one() -> None:
    kind = SIGNAL_KINDS["4-20mA"]
    counts = (kind.raw_fault_low, kind.raw_zero, kind.raw_full, kind.raw_fault_high)
    assert counts == (
        transducer.RAW_FAULT_LOW,
        transducer.RAW_ZERO,
        transducer.RAW_FULL,
        transducer.RAW_FAULT_HIGH,
    )
    assert SUPPLY_COUNTS == 20000


def test_a_board_is_found_by_its_key_and_by_what_it_reports() -> None:
    assert board("pico-w").reports == board("pico").key == "pico"
    assert board("pico2").image == "pressloop-pico2.uf2"
    with pytest.raises(BadInputError, match="no board 'esp32'"):
        board("esp32")


@pytest.mark.parametrize(
    ("fitted", "paths"),
    [
        (Fitted(), []),
        (Fitted(converter="ads1115", second_transducer="4-20mA", second_converter="adc"), []),
        (Fitted(transducer="0-10V"), ["transducer.signal"]),
        (Fitted(transducer="0-10V", second_transducer="4-20mA", converter="ads1115"), []),
        (Fitted(transducer="ratiometric", converter="ads1115"), []),
        (Fitted(transducer="ratiometric", converter="adc"), ["transducer.signal"]),
        (
            Fitted(transducer="0-10V", second_transducer="0-10V", converter="ads1115"),
            ["second_transducer.signal"],
        ),
        (
            Fitted(converter="ads1115", second_transducer="ratiometric"),
            ["second_transducer.signal"],
        ),
        (
            Fitted(converter="adc", second_transducer="4-20mA"),
            ["second_transducer.converter"],
        ),
        (Fitted(has_load_cell=True), ["load_cell.converter"]),
        (Fitted(has_load_cell=True, cell_converter="nau7802"), []),
    ],
)
def test_what_a_board_cannot_serve_is_found_with_its_place(
    fitted: Fitted, paths: list[str]
) -> None:
    assert [finding.path for finding in find_unserved(fitted, board("pico"))] == paths
    for finding in find_unserved(fitted, board("pico")):
        assert finding.hint


@pytest.mark.parametrize("temperature", [-20, 0, 25, 60, 120])
def test_a_thermistor_is_read_within_a_count(temperature: float) -> None:
    read = celsius(counts_at(temperature))
    assert read is not None and abs(read - temperature) < 0.7
    assert celsius(counts_at(25)) == pytest.approx(25, abs=0.02)


@pytest.mark.parametrize("counts", [0, 79, 4017, 4095])
def test_a_thermistor_without_a_wire_reads_nothing(counts: int) -> None:
    assert celsius(counts) is None


def test_every_part_of_the_hydraulics_is_in_the_bill() -> None:
    known = {item.key for item in BILL}
    assert [part.key for part in COMPONENTS if part.item and part.item not in known] == []


def test_the_bill_has_a_transistor_for_each_output_that_drives_a_load() -> None:
    loads = ("pump", "release", "dump", "contactor", "deadman", "lamp", "buzzer")
    assert all(BOARDS["pico"].pin(load) for load in loads)
    drivers = next(item for item in BILL if item.key == "drivers")
    assert drivers.specification.startswith(f"{len(loads)} logic-level MOSFETs")


def test_a_terminal_of_a_signal_has_that_signal_on_its_wire() -> None:
    # The bridge of a load cell ends at its converter; its bus does not leave the carrier board.
    assert [bus.signal.key for bus in BOARDS["pico"].buses if terminal_of(bus.signal.key)] == []


@pytest.mark.parametrize("key", ["X2", "X4"])
def test_a_connector_whose_wires_depend_on_the_kind_of_part_says_how(key: str) -> None:
    connector = next(each for each in CONNECTORS if each.key == key)
    assert f"{key}.1 stays" in connector.note and "X1.3" in connector.note
