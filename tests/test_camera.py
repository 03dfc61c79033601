"""The camera's layers held against closed forms, and its pixels against themselves."""

from __future__ import annotations

import itertools
import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
import xarray as xr
from camera_scene import rollout, village
from skimage.color import rgb2hsv

from worldsim.camera import GROUND, Camera, camera_of, frame_grid, render
from worldsim.camera.states import read_member
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
    with pytest.raises(InputError, match="from 0 to 1 s"):
        render(tree, times=[1.5])
    with pytest.raises(InputError, match="less than one frame"):
        render(tree, fps=0.1)
    with pytest.raises(InputError, match="no coordinate 'case'"):
        render(xr.DataTree())
    del tree["bodies"]
    with pytest.raises(InputError, match="no /bodies"):
        render(tree)


@pytest.mark.parametrize("camera", ["overhead", "street"])
def test_a_member_alone_has_the_pixels_it_has_among_others(camera):
    boxes, blocked = village()
    tree = rollout(boxes=boxes, blocked=blocked, cases=2, realizations=2)
    options = {"size": (32, 48), "times": [0.0, 0.75]}
    together = render(tree, camera, **options)
    alone = render(tree, camera, **options, cases=1, realizations=[1])
    assert np.array_equal(alone["rgb"].values[0, 0], together["rgb"].values[1, 1])


@pytest.mark.parametrize("camera", ["overhead", "street"])
def test_the_same_pixels_each_time_with_more_layers_and_threads(camera):
    boxes, blocked = village()
    tree = rollout(boxes=boxes, blocked=blocked, times=np.arange(0, 10.01, 1.0))
    options = {"size": (48, 72), "times": [0.0, 6.3, 9.0]}
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        first = render(tree, camera, **options)["rgb"].values
        again = render(tree, camera, depth=True, segmentation=True, **options)["rgb"].values
        torch.set_num_threads(2)
        threaded = render(tree, camera, **options)["rgb"].values
    finally:
        torch.set_num_threads(before)
    assert np.array_equal(first, again)
    assert np.array_equal(first, threaded)


def mirrored(tree: xr.DataTree) -> xr.DataTree:
    """The same world with y turned round in the middle plane, y = 64 m."""
    water = tree["water"].to_dataset()
    flipped = water.isel(y=slice(None, None, -1)).assign_coords(y=water["y"])
    flipped["momentum_y"] = -flipped["momentum_y"]
    bodies = tree["bodies"].to_dataset()
    position, quaternion = bodies["position"].copy(), bodies["quaternion"].copy()
    position.values[..., 1] = 128.0 - position.values[..., 1]
    quaternion.values[..., 1] *= -1
    quaternion.values[..., 3] *= -1
    bodies = bodies.assign(position=position, quaternion=quaternion)
    return xr.DataTree.from_dict(
        {"/": tree.to_dataset(), "/water": flipped, "/bodies": bodies}
    )


@pytest.mark.parametrize(("camera", "axis", "size"), [
    ("overhead", 0, (64, 96)), ("street", 1, (64, 96)), ("street", 1, (180, 320)),
])
def test_a_mirrored_world_gives_mirrored_pictures(camera, axis, size):
    boxes, blocked = village()
    turned = np.array([0.9, 0.2, 0.1, 0.35])
    boxes[14]["quaternion"] = turned / np.linalg.norm(turned)
    tree = rollout(boxes=boxes, blocked=blocked, times=np.arange(0, 10.01, 1.0))
    picture = render(tree, camera, size=size, times=[7.5])["rgb"].values[0, 0, 0]
    other = render(mirrored(tree), camera, size=size, times=[7.5])["rgb"].values[0, 0, 0]
    difference = np.abs(np.flip(other, axis).astype(int) - picture)
    assert np.mean(difference > 1) < 1e-3  # rounding moves a sample across an edge now and then
    assert np.mean(np.abs(other.astype(int) - picture) > 10) > 0.02  # the world is not symmetric


def test_wet_pixels_are_the_wet_cells():
    boxes, blocked = village()
    tree = rollout(boxes=boxes, blocked=blocked, times=np.arange(0, 10.01, 1.0))
    depth = tree["water"]["depth"].values[0, 0, 7]
    label = render(tree, "overhead", times=[7.0], segmentation=True)["segmentation"]
    seen = np.flipud(label.values[0, 0, 0])
    open_ = seen < 0
    assert np.array_equal((seen == -3)[open_], (depth > 0.02)[open_])
    assert 0.2 < np.mean(seen == -3) < 0.9


