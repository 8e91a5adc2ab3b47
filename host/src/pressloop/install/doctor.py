"""Run all checks of `pressloop doctor`; a check that fails itself does not stop the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from pressloop.install.board_checks import check_firmware
from pressloop.install.diagnosis import Computer, Diagnosis
from pressloop.install.host_checks import check_clock, check_disk, check_emulator, check_extras
from pressloop.install.port_checks import (
    check_board,
    check_boot_loader,
    check_busy,
    check_modem_manager,
    check_permission,
    check_rule,
)

Check = Callable[[Computer], Iterator[Diagnosis]]

CHECKS: Final[tuple[Check, ...]] = (
    check_board,
    check_boot_loader,
    check_permission,
    check_rule,
    check_modem_manager,
    check_busy,
    check_firmware,
    check_clock,
    check_disk,
    check_extras,
    check_emulator,
)


def examine(computer: Computer) -> Iterator[Diagnosis]:
    """Yield the results of all checks, in the order in which to mend what they find."""
    for check in CHECKS:
        try:
            yield from check(computer)
        except OSError as error:
            name = check.__name__.removeprefix("check_").replace("_", " ")
            yield Diagnosis(name, "warn", f"could not be checked: {error}")
