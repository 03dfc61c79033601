"""One draw of what cannot be seen of seawalls and trees."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np

from worldsim.seeding import stream

if TYPE_CHECKING:
    from worldsim.simulator.scene import Scene

FRICTION = (0.5, 0.6)
"""Of concrete on rubble and soil, lowest and highest (uniform; customary design values)."""

SCOUR = (1.0, 1.0)
"""Median factor on the rate of toe scour and its lognormal standard deviation: very uncertain."""

RUBBLE = (0.15, 0.40)
"""Part of its height to which a failed segment falls, lowest and highest (uniform; judgement)."""

RUPTURE = (35.0e6, 0.114)
"""Pa, median modulus of rupture of black pine, and the lognormal standard deviation that puts 5 and
95% at 28.7 and 41.8 MPa (Nanko et al. 2019)."""

UPROOTING = (0.5, 1.2)
"""Moment that uproots a tree over the one that breaks its stem, lowest and highest (uniform): on
dunes uprooting comes first (Nanko et al. 2019); how much so is judgement."""

STUMP_DRAG = (0.10, 0.13)
"""Part of the drag that short, broken trees keep (Geosciences 15:339)."""


@dataclasses.dataclass(frozen=True)
class CoastDraw:
    """One draw. friction, scour, rubble : (works,), see the constants above. rupture Pa,
    uprooting, stump_drag : (ny, nx), those of the trees in each cell."""

    friction: np.ndarray
    scour: np.ndarray
    rubble: np.ndarray
    rupture: np.ndarray
    uprooting: np.ndarray
    stump_drag: np.ndarray


def coast_draw(scene: Scene, seed: int, case: int, realization: int) -> CoastDraw:
    """The hidden properties of a scene's works and trees, each from a stream of its own."""
    works, cells = scene.slots.works, (scene.domain.ny, scene.domain.nx)

    def rng(name: str) -> np.random.Generator:
        return stream(seed, case, realization, name)

    rupture = rng("stem strength").normal(size=cells)
    return CoastDraw(
        friction=rng("seawall friction").uniform(*FRICTION, size=works),
        scour=SCOUR[0] * np.exp(SCOUR[1] * rng("seawall scour").normal(size=works)),
        rubble=rng("seawall rubble").uniform(*RUBBLE, size=works),
        rupture=RUPTURE[0] * np.exp(RUPTURE[1] * rupture),
        uprooting=rng("uprooting").uniform(*UPROOTING, size=cells),
        stump_drag=rng("stump drag").uniform(*STUMP_DRAG, size=cells),
    )


def typical(scene: Scene) -> CoastDraw:
    """The middle of everything."""
    works, cells = scene.slots.works, (scene.domain.ny, scene.domain.nx)
    return CoastDraw(
        friction=np.full(works, sum(FRICTION) / 2),
        scour=np.full(works, SCOUR[0]),
        rubble=np.full(works, sum(RUBBLE) / 2),
        rupture=np.full(cells, RUPTURE[0]),
        uprooting=np.full(cells, sum(UPROOTING) / 2),
        stump_drag=np.full(cells, math.sqrt(STUMP_DRAG[0] * STUMP_DRAG[1])),
    )
