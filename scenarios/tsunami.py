"""A tsunami meets a coastal town: beach, seawall, trees, houses, lifelines, people, debris."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from scenarios.town_plan import STREET, TOWN, TownPlan
from worldsim.scenario import ClosedForm, Observable, Scenario, choice, parameter
from worldsim.simulator.evacuation import LONGEST_WARNING

if TYPE_CHECKING:
    from worldsim.simulator.scene import Hidden, Scene

@dataclasses.dataclass(frozen=True)
class Tsunami(Scenario):
    """A bore of given height runs up a beach into a street of 8 to 12 buildings and 100 people.

    Visible, drawn per case: layout, building sizes, beach profile, people and what they did before
    t=0. Hidden, drawn per realization: strengths, drift limits, anchorage, the debris' density and
    drag, and what people decide later.
    """

    name: ClassVar[str] = "tsunami"
    version: ClassVar[int] = 4
    summary: ClassVar[str] = "a tsunami meets a street of houses"
    duration: ClassVar[float] = 12.0
    leaves_out: ClassVar[str] = (
        "Truth here is a simulation, not an observed tsunami: water is averaged over its depth (no "
        "splashing, no plunging, no sediment), buildings are boxes on shear frames, people are "
        "capsules who walk to high ground or a shelter, and nobody helps anybody."
    )
    phrasings: ClassVar[tuple[str, ...]] = (
        "a {wave_height:.1f} m tsunami runs up the beach into a street of {building} houses",
        "a bore {wave_height:.1f} m high meets {building} buildings behind a beach; the seawall is "
        "{seawall_height:.1f} m high",
        "{building} houses on ground {street_elevation:.1f} m above the sea, a wave of "
        "{wave_height:.1f} m, {green_belt:.0f} m of trees, {population:.0f} people by {occupancy}",
    )
    observables: ClassVar[tuple[Observable, ...]] = (
        Observable("wet", "1", "where water shows, cell by cell"),
        Observable("front_position", "m", "how far inland the water has come"),
        Observable("arrival_time", "s", "of the water at the first building"),
        Observable("standing", "1", "which buildings stand"),
        Observable("debris_position", "m", "of every floating body"),
    )
    checks: ClassVar[tuple[ClosedForm, ...]] = (
        ClosedForm("books", "mass is what it was plus what came in", 1e-10, "conservation"),
        ClosedForm(
            "third law", "momentum lost by the water = impulse on bodies, walls and ground", 1e-8,
            "Newton 1687",
        ),
        ClosedForm(
            "run-up of a solitary wave", "R/d = 2.831 sqrt(cot b) (H/d)^(5/4)", 0.06,
            "Synolakis 1987, J. Fluid Mech. 185, 523; `worldsim validate`",
        ),
        ClosedForm(
            "yield of a storey", "V = base-shear coefficient times weight", 0.01,
            "HAZUS; `worldsim validate --case pushover`",
        ),
    )
    held_out: ClassVar[bool] = False  # the packaged model was trained on all of its ranges
    mirror_axes: ClassVar[Mapping[str, str]] = {"overhead": "rows", "street": "columns"}
    clip_duration: ClassVar[float] = 14.0
    plan: ClassVar[TownPlan] = STREET

    wave_height: float = parameter(
        4.0,
        unit="m",
        training=(2.0, 8.0),
        physical=(0.5, 12.0),
        meaning="height of the incident wave above still water, 4 m deep, at the seaward edge",
    )
    street_elevation: float = parameter(
        2.2,
        unit="m",
        training=(1.5, 3.0),
        physical=(0.5, 6.0),
        meaning="elevation of the street's seaward side above still water",
    )
    building: str = choice(
        "timber",
        ("timber", "masonry", "steel", "concrete", "mixed"),
        meaning="what homes and shops are made of",
    )
    seawall_height: float = parameter(
        0.0,
        unit="m",
        training=(0.0, 4.0),
        physical=(0.0, 10.0),
        meaning="height of the seawall above the ground behind it; 0 for none",
    )
    green_belt: float = parameter(
        0.0,
        unit="m",
        training=(0.0, 8.0),
        physical=(0.0, 10.0),
        meaning="width of the belt of pines between beach and town; 0 for none",
    )
    population: float = parameter(
        100.0,
        unit="1",
        training=(0.0, 100.0),
        physical=(0.0, 100.0),
        meaning="number of people",
        seen=False,
    )
    occupancy: str = choice(
        "day",
        ("day", "night"),
        meaning="time of day, which decides who is at home",
        seen=False,
    )
    warning_time: float = parameter(
        120.0,
        unit="s",
        training=(0.0, 600.0),
        physical=(0.0, LONGEST_WARNING),
        meaning="time from the warning to the start, when the wave stands off the beach",
        seen=False,
    )
    participation: float = parameter(
        0.8,
        unit="1",
        training=(0.2, 1.0),
        physical=(0.0, 1.0),
        meaning="share of people who leave when warned",
        seen=False,
    )
    milling: float = parameter(
        60.0,
        unit="s",
        training=(10.0, 300.0),
        physical=(1.0, 3600.0),
        meaning="mean delay from the warning to departure",
        seen=False,
    )
    shelter_capacity: float = parameter(
        40.0,
        unit="1",
        training=(0.0, 100.0),
        physical=(0.0, 1000.0),
        meaning="people that the shelter takes",
        seen=False,
    )

    def scene(self, seed: int, case: int) -> Scene:
        """All that can be seen at t=0 of one case."""
        from scenarios import town  # brings torch, which a command's --help must not load

        return town.scene(self, seed, case)

    def hidden(self, scene: Scene, seed: int, case: int, realization: int) -> Hidden:
        """All that cannot be seen of one realization."""
        from scenarios import town

        return town.hidden(scene, seed, case, realization)


@dataclasses.dataclass(frozen=True)
class Town(Tsunami):
    """The same coast with a town of 24 buildings behind it, for a minute.

    Visible and hidden is what is visible and hidden of `Tsunami`.
    """

    name: ClassVar[str] = "town"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "a tsunami meets a coastal town"
    phrasings: ClassVar[tuple[str, ...]] = (
        "a {wave_height:.1f} m tsunami floods a coastal town of {building} buildings",
        "a minute of a town behind a beach after a wave of {wave_height:.1f} m; its seawall is "
        "{seawall_height:.1f} m high",
        "{population:.0f} people of a town, warned {warning_time:.0f} s ago, and a wave of "
        "{wave_height:.1f} m",
    )
    duration: ClassVar[float] = 60.0
    plan: ClassVar[TownPlan] = TOWN
