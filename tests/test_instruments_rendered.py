"""The instruments on what the renderer really draws: their floors against the simulator's state."""

import time

import numpy as np
import pytest

from evaluation.metrics.metric import Sample
from evaluation.metrics.structures import matched_standing
from evaluation.observe import observe_state, observe_video, video_of
from worldsim.instruments import observe_buildings, observe_debris, observe_water
from worldsim.instruments.ground import GroundGrid
from worldsim.scenario import make
from worldsim.simulator.world import simulate


@pytest.fixture(scope="module")
def truth():
    """Two kinds of houses under waves that reach them, one member each."""
    scenarios = [
        make("tsunami", wave_height=height, building=building)
        for height, building in ((8.0, "timber"), (6.0, "concrete"))
    ]
    return simulate(scenarios, seed=17, duration=9.0)


@pytest.fixture(scope="module")
def video(truth):
    return video_of(truth, "overhead", (64, 96), 5.0).isel(time=slice(0, 45))


@pytest.fixture(scope="module")
def pair(truth, video):
    return Sample(observe_video(video), observe_state(truth, video["time"].values))


def test_floor_of_debris_positions(pair, video):
    pitch = GroundGrid.of(video).pitch
    true = pair.state["debris"]["position"].values
    present = np.isfinite(true[..., 0])
    seen = pair.observed["debris"]["position"].values
    error = np.linalg.norm(seen - true, axis=-1)[present] / pitch
    # One piece may hide another for a moment.
    assert np.isnan(error).mean() <= 0.03
    assert np.nanmedian(error) <= 0.25
    assert np.nanpercentile(error, 99) <= 1.0
    assert pair.observed["debris"]["seen"].values[~present].mean() <= 0.01


def test_floor_of_wet_area_front_and_arrival(pair):
    seen, true = pair.observed["water"], pair.state["water"]
    wrong = seen["wet"].values != true["wet"].values
    assert true["wet"].values[:, :, -1].mean() > 0.4
    assert wrong.mean() <= 0.003
    assert wrong[:, :, :10].mean() <= 0.001
    assert abs(seen["front_position"] - true["front_position"]).max() <= 2.0
    late = seen["arrival_time"].values - true["arrival_time"].values
    assert np.nanmedian(np.abs(late)) <= 0.1


def test_floor_of_buildings(pair):
    standing, found = matched_standing(pair)
    present = np.isfinite(pair.state["buildings"]["footprint"].values[..., 0])
    assert found.values[present[:, None]].all()
    true = pair.state["buildings"]["standing"].values
    shown = present[:, None, None] & np.ones(true.shape, dtype=bool)
    # Some house must fall for this to test anything.
    assert not true[:, :, -1][shown[:, :, -1]].all()
    assert (standing.values != true)[shown].mean() <= 0.08
    assert (standing.values[:, :, 0] == 1)[shown[:, :, 0]].all()


def test_fifty_times_real_time(video):
    lasting = video.sizes["time"] / video.attrs["fps"] * video.sizes["case"]
    begun = time.process_time()
    for observe in (observe_water, observe_debris, observe_buildings):
        observe(video)
    assert lasting / (time.process_time() - begun) >= 50
