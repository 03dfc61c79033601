"""Mattes: which share of each pixel is covered by an object of which look.

A pixel shows a mixture: ``a * look + b * backdrop``. Two numbers from three channels, whatever
light falls on the object: `a` holds its shading, and ``1 - b`` is the share that it covers, where
the backdrop is lit as usual. Shadow darkens the backdrop around an object, and `b` is taken
relative to that.
"""

from __future__ import annotations

import dataclasses
import math

import torch
from torch.nn import functional

from worldsim.instruments.looks import Looks, Palette, find_looks, grey_and_chroma

FRAMES_FOR_LOOKS = 24
"""Frames, spread over the video, from which looks and backdrop are learned."""


@dataclasses.dataclass(frozen=True)
class Mattes:
    """The objects' share of each pixel.

    share : (time, row, column) float32, 0..1, covered by the pixel's own look.
    look : (time, row, column) int8, which look that is; -1 where none.
    looks : the looks. backdrop : (row, column, 3) float32, what is seen where no object is.
    """

    share: torch.Tensor
    look: torch.Tensor
    looks: Looks
    backdrop: torch.Tensor


def mattes(rgb: torch.Tensor, looks: Looks | None = None,
           palette: Palette = Palette()) -> Mattes:
    """Mattes of one video.

    Parameters
    ----------
    rgb : (time, row, column, 3) uint8.
    looks : the objects' looks, if known; else found in the video.
    """
    some = rgb[_spread(len(rgb), FRAMES_FOR_LOOKS)].float()
    if looks is None:
        looks = _solid(some, find_looks(some, palette), palette)
    share = torch.zeros(rgb.shape[:3])
    look = torch.full(rgb.shape[:3], -1, dtype=torch.int8)
    if not len(looks):
        return Mattes(share, look, looks, some.median(dim=0).values)
    backdrop = learn_backdrop(some, looks, palette)
    # A part at a time, so that long videos need no more memory than short ones.
    at_once = max(1, PIXELS_AT_ONCE // (rgb.shape[1] * rgb.shape[2]))
    for first in range(0, len(rgb), at_once):
        part = slice(first, first + at_once)
        share[part], look[part] = shares(rgb[part].float(), looks, backdrop, palette)
    return Mattes(share, look, looks, backdrop)


PIXELS_AT_ONCE = 2**20
"""Pixels of the frames whose mattes are computed together."""


SOLID = 7 / 9 - 1e-3
"""Share of a pixel and its neighbours that show one look inside an object."""


def _solid(rgb: torch.Tensor, looks: Looks, palette: Palette) -> Looks:
    """The looks that patches have which are more than a pixel or two wide: where two objects touch,
    their colours mix to others, which are nobody's."""
    if not len(looks):
        return looks
    shown = look_of(rgb, looks, palette)
    keep = []
    for number in range(len(looks)):
        own = (shown == number).float()
        present = own.sum(dim=(1, 2)) >= palette.least
        around = functional.avg_pool2d(own[:, None], 3, stride=1, padding=1,
                                       count_include_pad=False)
        solid = (around >= SOLID).flatten(1).any(dim=1) & present
        if int(solid.sum()) >= max(1, 0.3 * int(present.sum())):
            keep.append(number)
    return Looks(looks.colour[keep], looks.hue[keep])


def _spread(count: int, most: int) -> torch.Tensor:
    return torch.linspace(0, count - 1, min(count, most)).round().long()


def look_of(rgb: torch.Tensor, looks: Looks, palette: Palette = Palette()) -> torch.Tensor:
    """(…) int64: the look whose hue each colour (…, 3) has; -1 for none or too little chroma."""
    _, chroma = grey_and_chroma(rgb)
    size = chroma.norm(dim=-1)
    look = torch.full(size.shape, -1)
    some = torch.nonzero(size > palette.chroma, as_tuple=True)
    towards = torch.stack([torch.cos(looks.hue), torch.sin(looks.hue)])
    best, nearest = (chroma[some] @ towards).max(dim=-1)
    clear = best > size[some] * math.cos(math.radians(palette.width))
    look[some] = torch.where(clear, nearest, -1)
    return look


def learn_backdrop(rgb: torch.Tensor, looks: Looks, palette: Palette = Palette()) -> torch.Tensor:
    """(row, column, 3): the median of each pixel over the frames (time, row, column, 3) in which
    it shows no look; where it always does, what is around it."""
    grey, chroma = grey_and_chroma(rgb)
    vivid = (look_of(rgb, looks, palette) >= 0) & (
        chroma.norm(dim=-1) > 0.5 * palette.vivid * grey)
    # Mixtures at the edge are dull already, yet not the backdrop.
    masked = torch.where(dilated(vivid)[..., None], torch.nan, rgb)
    backdrop = masked.nanmedian(dim=0).values
    return _filled(backdrop)


def _filled(picture: torch.Tensor) -> torch.Tensor:
    """A picture (row, column, 3) whose NaN pixels take the mean of what is nearest around them."""
    known = ~picture.isnan().any(dim=-1)
    if known.all() or not known.any():
        return torch.nan_to_num(picture, nan=128.0)
    value = torch.nan_to_num(picture).permute(2, 0, 1)[None]
    weight = known[None, None].float()
    total, count = value * weight, weight
    while not (count > 0).all():
        around = functional.avg_pool2d(torch.cat([total, count], dim=1), 3, stride=1, padding=1,
                                       count_include_pad=False)
        fresh = (count == 0) & (around[:, 3:] > 0)
        mean = around[:, :3] / around[:, 3:].clamp(min=1e-6)
        total = torch.where(fresh, mean, total)
        count = torch.where(fresh, torch.ones_like(count), count)
    return total[0].permute(1, 2, 0)


def shares(rgb: torch.Tensor, looks: Looks, backdrop: torch.Tensor,
           palette: Palette = Palette()) -> tuple[torch.Tensor, torch.Tensor]:
    """Share of each pixel that its own look covers, and which look that is.

    Differentiable in the colours: which look a pixel shows is a decision, how much of it is not.

    Parameters
    ----------
    rgb : (time, row, column, 3) float32, 0..255. backdrop : (row, column, 3).

    Returns
    -------
    (time, row, column) float32 in 0..1, and int64, -1 where there is none.
    """
    look = look_of(rgb, looks, palette)
    at = torch.nonzero(look >= 0, as_tuple=True)
    pixel, own, behind = rgb[at], looks.colour[look[at]], backdrop[at[1:]]
    ff, bb = (own * own).sum(-1), (behind * behind).sum(-1).clamp(min=1.0)
    fb = (own * behind).sum(-1)
    pf, pb = (pixel * own).sum(-1), (pixel * behind).sum(-1)
    det = (ff * bb - fb * fb).clamp(min=1e-3)
    a = (pf * bb - pb * fb) / det
    b = (pb * ff - pf * fb) / det
    coloured = a > 0.06
    look[at] = torch.where(coloured, look[at], -1)
    light = _light(rgb, backdrop, look >= 0, at)
    covered = (1 - b / light).clamp(0.0, 1.0)
    # No object is so dark that it covers much and shows little of its colour.
    covered = torch.minimum(covered, (a / 0.15).clamp(0.0, 1.0))
    share = torch.zeros(look.shape)
    share[at] = torch.where(coloured, covered, 0.0)
    return share, look


def _light(rgb: torch.Tensor, backdrop: torch.Tensor, coloured: torch.Tensor,
           at: tuple[torch.Tensor, ...]) -> torch.Tensor:
    """(n,): how bright the backdrop is around pixels `at`, as against usual; 1 where none of it is
    within two pixels."""
    free = (~dilated(coloured)).float()
    ratio = rgb.sum(-1) / backdrop.sum(-1).clamp(min=1.0) * free
    rows, columns = coloured.shape[1:]
    total, count = torch.zeros(len(at[0])), torch.zeros(len(at[0]))
    for down in range(-2, 3):
        for across in range(-2, 3):
            near = (at[0], (at[1] + down).clamp(0, rows - 1),
                    (at[2] + across).clamp(0, columns - 1))
            total += ratio[near]
            count += free[near]
    return torch.where(count > 0, total / count.clamp(min=1.0), 1.0).clamp(0.3, 1.5)


def dilated(mask: torch.Tensor) -> torch.Tensor:
    """A mask (…, row, column) with the pixels around each of its own."""
    tall = mask.clone()
    tall[..., 1:, :] |= mask[..., :-1, :]
    tall[..., :-1, :] |= mask[..., 1:, :]
    wide = tall.clone()
    wide[..., 1:] |= tall[..., :-1]
    wide[..., :-1] |= tall[..., 1:]
    return wide
