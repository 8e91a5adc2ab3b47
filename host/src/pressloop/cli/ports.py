"""`pressloop ports`: what is plugged in?"""

from __future__ import annotations

from rich.table import Table

from pressloop.cli.output import err, out
from pressloop.transport.discovery import list_serial_ports


def ports() -> None:
    """List serial ports, and which of them is a press controller."""
    found = list_serial_ports()
    if not found:
        err.print("[note]no USB serial ports[/note]; the emulated press is always there:")
        err.print("    pressloop run PROTOCOL --port emulated")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("port", "serial number", "product", ""):
        table.add_column(heading)
    for port in found:
        kind = "[good]press controller[/good]" if port.is_board else ""
        if port.is_unflashed:
            kind = "[note]right chip, other firmware[/note]"
        table.add_row(port.path, port.serial_number, port.product, kind)
    out.print(table)
