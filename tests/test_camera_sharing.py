"""What the camera keeps, shares among frames or hands to threads changes no bit of a picture."""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr
from camera_scene import rollout
from hypothesis import given, settings
from hypothesis import strategies as st

from worldsim.camera import Camera, film, marching, render, tracing, view
from worldsim.camera.height_field import RayPlanes, sample
from worldsim.camera.marching import Heights, first_hits
from worldsim.camera.states import grid_of
from worldsim.camera.surface import _carry_under

SIZE = (14, 20)
LAYERS = ("rgb", "depth", "segmentation")


def random_world(seed: int) -> tuple[xr.DataTree, Camera | str]:
    """Rough ground, waves, boxes that turn, sink and pass the camera, and some camera."""
    rng = np.random.default_rng(seed)
    shape, times = (12, 18), np.arange(0.0, 4.01, 0.5)
    bed = rng.uniform(-4, 3, shape).cumsum(axis=1) / 4
    water = rng.uniform(-3, 4, (len(times), *shape))
    water[:, :, rng.integers(6, 18):] = 0.0  # dry, and the same in all frames
    boxes = {}
    for slot in rng.choice(18, rng.integers(0, 7), replace=False):
        moving = np.repeat(rng.uniform((-30, 0, -3), (90, 48, 12), (1, 3)), len(times), axis=0)
        turn = np.tile(rng.normal(size=4), (len(times), 1))
        if rng.uniform() < 0.6:
            moving += np.cumsum(rng.normal(size=moving.shape), axis=0)
            turn += rng.normal(scale=0.2, size=turn.shape)
        boxes[int(slot)] = {
            "position": moving, "half_size": rng.uniform(0.5, 6.0, 3),
            "quaternion": turn / np.linalg.norm(turn, axis=1, keepdims=True),
            "colour": rng.integers(0, 256, 3),
        }
    blocked = rng.uniform(size=shape) < 0.1
    tree = rollout(times=times, bathymetry=bed, depth=np.maximum(water, 0), boxes=boxes,
                   blocked=blocked, grid=shape, spacing=4.0)
    eye = rng.uniform((-20, -20, 8), (90, 70, 40))
    aim = rng.uniform((0, 0, -5), (72, 48, 5))
    kind = rng.choice(["perspective", "orthographic", "default"])
    if kind == "default":
        return tree, str(rng.choice(["overhead", "street"]))
    up = (0.0, 0.0, 1.0)
    return tree, Camera("any", kind, tuple(eye), tuple(aim), up, height_m=40.0, fov_y_deg=50.0)


def pictures(tree: xr.DataTree, camera: Camera | str, **options: object) -> list[np.ndarray]:
    video = render(tree, camera, size=SIZE, depth=True, segmentation=True, **options)
    return [video[name].values[0, 0] for name in LAYERS]


def same(first: list[np.ndarray], second: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


@given(seed=st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_nothing_kept_or_shared_changes_a_bit(seed):
    tree, camera = random_world(seed)
    together = pictures(tree, camera, fps=3)
    assert same(together, pictures(tree, camera, fps=3))  # with what the first one left
    view.view_of.cache_clear()
    tracing._band_of.cache_clear()
    assert same(together, pictures(tree, camera, fps=3))
    for k in (0, 5, 11):
        alone = pictures(tree, camera, times=[k / 3])
        assert same([layer[k : k + 1] for layer in together], alone)


@given(seed=st.integers(0, 10**6), threads=st.integers(2, 4))
@settings(max_examples=15, deadline=None)
def test_neither_threads_nor_the_sharing_out_of_work_change_a_bit(seed, threads):
    tree, camera = random_world(seed)
    expected = pictures(tree, camera, fps=3)
    before = torch.get_num_threads()
    sizes = film.SAMPLES_PER_BAND, film.FRAMES_TOGETHER, marching.CHUNK
    try:
        torch.set_num_threads(threads)
        film.SAMPLES_PER_BAND, film.FRAMES_TOGETHER, marching.CHUNK = 300, 5, 71
        assert same(expected, pictures(tree, camera, fps=3))
    finally:
        torch.set_num_threads(before)
        film.SAMPLES_PER_BAND, film.FRAMES_TOGETHER, marching.CHUNK = sizes


@given(seed=st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_first_hits_are_those_of_every_station_tried(seed):
    rng = np.random.default_rng(seed)
    tree, camera = random_world(seed)
    if isinstance(camera, str) or camera.projection == "orthographic":
        return
    grid = grid_of(tree)
    ground = rng.uniform(-4, 0, (grid.ny, grid.nx)).astype(np.float32)
    fields = torch.from_numpy(ground + rng.uniform(0, 5, (3, grid.ny, grid.nx)) ** 2 / 5).float()
    planes = RayPlanes(camera.rays((9, 11), np.arange(9) + 0.5, np.arange(11) + 0.5), grid)
    low = torch.full((99,), -4.5)
    z = first_hits(Heights.of(fields), planes, low).numpy()
    # The stations from far above on, one by one.
    station = torch.floor(-60.0 / planes.step)
    above = torch.ones((3, 99), dtype=torch.bool)
    upper, lower = np.full((3, 99), np.nan), np.full((3, 99), np.nan)
    while above.any():
        high = planes.height_of(station, low)
        station = station + 1.0
        here = planes.height_of(station, low)
        met = here - sample(fields[:, None], planes.place(here)[None])[:, 0] <= 0
        new = (above & (met | (here <= low))).numpy()
        upper[new], lower[new] = (
            np.broadcast_to(part.numpy(), (3, 99))[new] for part in (high, here)
        )
        above &= ~torch.from_numpy(new)
    assert np.all((z <= upper + 1e-4) & (z >= lower - 1e-4))


def test_only_cells_beside_open_ones_are_carried_under_buildings():
    rng = np.random.default_rng(5)
    blocked = rng.uniform(size=(3, 17, 19)) < 0.6
    field = rng.uniform(size=blocked.shape).astype(np.float32)
    carried = field.copy()
    _carry_under(blocked, carried)
    expected, closed = field.astype(np.float64), blocked.copy()
    for _ in range(2):
        before, were = expected.copy(), closed.copy()
        for k, i, j in np.argwhere(were):
            around = k, slice(max(i - 1, 0), i + 2), slice(max(j - 1, 0), j + 2)
            if np.any(~were[around]):
                expected[k, i, j] = before[around][~were[around]].mean()
                closed[k, i, j] = False
    assert np.allclose(carried, expected, atol=1e-6)
    assert np.array_equal(carried[~blocked], field[~blocked]) and np.any(carried != field)
