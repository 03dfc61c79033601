"""What bodies carry with them: the known picture, moved as the bodies are said to move.

A body's pose in the picture is its centre and the images of its three axes. Between the time of the
reference (the known frame nearest in time) and any other frame they give an affine map; pulling the
reference back along the map of the nearest body shows that body where it is said to be, at any
fraction of a pixel. Where bodies were, what is behind them is guessed from what is around
(`worldsim.diffusion.filling`). The decoder paints over it what has changed otherwise.
"""

from __future__ import annotations

import dataclasses
import functools

import torch
import torch.nn.functional as F
from torch import Tensor

from worldsim.diffusion.filling import filled
from worldsim.diffusion.patches import Grid, PatchConfig, from_cells, to_cells

FAR = 8.0
"""Distance [half sizes] from which on pixels are all equally far from a body."""

EDGE = 4.0
"""Logit per pixel of distance from a body's outline: it is seen across about half a pixel."""

THIN = 0.05
"""px, of half a body's image at least."""

REACH = 4.0
"""Normalised positions and half sizes beyond this are cut: an untrained network says anything."""

RIM = 1.0
"""px around a body's outline that may still show it."""

NEAREST = 0.25
"""m before a perspective camera; what is nearer is shown as if it were there."""


@dataclasses.dataclass(frozen=True)
class Stage:
    """What is needed to find bodies in the pictures.

    picture : (B, V, G, 3, rows, columns) reference of every group, in [-1, 1].
    frame : (B, V, G) number of its frame; what is carried holds for whole known frames only.
    projection : (B, V, 3, 4) homogeneous map from normalised positions to (column, row, 1) px.
    body : (B, E) which entities are bodies.
    empty : whether none is, as in towns: nothing is carried, which is cheaper to say than to find.
    """

    picture: Tensor
    frame: Tensor
    projection: Tensor
    body: Tensor
    empty: bool = False


@dataclasses.dataclass(frozen=True)
class Poses:
    """Bodies in the picture: centre (…, 2) px, images of the axes (…, 2, 3) px per unit length, and
    the inverse (…, 2, 2) of the square of the outline's half axes."""

    centre: Tensor
    axes: Tensor
    outline: Tensor
    radius: Tensor


def _inverse(a: Tensor) -> tuple[Tensor, Tensor]:
    """Inverse and determinant of symmetric, positive definite (…, 2, 2) matrices."""
    x, y, z = a[..., 0, 0], a[..., 0, 1], a[..., 1, 1]
    # Of positive definite matrices; rounding can leave nothing, or less, of the difference.
    determinant = torch.maximum(x * z - y * y, 1e-6 * x * z)
    rows = [torch.stack([z, -y], -1), torch.stack([-y, x], -1)]
    return torch.stack(rows, -2) / determinant[..., None, None], determinant


def _times(a: Tensor, b: Tensor) -> Tensor:
    """Matrix product of small matrices, in the precision that they have."""
    return (a[..., :, :, None] * b[..., None, :, :]).sum(-2)


def poses(numbers: Tensor, half: Tensor, projection: Tensor) -> Poses:
    """Poses of bodies with (…, 9) numbers and (…, 3) half sizes under a projection (…, 3, 4)."""
    position, first, third = numbers.clamp(-REACH, REACH).split(3, dim=-1)
    first = F.normalize(first, dim=-1)
    # Dreamed columns are not quite at right angles; bodies do not shear.
    third = F.normalize(third - (third * first).sum(-1, keepdim=True) * first, dim=-1)
    second = torch.linalg.cross(third, first)
    axes = torch.stack([first, second, third], -1)
    whole = (projection[..., :3] * position[..., None, :]).sum(-1) + projection[..., 3]
    depth = whole[..., 2].clamp_min(NEAREST)
    centre = whole[..., :2] / depth[..., None]
    slope = (projection[..., :2, :3] - centre[..., None] * projection[..., 2:, :3])
    image = _times(slope / depth[..., None, None], axes)
    reach = image * half.abs().clamp_max(REACH)[..., None, :]
    square = _times(reach, reach.transpose(-1, -2)) + THIN**2 * torch.eye(2).to(image)
    outline, determinant = _inverse(square)
    return Poses(centre, image, outline, determinant.clamp_min(1e-6) ** 0.25)


