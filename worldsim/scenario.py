"""A scenario is one experiment's complete definition: a frozen dataclass of declared parameters.

The declaration of a `Parameter` is the only place where its unit, ranges and meaning are written;
command line, validation, sampling, captions and the model's conditioning are derived from it.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import json
import math
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import Any, ClassVar, Self

import numpy as np

from worldsim.errors import InputError

ENTRY_POINT_GROUP = "worldsim.scenarios"


@dataclasses.dataclass(frozen=True)
class Parameter:
    """What one field of a scenario means and which values it takes.

    training : the range the shipped model is trained on; `sample` draws from it uniformly.
    physical : the range in which the simulation means anything; values outside are refused.
    choices : for a categorical parameter, the allowed values (ranges are then empty).
    seen : whether it changes what a video of the whole scene shows. World models are not told, and
        baselines do not compare, what does not (how soon people are warned, say).
    whole : whether only whole numbers mean anything (counts).
    gap : the part of the training range that training never sees; found by `worldsim.splits` if
        none is given.
    """

    meaning: str
    unit: str = "1"
    training: tuple[float, float] = (math.nan, math.nan)
    physical: tuple[float, float] = (math.nan, math.nan)
    choices: tuple[str, ...] = ()
    seen: bool = True
    whole: bool = False
    gap: tuple[float, float] | None = None

    def check(self, name: str, value: object) -> None:
        """Raise `InputError` unless the value is allowed."""
        if self.choices:
            if value not in self.choices:
                near = difflib.get_close_matches(str(value), self.choices, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                raise InputError(f"{name}={value!r} is not one of {', '.join(self.choices)}{hint}")
            return
        low, high = self.physical
        if isinstance(value, bool) or not isinstance(value, int | float | np.number):
            raise InputError(
                f"{name}={value!r} is not a number; give {low:g} to {high:g} {self.unit}"
            )
        if not low <= float(value) <= high:
            raise InputError(
                f"{name}={value:g} {self.unit} is outside the physical range; "
                f"give {low:g} to {high:g} {self.unit}"
            )
        if self.whole and float(value) != round(float(value)):
            raise InputError(f"{name}={value:g} is a count; give a whole number")

    def draw(self, rng: np.random.Generator) -> Any:
        """A value drawn uniformly from the training range, or from the choices."""
        if self.choices:
            return self.choices[int(rng.integers(len(self.choices)))]
        low, high = self.training
        if self.whole:
            return float(rng.integers(math.ceil(low), math.floor(high) + 1))
        return float(rng.uniform(low, high))

    def extrapolates(self, value: object) -> bool:
        """Whether a (valid) value lies outside the training range."""
        if self.choices:
            return False
        return not self.training[0] <= float(value) <= self.training[1]  # type: ignore[arg-type]


def parameter(
    default: float,
    *,
    unit: str,
    training: tuple[float, float],
    physical: tuple[float, float],
    meaning: str,
    seen: bool = True,
    whole: bool = False,
    gap: tuple[float, float] | None = None,
) -> Any:
    """Declare a scenario parameter, a quantity or a count, as a dataclass field."""
    spec = Parameter(meaning, unit, training, physical, seen=seen, whole=whole, gap=gap)
    return dataclasses.field(default=default, metadata={"parameter": spec})


def choice(default: str, choices: tuple[str, ...], *, meaning: str, seen: bool = True) -> Any:
    """Declare a categorical scenario parameter as a dataclass field."""
    spec = Parameter(meaning, choices=choices, seen=seen)
    return dataclasses.field(default=default, metadata={"parameter": spec})


@dataclasses.dataclass(frozen=True)
class Observable:
    """What can be read off a scenario: its name, unit and meaning."""

    name: str
    unit: str
    meaning: str


@dataclasses.dataclass(frozen=True)
class ClosedForm:
    """What physics says of a scenario without simulating it; tests hold the simulator to it.

    formula : in plain text. tolerance : greatest relative deviation that the tests allow.
    source : where the formula is from.
    """

    name: str
    formula: str
    tolerance: float
    source: str


@dataclasses.dataclass(frozen=True)
class Scenario:
    """Base of all scenarios. Subclass it as a frozen dataclass; see `scenarios/tsunami.py`."""

    name: ClassVar[str]
    version: ClassVar[int]
    """Raised whenever the same parameters and seed give another truth; checkpoints carry it."""
    summary: ClassVar[str]
    duration: ClassVar[float]
    """Default length of a rollout in seconds."""
    leaves_out: ClassVar[str]
    """What the simulator leaves out, as reports say it."""
    phrasings: ClassVar[tuple[str, ...]] = ()
    """Captions with parameters in braces: ``"a ball falls from {height:.2g} m"``."""
    observables: ClassVar[tuple[Observable, ...]] = ()
    checks: ClassVar[tuple[ClosedForm, ...]] = ()
    size: ClassVar[tuple[int, int]] = (64, 96)
    """Rows and columns of a video, unless asked otherwise."""
    fps: ClassVar[float] = 5.0
    """Frames per second of a video, unless asked otherwise."""
    film_cameras: ClassVar[tuple[str, ...]] = ("overhead", "street")
    """The views that world models are taught and reports show."""
    mirror_axes: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """The image axis, "rows" or "columns", along which a plane of symmetry flips each view: where
    the mirror image of a case is as likely as the case, world models are taught both."""
    clip_duration: ClassVar[float | None] = None
    """s of the clips that world models are taught, where longer than a rollout."""
    held_out: ClassVar[bool] = True
    """Whether training leaves gaps and a combination of parameters to be asked about later."""
    combination: ClassVar[Mapping[str, tuple[Any, ...]]] = MappingProxyType({})
    """Ranges (low, high), or choices, of parameters that training never sees together; found by
    `worldsim.splits` if none are given."""

    def __post_init__(self) -> None:
        for name, spec in self.parameters().items():
            spec.check(name, getattr(self, name))

    @classmethod
    def parameters(cls) -> dict[str, Parameter]:
        """The declared parameters by name, in order of declaration."""
        return {f.name: f.metadata["parameter"] for f in dataclasses.fields(cls)}

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        """Draw every parameter uniformly from its training range."""
        return cls(**{name: spec.draw(rng) for name, spec in cls.parameters().items()})

    def values(self) -> dict[str, Any]:
        """Parameter values by name."""
        return dataclasses.asdict(self)

    def matters(self, name: str) -> bool:
        """Whether a parameter changes anything, as the others are: the speed of a ball means
        nothing where none is thrown. Splits do not count what does not matter."""
        return True

    def codes(self) -> dict[str, float]:
        """Parameter values as numbers: categorical ones by their index in `choices`."""
        return {
            name: float(
                spec.choices.index(getattr(self, name)) if spec.choices else getattr(self, name)
            )
            for name, spec in self.parameters().items()
        }

    @classmethod
    def from_codes(cls, codes: Mapping[str, float]) -> Self:
        """The inverse of `codes`."""
        return cls(
            **{
                name: spec.choices[int(codes[name])] if spec.choices else float(codes[name])
                for name, spec in cls.parameters().items()
            }
        )

    def caption(self) -> str:
        """The scenario in one English sentence, derived from the declaration."""
        parts = [
            f"{name.replace('_', ' ')} {getattr(self, name)}"
            if spec.choices
            else f"{name.replace('_', ' ')} {getattr(self, name):g} {spec.unit}".removesuffix(" 1")
            for name, spec in self.parameters().items()
        ]
        return f"{self.summary} ({', '.join(parts)})"

    def captions(self) -> tuple[str, ...]:
        """The scenario in English, in several phrasings; the last one tells every parameter."""
        return (*(text.format(**self.values()) for text in self.phrasings), self.caption())

    def to_json(self) -> str:
        """Name, version and parameter values as JSON."""
        return json.dumps({"name": self.name, "version": self.version, "parameters": self.values()})

    def scene(self, seed: int, case: int) -> Any:
        """All that can be seen at t=0 of one case: a `worldsim.mechanics.MechanicalScene`, or,
        where there is water, a `worldsim.simulator.scene.Scene`."""
        raise TypeError(f"{type(self).__name__} must define scene(seed, case)")

    def hidden(self, scene: Any, seed: int, case: int, realization: int) -> Any:
        """One draw of what cannot be seen: `Hidden` or `MechanicalHidden`, as the scene."""
        raise TypeError(f"{type(self).__name__} must define hidden(scene, seed, case, realization)")


def scenario_class(name: str) -> type[Scenario]:
    """The scenario of that name among the installed packages.

    Raises
    ------
    InputError : unknown name; the message gives the nearest one.
    """
    if name not in _offered():
        _offered.cache_clear()  # a package may have been installed meanwhile
    found = _offered()
    if name not in found:
        near = difflib.get_close_matches(name, found, n=1)
        hint = (
            f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(found)) or 'none'}"
        )
        raise InputError(f"unknown scenario {name!r}; {hint}")
    cls = found[name].load()
    if not (isinstance(cls, type) and issubclass(cls, Scenario)):
        raise InputError(
            f"entry point {name!r} ({found[name].value}) is not a worldsim Scenario class"
        )
    return cls


@functools.cache
def _offered() -> dict[str, EntryPoint]:
    """Reading what all installed packages offer takes 10 ms, and every query asks."""
    return {point.name: point for point in entry_points(group=ENTRY_POINT_GROUP)}


def list_scenarios() -> list[str]:
    """Names of all scenarios that installed packages offer."""
    return sorted({point.name for point in entry_points(group=ENTRY_POINT_GROUP)})


def make(name: str, **values: Any) -> Scenario:
    """Make a scenario, e.g. ``make("tsunami", wave_height=6.0, building="timber")``.

    Raises
    ------
    InputError : unknown scenario or parameter (with the nearest name), or a value out of range.
    """
    cls = scenario_class(name)
    known = cls.parameters()
    for given in values:
        if given not in known:
            near = difflib.get_close_matches(given, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(known)}"
            raise InputError(f"scenario {name!r} has no parameter {given!r}; {hint}")
    return cls(**values)
