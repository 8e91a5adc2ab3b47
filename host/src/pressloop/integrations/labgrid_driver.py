"""Gives a press to labgrid, as a driver on a serial or network port of a target.

labgrid is no extra of Pressloop: it brings pyserial-labgrid, which replaces the files of pyserial.
Install it into an environment of its own; the driver works with both.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pressloop.errors import BadInputError, PressloopError
from pressloop.press import Press
from pressloop.run.result import RunResult
from pressloop.session.status import PressStatus

try:
    import attr
    from labgrid.driver import Driver  # type: ignore[import-not-found]
    from labgrid.factory import target_factory  # type: ignore[import-not-found]
    from labgrid.resource import SerialPort  # type: ignore[import-not-found]
    from labgrid.util.proxy import proxymanager  # type: ignore[import-not-found]
except ModuleNotFoundError as error:
    raise PressloopError(
        f"{error.name} is not installed",
        code="missing-extra",
        hint="install it into an environment of its own, as it replaces pyserial: "
        "pip install labgrid pressloop",
    ) from error


@target_factory.reg_driver
@attr.s(eq=False)
class PressloopDriver(Driver):  # type: ignore[misc]
    """A press on a `SerialPort` or `NetworkSerialPort` of a labgrid target.

    Activating it connects; deactivating it aborts a run that is active and waits until the pressure
    is released. `target.activate` on another driver of the same port does that first.
    """

    bindings = {"port": {"SerialPort", "NetworkSerialPort"}}  # noqa: RUF012 -- labgrid's own form

    _press: Press | None = attr.ib(default=None, init=False)

    def on_activate(self) -> None:
        """Connect to the board."""
        self._press = Press.open(_address(self.port))

    def on_deactivate(self) -> None:
        """Bring the press to rest and disconnect."""
        press, self._press = self._press, None
        if press is not None:
            press.close()

    @Driver.check_active  # type: ignore[untyped-decorator]
    def status(self) -> PressStatus:
        """Ask the board for the state of the press."""
        return self.press.status()

    @Driver.check_active  # type: ignore[untyped-decorator]
    def run(self, protocol: str | Path, out: str | Path, **options: Any) -> RunResult:
        """Run a protocol to its end; `options` are those of `Press.run`."""
        return self.press.run(protocol, out=out, **options)

    @property
    def press(self) -> Press:
        """The open press, for everything else.

        Raises:
            PressloopError: `not-active`: labgrid has not activated the driver.
        """
        if self._press is None:
            raise PressloopError(
                "the driver is not active", code="not-active", hint="call target.activate(driver)"
            )
        return self._press


def _address(port: Any) -> str:
    """Return the address of a resource as `Press.open` takes it."""
    if isinstance(port, SerialPort):
        return str(port.port)
    host, number = proxymanager.get_host_and_port(port)
    schemes = {"raw": "socket", "rfc2217": "rfc2217"}
    if port.protocol not in schemes:
        raise BadInputError(
            f"{port.protocol!r} is no protocol of a NetworkSerialPort",
            code="bad-port",
            hint="write raw or rfc2217",
        )
    return f"{schemes[port.protocol]}://{host}:{number}"
