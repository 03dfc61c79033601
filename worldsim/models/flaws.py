"""Graded flaws that videos of world models have: what they are, and whom they befall when."""

from __future__ import annotations

import dataclasses

from worldsim.errors import InputError
from worldsim.seeding import stream


@dataclasses.dataclass(frozen=True)
class Flaws:
    """What is wrong with a video though its physics may be right; each a share from 0 to 1.

    Nothing of it touches what a query says is known, nor anything before that has ended.

    Of objects, each once, at an instant of its own; those befallen at some share are also befallen
    at every greater one, at the same instants and in the same way (see `befallen`):

    teleport : share of objects that jump by `JUMP` of the picture's width and go on from there.
    vanish : share of objects that are gone from then on.
    merge : share of objects that take the place of the nearest other one from then on.

    Of the film:

    blur : of the greatest blur, a Gaussian whose standard deviation is a tenth of the picture's
        height; of every frame.
    frozen : share of the clip's length, at its end, that stands still.
    backwards : share of the clip's length, at its end, that plays backwards.

    Raises
    ------
    InputError : a share that is not 0 to 1.
    """

    teleport: float = 0.0
    vanish: float = 0.0
    merge: float = 0.0
    blur: float = 0.0
    frozen: float = 0.0
    backwards: float = 0.0

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            share = getattr(self, field.name)
            if not 0 <= share <= 1:
                raise InputError(
                    f"{field.name}={share:g}: give a share from 0 to 1, or 0% to 100%"
                )

    @property
    def of_objects(self) -> bool:
        """Whether objects have any."""
        return bool(self.teleport or self.vanish or self.merge)


@dataclasses.dataclass(frozen=True)
class Befallen:
    """When a flaw befalls an object: at state number `state`; `angle`: 0 to 1 of a full turn."""

    state: int
    angle: float


def befallen(
    flaw: str, share: float, member: tuple[int, int, int], body: int, states: range
) -> Befallen | None:
    """When, if at all, a flaw befalls an object.

    Each object has one number, the same for all shares, and is befallen where that is less than
    the share; so has its instant. They depend on nothing else of the simulation.

    Parameters
    ----------
    flaw : its name in `Flaws`. share : of all objects.
    member : seed of the experiment, number of the case, number of the realization.
    body : the object's place in ``/bodies``.
    states : at which it may happen, with equal chance; never, where there are none.
    """
    chance, instant, angle = stream(*member, f"flaw {flaw} {body}").random(3)
    if chance >= share or not states:
        return None
    return Befallen(states[int(instant * len(states))], float(angle))