def pixel_places(grid: Grid, config: PatchConfig) -> tuple[Tensor, Tensor]:
    """Column and row [px] of every pixel's centre of a frame, in the order of cells: (N, S, P)."""
    def along(count: int) -> Tensor:
        return torch.arange(count * config.patch).view(count, -1, config.cell) + 0.5

    row = along(grid.rows)[:, None, :, None, :, None]
    column = along(grid.columns)[None, :, None, :, None, :]
    cells = config.patch // config.cell
    shape = (grid.rows, grid.columns, cells, cells, config.cell, config.cell)
    final = (grid.rows * grid.columns, config.cells, config.cell_pixels)
    return column.expand(shape).reshape(final), row.expand(shape).reshape(final)


_kept_places = functools.lru_cache(maxsize=8)(pixel_places)


@dataclasses.dataclass(frozen=True)
class Carried:
    """moved : (B, N, S, 3, F, P) the reference as the nearest body carries it.
    near : (B, N, S, F, P) distance from that body, in half sizes, up to `FAR`.
    inside : the same shape; logit of lying within its outline.
    left : (B, N, S, 1, P) distance from the nearest body at the time of the reference.
    behind : (B, N, S, 3, 1, P) the reference without the bodies."""

    moved: Tensor
    near: Tensor
    inside: Tensor
    left: Tensor
    behind: Tensor


