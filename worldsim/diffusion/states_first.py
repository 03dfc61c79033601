"""States before pixels: read off what is known, then dreamed alone.

Where bodies carry the picture, what they do is decided first, in sequences of states without
pixels. What is known of the bodies' states comes from the query,
or is read off the known frames.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from worldsim.diffusion.canvas import as_trained
from worldsim.diffusion.known import Reference
from worldsim.diffusion.law_batches import round_bodies
from worldsim.diffusion.motion import EXTRA
from worldsim.diffusion.observables import BODIES, NUMBERS
from worldsim.diffusion.patches import Grid
from worldsim.diffusion.reading import looked_at, matched, moved
from worldsim.diffusion.sampler import Task, sample, settled
from worldsim.diffusion.sequence import HALF_SIZE, Context, States
from worldsim.diffusion.staging import stage_of
from worldsim.seeding import stream

if TYPE_CHECKING:
    from worldsim.diffusion.dreaming import Dream


def read(dream: Dream, first: int, last: int, window: int) -> bool:
    """Read states off the groups of frames that are known whole; whether there were any."""
    count = dream.model.config.transformer.patches.frames
    shown = np.asarray(dream.known.all(axis=(0, 2, 3)))
    found = False
    for begin in range(first, last - count + 1, count):
        span = slice(begin, begin + count)
        if shown[span].all() and not dream.all_known(span):
            told = np.flatnonzero(dream.states_known[begin] & dream.bodies)
            if len(told) and not found:
                _read_beside(dream, told, begin, window)
            else:
                _read_group(dream, begin, window)
            found = True
    return found


def _read_beside(dream: Dream, told: np.ndarray, begin: int, window: int) -> None:
    """Read all bodies, and find those that were told by name among them: the network counts
    bodies by where they are, whatever their names."""
    states, known = dream.states[:, told].copy(), dream.states_known[:, told].copy()
    half, there, names = dream.half[told], dream.there[told], dream.order[told]
    dream.states[:, told], dream.states_known[:, told] = np.nan, False
    dream.half[told], dream.there[told] = np.nan, np.nan
    _read_group(dream, begin, window)
    bodies = np.flatnonzero(dream.bodies)
    chosen = bodies[matched(dream.states[begin, bodies, :3], states[begin, :, :3])]
    rest = iter(sorted(set(dream.order) - set(names)))
    at = dict(zip(chosen.tolist(), names.tolist(), strict=True))
    dream.order = np.array([at[s] if s in at else next(rest) for s in range(len(dream.order))])
    dream.states[:, chosen] = np.where(known[..., None], states, dream.states[:, chosen])
    dream.states_known[:, chosen] |= known
    dream.half[chosen] = np.where(np.isfinite(half), half, dream.half[chosen])
    dream.turned[chosen] = True
    dream.there[chosen] = there


def _read_group(dream: Dream, begin: int, window: int) -> None:
    count = dream.model.config.transformer.patches.frames
    span = slice(begin, begin + count)
    size = dream.subject.size
    film = as_trained(dream.pictures(dream.video[:, span]), size)
    video = torch.from_numpy(film)[None]
    known = torch.ones(video.shape[:-1], dtype=torch.bool)
    canvas = dataclasses.replace(dream.canvas, size=size)
    task = dataclasses.replace(dream.task(video, known, begin, own=False, canvas=canvas),
                               paint=False)
    dream.learn(task.states, sample_states(dream, task, f"reading {window} {begin}"), begin,
               begin + count)
    _recognise(dream, begin, count)
    if dream.sampler.instruments:
        _sharpen(dream, begin, count)
    dream.states_known[span] = True


def _recognise(dream: Dream, begin: int, count: int) -> None:
    """Give bodies just read, counted in their own first frame, the slots that they have."""
    if not begin or not dream.all_known(slice(begin - 1, begin)):
        return
    there = np.flatnonzero(dream.there > 0)
    chosen = matched(*(dream.states[at, there, :3] for at in (begin, begin - 1)))
    span = slice(begin, begin + count)
    dream.states[span, there] = dream.states[span, there[chosen]]


def _sharpen(dream: Dream, begin: int, count: int) -> None:
    """Let instruments correct what was read off the first view that is a plane."""
    views, model = dream.subject.views, dream.model
    planes = [number for number, camera in enumerate(dream.query.cameras)
              if views[camera].projection == "orthographic"]
    bodies = np.flatnonzero((dream.there > 0) & dream.bodies)
    if not planes or not len(bodies):
        return
    span = slice(begin, begin + count)
    film = dream.pictures(dream.video)[planes[0], span]
    centre, scale = dream.subject.places(dream.order[bodies].tolist())
    read = dream.states[span][:, bodies]
    view = views[dream.query.cameras[planes[0]]]
    found, seen = moved(read[..., :3] * scale + centre, film, view, dream.query.fps)
    unit = dream.subject.length * HALF_SIZE
    found, turns, half, sure = looked_at(
        found, read[..., 3:], dream.half[bodies] * unit, seen, film, view,
        model.config.repertoire.number(dream.subject), model.network.looks)
    dream.half[bodies] = half / unit
    dream.turned[bodies] = sure | ~round_bodies(half)
    dream.states[span, bodies] = np.concatenate([(found - centre) / scale, turns], -1)


def foresee(dream: Dream, first: int, last: int, frames: int, window: int, own: bool) -> None:
    """Dream the states that are not known, without pixels."""
    if dream.all_known(slice(first, last)):
        return
    dream.count(first)
    task = states_task(dream, dream.token_states(first, frames), first, own)
    dream.learn(task.states, sample_states(dream, task, f"states {window}"), first, last)
    dream.states_known[first:last] = True


def states_task(dream: Dream, states: States, first: int, own: bool) -> Task:
    """States alone are to be denoised, of a clip that begins at frame `first`."""
    patches = dream.model.config.transformer.patches
    grid = Grid(0, states.known.shape[2], 1, 1)
    condition = dream.condition(grid, first, own)
    nothing = torch.zeros(1, 0, patches.cells, 3, patches.frames * patches.cell_pixels)
    empty = torch.zeros(1, 0, grid.groups, 1, 1, 3)
    reference = Reference(empty, empty[..., 0] > 0, empty[..., 0, 0, 0].long(), empty[..., 0])
    context = torch.zeros(1, 0)
    return Task(
        given=nothing, known=torch.zeros(1, 0, *nothing.shape[2::2], dtype=torch.bool),
        context=Context(context, context, context, context), condition=condition, states=states,
        stage=stage_of(reference, dream.subject, (), dream.model.config.repertoire,
                       dream.canvas),
        grid=grid, without=dream.without(condition.told), paint=False)


def sample_states(dream: Dream, task: Task, name: str) -> Tensor:
    """Numbers (slot, G, …) of a task that wants no pixels; bodies stay within bounds."""
    sampler = dream.sampler
    rng = stream(dream.query.seed, dream.case, dream.realization, f"dream {name}")
    noise = torch.from_numpy(
        rng.standard_normal(tuple(task.states.numbers.shape), np.float32))
    _, numbers = sample(dream.model.network, task.given, noise, task,
                        dataclasses.replace(sampler, steps=sampler.state_steps))
    return within_bounds(numbers, task.states)[0]


def within_bounds(numbers: Tensor, states: States) -> Tensor:
    """Numbers (B, E, G, n) of which bodies' are taken back to where they may be; what is known is
    as it was, and so are water, houses and people."""
    if states.bounds is None:
        return numbers
    frames = numbers[..., :-EXTRA].unflatten(-1, (-1, NUMBERS))
    lowest, highest = states.bounds[:, :, None, None, None].unbind(1)
    free = (states.entity < BODIES)[:, :, None] & (states.known < 1)
    frames = torch.where(free[..., None, None], frames.clamp(lowest, highest), frames)
    return settled(torch.cat([frames.flatten(-2), numbers[..., -EXTRA:]], -1))
