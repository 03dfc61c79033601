"""Looks: the saturated colours in a video that its objects wear, by hue, whatever the light.

A colour is split into grey (its part along white) and chroma (the plane across). Light and shade
multiply both by one number, so that the direction of the chroma, the hue, stays; a dull backdrop
has next to no chroma, so that mixing at an edge, and the coarser chroma of 4:2:0 video, leave the
hue as well.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import torch

_GREY = 1 / math.sqrt(3)
AXES = torch.tensor(
    [
        [_GREY, _GREY, _GREY],
        [2 / math.sqrt(6), -1 / math.sqrt(6), -1 / math.sqrt(6)],
        [0.0, 1 / math.sqrt(2), -1 / math.sqrt(2)],
    ]
)
"""Rows: the unit vectors of grey, of red against cyan, and of green against blue."""


@dataclasses.dataclass(frozen=True)
class Palette:
    """How colours are told apart.

    vivid : least chroma over grey of an object's own colour; the dull have 0.1 at most.
    chroma : least chroma, 0..255, by which a hue is known; noise of compression is below.
    apart : least difference of two looks, degree.
    width : greatest difference of a pixel's hue from its look's, degree.
    least : pixels that must show a look in some frame.
    most : looks at most.
    """

    vivid: float = 0.2
    chroma: float = 14.0
    apart: float = 14.0
    width: float = 26.0
    least: float = 4.0
    most: int = 12


@dataclasses.dataclass(frozen=True)
class Looks:
    """The looks of one video.

    colour : (look, 3) float32, 0..255, as it is in mean light.
    hue : (look,) rad, ascending.
    """

    colour: torch.Tensor
    hue: torch.Tensor

    def __len__(self) -> int:
        return len(self.hue)


def grey_and_chroma(rgb: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Grey (…) and chroma (…, 2) of colours (…, 3), both on the scale of 0..255 (√3 for white)."""
    turned = rgb @ AXES.T.to(rgb)
    return turned[..., 0], turned[..., 1:]


def find_looks(rgb: torch.Tensor, palette: Palette = Palette()) -> Looks:
    """The looks in some frames (time, row, column, 3) float32, 0..255.

    A look is a peak in the histogram of the vivid pixels' hues that is `palette.apart` from any
    higher one, with a valley between them.
    """
    grey, chroma = grey_and_chroma(rgb)
    size = chroma.norm(dim=-1)
    vivid = (size > palette.chroma) & (size > palette.vivid * grey)
    hue = torch.atan2(chroma[..., 1], chroma[..., 0])[vivid]
    frame = torch.nonzero(vivid)[:, 0]
    counts = _histogram(hue.numpy(), frame.numpy(), len(rgb))
    peaks = _peaks(counts, palette)
    colours, hues = [], []
    pixels, purity = rgb[vivid], (size / grey.clamp(min=1.0))[vivid]
    for peak in sorted(peaks):
        middle = math.radians(peak + 0.5) - math.pi
        near = torch.cos(hue - middle) > math.cos(math.radians(palette.apart / 2))
        pure = near & (purity >= purity[near].quantile(0.6))
        colour = pixels[pure].median(dim=0).values
        own = colour @ AXES.T
        colours.append(colour)
        hues.append(torch.atan2(own[2], own[1]))
    if not colours:
        return Looks(torch.zeros(0, 3), torch.zeros(0))
    return Looks(torch.stack(colours), torch.stack(hues))


def _histogram(hue: np.ndarray, frame: np.ndarray, frames: int) -> np.ndarray:
    """(360,) most pixels per degree of hue in any frame, smoothed over some degrees."""
    bins = np.minimum(np.degrees(hue + np.pi).astype(np.int64), 359)
    counts = np.bincount(frame * 360 + bins, minlength=frames * 360).reshape(frames, 360)
    angle = (np.arange(360) + 180) % 360 - 180
    kernel = np.fft.rfft(np.exp(-0.5 * (angle / 3.0) ** 2))
    smooth = np.fft.irfft(np.fft.rfft(counts, axis=1) * kernel, n=360, axis=1)
    # A high rank, not the maximum: a look is there for longer than one noisy frame.
    rank = max(0, frames - 1 - frames // 20)
    return np.sort(smooth, axis=0)[rank]


def _peaks(counts: np.ndarray, palette: Palette) -> list[int]:
    chosen: list[int] = []
    for place in np.argsort(counts)[::-1]:
        height = counts[place]
        if height < palette.least or len(chosen) == palette.most:
            break
        if all(_separate(counts, int(place), other, palette.apart) for other in chosen):
            chosen.append(int(place))
    return chosen


def _separate(counts: np.ndarray, place: int, other: int, apart: float) -> bool:
    """Whether a lower peak is another one's, or its own."""
    way = (other - place + 180) % 360 - 180
    if abs(way) < apart:
        return False
    between = counts[(place + np.sign(way) * np.arange(abs(way) + 1)) % 360]
    return bool(between.min() < 0.6 * counts[place])