@torch.no_grad()
def carry(numbers: Tensor, half: Tensor, shown: Tensor, stage: Stage, grid: Grid,
          config: PatchConfig, reference_numbers: Tensor | None = None) -> Carried:
    """Move the reference with the bodies.

    Parameters
    ----------
    numbers : (B, E, T, 9) of every entity and frame, normalised. half : (B, E, G, 3) half sizes in
        units of positions. shown : (B, E, G) which of them are there. Without the axis of groups
        they hold for all of them.
    reference_numbers : (B, V, G, E, 9), where the reference is none of these frames.
    """
    if stage.empty:
        return _at_rest(stage, grid, config)
    views, groups, bodies = grid.views, grid.groups, numbers.shape[1]
    batch = len(numbers)
    # What is no body (a gauge, say) has numbers that are no places.
    numbers = torch.where(stage.body[:, :, None, None], numbers, 0.0)
    half = torch.where(stage.body[(..., *[None] * (half.ndim - 2))], half, 1.0)
    per_group = numbers.unflatten(2, (groups, config.frames)).permute(0, 2, 3, 1, 4)
    projection = stage.projection[:, :, None, None, None]
    if half.ndim == 3:
        half, shown = half[:, :, None], shown[:, :, None]
    sizes = half.expand(-1, -1, groups, -1).transpose(1, 2)[:, None]  # (B, 1, G, E, 3)
    now = poses(per_group[:, None], sizes[:, :, :, None], projection)  # (B, V, G, F, E, …)
    if reference_numbers is None:
        at = stage.frame.flatten(1)[..., None, None].expand(-1, -1, bodies, 9)
        reference_numbers = numbers.transpose(1, 2).gather(1, at).unflatten(1, (views, groups))
    then = poses(reference_numbers, sizes, stage.projection[:, :, None, None])

    turning = _times(now.axes, now.axes.transpose(-1, -2)) + 1e-3 * torch.eye(2).to(numbers)
    back = _times(_times(then.axes[:, :, :, None], now.axes.transpose(-1, -2)),
                  _inverse(turning)[0])
    places = pixel_places if torch.compiler.is_compiling() else _kept_places
    column, row = (place.to(numbers)[:, :, None] for place in places(grid, config))
    hidden = torch.where(shown & stage.body[..., None], 0.0, FAR**2)
    hidden = hidden.expand(-1, -1, groups).transpose(1, 2)[:, None, :, None]  # (B, 1, G, 1, E)

    def place(value: Tensor) -> Tensor:  # (B, V, G, F) to what broadcasts with (N, S, F, P)
        return value[:, :, :, None, None, :, None]

    near = torch.full((), FAR**2)
    source_column, source_row = column, row
    radius: Tensor = torch.ones(())
    left, left_radius = torch.full((), FAR**2), torch.ones(())
    for body in range(bodies):
        if not torch.compiler.is_compiling() and not bool((hidden[..., body] == 0).any()):
            continue  # it is farther than `FAR` from everything
        right = column - place(now.centre[..., body, 0])
        down = row - place(now.centre[..., body, 1])
        shape = now.outline[..., body, :, :]
        square = (place(shape[..., 0, 0]) * right * right + place(shape[..., 1, 1]) * down * down
                  + 2 * place(shape[..., 0, 1]) * right * down) + place(
                      hidden[..., body].expand(batch, views, groups, config.frames))
        nearer = square < near
        near = torch.where(nearer, square, near)
        radius = torch.where(nearer, place(now.radius[..., body]), radius)
        m = back[..., body, :, :]
        origin = then.centre[:, :, :, None, body]
        source_column = torch.where(
            nearer, place(origin[..., 0].expand(m.shape[:-2])) + place(m[..., 0, 0]) * right
            + place(m[..., 0, 1]) * down, source_column)
        source_row = torch.where(
            nearer, place(origin[..., 1].expand(m.shape[:-2])) + place(m[..., 1, 0]) * right
            + place(m[..., 1, 1]) * down, source_row)
        shape = then.outline[..., None, body, :, :]
        right = column - place(then.centre[..., None, body, 0])
        down = row - place(then.centre[..., None, body, 1])
        square = (place(shape[..., 0, 0]) * right * right + place(shape[..., 1, 1]) * down * down
                  + 2 * place(shape[..., 0, 1]) * right * down) + place(
                      hidden[..., body].expand(batch, views, groups, 1))
        nearer = square < left
        left = torch.where(nearer, square, left)
        left_radius = torch.where(nearer, place(then.radius[..., None, body]), left_radius)
    rows, columns = stage.picture.shape[-2:]
    full = (batch, views, groups, grid.tokens_per_group, config.cells, config.frames,
            config.cell_pixels)
    where = torch.stack([2 * source_column / columns - 1, 2 * source_row / rows - 1], -1)
    where = where.expand(*full, 2)
    flat = where.reshape(batch * views * groups, grid.tokens_per_group * config.cells, -1, 2)
    moved = F.grid_sample(stage.picture.flatten(0, 2), flat, mode="bilinear",
                          padding_mode="border", align_corners=False)
    moved = moved.view(batch, views, groups, 3, *full[3:]).permute(0, 1, 2, 4, 5, 3, 6, 7)
    near = near.expand(full).clamp(0, FAR**2).sqrt()
    inside = (EDGE * radius * (1 - near)).clamp(-8, 8).expand(full)
    left = left.expand(*full[:5], 1, config.cell_pixels).clamp(0, FAR**2).sqrt().flatten(1, 3)
    clear = ((left - 1) * left_radius.expand(*full[:5], 1, config.cell_pixels).flatten(1, 3) > RIM)
    one = dataclasses.replace(config, frames=1)
    empty = from_cells(clear[..., 0, :].to(numbers), grid, one)[..., 0]
    behind = filled(stage.picture.flatten(0, 2), empty.flatten(0, 2)[:, None])
    behind = behind.unflatten(0, (batch, views, groups)).movedim(3, -1)
    return Carried(
        moved=moved.flatten(1, 3), near=near.flatten(1, 3), inside=inside.flatten(1, 3), left=left,
        behind=to_cells(behind, one).unflatten(-1, (3, 1, -1)))


def _at_rest(stage: Stage, grid: Grid, config: PatchConfig) -> Carried:
    """What `carry` finds where there are no bodies: the reference as it is, far from them all."""
    batch = len(stage.picture)
    behind = to_cells(stage.picture.movedim(3, -1), dataclasses.replace(config, frames=1))
    behind = behind.unflatten(-1, (3, 1, -1))
    far = behind.new_full((), FAR).expand(batch, grid.tokens, config.cells, config.frames,
                                          config.cell_pixels)
    return Carried(
        moved=behind.expand(-1, -1, -1, -1, config.frames, -1), near=far,
        inside=(EDGE * (1 - far)).clamp(-8, 8), left=far[..., :1, :], behind=behind)
