"""What is known of a clip: masks over pixels, how training draws them, and the context they give.

A mask is (B, V, T, rows or 1, columns or 1) bool, True where the pixel is known; whole frames are
written with rows = columns = 1. Every mode of the model is a choice of mask.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np
import torch
from einops import rearrange, reduce
from torch import Tensor

from worldsim.diffusion.patches import PatchConfig, to_cells, to_unit
from worldsim.diffusion.sequence import Context

AGE_UNIT = 10.0
"""Seconds of distance to the reference that the network sees as 1."""


@dataclasses.dataclass(frozen=True)
class KnownDistribution:
    """How often training draws each kind of known set (the rest is `nothing known`).

    second : exactly the first group of frames, as in the standard query.
    prefix : the first 1 to 10 frames.
    long_prefix : from 10 frames to all but the last group, as when a rollout is extended.
    suffix : the last 1 to 10 frames.
    both_ends : a prefix and a suffix.
    cuboid : all but a box in time, rows and columns.
    everything : all frames; then the states are unknown (a learned instrument).
    other_view : with several views, how often one of them is known throughout.
    causal : share of batches in which no token sees a later group; their known sets are prefixes
        or nothing, since a later frame as reference would tell of the future.
    states_told, states_begun : share of clips whose states are known throughout, or where whole
        groups of frames are. states_told_of_water : the first where pixels and states are dreamed
        together.
    own_level : share of clips whose unknown states have noise levels of their own.
    """

    second: float = 0.56
    prefix: float = 0.10
    long_prefix: float = 0.10
    suffix: float = 0.03
    both_ends: float = 0.05
    cuboid: float = 0.04
    everything: float = 0.04
    other_view: float = 0.5
    causal: float = 0.4
    states_told: float = 0.6
    states_begun: float = 0.1
    states_told_of_water: float = 0.08
    own_level: float = 0.2

    def draw(self, rng: np.random.Generator, shape: tuple[int, int, int, int, int],
             group: int, causal: bool = False) -> Tensor:
        """A mask for each clip of a batch of shape (B, V, T, rows, columns)."""
        batch, views, frames, rows, columns = shape
        kinds = ("second", "prefix", "long_prefix", "suffix", "both_ends", "cuboid", "everything")
        chances = np.array([getattr(self, kind) for kind in kinds])
        if causal:
            chances[3:] = 0
        drawn = [str(rng.choice((*kinds, "nothing"), p=[*chances, 1 - chances.sum()]))
                 for _ in range(batch)]
        whole = "cuboid" not in drawn
        mask = np.zeros((batch, views, frames, *((1, 1) if whole else (rows, columns))), bool)
        for b, kind in enumerate(drawn):
            mask[b] = _draw_one(kind, rng, mask.shape[2:], group)
            if views > 1 and not causal and rng.random() < self.other_view:
                mask[b, 0 if rng.random() < 0.75 else int(rng.integers(1, views))] = True
        return torch.from_numpy(mask)

    def draw_paths(self, rng: np.random.Generator, shape: tuple[int, int], entities: int,
                   group: int, causal: bool = False) -> Tensor:
        """Which states are known, (B, E, G), where there are no pixels: (B, T) is the shape."""
        batch, frames = shape
        known = known_groups(self.draw(rng, (batch, 1, frames, 1, 1), group, causal), group)[:, 0]
        return (known & ~known.all(-1, keepdim=True))[:, None].expand(-1, entities, -1)

    def draw_states(self, rng: np.random.Generator, known: Tensor, entities: int, group: int,
                    foreseen: bool = True) -> Tensor:
        """Which states are known, (B, E, G), for clips of which the mask says what is."""
        wholly = known_groups(known, group)[:, :1]
        kinds = rng.random(len(known))
        told = torch.from_numpy(
            kinds < (self.states_told if foreseen else self.states_told_of_water))
        begun = torch.from_numpy(kinds > 1 - self.states_begun)
        everything = wholly.all(-1)[:, 0]
        which = told[:, None, None] | (begun[:, None, None] & wholly)
        return (which & ~everything[:, None, None]).expand(-1, entities, -1)


def known_groups(known: Tensor, group: int) -> Tensor:
    """(B, V, G): groups of frames without an unknown pixel."""
    return known.flatten(3).all(-1).unflatten(2, (-1, group)).all(-1)


def _draw_one(kind: str, rng: np.random.Generator, shape: tuple[int, ...],
              group: int) -> np.ndarray:
    frames = shape[0]
    mask = np.zeros(shape, bool)
    few = min(10, frames - 1)
    if kind == "second":
        mask[:group] = True
    if kind in ("prefix", "both_ends"):
        mask[: rng.integers(1, few + 1)] = True
    if kind == "long_prefix":
        mask[: rng.integers(min(10, frames // 2), max(frames - group, frames // 2) + 1)] = True
    if kind == "everything":
        mask[:] = True
    if kind in ("suffix", "both_ends"):
        mask[frames - rng.integers(1, few + 1):] = True
    if kind == "cuboid":
        mask[:] = True
        box = tuple(_interval(rng, n) for n in shape)
        mask[box] = False
    return mask


def _interval(rng: np.random.Generator, length: int) -> slice:
    extent = int(rng.integers(max(1, length // 4), length + 1))
    start = int(rng.integers(0, length - extent + 1))
    return slice(start, start + extent)


def nearest_known(known: Tensor, group: int) -> tuple[Tensor, Tensor]:
    """The known frame nearest in time to each group's centre; the earlier one of a tie.

    Returns
    -------
    index (B, V, G, rows or 1, columns or 1) of that frame, and exists, of the same shape.
    """
    frames = known.shape[2]
    centres = range(group // 2, frames, group)
    order = torch.tensor(centres, dtype=torch.int32).view(-1, 1, 1)
    never = 10 * frames
    before = _last_known(known, range(frames), -never, centres)
    after = _last_known(known, reversed(range(frames)), never, centres)
    index = torch.where(order - before <= after - order, before, after)
    exists = (index >= 0) & (index < frames)
    return index.clamp(0, frames - 1), exists


def _last_known(known: Tensor, order: Iterable[int], never: int, wanted: Sequence[int],
                ) -> Tensor:
    """Going through the frames in this order, the last known one at each of the wanted frames, in
    the order of time: (B, V, wanted, rows or 1, columns or 1)."""
    at, found = torch.full_like(known[:, :, 0], never, dtype=torch.int32), {}
    for frame in order:
        at = torch.where(known[:, :, frame], frame, at)
        if frame in wanted:
            found[frame] = at
    return torch.stack([found[frame] for frame in wanted], 2)


@dataclasses.dataclass(frozen=True)
class Reference:
    """The known pixel nearest in time, as pictures.

    picture : (B, V, G, rows, columns, 3) in [-1, 1], 0 where there is none.
    exists : (B, V, G, rows or 1, columns or 1). frame : (B, V, G) number of the frame, in the
    middle of the picture. age : as exists; s from the group's middle to the frame.
    """

    picture: Tensor
    exists: Tensor
    frame: Tensor
    age: Tensor


def reference_of(video_BVTHWC: Tensor, known: Tensor, group: int, seconds: Tensor,
                 share: Tensor | None = None, noise: Tensor | None = None) -> Reference:
    """The reference of every group of frames.

    Parameters
    ----------
    video_BVTHWC : uint8; unknown pixels are not read.
    known : the mask. seconds : (B,) duration of a group.
    share, noise : how much noise (B,) the reference gets, and the noise (B, V, G, rows, columns,
        3); None for none.
    """
    rows, columns = video_BVTHWC.shape[3:5]
    index, exists = nearest_known(known, group)
    spread = index.expand(-1, -1, -1, rows, columns)[..., None].expand(-1, -1, -1, -1, -1, 3)
    picture = to_unit(video_BVTHWC.gather(2, spread.long()))
    if share is not None and noise is not None:
        picture = torch.lerp(picture, noise, share.view(-1, 1, 1, 1, 1, 1))
    centres = torch.arange(index.shape[2]).mul(group).add(group // 2).view(-1, 1, 1)
    age = (index - centres) * exists * (seconds / group).view(-1, 1, 1, 1, 1)
    # Where there is none, the first frame: the last one would tell of the future.
    frame = torch.where(exists, index, 0)
    middle = frame[..., index.shape[3] // 2, index.shape[4] // 2].long()
    return Reference(picture * exists[..., None], exists, middle, age)


def context_cells(reference: Reference, known: Tensor, config: PatchConfig) -> Context:
    """What the network is told about known pixels, cell by cell."""
    rows, columns = reference.picture.shape[3:5]
    one_frame = dataclasses.replace(config, frames=1)
    full = (*reference.picture.shape[:3], rows, columns)
    return Context(
        known=_share(known.expand(*known.shape[:3], rows, columns), config),
        reference=to_cells(reference.picture, one_frame),
        valid=to_cells(reference.exists.expand(full)[..., None].float(), one_frame),
        age=_share((reference.age / AGE_UNIT).expand(full), one_frame),
    )


def _share(values: Tensor, config: PatchConfig) -> Tensor:
    """Mean over a cell's pixels, per frame: (B, V, T, rows, columns) to (B, N, S, F)."""
    cells = rearrange(
        values.float(), "b v (g f) (h i p) (w j q) -> b (v g h w) (i j) f (p q)",
        f=config.frames, i=config.patch // config.cell, j=config.patch // config.cell,
        p=config.cell, q=config.cell,
    )
    return reduce(cells, "b n s f p -> b n s f", "mean")


def group_levels(level_BVG: Tensor, known: Tensor, context_noise: Tensor, group: int) -> Tensor:
    """Levels of the groups, where wholly known groups are (nearly) clean: t = 1 - noise."""
    clean = (1 - context_noise).view(-1, 1, 1)
    return torch.where(known_groups(known, group), clean, level_BVG)