def test_colour_tells_water_ground_sky_and_debris_apart():
    boxes, blocked = village()
    tree = rollout(boxes=boxes, blocked=blocked, times=np.arange(0, 10.01, 1.0))
    for camera in ("overhead", "street"):
        video = render(tree, camera, times=[0.0, 4.0, 6.0, 8.0, 9.5], segmentation=True)
        hsv = rgb2hsv(video["rgb"].values[0, 0])
        label = video["segmentation"].values[0, 0]
        hue, saturation = 360 * hsv[..., 0], hsv[..., 1]
        watery = (hue > 185) & (hue < 225) & (saturation > 0.2)
        inner = np.stack([_eroded(picture) for picture in label])
        assert np.mean(watery[inner & (label == -3)]) > 0.999
        assert not np.any(watery[inner & (label != -3)])
        ground = inner & (label == -2)
        assert np.all((hue[ground] > 25) & (hue[ground] < 110) & (saturation[ground] < 0.45))
        assert np.all(saturation[inner & (label == -1)] < 0.15)


def _eroded(label: np.ndarray) -> np.ndarray:
    """Pixels whose neighbours have the same label."""
    same = np.zeros(label.shape, dtype=bool)
    centre = label[1:-1, 1:-1]
    same[1:-1, 1:-1] = np.all(
        [np.roll(label, shift, (0, 1))[1:-1, 1:-1] == centre
         for shift in itertools.product((-1, 0, 1), repeat=2)], axis=0)
    return same


def test_no_water_inside_a_standing_building():
    blocked = np.zeros((64, 96), bool)
    blocked[20:28, 40:50] = True  # 80..100 m x 40..56 m
    box = {"position": (90.0, 48.0, 1.5), "half_size": (10.0, 8.0, 1.5), "colour": (200, 60, 50)}
    depth = np.where(blocked, 0.0, 5.0)  # far above the roof
    tree = rollout(bathymetry=np.zeros((64, 96)), depth=depth, boxes={0: box}, blocked=blocked)
    label = render(tree, "overhead", times=[0.0], segmentation=True)["segmentation"]
    assert np.array_equal(np.flipud(label.values[0, 0, 0] == 0), blocked)


def test_shadow_of_a_box_has_the_length_of_its_height():
    box = {"position": (90.0, 64.0, 6.0), "half_size": (6.0, 10.0, 6.0)}
    tree = rollout(bathymetry=np.full((64, 96), 0.5), depth=0.0, boxes={0: box})
    camera = Camera("close", "orthographic", (90, 64, 50), (90, 64, 0), (0, 1, 0), height_m=40)
    row = render(tree, camera, size=(80, 120), times=[0.0])["rgb"].values[0, 0, 0, 40].sum(-1)
    x = 90 + (np.arange(120) + 0.5 - 60) * 0.5
    dark = x[row < 0.75 * row[-1]]
    dark = dark[np.abs(dark - 90) > 6]
    length = (12.0 - 0.5) / np.tan(np.radians(50.0))
    assert dark.max() < 84.5 and abs(dark.min() - (84.0 - length)) < 0.5


def test_states_between_stored_instants_are_interpolated():
    times = np.array([0.0, 1.0])
    box = {
        "position": np.array([(40.0, 64.0, 5.0), (60.0, 64.0, 5.0)]), "half_size": (8.0, 8.0, 1.0),
        "quaternion": np.array([(1, 0, 0, 0), (np.cos(np.pi / 4), 0, 0, np.sin(np.pi / 4))]),
    }
    tree = rollout(times=times, bathymetry=np.full((64, 96), -4.0), boxes={2: box},
                   depth=np.array([4.0, 6.0])[:, None, None] * np.ones((64, 96)))
    states = read_member(tree, 0, 0, np.array([0.25, 0.5, 1.0]))
    assert np.allclose(states.position[:, 2, 0], [45, 50, 60])
    assert np.allclose(states.quaternion[1, 2], [np.cos(np.pi / 8), 0, 0, np.sin(np.pi / 8)])
    assert np.allclose(states.quaternion[0, 2], [np.cos(np.pi / 16), 0, 0, np.sin(np.pi / 16)])
    video = render(tree, "overhead", times=[0.25], depth=True)
    assert np.allclose(video["depth"].values[0, 0, 0, 0, 0], 99.5)


