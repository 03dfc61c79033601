"""Holes in pictures, filled from what is around them.

Pull and push (Gortler et al. 1996, "The lumigraph", section 3.4): what is there is averaged over
ever larger squares, and holes take the average of the smallest square that knows something.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def filled(pictures: Tensor, there: Tensor) -> Tensor:
    """Pictures (N, C, rows, columns) with new pixels where `there` (N, 1, rows, columns) is 0.

    What is there stays as it is. A picture of which nothing is there becomes its own mean.
    """
    rows, columns = pictures.shape[-2:]
    if max(rows, columns) == 1:
        return pictures
    total = _halved(pictures * there)
    weight = _halved(there)
    mean = total / weight.clamp_min(1e-6)
    known = weight > 0
    blank = F.avg_pool2d(pictures, 2, ceil_mode=True)
    coarse = filled(torch.where(known, mean, blank), known.to(there))
    wide = F.interpolate(coarse, size=(rows, columns), mode="bilinear", align_corners=False)
    return torch.where(there > 0, pictures, wide)


def _halved(pictures: Tensor) -> Tensor:
    return F.avg_pool2d(pictures, 2, ceil_mode=True)
