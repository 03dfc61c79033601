"""Metrics of pixels: frame against frame of the same member."""

from __future__ import annotations

import functools

import numpy as np
import xarray as xr
from skimage.metrics import structural_similarity

from evaluation.metrics.metric import Metric, Sample

_PIXELS = ["row", "column", "channel"]


def _mse(sample: Sample, camera: str) -> xr.DataArray:
    dream, truth = sample.video[camera], sample.truth_video[camera]
    # Differences of uint8 fit into int16, their squares into float32.
    difference = (dream.values.astype(np.int16) - truth.values).astype(np.float32) / 255.0
    squared = dream.copy(data=difference**2)
    return squared.mean([*_PIXELS, "realization"], dtype=np.float64)


def _psnr(sample: Sample, camera: str) -> xr.DataArray:
    with np.errstate(divide="ignore"):
        return -10.0 * np.log10(_mse(sample, camera))


def _ssim(sample: Sample, camera: str) -> xr.DataArray:
    dream, truth = sample.video[camera], sample.truth_video[camera]
    shape = dream.shape[:3]
    values = [
        structural_similarity(a, b, channel_axis=-1, data_range=255)
        for a, b in zip(
            dream.values.reshape(-1, *dream.shape[3:]),
            truth.values.reshape(-1, *truth.shape[3:]),
            strict=True,
        )
    ]
    return xr.DataArray(np.reshape(values, shape), dims=dream.dims[:3],
                        coords={"case": dream["case"], "time": dream["time"]}).mean("realization")


def _of(camera: str) -> tuple[Metric, ...]:
    tail = "" if camera == "overhead" else f"_{camera}"
    return (
        Metric(f"pixel.mse{tail}", "1", f"mean squared difference of the {camera} view (0..1)",
               functools.partial(_mse, camera=camera), cameras=(camera,)),
        Metric(f"pixel.psnr{tail}", "dB", f"peak signal-to-noise ratio of the {camera} view",
               functools.partial(_psnr, camera=camera), direction="higher", perfect=np.inf,
               skilled=False, cameras=(camera,)),
        Metric(f"pixel.ssim{tail}", "1", f"structural similarity of the {camera} view",
               functools.partial(_ssim, camera=camera), direction="higher", perfect=1.0,
               cameras=(camera,)),
    )


METRICS = (*_of("overhead"), *_of("street"))
