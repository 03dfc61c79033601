"""What the network is shown of bodies: their numbers, and the stage that carries their picture."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from worldsim.diffusion.canvas import Canvas
from worldsim.diffusion.carrying import Stage
from worldsim.diffusion.known import Reference
from worldsim.diffusion.observables import NUMBERS
from worldsim.diffusion.repertoire import Repertoire, Subject


def state_numbers(states: np.ndarray, half: np.ndarray, frames: int) -> tuple[Tensor, Tensor]:
    """Numbers and which of them are valid, (…, slot, G, F*9 + 4), from (…, T, slot, 9) and
    (…, slot, 3)."""
    path = np.moveaxis(states, -3, -2)  # (…, slot, T, 9)
    there = np.isfinite(path[..., 0]).all(-1)
    shape = (*there.shape, path.shape[-2] // frames)
    numbers = np.concatenate([
        path.reshape(*shape, frames * NUMBERS),
        np.broadcast_to(half[..., None, :], (*shape, 3)),
        np.broadcast_to(np.where(there, 1.0, -1.0)[..., None, None], (*shape, 1))], -1)
    valid = np.isfinite(numbers)
    return (torch.from_numpy(np.where(valid, numbers, 0.0).astype(np.float32)),
            torch.from_numpy(valid.astype(np.float32)))


def stage_of(reference: Reference, subject: Subject, cameras: tuple[str, ...],
             repertoire: Repertoire, canvas: Canvas) -> Stage:
    """What carries the reference of one clip or of several of one scenario and views."""
    batch, bodies = len(reference.picture), repertoire.bodies(subject)
    return Stage(reference.picture.movedim(-1, 3), reference.frame,
                 canvas.shifted(projections(subject, cameras, canvas.size)).expand(
                     batch, -1, -1, -1),
                 bodies.expand(batch, -1), empty=not bool(bodies.any()))


def projections(subject: Subject, cameras: tuple[str, ...], size: tuple[int, int]) -> Tensor:
    """(V, 3, 4) of a scenario's cameras, see `Subject.projection`."""
    each = np.array([subject.projection(camera, size) for camera in cameras])
    return torch.from_numpy(each.reshape(-1, 3, 4)).float()
