"""Soft readings: centroids and areas of looks as differentiable functions of a video's colours.

What `track` reads is made of decisions (which patch, which object); these are sums over pixels, so
that a loss on them has a gradient by which a video can be changed. Learn the looks and the backdrop
once, with `worldsim.instruments.mattes.mattes`, from a video whose look is right.
"""

from __future__ import annotations

import torch

from worldsim.instruments.looks import Looks, Palette
from worldsim.instruments.mattes import shares


def soft_readings(rgb: torch.Tensor, looks: Looks, backdrop: torch.Tensor,
                  palette: Palette = Palette()) -> tuple[torch.Tensor, torch.Tensor]:
    """Centroid and area of each look in every frame.

    Parameters
    ----------
    rgb : (…, time, row, column, 3) float, 0..255, any leading dims. backdrop : (row, column, 3).

    Returns
    -------
    position : (…, time, look, [row, column]) continuous px; NaN where a look covers less than half
        a pixel. area : (…, time, look) px2.
    """
    frames = rgb.reshape(-1, *rgb.shape[-3:])
    share, look = shares(frames, looks, backdrop, palette)
    rows = torch.arange(share.shape[1], dtype=share.dtype) + 0.5
    columns = torch.arange(share.shape[2], dtype=share.dtype) + 0.5
    areas, places = [], []
    for number in range(len(looks)):
        own = torch.where(look == number, share, 0.0)
        area = own.sum(dim=(1, 2))
        # Divided by one where there is nothing, so that no gradient becomes NaN.
        safe = torch.where(area > 0.5, area, 1.0)
        place = torch.stack([(own.sum(2) * rows).sum(1), (own.sum(1) * columns).sum(1)], dim=-1)
        places.append(torch.where((area > 0.5)[:, None], place / safe[:, None], torch.nan))
        areas.append(area)
    shape = (*rgb.shape[:-3], len(looks))
    if not areas:
        return rgb.new_zeros((*shape, 2)), rgb.new_zeros(shape)
    return torch.stack(places, dim=1).reshape(*shape, 2), torch.stack(areas, dim=1).reshape(shape)
