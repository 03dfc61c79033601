"""The camera's layers held against closed forms, and its pixels against themselves."""

from __future__ import annotations

import numpy as np
import pytest
from camera_scene import rollout, village

from worldsim.camera import camera_of, render
from worldsim.errors import InputError

X = (np.arange(96) + 0.5) * 2.0
Y = (np.arange(64) + 0.5) * 2.0


def test_layout_of_the_video():
    video = render(rollout(cases=2, realizations=3), "overhead", size=(16, 24), fps=5,
                   depth=True, segmentation=True)
    assert video["rgb"].dims == ("case", "realization", "time", "row", "column", "channel")
    assert video["rgb"].shape == (2, 3, 5, 16, 24, 3) and video["rgb"].dtype == np.uint8
    assert video["depth"].dtype == np.float32 and video["segmentation"].dtype == np.int16
    assert np.allclose(video["time"], np.arange(5) / 5)
    assert video.attrs["fps"] == 5.0


def test_overhead_depth_and_labels_of_a_box_over_flat_water():
    box = {"position": (60.0, 50.0, 3.0), "half_size": (10.0, 6.0, 2.0)}
    tree = rollout(bathymetry=np.full((64, 96), -4.0), depth=4.0, boxes={3: box})
    video = render(tree, "overhead", depth=True, segmentation=True, times=[0.0])
    depth, label = video["depth"].values[0, 0, 0], video["segmentation"].values[0, 0, 0]
    y_of_row = Y[::-1]
    inside = (np.abs(X[None] - 60) < 10) & (np.abs(y_of_row[:, None] - 50) < 6)
    assert np.array_equal(label, np.where(inside, 3, -3))
    assert np.allclose(depth, np.where(inside, 95.0, 100.0), atol=1e-4)


def test_street_depth_of_flat_water_is_the_distance_to_a_plane():
    tree = rollout(bathymetry=np.full((64, 96), -4.0), depth=4.0)
    video = render(tree, "street", size=(32, 48), depth=True, segmentation=True, times=[0.0])
    depth, label = video["depth"].values[0, 0, 0], video["segmentation"].values[0, 0, 0]
    camera = camera_of(tree, "street")
    direction = camera.rays((32, 48), np.arange(32) + 0.5, np.arange(48) + 0.5).direction
    down = direction[..., 2] < -1e-4
    assert np.array_equal(label, np.where(down, -3, -1))
    expected = camera.position[2] / -direction[..., 2][down]
    assert np.allclose(depth[down], expected, rtol=1e-5)
    assert np.all(np.isinf(depth[~down]))


def test_errors_say_what_to_change():
    tree = rollout()
    with pytest.raises(InputError, match="did you mean 'overhead'"):
        render(tree, "overhed")
    for size in [(0, 10), (64, 100_000), (64.5, 96), 64]:
        with pytest.raises(InputError, match="rows, columns"):
            render(tree, size=size)
    with pytest.raises(InputError, match="fps"):
        render(tree, fps=-1)
    with pytest.raises(InputError, match="case=7"):
        render(tree, cases=[7])
    del tree["bodies"]
    with pytest.raises(InputError, match="no /bodies"):
        render(tree)


@pytest.mark.parametrize("camera", ["overhead", "street"])
def test_a_member_alone_has_the_pixels_it_has_among_others(camera):
    boxes, blocked = village()
    tree = rollout(boxes=boxes, blocked=blocked, cases=2, realizations=2)
    together = render(tree, camera, size=(32, 48))
    alone = render(tree, camera, size=(32, 48), cases=1, realizations=[1])
    assert np.array_equal(alone["rgb"].values[0, 0], together["rgb"].values[1, 1])
