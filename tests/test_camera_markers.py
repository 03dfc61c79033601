"""Small debris can be found where it is, and only where it can be seen."""

from __future__ import annotations

import numpy as np
import pytest
from camera_scene import DEBRIS_COLOURS, rollout

from worldsim.camera import camera_of, render
from worldsim.camera.markers import DIAMETER_PX

FLAT = np.full((64, 96), -4.0)
DEBRIS_SIZE = (2.6, 1.2, 1.0)


def share_of_colour(picture: np.ndarray, colour: np.ndarray, behind: np.ndarray) -> np.ndarray:
    """How much of each pixel is of that colour, if the rest is like `behind`."""
    towards = colour.astype(float) - behind
    return np.clip(np.sum((picture - behind) * towards, -1) / np.sum(towards**2, -1), 0, 1)


@pytest.mark.parametrize("camera", ["overhead", "street"])
@pytest.mark.parametrize("slot", range(12, 18))
def test_centroid_and_area_of_a_marker(camera, slot):
    place = np.array([61.3 + 5 * (slot - 12), 40.7 + 8 * (slot - 12), 0.4])
    empty = rollout(bathymetry=FLAT, depth=4.0)
    tree = rollout(bathymetry=FLAT, depth=4.0,
                   boxes={slot: {"position": place, "half_size": DEBRIS_SIZE}})
    behind = render(empty, camera, times=[0.0])["rgb"].values[0, 0, 0].astype(float)
    video = render(tree, camera, times=[0.0], segmentation=True)
    picture = video["rgb"].values[0, 0, 0].astype(float)
    share = share_of_colour(picture, DEBRIS_COLOURS[slot - 12], behind)
    row, column, _ = camera_of(tree, camera).project(place, (64, 96))
    rows, columns = np.mgrid[:64, :96] + 0.5
    assert np.isclose(share.sum(), np.pi * DIAMETER_PX**2 / 4, rtol=0.08)
    assert abs(np.sum(share * rows) / share.sum() - row) < 0.1
    assert abs(np.sum(share * columns) / share.sum() - column) < 0.1
    exact = np.abs(picture - DEBRIS_COLOURS[slot - 12]).max(-1) == 0
    assert exact.sum() >= 4
    assert 7 <= np.sum(video["segmentation"].values == slot) <= 13


def test_larger_pictures_show_the_box_itself():
    box = {"position": (61.0, 41.0, 0.4), "half_size": DEBRIS_SIZE}
    tree = rollout(bathymetry=FLAT, depth=4.0, boxes={12: box})
    label = render(tree, "overhead", size=(512, 768), times=[0.0], segmentation=True)
    area = np.sum(label["segmentation"].values == 12) / 16  # 4 x 4 pixels a square metre
    assert np.isclose(area, 4 * 2.6 * 1.2, rtol=0.03)


def test_a_house_hides_what_is_behind_it_but_not_what_is_in_front():
    house = {"position": (100.0, 64.0, 5.0), "half_size": (6.0, 10.0, 5.0)}
    for x, seen in ((70.0, False), (125.0, True)):
        boxes = {0: house, 12: {"position": (x, 64.0, 0.4), "half_size": DEBRIS_SIZE}}
        tree = rollout(bathymetry=FLAT, depth=4.0, boxes=boxes)
        label = render(tree, "street", times=[0.0], segmentation=True)["segmentation"].values
        assert bool(np.any(label == 12)) is seen
    sunk = {12: {"position": (60.0, 64.0, -3.0), "half_size": DEBRIS_SIZE}}
    tree = rollout(bathymetry=FLAT, depth=4.0, boxes=sunk)
    label = render(tree, "overhead", times=[0.0], segmentation=True)["segmentation"]
    assert not np.any(label == 12)


def test_absent_bodies_and_those_outside_leave_no_trace():
    tree = rollout(bathymetry=FLAT, depth=4.0,
                   boxes={12: {"position": (-60.0, 64.0, 0.4), "half_size": DEBRIS_SIZE},
                          13: {"position": (260.0, 300.0, 0.4), "half_size": DEBRIS_SIZE}})
    empty = rollout(bathymetry=FLAT, depth=4.0)
    seen, expected = (render(world, "overhead", times=[0.0])["rgb"] for world in (tree, empty))
    assert np.array_equal(seen, expected)
    video = render(tree, "street", times=[0.0], segmentation=True)
    assert not np.any(video["segmentation"] == 13)


def test_a_disc_cut_by_the_edge_of_the_picture():
    tree = rollout(bathymetry=FLAT, depth=4.0,
                   boxes={12: {"position": (0.5, 127.5, 0.4), "half_size": DEBRIS_SIZE}})
    label = render(tree, "overhead", times=[0.0], segmentation=True)["segmentation"].values[0, 0, 0]
    assert label[0, 0] == 12 and 2 <= np.sum(label == 12) <= 5
