"""How entities move: their states as departures from where laws lead.

What the known picture nearest in time is to pixels, the known state nearest in time is to states:
from it the laws (`worldsim.diffusion.laws`) say, in single precision, where a body goes by itself
and with others. Tokens are told where that leads (`MotionReader`), and say what departs from it,
d, and whether anything does, w (`MotionWriter`): x(t) = lawful(t) + s(t) w_f d_f. Near a known
state little departs, s(t) = |t| / (|t| + 0.3 s), and what is as small as noise is left out
(`sparse`). Where nothing is known, the lawful state and t are 0 and s is 1.
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

NEAR = 0.3
"""s from a known state, at which departures count half."""

OUTSIDE = 4.0
"""Normalised positions beyond which tokens are not told where the laws lead."""

NOISE = 0.06
"""Length of a departure, normalised, that counts half."""

HARDLY = 0.02
"""Share of the weights that departures would have otherwise, at first."""

@dataclasses.dataclass(frozen=True)
class Motion:
    """The known state nearest in time to every token.

    held : (B, E, G, 9 + 4) that state, and the half sizes and presence. rate : (B, E, G, 9) of its
    change [1/s] in the middle of the known frames; curve : its own change [1/s2]; late : (B, E, G,
    1) s from that middle to the state. time : (B, E, G, F) s from it to the token's frames.
    exists : (B, E, G, 1).
    pushed : (B, E, G, F, 3) way that pushes since then would take the body in free flight.
    """

    held: Tensor
    rate: Tensor
    time: Tensor
    exists: Tensor
    pushed: Tensor
    curve: Tensor
    late: Tensor


def nearest_group(known: Tensor, ahead: bool = True) -> tuple[Tensor, Tensor, Tensor]:
    """For every token (B, E, G) the number of the nearest known group, the earlier one of a tie;
    whether that lies later; and whether there is any. A known token is its own."""
    groups = known.shape[2]
    order = torch.arange(groups, device=known.device)
    never = 4 * groups
    there = known > 0
    before = torch.where(there, order, -never).cummax(-1).values
    after = torch.where(there, order, never).flip(-1).cummin(-1).values.flip(-1)
    later = (order - before > after - order) & ahead
    index = torch.where(later, after, before)
    exists = (index >= 0) & (index < groups)
    return torch.where(exists, index, order), later, exists


def motion_of(numbers: Tensor, known: Tensor, seconds: Tensor, push: Tensor,
              ahead: bool = True) -> Motion:
    """Find, for every token (B, E, G, …), the nearest group whose state is known, the earlier one
    of a tie; a known token is its own.

    seconds : (B,) duration of a group. push : (B, E, G, 5) as `sequence.States` has it.
    ahead : whether later groups are looked at.
    """
    frames = numbers[..., :-EXTRA].unflatten(-1, (-1, NUMBERS))
    count = frames.shape[3]
    index, later, exists = nearest_group(known, ahead)
    order = torch.arange(numbers.shape[2], device=numbers.device)
    beside = index[..., None, None].expand(*index.shape, count, NUMBERS)
    near = frames.gather(2, beside)
    extra = numbers[..., -EXTRA:].gather(2, index[..., None].expand(*index.shape, EXTRA))
    step = (seconds / count)[:, None, None, None]
    frame = torch.arange(count, device=numbers.device)
    last = torch.where(later, 0, count - 1)
    then = (index * count + last)[..., None] * step
    # The rate is that of the known frames as they would be without a push among them.
    calm = near.clone()
    calm[..., :3] -= flight(push, (index[..., None] * count + frame) * step, then, seconds)
    # Slope of the straight line through the frames, which noise of the readings moves least.
    lever = frame - (count - 1) / 2
    slope = (calm * lever[:, None]).sum(-2) / lever.square().sum().clamp_min(1) / step
    bow = lever.square() - lever.square().mean()
    curve = 2 * (calm * bow[:, None]).sum(-2) / bow.square().sum().clamp_min(1) / step.square()
    late = lever[last][..., None] * step
    place = last[..., None, None].expand(*last.shape, 1, NUMBERS)
    held = near.gather(3, place).squeeze(3)
    here = (order[:, None] * count + frame) * step
    there_too = exists[..., None]
    return Motion(torch.cat([held, extra], -1) * there_too, slope * there_too,
                  (here - then) * there_too, there_too.to(numbers.dtype),
                  flight(push, here, then, seconds) * there_too[..., None],
                  curve * there_too, late * there_too)


def flight(push: Tensor, here: Tensor, then: Tensor, seconds: Tensor) -> Tensor:
    """How far pushes between two instants take a body in free flight: (B, E, G, F, 3).

    push : (B, E, G, 5). here : (B, E, G, F) or broadcastable, s; then : (B, E, G, 1) s.
    Looking back from a state after a push, the body was on its other side.
    """
    groups = torch.arange(push.shape[2], device=push.device)
    at = ((groups + push[..., 1]) * seconds[:, None, None])[:, :, None, None]  # (B, E, 1, 1, G)
    since = torch.where(then[..., None] <= at, here[..., None] - at, at - here[..., None])
    return since.clamp_min(0) @ (push[..., :1] * push[..., 2:])[:, :, None]


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
        seen = (2 * numbers + 2 + differences + (2 * NUMBERS + EXTRA) + frames + 12 * OCTAVES
                + 3 * frames + NUMBERS)
        seen += numbers + differences + 6 * OCTAVES  # where the laws lead, see `format_5`
        self.up = nn.Linear(seen, 2 * width)
        self.down = nn.Linear(2 * width, width, bias=False)
        self.direct = nn.Linear(seen, width, bias=False)

    def forward(self, numbers: Tensor, valid: Tensor, known: Tensor, motion: Motion,
                lawful: Tensor) -> Tensor:
        """numbers, valid : (B, E, G, n), `shrunk`; known : (B, E, G); lawful : (B, E, G, n), of
        the laws. Returns (B, E, G, width)."""
        with torch.autocast(numbers.device.type, enabled=False):
            numbers = (numbers * valid).float()
            frames = numbers[..., :-EXTRA].unflatten(-1, (-1, NUMBERS))
            steps = frames.diff(dim=-2) * STEP
            lawful = lawful.float().clamp(-OUTSIDE, OUTSIDE)
            leads = lawful[..., :-EXTRA].unflatten(-1, (-1, NUMBERS))
            seen = torch.cat([
                numbers, valid, known[..., None], motion.exists, steps.flatten(-2),
                motion.held, motion.rate / 2, motion.time,
                fourier(frames[..., frames.shape[-2] // 2, :3]), fourier(motion.held[..., :3]),
                motion.pushed.flatten(-2), motion.curve * motion.late,
                lawful, (leads.diff(dim=-2) * STEP).flatten(-2),
                fourier(leads[..., leads.shape[-2] // 2, :3])], -1)
            hidden = nn.functional.silu(self.up(seen))
            return self.down(hidden) + self.direct(seen)


def sparse(depart: Tensor) -> Tensor:
    """Departures (…, 9) without those that are as small as the noise of a network that says zero:
    they are either nothing or large (James & Stein 1961, shrinkage by the squared length)."""
    parts = []
    for part in depart.split([3, NUMBERS - 3], -1):
        power = part.square().sum(-1, keepdim=True)
        parts.append(part * power / (power + NOISE * NOISE))
    return torch.cat(parts, -1)


class MotionWriter(nn.Module):
    """Numbers of entities from what the laws make of them and from their tokens; see the head of
    this file. Single precision."""

    def __init__(self, frames: int, width: int) -> None:
        super().__init__()
        self.frames = frames
        self.depart = nn.Linear(width, frames * NUMBERS + EXTRA)
        self.whether = nn.Linear(width, frames)

    def initialise(self) -> None:
        """Begin with next to nothing departing from the laws: of nothing at all `sparse` would
        pass on no gradient."""
        self.depart.weight.data *= HARDLY
        for fresh in (self.depart.bias, self.whether.weight, self.whether.bias):
            nn.init.zeros_(fresh)

    def forward(self, tokens: Tensor, motion: Motion, lawful: Tensor) -> Tensor:
        """tokens : (B, E, G, width); lawful : (B, E, G, frames * 9 + 4) of the laws. Returns the
        same shape."""
        with torch.autocast(tokens.device.type, enabled=False):
            tokens = tokens.float()
            away = motion.time.abs()
            away = torch.where(motion.exists > 0, away / (away + NEAR), 1.0)
            weight = away * self.whether(tokens).sigmoid()
            depart, extra = self.depart(tokens).split([self.frames * NUMBERS, EXTRA], -1)
            depart = depart.unflatten(-1, (self.frames, NUMBERS)) * weight[..., None]
            depart = torch.where(motion.exists[..., None] > 0, sparse(depart), depart)
            return lawful + torch.cat([depart.flatten(-2), extra], -1)
