"""Uncertainty maps: where in a video the members of an ensemble disagree.

One number per token (a patch of pixels over a group of frames): the root mean square, over the
token's pixels and channels, of the standard deviation over realizations. It says where a model is
unsure, not whether it is right; `evaluation` scores ensembles against the truth.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from worldsim.diffusion.patches import PatchConfig
from worldsim.errors import InputError


def uncertainty_map(answer: xr.DataTree, camera: str, patch: int = PatchConfig.patch,
                    frames: int = PatchConfig.frames) -> xr.DataArray:
    """Disagreement of an answer's members, token by token.

    Parameters
    ----------
    answer : a rollout with ``/video/<camera>`` of several realizations.
    patch, frames : size of a token, by default that of the packaged models; what does not fill one
        at the right, the bottom and the end is a smaller one.

    Returns
    -------
    (case, time, row, column) of tokens, in levels of 8-bit colour (0 to 127.5), with ``time`` [s]
    of the group's first frame.

    Raises
    ------
    InputError : no such camera, one realization only, or sizes below 1.
    """
    films = answer["video"].children if "video" in answer.children else {}
    if camera not in films:
        raise InputError(f"the answer has no video of camera {camera!r}; it has "
                         f"{', '.join(films) or 'none'}")
    if min(patch, frames) < 1:
        raise InputError(f"patch={patch}, frames={frames}: give at least 1")
    rgb = answer[f"video/{camera}/rgb"]
    if rgb.sizes["realization"] < 2:
        raise InputError("one realization has no spread; ask for several (realizations=4, say)")
    variance = rgb.values.astype(np.float32).var(axis=1, ddof=1).mean(axis=-1)
    for axis, size in ((1, frames), (2, patch), (3, patch)):
        starts = np.arange(0, variance.shape[axis], size)
        lengths = np.diff([*starts, variance.shape[axis]])
        shape = [1, 1, 1, 1]
        shape[axis] = -1
        variance = np.add.reduceat(variance, starts, axis) / lengths.reshape(shape)
    return xr.DataArray(
        np.sqrt(variance), dims=("case", "time", "row", "column"), name="uncertainty",
        coords={"time": ("time", rgb["time"].values[::frames], {"units": "s"})},
        attrs={"units": "levels of 255", "patch": patch, "frames": frames, "camera": camera})
