"""Bodies carry the reference picture: against pictures painted where the bodies are."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from tiny_network import ball_subject

from worldsim.camera.projection import Camera
from worldsim.diffusion.carrying import FAR, Stage, carry, pixel_places, poses
from worldsim.diffusion.observables import rotation_columns
from worldsim.diffusion.patches import PatchConfig, from_cells, grid_of, to_cells
from worldsim.diffusion.repertoire import body_entity

PATCHES = PatchConfig(frames=2, patch=8, cell=4)
SIZE = (48, 64)
SUBJECT = dataclasses.replace(ball_subject(), size=SIZE)
PIXEL = 2 / SIZE[0]
"""Of the main camera, in units of normalised positions."""


def numbers_of(across: float, upward: float, degrees: float = 0.0, ahead: float = 0.0,
               axis: str = "y") -> np.ndarray:
    """The nine numbers of a body, turned by an angle about an axis."""
    q = Rotation.from_euler(axis, degrees, degrees=True).as_quat()[[3, 0, 1, 2]]
    return np.array([across, ahead, upward, *rotation_columns(q)])


def scene(frames: list[list[np.ndarray]], picture: np.ndarray, half: list[tuple[float, ...]],
          camera: str = "side", reference: int = 0, shown: tuple[bool, ...] | None = None,
          body: tuple[bool, ...] | None = None):
    """What `carry` finds for bodies with the numbers [frame][body], as pictures (T, …)."""
    numbers = torch.tensor(np.array(frames)).float().transpose(0, 1)[None]
    count, grid = len(half), grid_of(len(frames), SIZE, 1, PATCHES)
    there = torch.tensor([shown or (True,) * count])
    reference_frame = torch.full((1, 1, grid.groups), reference)
    repeated = torch.from_numpy(picture).float().movedim(-1, 0)
    stage = Stage(repeated.expand(1, 1, grid.groups, 3, *SIZE), reference_frame,
                  torch.from_numpy(SUBJECT.projection(camera, SIZE)).float()[None, None],
                  torch.tensor([body or (True,) * count]))
    found = carry(numbers, torch.tensor([half]), there, stage, grid, PATCHES)

    def film(cells: torch.Tensor) -> np.ndarray:
        """(B, N, S, C, F, P) or the like to (T, rows, columns, C)."""
        return from_cells(cells.flatten(3), grid, PATCHES)[0, 0].numpy()

    return (film(found.moved), film(found.near[:, :, :, None])[..., 0],
            film(found.inside[:, :, :, None])[..., 0],
            film(found.left.expand_as(found.near)[:, :, :, None])[..., 0])


def rows_columns(fine: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = (np.arange(n * fine) for n in SIZE)
    return np.meshgrid((rows + 0.5) / fine, (columns + 0.5) / fine, indexing="ij")


def in_body(across: float, upward: float, degrees: float, fine: int = 1):
    """Coordinates along the body's own first and third axis, by trigonometry: positions from the
    picture's centre; seen along +y a positive turn about y takes the third axis to the first."""
    row, column = rows_columns(fine)
    right = (column - SIZE[1] / 2) * PIXEL - across
    up = (SIZE[0] / 2 - row) * PIXEL - upward
    angle = np.radians(degrees)
    return (right * np.cos(angle) - up * np.sin(angle),
            right * np.sin(angle) + up * np.cos(angle))


def smooth(*pose: float) -> np.ndarray:
    """A picture on a body: colours that are linear in its coordinates."""
    first, third = in_body(*pose)
    return np.stack([first, third, 0.3 + 0.5 * first - 0.2 * third], -1)


FINE = 8


