"""Press descriptions: defaults, mistakes, and the numbers for plant and controller."""

from __future__ import annotations

import importlib
import json
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from pressloop.emulator import description
from pressloop.emulator.description import PressDescription, presets
from pressloop.errors import BadInputError
from pressloop.findings import Finding
from pressloop.sample import load_sample
from pressloop_fw.service.profile_store import Profile
from pressloop_fw.wire import schema

ROOT = Path(__file__).resolve().parents[2]
PRESSES = ROOT / "examples" / "presses"


def _profile(press: PressDescription) -> Profile:
    """Return the nominal profile as the firmware accepts it."""
    values = press.nominal_profile()
    keys = {name.removeprefix("PROFILE_").lower(): name for name in dir(schema)}
    return Profile({getattr(schema, keys[name]): value for name, value in values.items()})


def _mistakes(text: str) -> list[tuple[str, str, int | None]]:
    with pytest.raises(BadInputError) as caught:
        description.loads(text)
    return [(item.path, item.code, item.line) for item in caught.value.findings]


def test_reference_file_has_the_defaults() -> None:
    assert description.load(PRESSES / "reference.yaml") == PressDescription()


_LOAD_CELL = {
    schema.PROFILE_LOAD_CELL_CAPACITY_N,
    schema.PROFILE_LOAD_CELL_ERROR_PPM,
    schema.PROFILE_LOAD_CELL_ZERO,
    schema.PROFILE_LOAD_CELL_FULL,
    schema.PROFILE_LOAD_CELL_LAG_MS,
}
"""Fields of a press with a load cell."""

_CALIBRATION = {
    schema.PROFILE_CALIBRATION_RESULT,
    schema.PROFILE_CALIBRATION_DAY,
    schema.PROFILE_CALIBRATION_DUE_DAY,
    schema.PROFILE_CALIBRATION_ERROR_PPM,
    schema.PROFILE_CALIBRATION_UNCERTAINTY_PPM,
    schema.PROFILE_CALIBRATION_UNCERTAINTY_N,
    schema.PROFILE_CALIBRATION_REFERENCE,
    schema.PROFILE_CALIBRATION_UP_TO_N,
}
"""Fields that only a calibration gives."""

_VESSEL = {schema.PROFILE_LID_SWITCH}
"""The field that makes a press an isostatic vessel."""


@pytest.mark.parametrize("name", [path.stem for path in sorted(PRESSES.glob("*.yaml"))])
def test_firmware_accepts_the_nominal_profile_of_every_example(name: str) -> None:
    press = description.load(PRESSES / f"{name}.yaml")
    profile = _profile(press)
    # All but curve, leak, fine zero and quality, which only tuning finds, the calibration, the day
    # of commissioning, and the fields that only the host uses and has assumptions for.
    missing = {field[0] for field in schema.PROFILE_FIELDS} - set(profile.values)
    assert missing - _LOAD_CELL - _CALIBRATION - _VESSEL == {
        schema.PROFILE_COMMISSIONED_DAY,
        schema.PROFILE_STROKE_UM,
        schema.PROFILE_HOLD_TO_RUN,
        schema.PROFILE_COMPLIANCE_CURVE,
        schema.PROFILE_LEAK_NL_MIN,
        schema.PROFILE_LEAK_UNCERTAINTY_NL_MIN,
        schema.PROFILE_RAW_ZERO_FRACTION,
        schema.PROFILE_RAM_AREA_UNCERTAINTY_PPM,
        schema.PROFILE_DIE_UNCERTAINTY_UM,
        schema.PROFILE_REPEATABILITY_PPM,
        schema.PROFILE_FRICTION_PPM,
        schema.PROFILE_FRICTION_N,
        schema.PROFILE_FRICTION_UNCERTAINTY_PPM,
        schema.PROFILE_ZERO_DRIFT_PPM,
        schema.PROFILE_TUNING_RESIDUAL_PPM,
        schema.PROFILE_CHANNEL_LAG_MS,
        schema.PROFILE_CHANNEL_FRICTION_PPM,
        schema.PROFILE_CHANNEL_NOISE_PPM,
        schema.PROFILE_SINGLE_CHANNEL_OIL_KPA,
        schema.PROFILE_DIE_LOADS_N,
        schema.PROFILE_PARTS,
    }
    assert profile.contradiction() == 0
    assert round(press.die_mm * 1000) in profile.dies_um


