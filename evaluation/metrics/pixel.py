"""Metrics of pixels: frame against frame of the same member."""

from __future__ import annotations

import functools
import math

import numpy as np
import xarray as xr
from scipy import ndimage

from evaluation.metrics.metric import Metric, Sample, Window
from worldsim.errors import InputError

LUMINANCE = np.array([0.2125, 0.7154, 0.0721], dtype=np.float32)
"""Weights of red, green and blue (ITU-R BT.709, as scikit-image's rgb2gray)."""

MAIN = "main"
"""The view that instruments read, in `Sample.video`."""

PICTURES = ("blur", "frozen", "backwards")
"""Ladders along which pictures have to go wrong."""

ROUNDING = 1.0 / 12 / 255**2
"""Mean squared error that rounding to 8 bits makes: less does not count as better."""


def _mse(sample: Sample, camera: str) -> xr.DataArray:
    dream, truth = sample.video[camera], sample.truth_video[camera]
    # Differences of uint8 fit into int16; sums of their squares, exactly, into int64.
    difference = dream.values.astype(np.int16) - truth.values
    total = np.einsum("crtijk,crtijk->ct", difference, difference, dtype=np.int64)
    count = difference[0, :, 0].size * 255.0**2
    return xr.DataArray(total / count, dims=("case", "time"),
                        coords={"case": dream["case"], "time": dream["time"]})


def _psnr(sample: Sample, camera: str, least: float = 0.0) -> xr.DataArray:
    with np.errstate(divide="ignore"):
        return -10.0 * np.log10(np.maximum(_mse(sample, camera), least))


def _ssim(sample: Sample, camera: str) -> xr.DataArray:
    dream, truth = sample.video[camera], sample.truth_video[camera]
    values = [
        structural_similarity(a, b) for a, b in zip(
            dream.values.reshape(-1, *dream.shape[2:]), truth.values.reshape(-1, *truth.shape[2:]),
            strict=True,
        )
    ]
    return xr.DataArray(np.reshape(values, dream.shape[:3]), dims=dream.dims[:3],
                        coords={"case": dream["case"], "time": dream["time"]}).mean("realization")


def structural_similarity(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Mean structural similarity of the frames' luminance, all at once.

    Wang et al. (2004), doi:10.1109/TIP.2003.819861, with a uniform 7x7 window, unbiased
    covariances and a margin of 3 pixels left out: what scikit-image computes frame by frame (the
    tests hold the two together).

    Parameters
    ----------
    first, second : (time, row, column, channel) uint8.

    Returns
    -------
    (time,)
    """
    side, margin = 7, 3
    if min(first.shape[1:3]) < side:
        raise InputError(f"frames of {first.shape[1:3]} pixels are too small; give at least {side}")
    # Sums of squares lose digits far from zero.
    x, y = (frames @ LUMINANCE - np.float32(128.0) for frames in (first, second))
    window = functools.partial(ndimage.uniform_filter, size=(0, side, side))
    mean_x, mean_y = window(x), window(y)
    unbiased = side**2 / (side**2 - 1)
    variance_x = unbiased * (window(x * x) - mean_x**2)
    variance_y = unbiased * (window(y * y) - mean_y**2)
    covariance = unbiased * (window(x * y) - mean_x * mean_y)
    mean_x += 128.0
    mean_y += 128.0
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    similarity = ((2 * mean_x * mean_y + c1) * (2 * covariance + c2)) / (
        (mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2)
    )
    inner = slice(margin, -margin)
    return similarity[:, inner, inner].mean(axis=(1, 2), dtype=np.float64)


def _of(camera: str, window: Window = "last half") -> tuple[Metric, ...]:
    tail = "" if camera == "overhead" else f"_{camera}"
    concerns, least = (PICTURES, ROUNDING) if camera == MAIN else ((), 0.0)
    most = -10.0 * math.log10(least) if least else np.inf
    return (
        Metric(f"pixel.mse{tail}", "1", f"mean squared difference of the {camera} view (0..1)",
               functools.partial(_mse, camera=camera), window=window, cameras=(camera,),
               concerns=concerns),
        Metric(f"pixel.psnr{tail}", "dB", f"peak signal-to-noise ratio of the {camera} view",
               functools.partial(_psnr, camera=camera, least=least), direction="higher",
               perfect=most, skilled=False, window=window, cameras=(camera,), concerns=concerns),
        Metric(f"pixel.ssim{tail}", "1", f"structural similarity of the {camera} view",
               functools.partial(_ssim, camera=camera), direction="higher", perfect=1.0,
               window=window, cameras=(camera,), concerns=concerns),
    )


METRICS = (*_of("overhead"), *_of("street"))

MAIN_METRICS = _of(MAIN, window="dreamt")
"""Of the view that instruments read, whatever its name."""
