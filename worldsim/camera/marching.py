"""Where rays first meet the height fields of many frames.

All runs in torch (`grid_sample`), with nothing but additions, products, quotients and comparisons
around it, so that neither the number of threads nor the batch changes a bit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import max_pool2d

from worldsim.camera.height_field import RayPlanes, sample

CHUNK = 4096
"""Rays marched together: few enough for the cache, and neighbours need similar steps."""

STILL_CELLS = 2
"""A ray whose stations are at most this many cells apart meets nothing that moves if nothing
moves within as many cells of both."""

STEPS_BETWEEN_COUNTS = 2
"""Steps after which rays that have arrived are no longer followed."""

ROUNDING = 1e-4
"""Margin [m] around bounds, far above the rounding of float32 heights."""


@dataclass(frozen=True)
class Heights:
    """Height fields (frame, y, x) [m] with what bounds them all: the greatest and the least
    height of each place, (2, y, x); ``moving`` (y, x) is 1 within `STILL_CELLS` cells of places
    that are not the same in all of them and 0 elsewhere."""

    fields: torch.Tensor
    bounds: torch.Tensor
    moving: torch.Tensor

    @classmethod
    def of(cls, fields: torch.Tensor) -> Heights:
        """Take the bounds of height fields (frame, y, x)."""
        greatest, least = fields.amax(dim=0), fields.amin(dim=0)
        moving = max_pool2d((greatest != least).float()[None, None], 2 * STILL_CELLS + 1,
                            stride=1, padding=STILL_CELLS)[0, 0]
        return cls(fields, torch.stack([greatest, least]), moving)


def first_hits(heights: Heights, planes: RayPlanes, z_low: torch.Tensor) -> torch.Tensor:
    """Height z (frame, n) at which downward rays first meet each height field.

    Each ray has stations at the whole multiples of its own step of height, so that what it meets
    in one frame does not depend on the other frames. The surface lies between the last station
    above the field and the first one below it; two steps of regula falsi find where. Crests
    thinner than a step (`STEP_CELLS`, more for rays so flat that it falls below the least of
    `STEP_HEIGHTS`) can be missed.

    Parameters
    ----------
    z_low : (n,) heights [m] at which each ray is at or below all fields.
    """
    fields = heights.fields[:, None]
    if planes.vertical:
        return sample(fields, planes.place(z_low)[None])[:, 0]
    start, stations = _stations_in_question(heights.bounds, planes, z_low)
    still = (stations == 2) & _still(heights.moving, planes, z_low, start)
    # Rays with many stations first, so that those marched together have alike many; those that
    # meet the same in all frames last.
    order = torch.argsort(stations.masked_fill(still, 1.0), descending=True, stable=True)
    moving = len(z_low) - int(still.sum())
    planes, z_low = planes.chosen(order), z_low[order]
    start, stations = start[order], stations[order]
    found = torch.empty((len(fields), len(z_low)))
    for seen, begin, end in ((fields, 0, moving), (fields[:1], moving, len(z_low))):
        for first in range(begin, end, CHUNK):
            part = slice(first, min(first + CHUNK, end))
            found[:, part] = _march(seen, planes.chosen(part), z_low[part], start[part],
                                    stations[part].numpy())
    return found.index_select(1, torch.argsort(order))


def _still(moving: torch.Tensor, planes: RayPlanes, z_low: torch.Tensor,
           start: torch.Tensor) -> torch.Tensor:
    """Rays (n,) that between the stations number `start` (n,) and the next one come near nothing
    `moving` (y, x)."""
    ends = torch.stack([planes.place(planes.height_of(start + k, z_low)) for k in (0, 1)])
    inside = ends.clamp(-1.0, 1.0)  # beyond the outermost centres fields are those at the edge
    half_cells = 0.5 * (torch.tensor(moving.shape[::-1]) - 1.0)
    apart = ((inside[0] - inside[1]).abs() * half_cells).amax(dim=-1)
    touched = sample(moving[None, None], ends.view(1, -1, 2)).view(2, -1).sum(dim=0)
    return (apart <= STILL_CELLS) & (touched == 0)


def _march(fields: torch.Tensor, planes: RayPlanes, z_low: torch.Tensor, start: torch.Tensor,
           stations: np.ndarray) -> torch.Tensor:
    """First hits of rays by `stations` (n,), two or more, descending, from number `start` on, of
    which the first one is above all fields and the last one below all."""
    # How many rays, which are the first ones, have a station 0, 1, …
    under_way = np.searchsorted(-stations, -np.arange(1, int(stations[0]) + 1), side="right")

    def clearance_at(k: int) -> torch.Tensor:
        """Clearance (frame, m) of the m rays that have a station k there."""
        m = under_way[k]
        z = planes.height_of(start[:m] + k, z_low[:m])
        return sample(fields, planes.place(z)[None])[:, 0].neg_().add_(z)

    above_by, below_by = clearance_at(0), clearance_at(1)
    more = int(under_way[2]) if len(under_way) > 2 else 0
    found = torch.empty_like(above_by)
    if more:
        # The last station above the field is to be found.
        previous, low = below_by[:, :more], z_low[:more]
        above = (previous > 0) & (planes.height_of(start[:more] + 1, low) > low)
        passed = above.float()
        for k, m in enumerate(under_way[2:], start=2):
            here, clearance = above[:, :m], clearance_at(k)
            torch.where(here, previous[:, :m], above_by[:, :m], out=above_by[:, :m])
            torch.where(here, clearance, below_by[:, :m], out=below_by[:, :m])
            here &= (clearance > 0) & (planes.height_of(start[:m] + k, low[:m]) > low[:m])
            passed[:, :m] += here
            previous = clearance
        passed += start[:more]
        upper, lower = planes.height_of(passed, low), planes.height_of(passed + 1.0, low)
        found[:, :more] = _crossing(fields, planes, upper, lower, above_by[:, :more],
                                    below_by[:, :more])
    if more < len(z_low):
        rest = slice(more, len(z_low))
        planes, low = planes.chosen(rest), z_low[rest]
        upper, lower = (planes.height_of(start[rest] + k, low) for k in (0, 1))
        found[:, rest] = _crossing(fields, planes, upper, lower, above_by[:, rest],
                                   below_by[:, rest])
    return found


def _crossing(fields: torch.Tensor, planes: RayPlanes, upper: torch.Tensor, lower: torch.Tensor,
              above_by: torch.Tensor, below_by: torch.Tensor) -> torch.Tensor:
    """Height (frame, n) at which rays that are clear by `above_by` (frame, n) at `upper`
    ((frame,) n) and by `below_by` <= 0 at `lower` meet the field: two steps of regula falsi."""
    z = _share(above_by, below_by).mul_(lower - upper).add_(upper)
    clearance = sample(fields, planes.place(z))[:, 0].neg_().add_(z)
    inside = clearance <= 0
    end, end_by = torch.where(inside, upper, lower), torch.where(inside, above_by, below_by)
    return _share(clearance, end_by).mul_(end.sub_(z)).add_(z)


def _share(start_by: torch.Tensor, end_by: torch.Tensor) -> torch.Tensor:
    """How far from start to end a clearance of opposite signs there, linear between, is zero."""
    start_by = start_by.abs()
    return start_by.div(end_by.abs().add_(start_by).clamp_(min=1e-9))


def _stations_in_question(bounds: torch.Tensor, planes: RayPlanes,
                          z_low: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """For each ray (n,) the number of the last station above the greatest of the fields, and how
    many there are from it to the first one below the least."""
    start = torch.floor(planes.clear_above(bounds[0]) / -planes.step) - 1.0
    last_above, before_below = torch.zeros_like(z_low), torch.zeros_like(z_low)
    which = torch.arange(len(z_low))
    rays, number, low = planes, start, z_low
    above = torch.ones(len(z_low), dtype=torch.bool)
    undecided = above.clone()
    while len(which):
        steps_above, steps_undecided = torch.zeros_like(low), torch.zeros_like(low)
        for _ in range(STEPS_BETWEEN_COUNTS):
            number = number + 1.0
            z = rays.height_of(number, low)
            greatest, least = sample(bounds[None], rays.place(z)[None])[0]
            higher = z > low
            above &= higher.logical_and(z > greatest.add_(ROUNDING))
            undecided &= higher.logical_and_(z > least.sub_(ROUNDING))
            steps_above += above
            steps_undecided += undecided
        last_above[which] += steps_above
        before_below[which] += steps_undecided
        still = torch.nonzero(undecided)[:, 0]
        if len(still) < len(which):
            which, number, low = which[still], number[still], low[still]
            rays, above, undecided = rays.chosen(still), above[still], undecided[still]
    return start + last_above, before_below - last_above + 2.0
