"""How entities move: their states as departures from the nearest known ones.

What the known picture nearest in time is to pixels, the known state nearest in time is to states:
the network predicts how they differ. Its output for frame f, t seconds from that state p with the
rate of change v, is

    p + a v t + b t + c t^2 / 2 + d_f,

with a, b, c and d of the entity's token: what flies freely, slides or rests needs no more than the
first few, exactly, however coarse the numbers inside the network are. Where nothing is known, p, v
and t are 0.
"""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor, nn

from worldsim.diffusion.observables import NUMBERS

OCTAVES = 6
"""Of the Fourier features of positions, from half a turn per unit."""

EXTRA = 4
"""Numbers of a token besides the states: half sizes, presence."""

SPREAD_KNOWN, SPREAD_UNKNOWN = 0.5, 1.0
"""Typical departure from the nearest known state, and typical number where there is none."""

STEP = 4.0
"""Differences between frames are seen in units of 1 / STEP."""


@dataclasses.dataclass(frozen=True)
class Motion:
    """The known state nearest in time to every token.

    held : (B, E, G, 9 + 4) that state, and the half sizes and presence. rate : (B, E, G, 9) of its
    change [1/s]. time : (B, E, G, F) s from it to the token's frames. exists : (B, E, G, 1).
    """

    held: Tensor
    rate: Tensor
    time: Tensor
    exists: Tensor


def motion_of(numbers: Tensor, known: Tensor, seconds: Tensor, ahead: bool = True) -> Motion:
    """Find, for every token (B, E, G, …), the nearest group whose state is known, the earlier one
    of a tie; a known token is its own.

    seconds : (B,) duration of a group. ahead : whether later groups are looked at.
    """
    groups = numbers.shape[2]
    frames = numbers[..., :-EXTRA].unflatten(-1, (-1, NUMBERS))
    count = frames.shape[3]
    order = torch.arange(groups, device=numbers.device)
    never = 4 * groups
    there = known > 0
    before = torch.where(there, order, -never).cummax(-1).values
    after = torch.where(there, order, never).flip(-1).cummin(-1).values.flip(-1)
    later = (order - before > after - order) & ahead
    index = torch.where(later, after, before)
    exists = (index >= 0) & (index < groups)
    index = torch.where(exists, index, order)
    beside = index[..., None, None].expand(*index.shape, count, NUMBERS)
    near = frames.gather(2, beside)
    extra = numbers[..., -EXTRA:].gather(2, index[..., None].expand(*index.shape, EXTRA))
    step = (seconds / count)[:, None, None, None]
    # Slope of the straight line through the frames, which noise of the readings moves least.
    lever = torch.arange(count, device=numbers.device) - (count - 1) / 2
    slope = (near * lever[:, None]).sum(-2) / lever.square().sum().clamp_min(1) / step
    last = torch.where(later, 0, count - 1)
    place = last[..., None, None].expand(*last.shape, 1, NUMBERS)
    held = near.gather(3, place).squeeze(3)
    frame = torch.arange(count, device=numbers.device)
    time = ((order - index)[..., None] * count + frame - last[..., None]) * step
    there_too = exists[..., None]
    return Motion(torch.cat([held, extra], -1) * there_too, slope * there_too,
                  time * there_too, there_too.to(numbers.dtype))


def shrinkage(level: Tensor, spread: Tensor | float) -> Tensor:
    """The factor w that makes m + w (z - t m) the best linear estimate of data x of mean m and
    standard deviation `spread` from z = (1 - t) noise + t x (Wiener 1949)."""
    signal = level * spread * spread
    return signal / (level * signal + (1 - level).square()).clamp_min(1e-12)


def shrunk(noisy: Tensor, level: Tensor, motion: Motion) -> Tensor:
    """Best linear estimate of tokens (B, E, G, n) from noisy ones at `level` (B, E, G)."""
    count = motion.time.shape[-1]
    mean = torch.cat([motion.held[..., None, :NUMBERS].expand(
        *motion.time.shape, NUMBERS).flatten(-2), motion.held[..., NUMBERS:]], -1)
    assert mean.shape[-1] == count * NUMBERS + EXTRA
    spread = torch.where(motion.exists > 0, SPREAD_KNOWN, SPREAD_UNKNOWN)
    at = level[..., None]
    return mean + shrinkage(at, spread) * (noisy - at * mean)


def fourier(positions: Tensor) -> Tensor:
    """Sines and cosines (…, 6 * OCTAVES) of positions (…, 3)."""
    angles = positions[..., None] * (torch.pi / 2 * 2.0 ** torch.arange(
        OCTAVES, device=positions.device))
    return torch.cat([angles.sin(), angles.cos()], -1).flatten(-2)


class MotionReader(nn.Module):
    """Tokens of entities from their numbers and their nearest known states; single precision."""

    def __init__(self, frames: int, width: int) -> None:
        super().__init__()
        numbers = frames * NUMBERS + EXTRA
        differences = (frames - 1) * NUMBERS
        seen = 2 * numbers + 2 + differences + (2 * NUMBERS + EXTRA) + frames + 12 * OCTAVES
        self.up = nn.Linear(seen, 2 * width)
        self.down = nn.Linear(2 * width, width, bias=False)
        self.direct = nn.Linear(seen, width, bias=False)

    def forward(self, numbers: Tensor, valid: Tensor, known: Tensor, motion: Motion) -> Tensor:
        """numbers, valid : (B, E, G, n), `shrunk`; known : (B, E, G). Returns (B, E, G, width)."""
        with torch.autocast(numbers.device.type, enabled=False):
            numbers = (numbers * valid).float()
            frames = numbers[..., :-EXTRA].unflatten(-1, (-1, NUMBERS))
            steps = frames.diff(dim=-2) * STEP
            seen = torch.cat([
                numbers, valid, known[..., None], motion.exists, steps.flatten(-2),
                motion.held, motion.rate / 2, motion.time,
                fourier(frames[..., frames.shape[-2] // 2, :3]), fourier(motion.held[..., :3])],
                -1)
            hidden = nn.functional.silu(self.up(seen))
            return self.down(hidden) + self.direct(seen)


class MotionWriter(nn.Module):
    """Numbers of entities from their tokens; see the head of this file. Single precision."""

    def __init__(self, frames: int, width: int) -> None:
        super().__init__()
        self.frames = frames
        self.depart = nn.Linear(width, frames * NUMBERS + EXTRA)
        self.steer = nn.Linear(width, 3 * NUMBERS)

    def initialise(self) -> None:
        """Begin with what is known staying as it is."""
        for layer in (self.depart, self.steer):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, tokens: Tensor, motion: Motion) -> Tensor:
        """tokens : (B, E, G, width). Returns (B, E, G, frames * 9 + 4)."""
        with torch.autocast(tokens.device.type, enabled=False):
            tokens = tokens.float()
            follow, drift, bend = self.steer(tokens).unflatten(-1, (3, NUMBERS)).unbind(-2)
            time = motion.time[..., None]
            held, extra = motion.held.float().split([NUMBERS, EXTRA], -1)
            path = (held[..., None, :] + (follow * motion.rate + drift)[..., None, :] * time
                    + bend[..., None, :] * time.square() / 2)
            return self.depart(tokens) + torch.cat([path.flatten(-2), extra], -1)
