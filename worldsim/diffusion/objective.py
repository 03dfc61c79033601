"""The training objective: an x-prediction scored as a velocity, on unknown pixels that matter."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from worldsim.diffusion.known import KnownDistribution
from worldsim.diffusion.motion import EXTRA
from worldsim.diffusion.observables import NUMBERS
from worldsim.diffusion.schedule import LevelDistribution, mix, velocity_weight
from worldsim.diffusion.sequence import States


@dataclasses.dataclass(frozen=True)
class Emphasis:
    """Which pixels count more than others.

    The best prediction is the mean over what may be true, weighted like the loss. A weight that
    depends on the answer therefore tilts it: a pixel that counts 60 times if debris turn out to
    be there is painted as debris where they are one chance in ten. `moving`, `changed` and
    `salient` do so; they are quick to learn from, and matter little at the end.
    `expected` does not: it depends only on what the network itself expects, hence on its input.
    `near` hardly does: it is shared by all places within reach of the true one.

    moving : extra weight of pixels that change from frame to frame.
    changed : extra weight of pixels that differ from the clip's first frame.
    salient : extra weight of small saturated things (debris), moving or not.
    near : extra weight of everything within `reach` pixels and one frame of such things.
    reach : half side of that neighbourhood [px].
    expected : extra weight of the cells in which the network expects such things.
    """

    moving: float = 0.0
    changed: float = 0.0
    salient: float = 0.0
    near: float = 0.0
    reach: int = 10
    expected: float = 0.0


@dataclasses.dataclass(frozen=True)
class ObjectiveConfig:
    """What is drawn in training, and what counts.

    town, others : which pixels count more, in scenes of towns and in all others. In towns the
        weights hardly tilt the answer: without any, the network forgot debris within 200 steps;
        so they weigh 41 : 5 against what is near them where it expects nothing, and 65 : 29
        where it does.
    context_noise : largest noise on known pixels; half of the clips have none.
    states_noise : least and largest noise on known states where there are only states; 0.3 of the
        clips have none.
    from_noise : share of clips whose unknown states are all noise: what follows from what is known
        and told is learned there.
    drop : chance that a parameter is not told.
    states : weight of the states' loss beside that of the pixels.
    """

    levels: LevelDistribution = dataclasses.field(default_factory=LevelDistribution)
    known: KnownDistribution = dataclasses.field(default_factory=KnownDistribution)
    town: Emphasis = Emphasis(salient=40.0, near=4.0, expected=24.0)
    others: Emphasis = Emphasis(moving=10.0, changed=2.0)
    context_noise: float = 0.1
    states_noise: tuple[float, float] = (0.0005, 0.03)
    from_noise: float = 0.35
    drop: float = 0.1
    states: float = 1.0

    def draw_states_noise(self, rng: np.random.Generator, count: int, alone: bool) -> Tensor:
        """Noise (count,) of known states: none beside pixels, which are to show what is said."""
        low, high = np.log(self.states_noise)
        noise = np.exp(rng.uniform(low, high, count)) * (rng.random(count) > 0.3)
        return torch.from_numpy(noise if alone else np.zeros(count)).float()


MOVES = 10
"""Difference of a colour channel (of 255) from which a pixel counts as changed."""


def salient(video_u8: Tensor) -> Tensor:
    """Pixels of a saturated colour that is not water's: red, yellow, lime, magenta, violet …

    Saturated: the channels span more than 110 of 255. Water (cyan to blue) is where red is the
    smallest and blue the largest channel.
    """
    red, green, blue = video_u8.unbind(-1)
    largest = torch.maximum(torch.maximum(red, green), blue)
    smallest = torch.minimum(torch.minimum(red, green), blue)
    watery = (red == smallest) & (blue == largest)
    return (largest - smallest > 110) & ~watery


def importance(video_BVTHWC: Tensor, config: Emphasis) -> Tensor:
    """Weight of every pixel (B, V, T, rows, columns) uint8, 1 for what rests."""
    differs = (video_BVTHWC[:, :, 1:].short() - video_BVTHWC[:, :, :-1]).abs().amax(-1) > MOVES
    moving = torch.zeros(video_BVTHWC.shape[:-1], dtype=torch.bool)
    moving[:, :, 1:] = differs
    moving[:, :, :-1] |= differs
    changed = (video_BVTHWC.short() - video_BVTHWC[:, :, :1]).abs().amax(-1) > MOVES
    strong = moving * config.moving
    if config.salient or config.near:
        things = salient(video_BVTHWC)
        strong = torch.maximum(strong, things * config.salient)
    if config.near:
        strong = torch.maximum(strong, neighbourhood(things, config.reach) * config.near)
    return (1 + torch.maximum(strong, changed * config.changed)).to(torch.uint8)


def neighbourhood(mask_BVTHW: Tensor, reach: int) -> Tensor:
    """Pixels within `reach` rows and columns, and one frame, of a pixel of the mask."""
    wide = mask_BVTHW.flatten(0, 1).to(torch.float32)
    for axis, steps in enumerate((1, reach, reach)):
        size, padding = [1, 1, 1], [0, 0, 0]
        size[axis], padding[axis] = 2 * steps + 1, steps
        wide = F.max_pool3d(wide, size, 1, padding)
    return wide.bool().view_as(mask_BVTHW)


def expectation(predicted: Tensor) -> Tensor:
    """How much a predicted cell looks as if something saturated were in it: (B, N, S, 1), 0 to 1.

    predicted : (B, N, S, C, F*P) in [-1, 1]. Counted is what neither water (red < green < blue)
    nor ground reaches: red above green, green above blue, or a blue far above green (violet).
    No gradient passes, so that the network cannot lower the loss by expecting nothing.
    """
    red, green, blue = predicted.detach().unbind(-2)
    margin = torch.maximum(torch.maximum(red - green, green - blue), blue - green - 0.25)
    return ((margin - 0.4) / 0.4).clamp(0, 1).amax(-1, keepdim=True)


def noisy_cells(clean: Tensor, noise: Tensor, level: Tensor, known: Tensor,
                context_noise: Tensor) -> Tensor:
    """The network's input: unknown pixels at their group's level, known ones nearly clean.

    clean, noise : (B, N, S, C, F*P); level (B, N); known (B, N, S, F*P) bool; context_noise (B,).
    """
    share = torch.where(known, (1 - context_noise).view(-1, 1, 1, 1), level[..., None, None])
    return mix(clean, noise, share[..., None, :])


def velocity_loss(predicted: Tensor, clean: Tensor, level: Tensor, known: Tensor,
                  weight: Tensor, expected: float = 0.0) -> Tensor:
    """Weighted mean square error of the velocity over unknown pixels; shapes as `noisy_cells`.

    expected : `Emphasis.expected`; comes on top of `weight`.
    """
    error = (predicted - clean).square().mean(-2)
    if expected:
        weight = weight + expected * expectation(predicted)
    counted = weight * ~known
    weighted = error * counted * velocity_weight(level)[..., None, None]
    return weighted.sum() / counted.sum().clamp_min(1)



TURN_WEIGHT = 0.1
"""Of errors of turns beside those of positions, each in proportion to what is typical."""

EXTRA_WEIGHTS = (0.1, 0.1, 0.1, 0.05)
"""Of errors of half sizes and presence."""

EXTRA_ROBUST = 0.1
"""Error of these from which on it counts linearly."""

ROBUST = 3.0
"""Times the typical error from which on an error counts linearly."""

STEP_SHARE, STEP_WEIGHT = 0.25, 0.5
"""How the step of an error from frame to frame counts: as an error that is typically a quarter of
that of the position, half as much. Paths are to be smooth: a velocity is a small difference."""


def states_loss(predicted: Tensor, states: States, clean: Tensor, typical: Tensor) -> Tensor:
    """Weighted error of the unknown states; (B, E, G, numbers) each.

    typical : (B, E, G, F, 2) of positions and turns (`worldsim.diffusion.typical_error`). The
    square of an error over twice the typical one; pseudo-Huber (Charbonnier et al. 1994), so that
    where a path has become a matter of chance, single large errors do not drown the others. The
    same of the errors' steps from frame to frame.
    """
    counted = states.valid * (1 - states.known[..., None])
    error = predicted.float() - clean
    turns = TURN_WEIGHT * torch.ones(NUMBERS - 3, device=error.device)
    weight = torch.cat([torch.ones(3, device=error.device), turns])
    scale = torch.cat([typical[..., :1].expand(*typical.shape[:-1], 3),
                       typical[..., 1:].expand(*typical.shape[:-1], NUMBERS - 3)], -1)
    path, there = (part[..., :-EXTRA].unflatten(-1, (-1, NUMBERS)) for part in (error, counted))
    weights = weight * there
    far = robust(path, scale) * weights
    # Known states come back as they are: the first step goes from no error.
    places = torch.where(there > 0, path, 0.0)[..., :3].flatten(2, 3)
    valid = states.valid[..., :-EXTRA].unflatten(-1, (-1, NUMBERS))[..., :3].flatten(2, 3)
    unknown = there[..., :3].flatten(2, 3)
    stepped = torch.maximum(unknown[:, :, 1:], unknown[:, :, :-1]) * (
        valid[:, :, 1:] * valid[:, :, :-1]) * STEP_WEIGHT
    sizes = typical[..., :1].flatten(2, 3)
    steps = robust(places.diff(dim=2), STEP_SHARE * torch.minimum(sizes[:, :, 1:],
                                                                  sizes[:, :, :-1]))
    extra_far, extra_weights = _extra(error, counted)
    total = far.sum() + (steps * stepped).sum() + extra_far.sum()
    return total / (weights.sum() + stepped.sum() + extra_weights.sum()).clamp_min(1)


NEARLY, NEARLY_TURNED = 2e-3, 2e-2
"""Errors of laws, of places (a fifteenth of a pixel of 64) and of turns, that count linearly."""

LAWS_TURNS = 0.1
"""Of errors of turns beside those of places."""


def laws_loss(predicted: Tensor, states: States, clean: Tensor) -> Tensor:
    """Error of where the laws lead; (B, E, G, numbers) each.

    The logarithm of one plus the error: near contacts and late in a path errors are a hundred times
    those of free flight, and neither may drown the other (Black & Anandan 1996, "The robust
    estimation of multiple motions").
    """
    counted = states.valid * (1 - states.known[..., None])
    error = predicted.float() - clean
    path, there = (part[..., :-EXTRA].unflatten(-1, (-1, NUMBERS)) for part in (error, counted))
    exists = (states.known > 0).any(-1)[..., None, None]
    places, turns = (((path * there)[..., part].square().sum(-1) + 1e-12).sqrt()
                     for part in (slice(0, 3), slice(3, NUMBERS)))
    weights = there[..., 0] * exists
    far = (places / NEARLY).log1p() + LAWS_TURNS * (turns / NEARLY_TURNED).log1p()
    return LAWS_WEIGHT * (far * weights).sum() / weights.sum().clamp_min(1)


def solids_loss(predicted: Tensor, clean: Tensor, valid: Tensor) -> Tensor:
    """Error of half sizes and presence (B, E, 1, 4), of numbers (B, E, G, …)."""
    extra, weights = _extra(predicted - clean[:, :, :1, -EXTRA:], valid[:, :, :1])
    return extra.sum() / weights.sum().clamp_min(1)


STEPPED = 1e-3
"""Errors of places a frame later up to which they count as squares: a thirtieth of a
pixel of 64."""

BLOW, HARDEST = 0.01, 10.0
"""Change of a body's way in a frame that doubles the weight of its error; largest weight."""


def next_frames_loss(predicted: Tensor, clean: Tensor, straight: Tensor, valid: Tensor) -> Tensor:
    """Mean length of the errors (B, E, T, 9) of frames foreseen from those before, where `valid`
    (Charbonnier et al. 1994).

    straight : where bodies would be without forces. Blows are rare, one frame in a hundred, and a
    body that is never struck is right in all others: they count for more, which tilts nothing,
    since they follow from what is seen.
    """
    error = (predicted - clean) * valid
    places, turns = ((error[..., part].square().sum(-1) + STEPPED**2).sqrt() - STEPPED
                     for part in (slice(0, 3), slice(3, NUMBERS)))
    struck = ((clean - straight) * valid)[..., :3].square().sum(-1).sqrt() / BLOW
    weight = (1 + struck).clamp_max(HARDEST)
    return ((weight * places + LAWS_TURNS * turns).sum() / valid[..., 0].sum().clamp_min(1)) / NEXT


NEXT = 0.02
"""Brings that error to the size of the other losses: a typical change of a way in a frame."""

LAWS_WEIGHT = 0.05
"""Brings that logarithm to the size of the other losses."""


def _extra(error: Tensor, counted: Tensor) -> tuple[Tensor, Tensor]:
    """Weighted errors of half sizes and presence, and their weights."""
    extra = error[..., -EXTRA:]
    far = EXTRA_ROBUST * extra.square() / ((extra.square() + EXTRA_ROBUST**2).sqrt()
                                           + EXTRA_ROBUST)
    weights = extra.new_tensor(EXTRA_WEIGHTS) * counted[..., -EXTRA:]
    return far * weights, weights


def robust(error: Tensor, typical: Tensor) -> Tensor:
    """Squares of errors over twice the typical one, linear where they are much larger."""
    times = error / typical
    return typical * times.square() / ((1 + (times / ROBUST).square()).sqrt() + 1)
