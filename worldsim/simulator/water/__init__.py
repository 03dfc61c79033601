"""Shallow-water flow over built-up ground, usable alone: see `ShallowWater`."""

from worldsim.simulator.constants import GRAVITY, SEAWATER_DENSITY
from worldsim.simulator.transport import Transport
from worldsim.simulator.water.boundary import (
    Boundaries,
    Boundary,
    Elevation,
    Flux,
    IncomingWave,
    Open,
    Wall,
)
from worldsim.simulator.water.budget import Budget, Divergence, energy, total
from worldsim.simulator.water.flux import DRY_DEPTH
from worldsim.simulator.water.solver import MANNING, ShallowWater, open_cells
from worldsim.simulator.water.state import Grid, WaterState, lake_at_rest

__all__ = [
    "DRY_DEPTH",
    "GRAVITY",
    "MANNING",
    "SEAWATER_DENSITY",
    "Boundaries",
    "Boundary",
    "Budget",
    "Divergence",
    "Elevation",
    "Flux",
    "Grid",
    "IncomingWave",
    "Open",
    "ShallowWater",
    "Transport",
    "Wall",
    "WaterState",
    "energy",
    "lake_at_rest",
    "open_cells",
    "total",
]
