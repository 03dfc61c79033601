"""Which pixels of an overhead view are wet, by their colour."""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy import ndimage


@dataclasses.dataclass(frozen=True)
class WaterColour:
    """By which colour a pixel counts as wet.

    blueness : least (blue - red) / (red + green + blue); sand and grass are negative, asphalt and
        concrete near zero, water well above.
    least_green, most_green : range of (green - red) / (blue - red), the position between blue
        and cyan and a little beyond (hues 240 to 170 degrees: water mixes with grass at its edge);
        violet and magenta objects are below it.
    greenness : least (2 green - red - blue) / (red + green + blue) of grass; roofs and sand have
        less.
    foam : least value of the darkest channel of white water, 0..255.
    debris_spread : least difference between a pixel's largest and smallest channel, 0..255, of
        anything else that counts as debris.
    """

    blueness: float = 0.05
    least_green: float = 0.12
    most_green: float = 1.35
    greenness: float = 0.08
    foam: int = 220
    debris_spread: int = 90


def wet_mask(rgb: np.ndarray, colour: WaterColour = WaterColour(),
             first: np.ndarray | None = None, fallen: np.ndarray | None = None) -> np.ndarray:
    """Which pixels show water.

    Floating debris hides the water below it, so its pixels take the majority of what surrounds
    them. So do roofs where the first frame shows none, and those of fallen buildings: they are
    rubble or afloat.

    Parameters
    ----------
    rgb : (…, row, column, 3) uint8.
    first : (…, row, column, 3) uint8, broadcastable to `rgb`; what the same view showed at first.
    fallen : (…, row, column) bool, footprints of buildings that stand no more.

    Returns
    -------
    (…, row, column) bool.
    """
    red, green, blue = (rgb[..., i].astype(np.int16) for i in range(3))
    total = red + green + blue
    wet, blue_red = _water_coloured(red, green, blue, total, colour)
    darkest = np.minimum(np.minimum(red, green), blue)
    # Breaking crests are clipped to white; no dry ground or roof is as bright without being warm.
    wet |= (darkest > colour.foam) & (blue_red >= -3)
    # Fully saturated, and not blue to cyan: debris.
    hue_spread = np.maximum(np.maximum(red, green), blue) - darkest
    hidden = (hue_spread > colour.debris_spread) & ~wet
    if first is not None:
        grass = 3 * green - total >= colour.greenness * total
        red, green, blue = (first[..., i].astype(np.int16) for i in range(3))
        total = red + green + blue
        was_open = 3 * green - total >= colour.greenness * total
        was_open |= _water_coloured(red, green, blue, total, colour)[0]
        if fallen is not None:
            was_open = was_open | fallen
        hidden |= was_open & ~grass & ~wet
    return _fill_hidden(wet, hidden)


def _water_coloured(red: np.ndarray, green: np.ndarray, blue: np.ndarray, total: np.ndarray,
                    colour: WaterColour) -> tuple[np.ndarray, np.ndarray]:
    blue_red = blue - red
    green_red = green - red
    wet = (
        (blue_red > colour.blueness * total)
        & (green_red > colour.least_green * blue_red)
        & (green_red < colour.most_green * blue_red)
    )
    return wet, blue_red


def _fill_hidden(wet: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """Give hidden pixels what most of the visible ones within 3 pixels (else within 7) are."""
    if not hidden.any():
        return wet
    shape = wet.shape
    wet_NHW = wet.reshape(-1, *shape[-2:]).copy()
    hidden_NHW = ndimage.binary_dilation(
        hidden.reshape(wet_NHW.shape), structure=np.ones((1, 3, 3), dtype=bool)
    )
    frames = np.flatnonzero(hidden_NHW.any(axis=(1, 2)))
    some = wet_NHW[frames]
    # Next to what hides, colours mix; but what looks wet there is wet.
    covered = hidden.reshape(wet_NHW.shape)[frames] | (hidden_NHW[frames] & ~some)
    visible = (~covered).astype(np.float32)
    for side in (7, 15):
        around = ndimage.uniform_filter(some * visible, size=(0, side, side), mode="nearest")
        weight = ndimage.uniform_filter(visible, size=(0, side, side), mode="nearest")
        # Rounding of the running sums is far below one pixel's share.
        known = covered & (weight > 0.5 / side**2)
        some = np.where(known, around > 0.5 * weight, some)
        covered = covered & ~known
        if not covered.any():
            break
    wet_NHW[frames] = some
    return wet_NHW.reshape(shape)