def test_nominal_profile_of_the_reference_press() -> None:
    values = PressDescription().nominal_profile()
    assert values["ram_area_mm2"] == 1450
    assert values["pump_dead_band"] == round(0.2 * 32767)
    # 50 mL / 1.38 GPa + (14.5 cm2)^2 / (100 kN/mm): 175 bar/mL.
    assert values["compliance_nl_mpa"] == 57257
    assert (values["kp"], values["ki"], values["kd"]) == (3072, 5243, 0)
    # 4 mA and the return force.
    assert values["raw_zero"] == 4850
    assert values["raw_full"] - values["raw_zero"] == 19200


def test_controller_knows_nothing_of_the_individual() -> None:
    exact = PressDescription.model_validate(
        {"individual": dict.fromkeys(description.IndividualSection.model_fields, 0)}
    )
    other = PressDescription.model_validate(
        {"individual": dict.fromkeys(description.IndividualSection.model_fields, 7)}
    )
    assert exact.nominal_profile() == other.nominal_profile()
    changed = {
        key
        for key in exact.plant_config()
        if exact.plant_config()[key] != other.plant_config()[key]
    }
    assert changed == {
        "pump_dead_band",
        "release_dead_band",
        "pump_flow_mm3_s",
        "release_flow_10mpa_mm3_s",
        "oil_volume_mm3",
        "frame_stiffness_n_mm",
        "sensor_offset_mpa",
        "sensor_span_factor",
        "second_sensor_offset_mpa",
        "second_sensor_span_factor",
        "load_cell_gain",
    }


def test_plant_numbers_are_in_the_plants_units() -> None:
    config = PressDescription().plant_config()
    assert config["ram_area_mm2"] == 1450
    assert config["frame_stiffness_n_mm"] == 96_000
    assert config["oil_volume_mm3"] == 52_500
    assert config["die_area_mm2"] == pytest.approx(78.5398, abs=1e-4)
    assert config["powder_solid_height_mm"] == pytest.approx(0.810, abs=1e-3)
    assert config["powder_modulus_mpa"] == pytest.approx(23_558, abs=1)
    assert config["leak_mm3_s_mpa"] == pytest.approx(1 / 60)


def test_micropython_reads_the_same_numbers(tmp_path: Path, micropython: Path) -> None:
    """MicroPython's parser rounds some long decimals differently; ours are short enough."""
    config = PressDescription().plant_config()
    file = tmp_path / "press.json"
    file.write_text(json.dumps(config))
    script = (
        "import json, struct, binascii\n"
        f"values = json.load(open({str(file)!r}))\n"
        "for key in sorted(values):\n"
        "    print(key, binascii.hexlify(struct.pack('<d', values[key])).decode())\n"
    )
    there = subprocess.run(
        [micropython, "-c", script], capture_output=True, text=True, check=True
    ).stdout.split()
    read = {
        key: struct.unpack("<d", bytes.fromhex(bits))[0]
        for key, bits in zip(there[::2], there[1::2], strict=True)
    }
    assert read == config


def test_unknown_key_is_refused_with_its_line_and_a_suggestion() -> None:
    text = "name: mine\npump:\n  flow_ml_min: 60\n"
    assert _mistakes(text) == [("pump.flow_ml_min", "unknown-key", 3)]
    with pytest.raises(BadInputError, match="flow_ml_s takes the value in its own unit"):
        description.loads(text)