def painted(shape: str, size: float, *pose: float) -> np.ndarray:
    """A disc or a square with a bright quarter, each pixel the mean of many fine ones."""
    first, third = in_body(*pose, fine=FINE)
    inside = (np.hypot(first, third) < size if shape == "disc"
              else np.maximum(abs(first), abs(third)) < size)
    bright = (first > 0) & (third > 0)
    fine = np.stack([inside * 1.0, inside * bright, 0 * inside], -1)
    return fine.reshape(SIZE[0], FINE, SIZE[1], FINE, 3).mean((1, 3))


MOVES = [(0.0, 0.0, 0.0, 0.31, -0.17, 0.0), (0.1, -0.2, 0.0, 0.1, -0.2, 35.0),
         (-0.3, 0.1, 20.0, 0.25, 0.22, -75.0), (0.0, 0.0, 0.0, 4.5 * PIXEL, 0.0, 180.0)]


@pytest.mark.parametrize("move", MOVES)
def test_colours_that_are_linear_in_the_body_are_carried_exactly(move):
    before, after = move[:3], move[3:]
    poses_then = [[numbers_of(*before)], [numbers_of(*after)]]
    moved, near, _, _ = scene(poses_then, smooth(*before), [(0.3, 0.3, 0.3)])
    well_inside = near[1] < 1
    assert well_inside.sum() > 80
    expected = smooth(*after)
    np.testing.assert_allclose(moved[1][well_inside], expected[well_inside], atol=2e-4)
    assert np.abs(smooth(*before) - expected)[well_inside].max() > 0.1
    first, third = in_body(*after)
    np.testing.assert_allclose(near[1][well_inside], np.hypot(first, third)[well_inside] / 0.3,
                               atol=0.01)


@pytest.mark.parametrize("shape", ["disc", "square"])
@pytest.mark.parametrize("move", MOVES)
def test_a_painted_body_arrives_where_it_is_said_to_be(shape, move):
    before, after = move[:3], move[3:]
    size = 0.3 if shape == "disc" else 0.25
    start, end = painted(shape, size, *before), painted(shape, size, *after)
    moved, _, inside, _ = scene([[numbers_of(*before)], [numbers_of(*after)]], start,
                                [(size, size, size)])
    off = np.abs(moved[1] - end)
    unmoved = np.abs(start - end)
    assert off.mean() < 0.4 * unmoved.mean() and off.mean() < 0.003
    assert off.max() < 0.75 and (off > 0.35).mean() < 0.01  # sharp edges, between pixels
    if shape == "disc":  # the outline is where the picture says it is
        edge = 1 / (1 + np.exp(-inside[1]))
        assert np.abs(edge - end[..., 0]).max() < 0.3
        assert edge.sum() == pytest.approx(end[..., 0].sum(), rel=0.03)


@pytest.mark.parametrize("camera", ["side", "corner"])
def test_what_does_not_move_stays_as_it_is(camera):
    picture = np.random.default_rng(0).random((*SIZE, 3)).astype(np.float32)
    rest = [[numbers_of(0.2, -0.1, 30, 0.4, "z"), numbers_of(-0.4, 0.3)]] * 4
    moved, near, inside, left = scene(rest, picture, [(0.2, 0.1, 0.3), (0.1, 0.1, 0.1)], camera,
                                      reference=2)
    assert near.min() < 0.5 and inside.max() > 2
    np.testing.assert_allclose(moved, np.broadcast_to(picture, moved.shape), atol=2e-3)
    # What lies far from a body is looked up far from it, too.
    np.testing.assert_allclose(left, near, atol=1e-4)


def test_each_pixel_is_carried_by_the_nearest_body():
    picture = smooth(0.0, 0.0, 0.0)
    frames = [[numbers_of(-0.5, 0.0), numbers_of(0.5, 0.0)],
              [numbers_of(-0.5, 0.3), numbers_of(0.5, -0.3)]]
    moved = scene(frames, picture, [(0.2, 0.2, 0.2)] * 2)[0]
    _, column = rows_columns()
    inner = np.s_[10:-10, 6:-6]
    left_half, right_half = (column < SIZE[1] / 2 - 3)[inner], (column > SIZE[1] / 2 + 3)[inner]
    shift = np.array([0, 0.3, -0.06])  # of the colours, when the body rises by 0.3
    off = (moved[1] - picture)[inner]
    near_left = np.abs(off + shift).max(-1) < 1e-4
    near_right = np.abs(off - shift).max(-1) < 1e-4
    assert near_left[left_half].mean() > 0.9 and near_right[right_half].mean() > 0.9
    assert (near_left | near_right).all()


