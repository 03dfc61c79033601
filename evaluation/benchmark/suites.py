"""Suites: which cases are asked about, and how.

A suite's id means comparability: two results of one id are about the same data, read and scored in
the same way. `suites.json` keeps the digest of all that for every id; the tests refuse a change of
data, instruments or metrics that does not raise the version.
"""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import json
import secrets
from importlib.resources import files
from typing import Any

from evaluation.benchmark.code_digest import DATA, INSTRUMENTS, METRICS, code_digest
from evaluation.metrics.catalogue import CATALOGUE
from evaluation.reading import reading_of
from worldsim.errors import InputError
from worldsim.mechanics import Kick
from worldsim.scenario import Scenario, scenario_class
from worldsim.splits import Purpose, Split, draw, seed_for

CONTEXT_SECONDS = 0.25
"""s of known frames, where a block does not say otherwise: enough to see speeds."""


@dataclasses.dataclass(frozen=True)
class Block:
    """Some cases of one scenario and split.

    cases, realizations : how many cases, and members of every ensemble.
    duration : s, known frames included. context : number of known frames.
    """

    scenario: str
    split: Split = Split.IN_RANGE
    cases: int = 16
    realizations: int = 8
    duration: float = 2.0
    context: int = 5

    @property
    def cls(self) -> type[Scenario]:
        """The scenario's class."""
        return scenario_class(self.scenario)

    @property
    def camera(self) -> str:
        """The view that is asked for and read."""
        return reading_of(self.scenario).camera

    @property
    def frames(self) -> int:
        """Of a video, known ones included."""
        return round(self.duration * self.cls.fps)

    def case_id(self, number: int) -> str:
        """Name of a case in files and tables."""
        return f"{self.scenario}-{self.split.value}-{number:04d}"


@dataclasses.dataclass(frozen=True)
class Sweep:
    """A what-if: one parameter swept with everything else, seeds included, as it is.

    levels : (level,) of the parameter, ascending, or choices; of a push m/s.
    response : name of the number whose curve is compared; see `evaluation.benchmark.responses`.
    null : whether the parameter must change nothing (a colour, say).
    kick : an intervention: the body, the instant and the direction of a push, whose size is swept
        instead of a parameter.
    """

    scenario: str
    parameter: str
    levels: tuple[Any, ...]
    response: str
    cases: int = 8
    realizations: int = 2
    duration: float = 2.0
    context: int = 5
    null: bool = False
    kick: Kick | None = None

    @property
    def name(self) -> str:
        """In tables and files."""
        return f"{self.scenario}.{self.parameter}"

    def scenario_at(self, suite: Suite, block: Block, number: int, level: Any) -> Scenario:
        """The parameters of a case at one level."""
        base = suite.scenario_of(block, number)
        return base if self.kick else dataclasses.replace(base, **{self.parameter: level})

    def kicks_at(self, level: Any) -> tuple[Kick, ...]:
        """What is done to the scene at one level."""
        if self.kick is None or level == 0:
            return ()
        x, y, z = self.kick.velocity
        return (dataclasses.replace(self.kick, velocity=(x * level, y * level, z * level)),)


@dataclasses.dataclass(frozen=True)
class Suite:
    """What a model is asked.

    id : ``name-vN``. seed : of `Purpose.TEST`; all cases are drawn from it.
    """

    id: str
    blocks: tuple[Block, ...]
    sweeps: tuple[Sweep, ...] = ()
    seed: int = 0
    meaning: str = ""

    @property
    def name(self) -> str:
        """The id without its version."""
        return self.id.rpartition("-")[0]

    @property
    def stream_seed(self) -> int:
        """The seed of all random streams: in the block that only tests draw from."""
        return seed_for(Purpose.TEST, self.seed)

    def case_ids(self) -> list[str]:
        """All cases, in order."""
        return [block.case_id(n) for block in self.blocks for n in range(block.cases)]

    def scenario_of(self, block: Block, number: int) -> Scenario:
        """The parameters of one case."""
        return draw(block.cls, block.split, self.stream_seed, number)

    def definition(self) -> dict[str, Any]:
        """As JSON: blocks, sweeps, seed, versions of the scenarios, headline metrics."""
        names = sorted({b.scenario for b in self.blocks} | {s.scenario for s in self.sweeps})
        return {
            "id": self.id, "seed": self.seed,
            "blocks": [dataclasses.asdict(b) | {"split": b.split.value} for b in self.blocks],
            "sweeps": [dataclasses.asdict(s) | {"levels": list(s.levels)} for s in self.sweeps],
            "scenarios": {name: scenario_class(name).version for name in names},
            "headline": [metric.name for metric in CATALOGUE if metric.headline],
        }

    def digests(self) -> dict[str, str]:
        """What comparability rests on: definition, and code of data, instruments and metrics."""
        text = json.dumps(self.definition(), sort_keys=True)
        return {
            "definition": hashlib.sha256(text.encode()).hexdigest()[:16],
            "data": code_digest(DATA),
            "instruments": code_digest(INSTRUMENTS),
            "metrics": code_digest(METRICS),
        }


