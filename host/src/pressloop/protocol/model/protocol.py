"""Define the whole protocol: the limits of the cell, and the stages."""

from __future__ import annotations

import hashlib
import json
import math
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, model_validator
from typing_extensions import Self

from pressloop.protocol.model.conditions import Conditions
from pressloop.protocol.model.fields import (
    TICK_MS,
    Duration,
    Name,
    PressureRate,
    ProtocolModel,
    QuantityText,
    exact,
    kpa_of,
    kpa_s_of,
    ms_of,
    whole_ticks,
)
from pressloop.protocol.model.forces import refuse_unfit_forces
from pressloop.protocol.model.stage import Stages
from pressloop.units import DURATION, FORCE, LENGTH, PRESSURE, parse_pressure
from pressloop.wire.schema import PlanBeginRequest
from pressloop.yaml.write import yaml_text

_EVERY_MS: Final = tuple(TICK_MS * ticks for ticks in PlanBeginRequest.range_of("record_every"))


NO_DIE: Final = "none"
"""In place of the die's diameter: the protocol is for an isostatic vessel."""


class HostLoss(ProtocolModel):
    """What the board does by itself when it has lost the host."""

    action: Literal["hold", "finish", "vent"] = "hold"
    """`hold`: pause and keep the pressure; `finish`: continue the protocol; `vent`: release at the
    vent rate."""
    limit: Duration = "10 min"
    """Longest time for `hold` and `finish`; then the press vents."""

    @property
    def limit_ms(self) -> int:
        """Longest time for `hold` and `finish`, ms."""
        return ms_of(self.limit)


class Protocol(ProtocolModel):
    """A press protocol: what is done to the powder, and the limits that must hold."""

    pressloop: Literal[1] = 1
    """Version of the file format."""
    name: Name
    """Name of the protocol, for the run record."""
    die: Annotated[
        str,
        QuantityText(
            (LENGTH,), *PlanBeginRequest.range_of("die_um"), keyword=NO_DIE, offered=False
        ),
    ]
    """Diameter of the die; pressure on the pellet is oil pressure times ram area over die area.
    `none`: the protocol is for an isostatic vessel, which has no die."""
    ceiling: Annotated[str, QuantityText((PRESSURE, FORCE), low=1)]
    """Highest pressure on the pellet. No target may be above it; a reading above it is a fault that
    vents the press."""
    on_host_loss: HostLoss = HostLoss()
    """What the board does by itself when it has lost the host."""
    host_timeout: Annotated[
        str, QuantityText((DURATION,), *PlanBeginRequest.range_of("host_timeout_ms"))
    ] = "2 s"
    """Time without a message after which the host counts as lost."""
    vent_rate: PressureRate | None = None
    """Rate of the release that ends every run. Default: 20 MPa/s, or less on a slower press."""
    record_every: Annotated[
        str,
        QuantityText((DURATION,), *_EVERY_MS),
        AfterValidator(whole_ticks),
    ] = "10 ms"
    """Time between telemetry records, a multiple of 10 ms."""
    accept_unresolved_tolerance: Annotated[bool, Field(strict=True)] = False
    """Allow, with a warning, a tolerance that is finer than the transducer can resolve."""
    crack_threshold: (
        Annotated[str, QuantityText((PRESSURE, FORCE), low=1, keyword="off")] | None
    ) = None
    """Sudden loss of pressure that counts as a crack. `off`: none does."""
    conditions: Conditions | None = None
    """Materials, temperature, atmosphere and layers, for the record; they change no pressure."""
    stages: Stages
    """Stages, prompts and repeat blocks, in order."""

    @model_validator(mode="after")
    def _forces_fit(self) -> Self:
        """Refuse forces that are out of range as pressures on the die."""
        refuse_unfit_forces(self, self.die_um)
        return self

    @property
    def crack_kpa(self) -> int | None:
        """Sudden loss that counts as a crack, kPa. 0: none does. None: as the board decides."""
        if self.crack_threshold is None:
            return None
        if self.crack_threshold == "off":
            return 0
        return max(1, kpa_of(self.crack_threshold, self.die_um))

    @property
    def is_isostatic(self) -> bool:
        """Whether the protocol is for an isostatic vessel, which has no die."""
        return self.die == NO_DIE

    @property
    def die_um(self) -> int:
        """Die diameter, um; 0 in an isostatic vessel, where a force is no pressure."""
        return 0 if self.is_isostatic else round(exact(self.die, LENGTH))

    @property
    def ceiling_kpa(self) -> int:
        """Ceiling on the pellet, kPa, rounded down."""
        return math.floor(parse_pressure(self.ceiling, self.die_um).value)

    @property
    def host_timeout_ms(self) -> int:
        """Time without a message after which the host counts as lost, ms."""
        return ms_of(self.host_timeout)

    @property
    def vent_rate_kpa_s(self) -> int | None:
        """Rate of the release that ends the run, kPa/s; None: the default."""
        return None if self.vent_rate is None else kpa_s_of(self.vent_rate, self.die_um)

    @property
    def record_every_ticks(self) -> int:
        """Ticks between telemetry records."""
        return int(exact(self.record_every, DURATION)) // TICK_MS

    @property
    def sha256(self) -> str:
        """Hash of the content as hex; layout, comments and key order do not change it."""
        content = self.model_dump(mode="json")
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()

    def to_yaml(self) -> str:
        """Return the protocol as YAML text, without the keys that have their default value."""
        content = self.model_dump(mode="json", exclude_defaults=True)
        return yaml_text({"pressloop": self.pressloop} | content)