@pytest.mark.parametrize("absent", [{"shown": (False,)}, {"body": (False,)}])
def test_what_is_absent_or_no_body_carries_nothing(absent):
    picture = painted("disc", 0.3, 0.0, 0.0, 0.0)
    frames = [[numbers_of(0.0, 0.0)], [numbers_of(0.4, 0.2, 50.0)]]
    moved, near, inside, left = scene(frames, picture, [(0.3, 0.3, 0.3)], **absent)
    assert (near == FAR).all() and (left == FAR).all() and (inside == -8).all()
    np.testing.assert_allclose(moved, np.broadcast_to(picture, moved.shape), atol=1e-5)
    present = scene(frames, picture, [(0.3, 0.3, 0.3)])
    assert np.abs(present[0][1] - picture).max() > 0.5
    both = scene([[*one, numbers_of(0.5, 0.5)] for one in frames], picture, [(0.3,) * 3] * 2,
                 shown=(True, False))
    for mine, theirs in zip(both, present, strict=True):
        assert np.array_equal(mine, theirs)


def test_where_no_body_is_the_reference_stays_and_all_is_far() -> None:
    """The short way of a stage that says it is empty, and the long one, of several clips, views
    and groups."""
    generator = torch.Generator().manual_seed(2)
    grid = grid_of(20, SIZE, 2, PATCHES)
    projection = torch.stack([torch.from_numpy(SUBJECT.projection(camera, SIZE)).float()
                              for camera in ("side", "corner")])
    stage = Stage(torch.rand(3, 2, grid.groups, 3, *SIZE, generator=generator),
                  torch.randint(0, 20, (3, 2, grid.groups), generator=generator),
                  projection.expand(3, 2, 3, 4), torch.zeros(3, 2, dtype=torch.bool))
    numbers = torch.randn(3, 2, 20, 9, generator=generator)
    half, there = torch.rand(3, 2, 3, generator=generator), torch.ones(3, 2, dtype=torch.bool)
    long, short = (carry(numbers, half, there, dataclasses.replace(stage, empty=empty), grid,
                         PATCHES) for empty in (False, True))
    for field in dataclasses.fields(long):
        one, other = getattr(long, field.name), getattr(short, field.name)
        assert one.shape == other.shape, field.name
        torch.testing.assert_close(other, one, rtol=0, atol=1e-5)


def test_a_body_that_is_there_in_one_group_only_carries_in_that_group():
    numbers = torch.zeros(1, 1, 4, 9)
    numbers[..., 3] = numbers[..., 8] = 1.0
    grid = grid_of(4, SIZE, 1, PATCHES)
    stage = Stage(torch.zeros(1, 1, 2, 3, *SIZE), torch.zeros(1, 1, 2, dtype=torch.long),
                  torch.from_numpy(SUBJECT.projection("side", SIZE)).float()[None, None],
                  torch.ones(1, 1, dtype=torch.bool))
    half = torch.full((1, 1, 2, 3), 0.1)
    half[:, :, 1] = 0.2
    found = carry(numbers, half, torch.tensor([[[True, False]]]), stage, grid, PATCHES)
    near = found.near.unflatten(1, (2, -1))
    assert (near[:, 1] == FAR).all() and near[:, 0].min() < 1
    both = carry(numbers, half, torch.ones(1, 1, 2, dtype=torch.bool), stage, grid, PATCHES)
    small, large = both.near.unflatten(1, (2, -1))[0]
    within = small < FAR / 2
    torch.testing.assert_close(large[within], small[within] / 2, atol=0.02, rtol=0.02)


