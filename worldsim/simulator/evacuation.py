"""What a scene's people are told and where they can go, and one draw of what they do."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from worldsim.errors import InputError


@dataclasses.dataclass(frozen=True)
class Evacuation:
    """A warning, what people make of it, and where it is safe.

    safe_edge : m; who gets to this x on foot is safe.
    warning_time : s before t=0 at which everybody is warned; None, or less than 0, if nobody is:
        people then notice the water only.
    participation : share of people who go when they are warned.
    milling : s, mean delay between the warning and the departure of those who go.
    shelters : numbers of the buildings that take people in on their top storey.
    shelter_capacity : persons that each of them takes.
    """

    safe_edge: float
    warning_time: float | None = None
    participation: float = 1.0
    milling: float = 60.0
    shelters: tuple[int, ...] = ()
    shelter_capacity: int = 0

    def __post_init__(self) -> None:
        warned = self.warning_time
        if warned is not None and not (math.isfinite(warned) and warned <= LONGEST_WARNING):
            raise InputError(
                f"warning_time={warned:g} s: give at most {LONGEST_WARNING:g} s, or None"
            )
        if not 0 <= self.participation <= 1:
            raise InputError(f"participation={self.participation:g}: give a share from 0 to 1")
        if not (math.isfinite(self.milling) and self.milling >= 0):
            raise InputError(f"milling={self.milling:g} s: give a mean delay of 0 s or more")
        if self.shelter_capacity < 0:
            raise InputError(f"shelter_capacity={self.shelter_capacity}: give 0 persons or more")
        if len(set(self.shelters)) != len(self.shelters):
            raise InputError(f"shelters {self.shelters}: name each building once")

    @property
    def warned(self) -> float:
        """s since the warning at t=0; 0 if there was none."""
        return max(self.warning_time or 0.0, 0.0)

    @property
    def is_warned(self) -> bool:
        """Whether anybody was warned before t=0."""
        return self.warning_time is not None and self.warning_time >= 0

    @property
    def delay_scale(self) -> float:
        """Scale σ in s of the Rayleigh distribution of delays whose mean is `milling`: mean·√(2/π)
        (TUNAMI-EVAC, `Rayleigh2011.nls`)."""
        return self.milling * math.sqrt(2.0 / math.pi)


LONGEST_WARNING = 1800.0
"""s; what happens before t=0 is followed for at most half an hour."""


@dataclasses.dataclass(frozen=True)
class PeopleDraw:
    """One draw of what cannot be seen of people; arrays are (people,).

    delay : s after t=0 at which who has not left by then leaves because of the warning; inf: never.
    notice_distance : m, at which they notice a flood.
    reaction : s between noticing and moving.
    foot_friction : coefficient of friction of their feet on wet ground.
    drag : drag coefficient of their bodies.
    """

    delay: np.ndarray
    notice_distance: np.ndarray
    reaction: np.ndarray
    foot_friction: np.ndarray
    drag: np.ndarray
