"""What stands in a report, as plain data: gathered by `gather`, set as a page by `html`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Against:
    """One metric against one baseline: its value, and the skill or the reason why there is none."""

    baseline: str
    value: float | None
    skill: float | None
    interval: tuple[float, float] | None
    reason: str


@dataclass(frozen=True)
class ScoreRow:
    """One metric of the score table, means over cases in `unit`; None where there is none.

    direction : which way is better, "lower", "higher" or "none".
    interval : of `value`, or `interval_reason` says why there is none.
    floor, reference : what the instruments, and hidden randomness, leave of a perfect dream.
    failed : cases (of `cases`) in which the model has no value.
    """

    metric: str
    meaning: str
    unit: str
    direction: str
    window: str
    value: float | None
    interval: tuple[float, float] | None
    interval_reason: str
    floor: float | None
    reference: float | None
    against: tuple[Against, ...]
    cases: int
    failed: int

    @property
    def without_skill(self) -> str:
        """The one reason why there is no skill against any baseline; empty if there are others."""
        reasons = {a.reason for a in self.against}
        return reasons.pop() if len(reasons) == 1 and self.against[0].skill is None else ""


@dataclass(frozen=True)
class Clip:
    """One film of one member. `source` is "simulated" or "generated"; `data` a data: address."""

    source: str
    case: int
    camera: str
    realization: int
    data: str

    @property
    def key(self) -> str:
        """How player.js finds it."""
        return f"{self.source}|{self.case}|{self.camera}|{self.realization}"


@dataclass(frozen=True)
class Player:
    """The films that play in step.

    size : rows, columns of a frame; given : frames that the world model was given;
    left_out : cases whose films were left out to keep the file small.
    """

    clips: tuple[Clip, ...]
    cameras: tuple[str, ...]
    size: tuple[int, int]
    fps: float
    frames: int
    given: int
    left_out: int = 0

    def cases(self) -> list[int]:
        """Cases with films."""
        return sorted({clip.case for clip in self.clips})

    def realizations(self, source: str) -> list[int]:
        """Realizations with films of one source."""
        return sorted({clip.realization for clip in self.clips if clip.source == source})


@dataclass(frozen=True)
class Picture:
    """A still or a film for people's eyes, not part of any measurement.

    size : rows, columns, where known; `data` is a ``data:`` address.
    """

    source: str
    caption: str
    alternative: str
    data: str
    size: tuple[int, int] | None = None

    @property
    def moving(self) -> bool:
        """Whether it is a film."""
        return self.data.startswith("data:video/")


@dataclass(frozen=True)
class Plot:
    """A plot as inline SVG with its caption and the same in words for those who cannot see it."""

    svg: str
    caption: str
    alternative: str


@dataclass(frozen=True)
class ParameterRow:
    """One scenario parameter as it was set."""

    name: str
    meaning: str
    value: str
    unit: str
    training: str
    physical: str
    extrapolates: bool


@dataclass(frozen=True)
class Amount:
    """A value with its range; `low` and `high` are None where there is none."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class OutcomeRow:
    """One consequence: an amount for each column of its table, None where it cannot be known."""

    meaning: str
    unit: str
    amounts: tuple[Amount | None, ...]

    @property
    def largest(self) -> float:
        """The largest number in the row, to which its digits are fitted."""
        known = [a for a in self.amounts if a is not None]
        return max((abs(v) for a in known for v in (a.value, a.low, a.high) if v is not None),
                   default=0.0)


@dataclass(frozen=True)
class OutcomeTable:
    """Consequences of one kind, with what goes with them. `unknown` stands where there is none."""

    title: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[OutcomeRow, ...]
    plots: tuple[Plot, ...] = ()
    notes: tuple[str, ...] = ()
    unknown: str = "a video cannot show this"


@dataclass(frozen=True)
class Town:
    """What happens to a town and its people.

    happened, sure : sentences for deciding. said : what the dream says beside its video. health :
    sentences on shares of groups, with `health_notes`, without which they must not be shown.
    """

    happened: tuple[str, ...]
    sure: tuple[str, ...]
    maps: tuple[Plot, ...]
    pairs: tuple[Plot, ...]
    timelines: tuple[Plot, ...]
    said: tuple[Plot, ...]
    tables: tuple[OutcomeTable, ...]
    health: tuple[str, ...]
    health_notes: tuple[str, ...]


@dataclass(frozen=True)
class Contents:
    """Everything in a report, in the order of the page."""

    scenario: str
    model: str
    question: str
    limits: tuple[str, ...]
    answer: tuple[str, ...]
    headline: tuple[ScoreRow, ...]
    player: Player
    pictures: tuple[Picture, ...]
    error_plots: tuple[Plot, ...]
    pixel_plots: tuple[Plot, ...]
    front_plots: tuple[Plot, ...]
    map_plots: tuple[Plot, ...]
    scores: tuple[ScoreRow, ...]
    parameters: tuple[ParameterRow, ...]
    provenance: tuple[tuple[str, str], ...]
    command: str
    town: Town | None = None


@dataclass(frozen=True)
class Comparison:
    """Everything on a page that holds two what-ifs against each other, in the order of the page.

    map_pairs, time_pairs : plots of the first and the second what-if.
    """

    scenario: str
    question: str
    limits: tuple[str, ...]
    answer: tuple[str, ...]
    sure: tuple[str, ...]
    tables: tuple[OutcomeTable, ...]
    map_pairs: tuple[tuple[Plot, ...], ...]
    time_pairs: tuple[tuple[Plot, ...], ...]
    provenance: tuple[tuple[str, str], ...]
    command: str
