"""Which processes a world has."""

from __future__ import annotations

from worldsim.simulator.green_belts import GreenBelts
from worldsim.simulator.loose_state import LooseState
from worldsim.simulator.people.process import People
from worldsim.simulator.process import Process
from worldsim.simulator.scene import Scene
from worldsim.simulator.seawalls import Works

PROCESSES: tuple[type[Process], ...] = (Works, GreenBelts, LooseState, People)
"""All there are, in the order in which they act."""


def processes_of(scenes: list[Scene]) -> list[type[Process]]:
    """Those that some scene has anything of."""
    return [process for process in PROCESSES if process.present(scenes)]