def test_every_mistake_is_found_at_once() -> None:
    text = "ram:\n  area_cm2: -1\noil:\n  volume_ml: 50 mL\nsump: {}\n"
    assert _mistakes(text) == [
        ("ram.area_cm2", "bad-value", 2),
        ("oil.volume_ml", "bad-value", 4),
        ("sump", "unknown-key", 5),
    ]


def test_limit_above_the_transducers_range_is_a_contradiction() -> None:
    ((_, code, _),) = _mistakes("limits:\n  max_oil_bar: 500\n")
    assert code == "contradiction"


def test_what_is_not_yaml_is_a_finding_with_a_line() -> None:
    ((_, code, line),) = _mistakes("ram:\n  area_cm2: [1\n")
    assert code == "malformed-yaml"
    assert line is not None


# --- presets


@pytest.mark.parametrize("name", presets.PRESSES)
def test_firmware_accepts_the_nominal_profile_of_every_preset(name: str) -> None:
    press = description.load(name)
    assert _profile(press).contradiction() == 0
    # 500 MPa on the 10 mm die, with the ceiling of the demo, is within its reach.
    oil_bar = 520 * press.plant_config()["die_area_mm2"] / press.ram.area_cm2 / 10
    assert oil_bar < press.limits.max_oil_bar
    assert press.preset == name


def test_reference_preset_is_the_reference_press() -> None:
    press = description.load("reference")
    assert press.model_copy(update={"preset": None}) == PressDescription()


def test_reference_powder_is_the_preset_that_it_names() -> None:
    powder = description.PowderSection()
    assert description.PowderSection(preset=powder.material) == powder.model_copy(
        update={"preset": powder.material}
    )


def test_fields_beside_a_preset_override_it() -> None:
    press = description.loads(
        "preset: jack-25t\nram: {approach_gap_mm: 2}\nname: ours\n"
        "powder: {preset: Li3PS4, panelli_a: 0.06}\n"
    )
    assert (press.ram.area_cm2, press.ram.approach_gap_mm) == (33.2, 2.0)
    assert (press.name, press.pump.flow_ml_s) == ("ours", 4.0)
    powder = press.powder
    assert (powder.material, powder.true_density_g_cm3, powder.panelli_a) == ("Li3PS4", 1.88, 0.06)
    # A description with all fields written out is the same press.
    assert PressDescription.model_validate(press.model_dump(mode="json")) == press


def test_steel_preset_is_an_elastic_body_that_nothing_cracks() -> None:
    config = description.load(PRESSES / "steel-blank.yaml").plant_config()
    assert config["powder_solid_height_mm"] == pytest.approx(5.0, abs=0.01)
    assert config["powder_modulus_mpa"] == 210_000
    assert config["powder_relaxation_share"] == config["powder_panelli_a"] == 0
    assert min(config["powder_crack_mpa"], config["powder_crack_release_mpa_s"]) == 1e9


def test_stated_friction_goes_into_the_profile_and_true_friction_does_not() -> None:
    stated = description.loads("ram: {friction_percent: 3, friction_n: 40}\n").nominal_profile()
    assert (stated["friction_ppm"], stated["friction_n"]) == (30_000, 40)
    real = description.loads("simulation: {friction: {percent: 4, coulomb_n: 40}}\n")
    assert real.nominal_profile() == PressDescription().nominal_profile()


def test_friction_that_holds_the_ram_is_a_contradiction() -> None:
    text = "simulation: {friction: {coulomb_n: 126}}\n"
    with pytest.raises(BadInputError, match=r"reaches 151\.2 N .* would not come back"):
        description.loads(text)
    assert description.loads(text.replace("126", "124")).simulation.friction.coulomb_n == 124


def test_unknown_presets_are_refused_with_the_names_there_are() -> None:
    text = "preset: jack-51t\npowder:\n  preset: NaPS\n"
    assert _mistakes(text) == [
        ("preset", "unknown-preset", 1),
        ("powder.preset", "unknown-preset", 3),
    ]
    with pytest.raises(BadInputError, match="jack-10t, jack-15t, jack-25t") as caught:
        description.loads(text)
    assert "did you mean Na3PS4" in str(caught.value)
    assert _mistakes("preset: [jack-15t]\n") == [("preset", "bad-value", 1)]


