"""Changes the wires of an emulated press, by commands of its control port."""

from pressloop_sim.board.field_wiring import CONTACTS, LOAD_CELL, FieldWiring

_INVERTIBLE = CONTACTS + (LOAD_CELL,)
_SWITCHES = (
    "floats",
    "converter",
    "release_needs_current",
    "pump_motor",
    "lid_plug",
    "first_plug",
    "auxiliary_plug",
    "hand_on_cell",
)


def rewire(wiring: FieldWiring, command: "dict[str, object]") -> None:
    """Carry out a command of the control port, as a person with a screwdriver would.

    Keys: `mend` true, before all others; `look` true, to watch coils and buzzer from now on; `swap`
    two terminals; `cut` or `bridge` a terminal; `invert` a contact or the load cell; `shunt` a
    number; each of `_SWITCHES` true or false.

    Raises:
        ValueError: The command is none of these.
    """
    # First, as MicroPython does not keep the order of the keys.
    if command.get("mend") is True:
        wiring.mend()
    for key, value in command.items():
        if key == "mend" and value is True:
            continue
        if key == "look" and value is True:
            wiring.look()
        elif key == "swap" and isinstance(value, list) and len(value) == 2:
            wiring.swap(str(value[0]), str(value[1]))
        elif key == "cut" and isinstance(value, str):
            wiring.cut(value)
        elif key == "bridge" and isinstance(value, str):
            wiring.bridge(value)
        elif key == "invert" and value in _INVERTIBLE:
            wiring.inverted.add(str(value))
        elif key == "shunt" and isinstance(value, (int, float)) and not isinstance(value, bool):
            wiring.shunt = float(value)
        elif key in _SWITCHES and isinstance(value, bool):
            setattr(wiring, key, value)
        else:
            raise ValueError(
                "wiring: mend, look, swap, cut, bridge, invert, shunt, " + ", ".join(_SWITCHES)
            )
        wiring.look_over()
