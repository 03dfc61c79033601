"""Walls, piers and trees in the picture: there while they stand, gone when they fell."""

import json

import numpy as np
import pytest
import xarray as xr
from camera_scene import rollout

from worldsim.camera import Domain, overhead, render

TIMES = np.arange(0.0, 2.01, 0.1)
SIZE = (64, 96)
"""Pixels of 2 m, one for each cell."""

WALL = (44.0, 46.0, 0.0, 64.0)


def coast(depth: np.ndarray | float, wall_falls: float, trees_fall: float) -> xr.DataTree:
    """A wall 4 m high on level ground 1 m above still water, and trees north of it."""
    ground = np.ones((64, 96))
    bed = ground.copy()
    bed[:32, 22] = 5.0
    tree = rollout(times=TIMES, bathymetry=bed, depth=depth)
    member = ("case", "realization")
    works = xr.Dataset(
        {
            "standing": ((*member, "time", "work"), (wall_falls > TIMES)[None, None, :, None]),
            "kind": (("case", "work"), [[0]]),
            "footprint": (("case", "work", "bound"), [[WALL]]),
            "crest": (("case", "work"), [[5.0]]),
            "foot": (("case", "work"), [[1.0]]),
            "rubble": ((*member, "work"), [[[1.8]]]),
        }
    )
    stems = np.zeros((1, 64, 96), np.float32)
    stems[:, 40:48, 60:64] = 0.2
    trees = xr.Dataset(
        {
            "stems": (("case", "y", "x"), stems),
            "height": (("case", "y", "x"), np.where(stems > 0, 8.0, 0.0)),
            "failure_time": (
                (*member, "y", "x"), np.where(stems > 0, trees_fall, np.nan)[:, None],
            ),
        }
    )
    tree["works"], tree["trees"] = xr.DataTree(works), xr.DataTree(trees)
    return tree


def pictures(tree: xr.DataTree, layer: str = "rgb") -> np.ndarray:
    """At 0 and 2 s, rows northward: [frame, y, x]."""
    camera = overhead(Domain(0.0, 192.0, 0.0, 128.0))
    video = render(tree, camera, size=SIZE, times=[0.0, 2.0], depth=True, segmentation=True)
    return video[layer].values[0, 0][:, ::-1].astype(float)


@pytest.fixture(scope="module")
def fallen() -> np.ndarray:
    return pictures(coast(0.0, wall_falls=1.0, trees_fall=1.0))


def test_a_wall_is_grey_and_trees_are_dark_until_they_fall(fallen):
    before, after = fallen
    wall, grass = before[5:27, 22], before[5:27, 70]
    assert (np.ptp(wall, axis=-1) < 30).all() and (np.ptp(grass, axis=-1) > 40).all()
    belt = np.s_[40:48, 60:64]
    assert before[belt].sum(-1).mean() < 0.8 * before[50:58, 60:64].sum(-1).mean()
    np.testing.assert_allclose(after[belt], after[50:58, 60:64], atol=14)


def test_a_fallen_wall_is_a_heap_as_high_as_its_rubble():
    depth = pictures(coast(0.0, wall_falls=1.0, trees_fall=9.0), "depth")
    drop = depth[:, 16, 70] - depth[:, 16, 22]
    np.testing.assert_allclose(drop, [4.0, 0.8], atol=0.05)
    labels = pictures(coast(0.0, wall_falls=9.0, trees_fall=9.0), "segmentation")
    assert set(np.unique(labels)) == {-2}, "walls and trees count as ground, not as bodies"


def test_water_is_seen_on_a_wall_that_it_overtops_and_not_on_a_dry_one():
    water = np.full((64, 96), 1.0, np.float32)
    water[:32, 22] = 0.0
    dry = pictures(coast(water, 9.0, 9.0), "segmentation")[0]
    assert (dry[5:27, 22] == -2).all() and (dry[5:27, 10] == -3).all()
    water[:32, 22] = 0.5
    tree = coast(water, 9.0, 9.0)
    wet = pictures(tree, "segmentation")[0]
    assert (wet[5:27, 22] == -3).all()
    level = pictures(tree, "depth")[0]
    assert level[16, 10] - level[16, 22] == pytest.approx(5.5 - 2.0, abs=0.05)


def test_what_has_no_works_looks_as_it_did():
    tree = coast(0.3, 9.0, 9.0)
    plain = rollout(times=TIMES, depth=0.3)
    again = xr.DataTree.from_dict({path: plain[path].dataset for path in plain.groups})
    again["works"] = xr.DataTree(tree["works"].to_dataset().assign(kind=(("case", "work"), [[-1]])))
    for one, other in zip(*(render(t, "overhead", size=(32, 48), times=[0.0, 1.0])["rgb"].values
                            for t in (plain, again)), strict=True):
        np.testing.assert_array_equal(one, other)
    assert json.loads(render(plain, "overhead", times=[0.0]).attrs["camera"])
