"""`pressloop ports`: list what is plugged in."""

from __future__ import annotations

from rich.table import Table

from pressloop.cli.output import err, out
from pressloop.transport.discovery import list_serial_ports


def ports() -> None:
    """List the serial ports and mark the press controllers."""
    found = list_serial_ports()
    if not found:
        err.print("[note]no USB serial ports found[/note]; the emulated press needs none:")
        err.print("    pressloop run PROTOCOL --port emulated")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("port", "serial number", "product", ""):
        table.add_column(heading)
    for port in found:
        kind = "[good]press controller[/good]" if port.is_board else ""
        if port.is_unflashed:
            kind = "[note]right chip, but not Pressloop's firmware[/note]"
        table.add_row(port.path, port.serial_number, port.product, kind)
    out.print(table)