def test_places_of_pixels_are_in_the_order_of_cells():
    grid = grid_of(2, SIZE, 1, PATCHES)
    column, row = pixel_places(grid, PATCHES)
    rows, columns = (torch.from_numpy(place).float() for place in rows_columns())
    for found, wanted in ((row, rows), (column, columns)):
        one_frame = dataclasses.replace(PATCHES, frames=1)
        assert torch.equal(found, to_cells(wanted[None, None, None, :, :, None], one_frame)[0])


unit = st.floats(-1, 1)
far_point = st.tuples(*[st.floats(-3, 3)] * 3)


@given(st.tuples(unit, unit, unit), far_point, far_point, st.floats(0.5, 40), st.floats(10, 100),
       st.booleans(), st.sampled_from([(48, 64), (16, 24), (33, 20)]))
@settings(max_examples=60, deadline=None)
def test_projections_agree_with_the_camera(at, target, eye, height, angle, parallel, size):
    towards = np.subtract(target, eye)
    assume(np.linalg.norm(np.cross(towards, (0, 0, 1))) > 0.1)
    main = Camera("main", "orthographic", (0.5, -9.0, 2.0), (0.5, 0.0, 2.0), (0.0, 0.0, 1.0),
                  height_m=height)
    view = Camera("view", "orthographic" if parallel else "perspective", eye, target,
                  (0.0, 0.0, 1.0), height_m=height, fov_y_deg=angle)
    subject = dataclasses.replace(
        SUBJECT, cameras={"main": main.to_json(), "view": view.to_json()})
    entity = body_entity(subject.length, main.target, 0)
    for camera in (main, view):
        normalised = np.array(at) * (1.0 if camera is main else 3 / subject.length)
        point = normalised * entity.scale[:3] + entity.centre[:3]
        if camera is view:
            assume(camera.projection == "orthographic"
                   or np.dot(point - camera.position, camera.basis[2]) > 0.3)
        column, row, depth = subject.projection(camera.name, size) @ [*normalised, 1.0]
        wanted_row, wanted_column, _ = camera.project(point, size)
        np.testing.assert_allclose([row / depth, column / depth], [wanted_row, wanted_column],
                                   rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("camera", ["side", "corner"])
def test_poses_are_the_images_of_a_body(camera):
    """Centre and axes against the camera itself, by finite differences."""
    turn = Rotation.from_rotvec([0.4, -0.9, 0.3])
    place = np.array([0.3, -0.2, 0.25])
    q = turn.as_quat()[[3, 0, 1, 2]]
    numbers = torch.tensor(np.array([*place, *rotation_columns(q)]))
    half = torch.tensor([0.3, 0.2, 0.1], dtype=torch.float64)
    found = poses(numbers, half, torch.from_numpy(SUBJECT.projection(camera, SIZE)))
    view, main = (Camera.from_json(SUBJECT.cameras[name]) for name in (camera, "side"))

    def seen(normalised: np.ndarray) -> np.ndarray:
        row, column, _ = view.project(normalised * SUBJECT.length + main.target, SIZE)
        return np.array([column, row])

    np.testing.assert_allclose(found.centre, seen(place), atol=1e-6)
    step = 1e-5
    axes = turn.as_matrix()
    slopes = np.stack([(seen(place + step * axes[:, k]) - seen(place - step * axes[:, k]))
                       / (2 * step) for k in range(3)], -1)
    np.testing.assert_allclose(found.axes, slopes, rtol=1e-4, atol=1e-4)
    # The outline's half width along columns is that of the box's ellipsoid.
    width = np.sqrt(((slopes * half.numpy()) ** 2).sum(1))
    np.testing.assert_allclose(np.diag(np.linalg.inv(found.outline.numpy())), width**2, rtol=0.01)


@pytest.mark.parametrize("camera", ["side", "corner"])
@pytest.mark.parametrize("scale", [0.0, 1.0, 30.0, 1e8])
def test_whatever_an_untrained_network_says_nothing_is_infinite(camera: str, scale: float) -> None:
    """The distance to a body's own centre is a difference of rounded terms, and may come out
    negative; far behind a camera everything is huge."""
    generator = torch.Generator().manual_seed(4)
    grid = grid_of(20, SIZE, 1, PATCHES)
    numbers = scale * torch.randn(16, 3, 20, 9, generator=generator)
    half = scale * torch.randn(16, 3, 3, generator=generator)
    projection = torch.from_numpy(SUBJECT.projection(camera, SIZE)).float()
    stage = Stage(torch.rand(16, 1, 10, 3, *SIZE, generator=generator),
                  torch.zeros(16, 1, 10, dtype=torch.long), projection.expand(16, 1, 3, 4),
                  torch.tensor([True, True, False]).expand(16, 3))
    found = carry(numbers, half, torch.ones(16, 3, dtype=torch.bool), stage, grid, PATCHES)
    for field in dataclasses.fields(found):
        assert getattr(found, field.name).isfinite().all(), field.name


def test_behind_bodies_is_what_is_around_them() -> None:
    """Two discs before a slope of colours: without them the slope goes on; where the reference has
    no body it is left as it is."""
    row, column = rows_columns()
    slope = 0.004 * row + 0.003 * column
    bodies = [numbers_of(-0.4, 0.2), numbers_of(0.5, -0.3)]
    half = (0.15, 0.15, 0.15)
    picture = np.repeat(slope[..., None], 3, -1)
    for across, upward in ((-0.4, 0.2), (0.5, -0.3)):
        first, third = in_body(across, upward, 0.0)
        picture[np.hypot(first, third) < 0.15] = -1.0
    numbers = torch.tensor(np.array([bodies, bodies])).float().transpose(0, 1)[None]
    grid = grid_of(2, SIZE, 1, PATCHES)
    reference = torch.from_numpy(picture).float().movedim(-1, 0)
    stage = Stage(reference.expand(1, 1, grid.groups, 3, *SIZE),
                  torch.zeros(1, 1, grid.groups, dtype=torch.long),
                  torch.from_numpy(SUBJECT.projection("side", SIZE)).float()[None, None],
                  torch.ones(1, 2, dtype=torch.bool))
    found = carry(numbers, torch.tensor([[half, half]]), torch.ones(1, 2, dtype=torch.bool), stage,
                  grid, PATCHES)
    one = dataclasses.replace(PATCHES, frames=1)
    behind = from_cells(found.behind.flatten(3), grid, one)[0, 0, 0].numpy()
    assert np.abs(picture - slope[..., None]).max() > 0.9
    assert np.abs(behind - slope[..., None]).max() < 0.04
    far = np.minimum(*(np.hypot(*in_body(*place, 0.0)) for place in ((-0.4, 0.2), (0.5, -0.3))))
    assert np.array_equal(behind[far > 0.15 + 3 * PIXEL], picture.astype(np.float32)[
        far > 0.15 + 3 * PIXEL])


def test_bodies_do_not_shear() -> None:
    """Whatever columns are said, a sphere's picture stays round."""
    said = torch.randn(50, 9, generator=torch.Generator().manual_seed(0))
    projection = torch.from_numpy(SUBJECT.projection("side", SIZE)).float().expand(50, 3, 4)
    found = poses(said, torch.full((50, 3), 0.2), projection)
    round_ = found.outline[:, 0, 0]
    torch.testing.assert_close(found.outline[:, 1, 1], round_, rtol=1e-3, atol=0)
    assert float((found.outline[:, 0, 1] / round_).abs().max()) < 1e-3
