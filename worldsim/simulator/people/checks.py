"""People that cannot be, or cannot get away: named before the first step."""

from __future__ import annotations

import math

import numpy as np

from worldsim.errors import InputError
from worldsim.simulator.people.ways import Ways
from worldsim.simulator.scene import Person, Scene

RANGES = {
    "age": (0.0, 120.0, "years"),
    "height": (0.4, 2.5, "m"),
    "mass": (2.0, 300.0, "kg"),
    "walking_speed": (0.0, 5.0, "m/s"),
}
"""What people can be."""


def check_people(scene: Scene) -> None:
    """Refuse people who cannot be, be where they are, or get to safety.

    Raises
    ------
    InputError : the first that is wrong.
    """
    for number, person in enumerate(scene.people):
        _check_person(number, person, scene)
    if not scene.people:
        return
    ways = Ways(scene)
    for number, person in enumerate(scene.people):
        x, y = person.position
        in_wall = ways.walls[int(y / scene.domain.dy), int(x / scene.domain.dx)]
        if person.building < 0 and in_wall:
            raise InputError(
                f"person {number} at ({x:g}, {y:g}) m stands inside a wall; put it out of doors, "
                "or name its building"
            )
    if scene.evacuation is not None:
        _check_goals(scene, ways)


def _check_person(number: int, person: Person, scene: Scene) -> None:
    for name, (low, high, unit) in RANGES.items():
        value = getattr(person, name)
        if not (math.isfinite(value) and low <= value <= high):
            raise InputError(
                f"person {number} has {name}={value:g}; give {low:g} to {high:g} {unit}"
            )
    x, y = person.position
    if not (0 < x < scene.domain.length and 0 < y < scene.domain.width):
        raise InputError(
            f"person {number} at ({x:g}, {y:g}) m lies outside the domain, "
            f"{scene.domain.length:g} x {scene.domain.width:g} m"
        )
    count = len(scene.buildings)
    for name in ("building", "home"):
        value = getattr(person, name)
        if not -1 <= value < count:
            raise InputError(
                f"person {number} has {name}={value}; there are buildings 0 to {count - 1}, or -1"
            )
    if person.building >= 0 and not 0 <= person.storey < scene.buildings[person.building].storeys:
        raise InputError(
            f"person {number} is on storey {person.storey} of building {person.building}, which "
            f"has storeys 0 to {scene.buildings[person.building].storeys - 1}"
        )
    if person.departed > 0 or person.arrived > 0:
        raise InputError(f"person {number} left or arrived after t=0; give times of 0 s or less")


def _check_goals(scene: Scene, ways: Ways) -> None:
    evacuation, domain = scene.evacuation, scene.domain
    assert evacuation is not None
    if not 0 < evacuation.safe_edge < domain.x[-1]:
        raise InputError(
            f"safe_edge={evacuation.safe_edge:g} m: give an x from 0 to {domain.x[-1]:g} m"
        )
    dry = np.ones((domain.ny, domain.nx))
    edge = ways.field(dry, ()).cost.ravel()
    if not np.isfinite(edge).any():
        raise InputError(
            f"nobody can reach the safe edge at x={evacuation.safe_edge:g} m: buildings stand "
            "all along it; leave a gap"
        )
    for shelter in evacuation.shelters:
        if not 0 <= shelter < len(scene.buildings):
            raise InputError(
                f"shelter {shelter} does not exist; there are buildings 0 to "
                f"{len(scene.buildings) - 1}"
            )
        if not len(ways.doors[shelter]):
            raise InputError(
                f"shelter {shelter} cannot be reached: no open cell beside it; make room"
            )
    cost = ways.field(dry, evacuation.shelters).cost
    for number, person in enumerate(scene.people):
        if person.building >= 0:
            cells = ways.doors[person.building]
            reach = bool(np.isfinite(cost.ravel()[cells]).any())
        else:
            x, y = person.position
            reach = bool(np.isfinite(cost[int(y / domain.dy), int(x / domain.dx)]))
        if not reach:
            x, y = person.position
            raise InputError(
                f"person {number} at ({x:g}, {y:g}) m can reach neither the safe edge nor a "
                "shelter: buildings all around; open a way"
            )
