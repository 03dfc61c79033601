"""From known states to all others, frame by frame, under whatever says how bodies accelerate.

A body's state is its place and how far it came in the last two frames. What accelerates it is a
second difference of its places,

    x(n + 1) = 2 x(n) - x(n - 1) + a(n),

Stoermer's rule (1907; Hairer, Lubich & Wanner 2003, "Geometric numerical integration illustrated by
the Stoermer-Verlet method"): what falls freely or swings harmonically does so exactly, with the
right a. Pushes add the second differences of the way that free flight would take them. The same
rule goes backwards from what is known later.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import torch
from torch import Tensor

from worldsim.diffusion.motion import nearest_group

FARTHEST, FASTEST = 4.0, 1.0
"""Normalised places, and ways in a frame, beyond which rolled bodies do not go."""

EXACT = 2.5e-4
"""Noise of known places, normalised, at which they are smoothed half."""

ODD = 0.015
"""Distance of places from what the laws allow, normalised, from which on what was seen is believed
instead: a blow, say, that the laws would have a frame later."""

SLOW, WEAK, SLOW_TURN, WEAK_TURN = 3e-4, 2e-4, 2e-3, 3e-4
"""Ways in a native frame, and second differences, of places and of turns, below which bodies
rest."""

NOISY = 2.0
"""So many times the noise of known places are ways slow that were read."""

TURNS = 10.0
"""How many times noisier turns are that were read off pictures."""


@dataclasses.dataclass(frozen=True)
class Moving:
    """Bodies (B, N, E) at N instants each: place (…, 9), and the ways (…, 9) of the last frame and
    of the one before, in native frames; half sizes (…, 3); pushed (…, 9), what pushes add now;
    there (…), which of the bodies are."""

    place: Tensor
    way: Tensor
    before: Tensor
    half: Tensor
    pushed: Tensor
    there: Tensor


Accelerate = Callable[[Moving, Tensor], Tensor]
"""Second differences (B, N, E, 9) of moving bodies; forwards (1) or backwards (-1) in time."""


@dataclasses.dataclass(frozen=True)
class Pace:
    """How many steps make a frame, and their size (B, 1, 1) in native frames: those that the laws
    were taught on. Sizes other than 1 are exact for smooth forces only."""

    each: int
    size: Tensor

    @classmethod
    def of(cls, step: Tensor, native: Tensor) -> Pace:
        """step, native : (B,) s of a frame, and of a native one."""
        ratio = step / native
        each = max(1, round(float(ratio.max())))
        return cls(each, (ratio / each)[:, None, None])


def pushed_ways(push: Tensor, seconds: Tensor, frames: int, each: int) -> Tensor:
    """Second differences (B, E, n, 9) of the ways that pushes take bodies in free flight, centred
    at every frame, and at each - 1 instants between one and the next.

    push : (B, E, G, 5). seconds : (B,) of a group. frames : of a group.
    """
    groups = push.shape[2]
    at = ((torch.arange(groups, device=push.device) + push[..., 1]) * seconds[:, None, None])
    instants = torch.arange(-1, (groups * frames - 1) * each + 2, device=push.device)
    time = (instants * (seconds / (frames * each))[:, None])[:, None, :, None]
    way = (time - at[:, :, None]).clamp_min(0) @ (push[..., :1] * push[..., 2:])
    bend = way[:, :, 2:] - 2 * way[:, :, 1:-1] + way[:, :, :-2]
    return torch.nn.functional.pad(bend, (0, 6))


@dataclasses.dataclass(frozen=True)
class Given:
    """What bodies are rolled from.

    frames : (B, E, G, F, 9), read where `known` (B, E, G) bool. extra : (B, E, G, 4) half sizes and
    presence then. pushed, between : `pushed_ways` frame by frame, and step by step. noise : (B,)
    of known states. bounds : (B, 2, 9) lowest and highest numbers that bodies may have; None for
    `FARTHEST`.
    """

    frames: Tensor
    extra: Tensor
    known: Tensor
    pushed: Tensor
    between: Tensor
    noise: Tensor
    bounds: Tensor | None = None

    def backwards(self) -> Given:
        """The same, the last frame first."""
        return Given(self.frames.flip(2, 3), self.extra.flip(2), self.known.flip(2),
                     self.pushed.flip(2), self.between.flip(2), self.noise,
                     self.bounds)


def rolled(given: Given, pace: Pace, accelerate: Accelerate, ahead: bool) -> Tensor:
    """Places (B, E, G, F, 9) of all bodies, from their nearest known groups.

    ahead : whether later groups are looked at. Known groups come back as they are; where nothing is
    known there are zeros.
    """
    known = given.known
    _, later, exists = nearest_group(known.float(), ahead)
    found = _scan(given, pace, accelerate, torch.tensor(1.0))
    if bool((later & ~known).any()):
        back = _scan(given.backwards(), pace, accelerate, torch.tensor(-1.0)).flip(2, 3)
        found = torch.where(later[..., None, None], back, found)
    found = torch.where(known[..., None, None], given.frames, found)
    return torch.where(exists[..., None, None], found, 0.0)


def _scan(given: Given, pace: Pace, accelerate: Accelerate, since: Tensor) -> Tensor:
    """Groups (B, E, G, F, 9), each from those before it."""
    count, each, size = given.frames.shape[3], pace.each, pace.size
    place = torch.zeros_like(given.frames[:, :, 0, 0])
    way, before = place, place
    half = place[..., :3]
    far = torch.full_like(place[:, :1], FARTHEST)
    lowest, highest = (-far, far) if given.bounds is None else given.bounds[:, :, None].unbind(1)
    there = torch.zeros_like(given.known[:, :, 0])
    exists, found = there, []
    begins = torch.nn.functional.pad(~given.known[:, :, 1:], (0, 1)).any(1).any(0).tolist()
    for group in range(given.frames.shape[2]):
        known, mine = given.known[:, :, group], given.frames[:, :, group]
        went = mine
        if bool((exists & ~known).any()):
            steps = []
            for frame in range(count):
                last = place
                for part in range(each):
                    push = given.between[:, :, (group * count + frame - 1) * each + part]
                    moving = Moving(place, way / size, before / size, half, push / size, there)
                    bend = accelerate(_one(moving), since)[:, 0] * size.square() + push
                    if not torch.is_grad_enabled():  # laws themselves learn to hold still
                        way, bend = _resting(way, bend, size, given.noise)
                    before, way = way, (way + bend).clamp(-FASTEST, FASTEST)
                    place = (place + way).clamp(lowest, highest)
                place = torch.where(known[..., None], mine[:, :, frame], place)
                way = torch.where(known[..., None], (place - last) / each, way)
                steps.append(place)
            went = torch.stack(steps, 2)
            # What is learned of a step looks no farther back than its group.
            place, way, before = place.detach(), way.detach(), before.detach()
        if bool(known.any()):
            new = known[..., None]
            half = torch.where(new, given.extra[:, :, group, :3], half)
            there = torch.where(known, given.extra[:, :, group, 3] > 0, there)
            exists = exists | known
            seen = torch.where(new[..., None], mine, went)
            if count > 2 and begins[group]:
                span = slice(group * count, (group + 1) * count)
                seen = _smoothed(seen, Moving(seen, seen, seen, half, given.pushed[:, :, span],
                                              there), pace, given.noise, accelerate, since)
            place, way, before = (torch.where(new, end, one) for end, one in zip(
                _end(seen, each), (place, way, before), strict=True))
        found.append(went)
    return torch.stack(found, 2)


def _resting(way: Tensor, bend: Tensor, size: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """Ways and second differences (B, E, 9), without those of places, or of turns, that are both as
    good as none: dry friction holds what rests, where smooth laws would let it creep."""
    kept = []
    for part, (slow, weak) in ((slice(0, 3), (SLOW, WEAK)), (slice(3, 9), (SLOW_TURN, WEAK_TURN))):
        limit = slow + NOISY * noise[:, None, None]
        moves = (way[..., part].norm(dim=-1, keepdim=True) > limit * size) | (
            bend[..., part].norm(dim=-1, keepdim=True) > weak * size.square())
        kept.append(moves.expand_as(way[..., part]))
    moving = torch.cat(kept, -1)
    return way * moving, bend * moving


def _one(moving: Moving) -> Moving:
    """Of one instant each."""
    return Moving(*(getattr(moving, field.name)[:, None] for field in dataclasses.fields(Moving)))


def _end(frames: Tensor, each: int) -> tuple[Tensor, Tensor, Tensor]:
    """Place, and the ways of the last step and the one before, at the end of (B, E, F, 9)."""
    if frames.shape[2] == 1:
        return frames[:, :, -1], torch.zeros_like(frames[:, :, -1]), torch.zeros_like(
            frames[:, :, -1])
    way = frames[:, :, -1] - frames[:, :, -2]
    before = way if frames.shape[2] == 2 else frames[:, :, -2] - frames[:, :, -3]
    if each == 1:
        return frames[:, :, -1], way, before
    bend = (way - before) / each**2
    last = way / each + bend * (each - 1) / 2
    return frames[:, :, -1], last, last - bend


def _smoothed(seen: Tensor, known: Moving, pace: Pace, noise: Tensor, accelerate: Accelerate,
              since: Tensor) -> Tensor:
    """Frames (B, E, F, 9) as near to what was seen as the laws allow.

    What is left of the frames without the accelerations that the laws see in them is a straight
    line: the one of least squares takes out most of the noise of readings. Where it is far from
    what was seen, the laws are wrong about something, and frames stay as they are.
    """
    count = seen.shape[2]
    size = pace.size[..., None] * pace.each
    way = seen.diff(dim=2)
    before = torch.cat([way[:, :, :1], way[:, :, :-2]], 2)

    def instants(part: Tensor) -> Tensor:  # (B, E, F - 2, …) to (B, F - 2, E, …)
        return part.transpose(1, 2)

    push = known.pushed[:, :, 1:-1]
    moving = Moving(
        instants(seen[:, :, 1:-1]), instants(way[:, :, :-1] / size), instants(before / size),
        known.half[:, None].expand(-1, count - 2, -1, -1), instants(push / size),
        known.there[:, None].expand(-1, count - 2, -1))
    bend = instants(accelerate(moving, since)) * size.square() + push
    bent = torch.nn.functional.pad(bend.cumsum(2).cumsum(2), (0, 0, 2, 0))
    straight = seen - bent
    lever = torch.arange(count, device=seen.device) - (count - 1) / 2
    slope = (straight * lever[:, None]).sum(2, keepdim=True) / lever.square().sum()
    line = straight.mean(2, keepdim=True) + slope * lever[:, None] + bent
    odd = (seen - line)[..., :3].square().sum(-1).mean(2)
    odd = (odd / (ODD**2 + 40 * noise.square()[:, None]))[..., None, None]
    power = noise.square()[:, None, None, None] * torch.where(
        torch.arange(seen.shape[-1], device=seen.device) < 3, 1.0, TURNS**2)
    return seen + power / (power + EXACT**2) / (1 + odd.square()) * (line - seen)
