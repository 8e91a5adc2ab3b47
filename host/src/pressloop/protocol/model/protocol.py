"""The whole document: the cell's limits, and its stages."""

from __future__ import annotations

import hashlib
import json
import math
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

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
from pressloop.protocol.model.stage import Stages
from pressloop.units import DURATION, LENGTH, PRESSURE
from pressloop.wire.schema import PlanBeginRequest
from pressloop.yaml.write import yaml_text

_EVERY_MS: Final = tuple(TICK_MS * ticks for ticks in PlanBeginRequest.range_of("record_every"))


class HostLoss(ProtocolModel):
    """What the board does on its own when it no longer hears the computer."""

    action: Literal["hold", "finish", "vent"] = "hold"
    """`hold`: pause and keep the pressure; `finish`: go on with the protocol; `vent`: release."""
    limit: Duration = "10 min"
    """How long hold or finish may last; then the press vents."""

    @property
    def limit_ms(self) -> int:
        """How long hold or finish may last, ms."""
        return ms_of(self.limit)


class Protocol(ProtocolModel):
    """A press protocol: what happens to the powder, and what must never happen."""

    pressloop: Literal[1] = 1
    """Version of this format."""
    name: Name
    """Goes into the run record."""
    die: Annotated[str, QuantityText((LENGTH,), *PlanBeginRequest.range_of("die_um"))]
    """Diameter of the die; with the ram it turns oil pressure into pressure on the pellet."""
    ceiling: Annotated[str, QuantityText((PRESSURE,), low=1)]
    """No target above; a reading above is a fault that vents the press."""
    on_host_loss: HostLoss = HostLoss()
    """What the board does on its own when it no longer hears the computer."""
    host_timeout: Annotated[
        str, QuantityText((DURATION,), *PlanBeginRequest.range_of("host_timeout_ms"))
    ] = "2 s"
    """Silence after which the computer counts as lost."""
    vent_rate: PressureRate | None = None
    """Rate of the release that ends every run; 20 MPa/s unless the press is slower."""
    record_every: Annotated[
        str,
        QuantityText((DURATION,), *_EVERY_MS),
        AfterValidator(whole_ticks),
    ] = "10 ms"
    """Time from one telemetry record to the next, a multiple of 10 ms."""
    accept_unresolved_tolerance: Annotated[bool, Field(strict=True)] = False
    """Press on, with a warning, where a tolerance is finer than the transducer can tell."""
    crack_threshold: Annotated[str, QuantityText((PRESSURE,), low=1, keyword="off")] | None = None
    """Sudden loss of pressure that is taken for a crack; `off`: none is."""
    stages: Stages
    """Stages, prompts and repeat blocks, in order."""

    @property
    def crack_kpa(self) -> int | None:
        """Sudden loss that is a crack, kPa, 0 for never; None: as the board sees fit."""
        if self.crack_threshold is None:
            return None
        if self.crack_threshold == "off":
            return 0
        return max(1, kpa_of(self.crack_threshold))

    @property
    def die_um(self) -> int:
        """Die diameter, um."""
        return round(exact(self.die, LENGTH))

    @property
    def ceiling_kpa(self) -> int:
        """Ceiling, kPa on the pellet, never above what is written."""
        return math.floor(exact(self.ceiling, PRESSURE))

    @property
    def host_timeout_ms(self) -> int:
        """Silence after which the computer counts as lost, ms."""
        return ms_of(self.host_timeout)

    @property
    def vent_rate_kpa_s(self) -> int | None:
        """Rate of the last release, to the nearest kPa/s; None: the default."""
        return None if self.vent_rate is None else kpa_s_of(self.vent_rate)

    @property
    def record_every_ticks(self) -> int:
        """Ticks from one telemetry record to the next."""
        return int(exact(self.record_every, DURATION)) // TICK_MS

    @property
    def sha256(self) -> str:
        """Hash of the content, as hex: layout, comments and key order do not change it."""
        content = self.model_dump(mode="json")
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()

    def to_yaml(self) -> str:
        """Return the protocol as YAML; what is at its default is left out."""
        content = self.model_dump(mode="json", exclude_defaults=True)
        return yaml_text({"pressloop": self.pressloop} | content)
