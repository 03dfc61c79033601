"""What the table says: each quantity's definition, goal, and how cases make it a number."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from evaluation.floors.intervals import Estimate, quantile, ratio
from evaluation.floors.measuring import Measured
from evaluation.floors.tracked import TALLY


@dataclasses.dataclass(frozen=True)
class Quantity:
    """One row of the table for each scenario, view, size and codec.

    name : ``instrument.quantity``. meaning : one line. goal : at most, or at least if `at_least`;
    None where there is none. goal_codecs : with these alone the goal is meant.
    errors : name of the array of errors whose quantile `share` counts; or
    tally : names of the two counts whose ratio counts; `rest`: its difference from 1.
    mean : the mean of the errors instead of a quantile.
    """

    name: str
    unit: str
    meaning: str
    errors: str = ""
    share: float = 0.5
    mean: bool = False
    tally: tuple[str, str] = ("", "")
    goal: float | None = None
    at_least: bool = False
    goal_codecs: tuple[str, ...] = ("raw", "crf 18")

    def estimate(self, cases: Sequence[Mapping[str, np.ndarray]]) -> Estimate | None:
        """The number, with its interval; None where no case has any of it."""
        if self.tally[0]:
            counts = [case["tally"] for case in cases if "tally" in case]
            top, bottom = (TALLY.index(name) for name in self.tally)
            return ratio([one[top] for one in counts], [one[bottom] for one in counts])
        some = [case[self.errors] for case in cases if self.errors in case]
        if not sum(len(one) for one in some):
            return None
        if self.mean:
            return ratio([one.sum() for one in some], [len(one) for one in some])
        return quantile(some, self.share)


MOST = 0.99
TRACKS = "objects ≥ 4 px and ≥ 75% visible"

QUANTITIES = (
    Quantity("tracks.position", "px", f"distance of a track from its object's centre, median; "
             f"{TRACKS}; not seen counts as infinitely far", "position", goal=0.25),
    Quantity("tracks.position_p99", "px", "the same, 99th percentile", "position", MOST, goal=1.0),
    Quantity("tracks.missed", "1", f"share of the instants without a track; {TRACKS}",
             tally=("missed", "instants")),
    Quantity("tracks.strays", "1", "tracks on no object, over all tracks",
             tally=("strays", "tracks")),
    Quantity("tracks.velocity", "1", "|error| over the object's greatest speed, median; frames "
             "beside a contact left out, and what never moves 0.1 px per frame", "velocity",
             goal=0.01),
    Quantity("tracks.switches", "1", "identity switches over times that two objects meet in the "
             "picture; objects of one colour may be exchanged where they touch",
             tally=("switches", "passes"), goal=0.01),
    Quantity("tracks.area", "1", "relative error of the area of what is wholly seen, median",
             "area"),
    Quantity("tracks.orientation", "degree", "error of the long axis, median", "orientation"),
    Quantity("counts.objects", "1", "share by which fewer are seen than are there, ≥ 3 px and half "
             "visible, or more than are there at all, mean over frames", "count", mean=True,
             goal=0.05),
    Quantity("space.position", "m", "distance of an object's middle in space from where two views "
             "together place it, median", "space"),
    Quantity("space.position_p99", "m", "the same, 99th percentile", "space", MOST),
    Quantity("events.time", "frame", "error of the instant of contacts found, median",
             "event_time", goal=0.5),
    Quantity("events.found", "1", "share of contacts that are found, of those that change a "
             "velocity in the picture by 0.5 px per frame or more",
             tally=("found", "contacts")),
    Quantity("events.true", "1", "share of the kinks that belong to a contact",
             tally=("true", "kinks")),
    Quantity("gravity.effective", "1", "relative error of the downward acceleration in free "
             "flight, median over objects", "gravity", goal=0.01),
    Quantity("water.wet", "1", "share of the view that is wrongly wet or dry, mean over frames",
             "wet", mean=True),
    Quantity("water.wet_area", "1", "error of the wet area as a share of the view, mean over "
             "frames", "wet_area", mean=True),
    Quantity("water.front", "m", "error of the mean front, mean over frames", "front", mean=True),
    Quantity("water.arrival", "s", "error of the arrival time along x, median", "arrival"),
    Quantity("debris.position", "px", "distance from the piece's centre, median; not seen counts "
             "as infinitely far", "debris", goal=0.25),
    Quantity("debris.position_p99", "px", "the same, 99th percentile", "debris", MOST, goal=1.0),
    Quantity("buildings.standing", "1", "share of buildings wrongly standing or fallen, mean over "
             "frames", "standing", mean=True),
    Quantity("buildings.not_recognised", "1", "share of the buildings that the first frame does "
             "not show", "not_recognised", mean=True),
)
"""In the order of the table."""


@dataclasses.dataclass(frozen=True)
class Floor:
    """A row: how far one instrument is off, on true video of one scenario."""

    scenario: str
    version: int
    camera: str
    rows: int
    codec: str
    instruments: str
    quantity: str
    unit: str
    value: float
    low: float | None
    high: float | None
    count: int
    cases: int
    goal: float | None
    met: bool | None


def floors_of(measured: Iterable[Measured]) -> list[Floor]:
    """The rows of some measurements."""
    rows = []
    for one in measured:
        for quantity in QUANTITIES:
            found = quantity.estimate(one.cases)
            if found is None:
                continue
            goal = quantity.goal if one.codec in quantity.goal_codecs else None
            met = None if goal is None else bool(
                found.value >= goal if quantity.at_least else found.value <= goal)
            rows.append(Floor(
                one.scenario, one.version, one.camera, one.rows, one.codec, one.instruments,
                quantity.name, quantity.unit, found.value, found.low, found.high, found.count,
                found.cases, goal, met))
    return rows
