"""What an inspection says."""

from __future__ import annotations

import dataclasses
import enum


class Kind(enum.StrEnum):
    """How a video can break physics."""

    VANISHING = "vanishing"
    """Seen whole, and gone, with nothing that could hide it."""
    APPEARING = "appearing"
    """The same, backwards."""
    TELEPORT = "teleport"
    """Somewhere else than any motion could have brought it."""
    IMPOSSIBLE_ACCELERATION = "impossible acceleration"
    """Another velocity from one frame to the next, with nothing touching it."""
    ENERGY_GAIN = "energy gain"
    """Faster away from a contact, or of itself, than it came."""
    INTERPENETRATION = "interpenetration"
    """Deeper in another object than solids can be."""
    WRONG_GRAVITY = "wrong gravity"
    """Falls with another acceleration than the scenario says."""


class Rule(enum.StrEnum):
    """What a candidate was found by. Each rule has scores of its own."""

    JUMP = "jump"
    """Places before and after do not go together."""
    LOSS = "loss"
    """Not seen any more, or not seen before."""
    JOLT = "jolt"
    """A velocity jumps, and nothing else is known."""
    STEADY_JOLT = "steady jolt"
    """The same, where acceleration is known not to change between events."""
    FLIGHT_JOLT = "flight jolt"
    """The same, where the acceleration of free motion is known."""
    CONTACT_GAIN = "contact gain"
    """Away from what stands still faster than towards it."""
    SWING_GAIN = "swing gain"
    """A pendulum gains energy."""
    OVERLAP = "overlap"
    """Two solids of one plane where there is room for one."""
    FALL = "fall"
    """Another acceleration of free flight than the scenario's."""


@dataclasses.dataclass(frozen=True)
class Candidate:
    """Something that might break physics.

    rule : what it was found by. kind : what. frame : when, in frames, not always whole.
    object : number in the tracks.
    place : (row, column) px. amount, unit : how much. score : how far beyond what measuring errors
    explain, in a unit of the rule's own; larger is surer.
    """

    rule: Rule
    kind: Kind
    frame: float
    object: int
    place: tuple[float, float]
    amount: float
    unit: str
    score: float


@dataclasses.dataclass(frozen=True)
class Finding:
    """A candidate that hardly any true video shows.

    time : s. colour : name of the object's colour. sure : share of true videos that show nothing of
    the kind as marked as this.
    """

    kind: Kind
    time: float
    frame: float
    object: int
    colour: str
    place: tuple[float, float]
    amount: float
    unit: str
    sure: float

    def sentence(self) -> str:
        """What happens, without when and where."""
        size = f"{self.amount:.2g} {self.unit}" if self.unit != "%" else f"{self.amount:.0f}%"
        return f"object {self.object} ({self.colour}) " + {
            Kind.VANISHING: f"vanishes; it was {size} wide",
            Kind.APPEARING: f"appears from nowhere; it is {size} wide",
            Kind.TELEPORT: f"is suddenly {size} from where it was heading",
            Kind.IMPOSSIBLE_ACCELERATION:
                f"changes its velocity by {size} at once, with nothing touching it",
            Kind.ENERGY_GAIN:
                f"gains {size} of its energy of motion, with nothing that could have given it",
            Kind.INTERPENETRATION: f"is {size} deep in another solid",
            Kind.WRONG_GRAVITY: f"falls with {size}, not as the scenario says",
        }[self.kind]

    def in_words(self) -> str:
        """One line."""
        row, column = self.place
        return (f"{self.time:6.2f} s  {self.kind}: {self.sentence()} (row {row:.0f}, column "
                f"{column:.0f}; {percent(self.sure)} sure)")


def percent(sure: float) -> str:
    """A share close to 1 as a percentage that never says 100."""
    return f"{100 * sure:.1f}%" if sure < 0.9995 else "more than 99.9%"
