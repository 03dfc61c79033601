"""Declared numbers: every coefficient carries its unit, its uncertainty and where it is from.

A `Coefficient` is drawn from its declared law wherever it enters an estimate with an interval, so
that what could not be checked shows up as width and not as a footnote. The bibliography is
``sources.bib`` beside this file.
"""

from __future__ import annotations

import dataclasses
import re
from functools import cache
from importlib.resources import files
from typing import Literal

import numpy as np

from worldsim.errors import InputError
from worldsim.seeding import VISIBLE, stream

Standing = Literal["verified", "derived", "uncertain"]
"""verified: read at the source or in a named transcription of it. derived: computed here from
verified numbers. uncertain: remembered or assumed; its declared range is wide for that reason."""

Law = Literal["exact", "normal", "lognormal", "uniform"]


@dataclasses.dataclass(frozen=True)
class Coefficient:
    """One number that an estimate depends on.

    name : unique, dotted: the module's subject first.
    value : the central value (mean of a normal, median of a lognormal law, middle of a range).
    unit : CF unit, ``1`` for none.
    meaning : one line.
    sources : keys in the bibliography.
    standing : see `Standing`.
    law : how it is drawn. ``normal``: `spread` is the standard deviation. ``lognormal``: `spread`
        is that of the logarithm. ``uniform``: between `low` and `high`. Normal and lognormal draws
        are clipped to `low` and `high`.
    """

    name: str
    value: float
    unit: str
    meaning: str
    sources: tuple[str, ...]
    standing: Standing
    law: Law = "exact"
    spread: float = 0.0
    low: float = -np.inf
    high: float = np.inf

    def __post_init__(self) -> None:
        unknown = [key for key in self.sources if key not in bibliography()]
        if unknown or not self.sources:
            raise InputError(f"{self.name}: no source {unknown or ''} in worldsim/sources.bib; "
                             "add the BibTeX entry or name an existing key")
        if not self.low <= self.value <= self.high:
            raise InputError(f"{self.name}={self.value:g} {self.unit} is outside its own range "
                             f"{self.low:g} to {self.high:g} {self.unit}; correct one of them")
        if (self.law in ("normal", "lognormal")) != (self.spread > 0):
            raise InputError(f"{self.name}: law {self.law!r} with spread {self.spread:g}; give a "
                             "positive spread to normal and lognormal laws only")
        if self.law == "uniform" and not np.isfinite([self.low, self.high]).all():
            raise InputError(f"{self.name}: a uniform law needs finite low and high")

    def draw(self, seed: int, draws: int) -> np.ndarray:
        """(draws,) values, the same whatever else is drawn: keyed by seed and name only."""
        rng = stream(seed, 0, VISIBLE, f"coefficient {self.name}")
        if self.law == "exact":
            return np.full(draws, self.value)
        if self.law == "uniform":
            return rng.uniform(self.low, self.high, draws)
        noise = self.spread * rng.standard_normal(draws)
        drawn = self.value * np.exp(noise) if self.law == "lognormal" else self.value + noise
        return np.clip(drawn, self.low, self.high)

    def uncertainty(self) -> str:
        """The declared law in words, e.g. ``± 0.38`` or ``× or / 2.0``."""
        if self.law == "normal":
            return f"± {self.spread:.3g}"
        if self.law == "lognormal":
            return f"×/ {np.exp(self.spread):.3g}"
        if self.law == "uniform":
            return f"{self.low:.3g} .. {self.high:.3g}"
        # The number is used as it stands; what its source says of its scatter is not at hand.
        return {"verified": "as published", "derived": "as derived",
                "uncertain": "not known"}[self.standing]


@cache
def bibliography() -> dict[str, str]:
    """BibTeX entries by key, in the order of the file."""
    text = files("worldsim").joinpath("sources.bib").read_text(encoding="utf-8")
    entries = {}
    for entry in re.split(r"\n(?=@)", text.strip()):
        found = re.match(r"@\w+\{([^,\s]+),", entry)
        assert found, f"not a BibTeX entry: {entry[:60]!r}"
        entries[found.group(1)] = entry.strip()
    return entries
