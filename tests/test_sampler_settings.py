"""The comparison of sampler settings: settings as text, and the measure of clouds."""

import numpy as np
import pytest
import xarray as xr

from evaluation.sampler_settings import changes_of, painted_share
from worldsim.errors import InputError

DIMS = ("case", "realization", "time", "row", "column", "channel")


def test_settings_are_read_from_text():
    assert changes_of("") == {}
    assert changes_of("steps=24,shift=1") == {"steps": 24, "shift": 1.0}
    assert changes_of("heun=true") == {"heun": True}


@pytest.mark.parametrize("text", ["step=3", "steps=many", "shift"])
def test_unusable_settings_are_named(text):
    with pytest.raises(InputError, match=text.partition("=")[0]):
        changes_of(text)


def test_clouds_cover_more_than_the_truth_and_lost_debris_less():
    def video(side: int) -> xr.DataArray:
        rgb = np.full((1, 1, 4, 16, 16, 3), (30, 110, 170), np.uint8)
        rgb[..., 2:2 + side, 2:2 + side, :] = (225, 30, 30)
        return xr.DataArray(rgb, dims=DIMS)

    assert painted_share(video(3), video(3)) == 1
    assert painted_share(video(6), video(3)) == pytest.approx(4)
    assert painted_share(video(0), video(3)) == 0