def test_every_number_of_a_preset_has_a_source() -> None:
    for numbers in (*presets.PRESSES.values(), *presets.POWDERS.values()):
        assert all(source for _, source in numbers.values())


def test_missing_file_names_itself_and_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"none\.yaml") as caught:
        description.load(tmp_path / "none.yaml")
    assert "reference.yaml" in caught.value.hint
    assert "jack-15t" in caught.value.hint


@pytest.mark.parametrize("load", [description.load, load_sample], ids=["press", "sample"])
def test_a_file_in_another_encoding_is_named_as_such(
    load: Callable[[Path], object], tmp_path: Path
) -> None:
    path = tmp_path / "file.yaml"
    for data, place in (("name: x\n".encode("utf-16"), (1, 1)), (b"name: x\nb: \xe4\n", (2, 4))):
        path.write_bytes(data)
        with pytest.raises(BadInputError, match="UTF-8") as caught:
            load(path)
        (finding,) = caught.value.findings
        assert isinstance(finding, Finding)
        assert (finding.code, finding.line, finding.column) == ("not-utf8", *place)
    with pytest.raises(BadInputError, match=r"cannot read .*none\.yaml"):
        load(tmp_path / "none.yaml")


def test_documentation_has_every_field_with_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "host" / "tools")
    press_keys = importlib.import_module("press_keys")
    page = press_keys.PAGE.read_text(encoding="utf-8")
    assert press_keys.with_table(page) == page, "run host/tools/press_keys.py"


# --- measured values


def test_a_measured_value_replaces_that_of_the_data_sheet() -> None:
    plain = description.loads("name: mine\n").nominal_profile()
    measured = description.loads(
        "name: mine\nmeasured: {compliance_ul_mpa: 61.5, leak_ul_min: 12, "
        "leak_uncertainty_ul_min: 1, raw_zero: 4861, return_bar: unknown}\n"
    ).nominal_profile()
    assert measured.pop("compliance_nl_mpa") == 61_500
    assert (measured.pop("leak_nl_min"), measured.pop("leak_uncertainty_nl_min")) == (12_000, 1000)
    assert measured.pop("raw_zero") == 4861
    assert plain.pop("return_oil_kpa") == 103
    for name in ("compliance_nl_mpa", "raw_zero"):
        del plain[name]
    assert measured == plain


def test_a_measured_value_that_the_board_refuses_is_named_in_its_section() -> None:
    text = "measured:\n  leak_ul_min: 5\n  leak_uncertainty_ul_min: 1\n  raw_zero: 30000\n"
    assert _mistakes(text) == [("measured.raw_zero", "contradiction", 4)]


def test_the_converter_of_the_file_is_that_of_the_profile() -> None:
    press = description.loads("transducer: {converter: adc}\n")
    assert press.machine_profile().converter == "adc"
    assert PressDescription().machine_profile().converter is None


def test_a_press_that_the_board_cannot_compute_is_refused_with_its_place() -> None:
    text = (
        "dies_mm: [10, 13, 32]\nram: {area_cm2: 40}\n"
        "transducer: {full_scale_bar: 700}\nlimits: {max_oil_bar: 630}\n"
    )
    assert _mistakes(text) == [("dies_mm", "contradiction", 1)]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("controller:\n  contact_bar: 100\n", "controller.contact_bar"),
        ("controller:\n  approach_opening_percent: 10\n", "controller.approach_opening_percent"),
        ("valves:\n  lag_ms: 900\n", "valves.lag_ms"),
        ("ram:\n  area_cm2: 0.1\n", "ram.area_cm2"),
    ],
)
def test_what_the_board_refuses_is_named_in_the_press_file(text: str, path: str) -> None:
    assert path in {place for place, _, _ in _mistakes(text)}