RIGID = ("free_fall", "projectile", "balls_in_box", "collision", "collisions", "incline",
         "occlusion", "pendulum", "double_pendulum", "spring_mass", "seesaw", "gyroscope",
         "dominoes", "tower")
"""Scenarios of rigid bodies that are simulated and read in seconds."""

LEVELS = 11
"""Of a sweep: neighbours lie a tenth of the swept range apart."""


def _levels(low: float, high: float) -> tuple[float, ...]:
    return tuple(round(low + (high - low) * k / (LEVELS - 1), 6) for k in range(LEVELS))


def _sweeps(cases: int, realizations: int) -> tuple[Sweep, ...]:
    sized: dict[str, Any] = {"cases": cases, "realizations": realizations}
    return (
        Sweep("free_fall", "gravity", _levels(6.0, 15.0), "fall", **sized),
        Sweep("projectile", "speed", _levels(4.0, 6.5), "throw", **sized),
        Sweep("collision", "mass_ratio", _levels(0.5, 3.0), "struck", **sized),
        Sweep("incline", "angle", _levels(14.0, 36.0), "slide", **sized),
        Sweep("pendulum", "length", _levels(0.6, 1.2), "swing", **sized),
        Sweep("free_fall", "push", _levels(0.0, 1.0), "pushed",
              kick=Kick(0.5, "ball 1", velocity=(1.0, 0.0, 0.0)), **sized),
        Sweep("free_fall", "colour", ("red", "blue", "violet"), "fall", null=True, **sized),
        Sweep("pendulum", "bob_mass", (0.2, 1.0, 5.0), "swing", null=True, **sized),
    )


QUICK = ("free_fall", "projectile", "collision", "incline", "pendulum", "occlusion")

SEED = 101
"""Of quick, core and full: quick is the first eight cases of six scenarios of core, and core the
first of full, so that what was made for one serves the others."""


def _suites() -> dict[str, Suite]:
    quick = Suite("quick-v1", tuple(Block(name, cases=8) for name in QUICK), seed=SEED,
                  meaning="six experiments, minutes on a laptop")
    blocks = (
        *(Block(name) for name in RIGID),
        Block("dam_break_block", cases=8, duration=4.0),
        Block("tsunami", cases=8, duration=12.0),
    )
    core = Suite("core-v1", blocks, _sweeps(8, 2), seed=SEED,
                 meaning="sixteen scenarios as training draws them, and what-ifs")
    splits = (Split.INSIDE, Split.OUTSIDE, Split.COMBINATION)
    full = Suite(
        "full-v1",
        (
            *(dataclasses.replace(b, cases=2 * b.cases) for b in blocks),
            Block("floating", duration=4.0), Block("granular_pour", cases=8),
            *(Block(name, split) for name in RIGID for split in splits),
            Block("dam_break_block", Split.OUTSIDE, duration=4.0),
            Block("tsunami", Split.OUTSIDE, cases=8, duration=12.0),
        ),
        _sweeps(16, 4), seed=SEED, meaning="every scenario, in range, in gaps, outside, combined",
    )
    return {suite.name: suite for suite in (quick, core, full)}


SUITES = _suites()
"""By name; `fresh` is core with a seed drawn at the time."""

FRESH = "fresh"
LOCK = "suites.json"


def suite_named(name: str, seed: int | None = None) -> Suite:
    """A suite by name or id; of `fresh`, with the given seed or one drawn now.

    Raises
    ------
    InputError : no such suite, or another version of it.
    """
    if name in (FRESH, f"{FRESH}-v1"):
        core = SUITES["core"]
        drawn = secrets.randbelow(2**40) + 10_000 if seed is None else seed
        return dataclasses.replace(core, id=f"{FRESH}-v1", seed=drawn,
                                   meaning="core, with a seed drawn at the time and recorded")
    if seed is not None:
        raise InputError(f"suite {name!r} has a seed of its own; --seed is for {FRESH!r}")
    found = {**SUITES, **{suite.id: suite for suite in SUITES.values()}}
    if name not in found:
        near = difflib.get_close_matches(name, [*found, FRESH], n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join([*SUITES, FRESH])}"
        raise InputError(f"unknown suite {name!r}; {hint}")
    return found[name]


def locked() -> dict[str, dict[str, str]]:
    """The digests under which each suite id was published."""
    stored = files("evaluation.benchmark").joinpath(LOCK)
    found: dict[str, dict[str, str]] = json.loads(stored.read_text(encoding="utf-8"))
    return found
