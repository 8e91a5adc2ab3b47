"""Draws the cables between the carrier board and the press with WireViz."""

from __future__ import annotations

from typing import Any, Final

from pressloop.hardware.harness import CONNECTORS, Connector

_BOARD_COLOUR: Final = "LB"


def description() -> dict[str, Any]:
    """Return the description that WireViz draws."""
    connectors: dict[str, Any] = {}
    cables: dict[str, Any] = {}
    connections: list[Any] = []
    # Graphviz draws the first one at the bottom.
    for connector in reversed(CONNECTORS):
        wires = len(connector.terminals) - connector.shielded
        far = f"to {connector.key}"
        connectors[connector.key] = {
            "type": "screw terminals",
            "subtype": connector.title,
            "pinlabels": [terminal.label for terminal in connector.terminals],
            "bgcolor_title": _BOARD_COLOUR,
        }
        connectors[far] = {
            "type": connector.device,
            "show_name": False,
            "pinlabels": [terminal.far for terminal in connector.terminals[:wires]],
            "hide_disconnected_pins": False,
        }
        cable = f"W{connector.key[1:]}"
        cables[cable] = _cable(connector)
        pins = [*range(1, wires + 1)]
        connections.append([{connector.key: pins}, {cable: pins}, {far: pins}])
        if connector.shielded:
            # On the board's side only.
            connections.append([{connector.key: [wires + 1]}, {cable: ["s"]}])
    return {"connectors": connectors, "cables": cables, "connections": connections}


def _cable(connector: Connector) -> dict[str, Any]:
    colours = [terminal.colour for terminal in connector.terminals]
    return {
        "colors": colours[:-1] if connector.shielded else colours,
        "shield": connector.shielded,
        "length": connector.length_m,
        "type": connector.cable,
        "show_wirecount": False,
    }


def harness() -> str:
    """Return the drawing as SVG. It needs Graphviz."""
    # Only here: WireViz is in the group `docs`, and the check of the drawings needs none of it.
    from wireviz import wireviz  # type: ignore[import-untyped]

    return str(wireviz.parse(description(), return_types="svg"))
