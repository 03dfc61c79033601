"""Every coefficient that outcomes depend on, gathered from the modules that declare them."""

from __future__ import annotations

from types import ModuleType

from worldsim.outcomes import (
    casualties,
    damage,
    fragility,
    health,
    mortality,
    passage,
    recovery,
    services,
    stability,
    symptoms,
    tracer,
    wording,
)
from worldsim.sources import Coefficient

ASSESSED = (damage, services, recovery, passage, casualties, tracer, health, symptoms, wording)
"""What an assessment rests on."""

COMPARED = (fragility, stability, mortality)
"""What emergent results are only compared with."""


def coefficients(modules: tuple[ModuleType, ...] = (*ASSESSED, *COMPARED)
                 ) -> tuple[Coefficient, ...]:
    """All of them, by module."""
    found = tuple(c for module in modules for c in module.COEFFICIENTS)
    names = [c.name for c in found]
    assert len(set(names)) == len(names), "two coefficients of one name"
    return found


def keys(found: tuple[Coefficient, ...]) -> list[str]:
    """The sources of these coefficients, each once, in order of first use."""
    return list(dict.fromkeys(key for c in found for key in c.sources))