def test_cameras_that_the_rollout_describes_are_used():
    tree = rollout()
    high = Camera("street", "orthographic", (96, 64, 250), (96, 64, 0), (0, 1, 0), height_m=128)
    tree.attrs["cameras"] = json.dumps({"street": json.loads(high.to_json())})
    assert camera_of(tree, "street") == high
    video = render(tree, "street", size=(8, 12), times=[0.0], depth=True)
    assert Camera.from_json(video.attrs["camera"]) == high
    assert video["depth"].values.min() > 230
    assert camera_of(tree, "overhead").height_m == 128


def test_progress_counts_up_to_all_frames():
    seen = []
    render(rollout(realizations=2, times=np.arange(0.0, 4.01, 0.5)), "overhead", size=(8, 12),
           progress=lambda done, total: seen.append((done, total)))
    done = [frames for frames, _ in seen]
    assert done == sorted(done) and {total for _, total in seen} == {40}
    assert done[0] > 0 and done[-1] == 40 and 20 in done


@pytest.mark.parametrize("camera", ["overhead", "street"])
def test_a_frame_alone_has_the_pixels_it_has_in_a_film(camera):
    boxes, blocked = village()
    tree = rollout(boxes=boxes, blocked=blocked, times=np.arange(0, 10.01, 1.0))
    layers = {"size": (32, 48), "depth": True, "segmentation": True}
    film = render(tree, camera, fps=4, **layers)
    for k in (0, 17, 39):
        alone = render(tree, camera, times=[k / 4], **layers)
        for name in ("rgb", "depth", "segmentation"):
            assert np.array_equal(alone[name].values[:, :, 0], film[name].values[:, :, k])


@pytest.mark.parametrize(("name", "size"), [("overhead", (64, 96)), ("street", (256, 384))])
def test_shadows_fall_seaward_because_the_sun_stands_over_the_land(name, size):
    # Off the street camera's axis, where it sees past the box.
    box = {"position": (90.0, 10.0, 6.0), "half_size": (3.0, 3.0, 6.0)}
    bed = np.full((64, 96), 2.0)
    lit = render(rollout(bathymetry=bed, depth=0.0), name, size=size, times=[0.0])
    tree = rollout(bathymetry=bed, depth=0.0, boxes={0: box})
    seen = render(tree, name, size=size, times=[0.0], segmentation=True)
    darker = seen["rgb"].values[0, 0, 0].sum(-1) < 0.8 * lit["rgb"].values[0, 0, 0].sum(-1)
    label = seen["segmentation"].values[0, 0, 0]
    darker &= (label == GROUND) & _eroded(label)  # no wall in part of the pixel
    rows, columns = np.nonzero(darker)
    ground = camera_of(tree, name).unproject_ground(rows + 0.5, columns + 0.5, size, 2.0)
    assert len(rows) > 3
    # Seaward is towards x = 0: from the wall at x = 87 m as far as 10 m cast under 50 degrees.
    assert np.all(ground[:, 0] < 87 + 2.0)
    assert np.all(ground[:, 0] > 87 - 10 / np.tan(np.radians(50)) - 2.0)


def test_frame_grid_puts_frames_side_by_side():
    frames = np.stack([np.full((4, 6, 3), value, np.uint8) for value in (10, 20, 30)])
    sheet = frame_grid(frames, columns=2, gap=1, scale=2)
    assert sheet.shape == (17, 25, 3)
    assert np.all(sheet[:8, :12] == 10) and np.all(sheet[:8, 13:] == 20)
    assert np.all(sheet[9:, :12] == 30) and np.all(sheet[9:, 12:] == 255)
    with pytest.raises(InputError, match="one size"):
        frame_grid([])


def test_torch_keeps_its_number_of_threads():
    before = torch.get_num_threads()
    try:
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            render(rollout(), "street", size=(8, 12))
            assert torch.get_num_threads() == count
            with ThreadPoolExecutor(1) as later:
                assert later.submit(torch.get_num_threads).result() == count
    finally:
        torch.set_num_threads(before)
