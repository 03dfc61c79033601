"""Uncertainty maps are standard deviations over members, token by token."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from worldsim.errors import InputError
from worldsim.uncertainty import uncertainty_map


def answer(video: np.ndarray) -> xr.DataTree:
    dims = ("case", "realization", "time", "row", "column", "channel")
    films = xr.Dataset({"rgb": (dims, video)}, coords={"time": np.arange(video.shape[2]) / 20})
    return xr.DataTree.from_dict({"/video/side": films})


def test_a_token_tells_how_its_pixels_differ_between_members():
    rng = np.random.default_rng(0)
    video = rng.integers(0, 256, (2, 4, 12, 40, 24, 3), np.uint8)
    video[:, :, :5] = video[:, :1, :5]  # all members begin alike
    found = uncertainty_map(answer(video), "side")
    assert found.shape == (2, 3, 3, 2) and found["time"].values.tolist() == [0, 0.25, 0.5]
    assert (found.values[:, 0] == 0).all()
    for group, rows, columns in ((slice(5, 10), slice(16, 32), slice(0, 16)),
                                 (slice(10, 12), slice(32, 40), slice(16, 24))):
        token = video[1, :, group, rows, columns].astype(float)
        expected = np.sqrt(token.std(axis=0, ddof=1).__pow__(2).mean())
        place = group.start // 5, rows.start // 16, columns.start // 16
        assert found.values[(1, *place)] == pytest.approx(expected, rel=1e-5)


def test_what_has_no_spread_is_refused():
    one = answer(np.zeros((1, 1, 5, 16, 16, 3), np.uint8))
    with pytest.raises(InputError, match="ask for several"):
        uncertainty_map(one, "side")
    with pytest.raises(InputError, match="no video of camera 'top'; it has side"):
        uncertainty_map(one, "top")
    with pytest.raises(InputError, match="at least 1"):
        uncertainty_map(one, "side", patch=0)
