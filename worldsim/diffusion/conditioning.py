"""What the network is told besides pixels: parameters, noise levels, camera, clip start.

Parameters are standardised (after a logarithm where the range is positive), expanded in Fourier
features and joined by a presence bit, so that any subset of them can be told; a parameter that is
not told is marginalised. Names and ranges travel in the checkpoint's ``config.json``.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from worldsim.errors import InputError

FOURIER_OCTAVES = 3


@dataclasses.dataclass(frozen=True)
class ParameterSpec:
    """One conditioning parameter as the network knows it.

    name, unit : as the scenario declares them.
    low, high : training range; for choices 0 and the last code.
    choices : names of the values of a categorical parameter.
    """

    name: str
    unit: str = "1"
    low: float = 0.0
    high: float = 1.0
    choices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.choices and not self.low < self.high:
            raise InputError(
                f"parameter {self.name!r} has the empty range {self.low} to {self.high}")

    @property
    def features(self) -> int:
        """Number of features of a value."""
        return len(self.choices) if self.choices else 1 + 2 * FOURIER_OCTAVES

    @property
    def log_half(self) -> float:
        """Half the logarithm of the range where a value is told as its logarithm, else 0."""
        return math.log(self.high / self.low) / 2 if self.low > 0 and not self.choices else 0.0

    def encode(self, values: Tensor) -> Tensor:
        """Values (B,) to features (B, features); the range is mapped to -1 … 1."""
        if self.choices:
            return torch.nn.functional.one_hot(values.long(), len(self.choices)).float()
        low, high, scaled = self.low, self.high, values.double()
        if self.low > 0:
            low, high, scaled = math.log(low), math.log(high), scaled.clamp_min(1e-6).log()
        unit = ((2 * scaled - low - high) / (high - low)).float()
        angles = unit[:, None] * (math.pi / 2) * 2.0 ** torch.arange(FOURIER_OCTAVES)
        return torch.cat([unit[:, None], angles.sin(), angles.cos()], dim=1)

    def extrapolates(self, values: np.ndarray) -> np.ndarray:
        """Which values lie outside the training range."""
        return (values < self.low) | (values > self.high)

    def beyond(self, values: np.ndarray) -> np.ndarray:
        """How far values lie outside the training range, in widths of it (of its logarithm where
        it is positive); 0 within. Of choices, 1 for those that training did not know."""
        if self.choices:
            return self.extrapolates(values).astype(float)
        low, high, at = self.low, self.high, np.asarray(values, float)
        if self.low > 0:
            low, high, at = math.log(low), math.log(high), np.log(at.clip(min=1e-6))
        outside = np.maximum(np.maximum(low - at, at - high), 0) / (high - low)
        return np.asarray(np.where(self.extrapolates(values), outside, 0.0))


CLIP_START = "clip_start"
"""The reserved parameter that says how long after the scenario's start the clip begins [s]."""


def feature_width(specs: Sequence[ParameterSpec]) -> int:
    """Number of features that hold a value of any of the parameters."""
    return max([1 + 2 * FOURIER_OCTAVES, *(spec.features for spec in specs)])


@dataclasses.dataclass(frozen=True)
class Told:
    """Parameters as the network is told them, slot by slot.

    features : (B, slots, features), zeros where not told. presence : (B, slots).
    number : (B, slots) which of all parameters a slot is about; the number after the last one for
        slots that are about none.
    """

    features: Tensor
    presence: Tensor
    number: Tensor

    def untold(self) -> Told:
        """The same slots with nothing told."""
        return dataclasses.replace(self, features=torch.zeros_like(self.features),
                                   presence=torch.zeros_like(self.presence))


def encode_parameters(specs: Sequence[ParameterSpec], values: Mapping[str, np.ndarray],
                      batch: int, *, first: int = 0, slots: int | None = None,
                      width: int | None = None, none: int | None = None) -> Told:
    """Parameter values to network input.

    Parameters
    ----------
    specs : the parameters of one scenario.
    values : any subset of them, each (batch,); NaN means not told.
    first : number of the first of them among all that the network knows.
    slots, width, none : slots and features to fill up to, and the number of an empty slot; by
        default as many as there are parameters.

    Raises
    ------
    InputError : a parameter that the network does not know.
    """
    unknown = set(values) - {spec.name for spec in specs}
    if unknown:
        raise InputError(
            f"the model was not trained with parameter {sorted(unknown)[0]!r}; "
            f"it knows {', '.join(spec.name for spec in specs)}"
        )
    slots = len(specs) if slots is None else slots
    features = torch.zeros(batch, slots, feature_width(specs) if width is None else width)
    presence = torch.zeros(batch, slots)
    number = torch.full((batch, slots), len(specs) if none is None else none)
    for slot, spec in enumerate(specs):
        given = torch.as_tensor(np.asarray(values.get(spec.name, np.full(batch, np.nan)), float))
        present = ~given.isnan()
        middle = (spec.low + spec.high) / 2
        encoded = spec.encode(torch.where(present, given, 0 if spec.choices else middle))
        features[:, slot, :spec.features] = encoded * present[:, None]
        presence[:, slot] = present.float()
        number[:, slot] = first + slot
    return Told(features, presence, number)


class ParameterEncoder(nn.Module):
    """Parameters to one vector per slot (B, slots, width); `count` is of all parameters."""

    def __init__(self, count: int, features: int, width: int) -> None:
        super().__init__()
        self.values = nn.Parameter(torch.randn(count + 1, features, width) * features**-0.5)
        self.name = nn.Parameter(torch.randn(count + 1, width) * 0.02)
        self.present = nn.Parameter(torch.randn(count + 1, width) * 0.02)
        self.mix = nn.Sequential(nn.SiLU(), nn.Linear(width, width))

    def forward(self, told: Told) -> Tensor:
        values = (told.features[..., None] * self.values[told.number]).sum(-2)
        present = told.presence[..., None] * self.present[told.number]
        return self.mix(values + present + self.name[told.number])


class LevelEncoder(nn.Module):
    """Noise levels in [0, 1], any shape, to vectors: sinusoidal features, then an MLP."""

    def __init__(self, width: int, features: int = 64) -> None:
        super().__init__()
        self.frequencies: Tensor
        self.register_buffer(
            "frequencies", torch.logspace(0, 3, features // 2), persistent=False
        )
        self.mlp = nn.Sequential(nn.Linear(features, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, level: Tensor) -> Tensor:
        angles = level[..., None] * self.frequencies
        return self.mlp(torch.cat([angles.sin(), angles.cos()], dim=-1))
