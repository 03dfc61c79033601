"""The coupled simulator: reproducible to the bit, conserving, and right about floating boxes."""

import dataclasses

import mujoco
import numpy as np
import pytest
import xarray as xr

from scenarios.town_plan import STREET
from scenarios.tsunami import Tsunami
from worldsim.errors import InputError
from worldsim.rollout import open as open_rollout
from worldsim.rollout import save, scenarios_of
from worldsim.simulator.body_models import member_model
from worldsim.simulator.building_damage import Cause
from worldsim.simulator.constants import GRAVITY, SEAWATER_DENSITY
from worldsim.simulator.floating import HEAVE_DAMPING, Floaters, WaterFields, floating_forces
from worldsim.simulator.members import COUPLING_STEP, World
from worldsim.simulator.scene import Domain, Physics, Scene
from worldsim.simulator.wall_loads import WallFaces, share_of_levels
from worldsim.simulator.world import simulate

STRONG = Tsunami(wave_height=8.0, building="timber")


@pytest.fixture(scope="module")
def truth() -> xr.DataTree:
    """Two cases, two realizations, long enough that houses come down."""
    return simulate(STRONG, cases=2, realizations=2, seed=5, duration=7.5, threads=2)


def same(a: xr.DataTree, b: xr.DataTree) -> None:
    for group in ("water", "bodies", "structures", "audit"):
        for name, values in a[group].dataset.data_vars.items():
            assert np.array_equal(values, b[group][name], equal_nan=values.dtype.kind == "f"), name


def test_a_member_alone_is_the_member_in_the_batch_and_threads_change_nothing(truth):
    alone = simulate(STRONG, seed=5, duration=7.5, case_numbers=[1], first_realization=1, threads=1)
    same(alone, truth.isel(case=[1], realization=[1]))


def test_houses_come_down_under_the_load_and_their_cells_open(truth):
    failure = truth["structures"]["failure_time"].values
    assert np.isfinite(failure).any(), "an 8 m wave brings timber houses down"
    member = tuple(np.argwhere(np.isfinite(failure))[0])
    case, realization, building = member
    standing = truth["structures"]["standing"].values[case, realization, :, building]
    time = truth["structures"]["time"].values
    assert standing[time < failure[member] - 0.1].all()
    assert not standing[time > failure[member]].any()
    impulse = truth["structures"]["impulse"].values[case, realization, :, building, 0]
    assert impulse[-1] > 0, "the water pushed it landwards"
    x0, x1, y0, y1 = truth["structures"]["footprint"].values[case, building]
    water = truth["water"].dataset.isel(case=case, realization=realization)
    under = water["blocked"].sel(x=slice(x0, x1), y=slice(y0, y1))
    assert under.isel(time=0).all() and not under.isel(time=-1).any()
    assert (water["depth"].values[water["blocked"].values] == 0).all()
    cause = truth["structures"]["cause"].values
    crushed = np.argwhere(np.isfinite(failure) & np.isin(cause, (Cause.WATER, Cause.DEBRIS)))
    for case, realization, building in crushed:
        body = building * truth["structures"].sizes["storey"]
        height = truth["bodies"]["half_size"].values[case, realization, -1, body, 2]
        assert height < 0.5, "the failed storey is rubble"


def test_hidden_draws_differ_between_realizations_and_layouts_between_cases(truth):
    strength = truth["structures"]["yield_force"].values
    assert not np.array_equal(strength[:, 0], strength[:, 1], equal_nan=True)
    assert not np.array_equal(truth["water"]["bathymetry"][0], truth["water"]["bathymetry"][1])
    first = truth["bodies"]["position"].isel(time=0)
    np.testing.assert_array_equal(first[:, 0], first[:, 1])


def test_no_water_is_lost_or_made(truth):
    assert truth["audit"]["mass_error"].values.max() <= 1e-10
    assert truth["water"]["depth"].values.min() >= 0


def test_rollouts_survive_storage_and_say_what_they_are(truth, tmp_path):
    path = save(truth, tmp_path / "truth.zarr")
    with open_rollout(path) as stored:
        same(truth, stored)
        assert stored.attrs["kind"] == "simulated"
        assert scenarios_of(stored) == [STRONG, STRONG]
    with pytest.raises(InputError, match="exists"):
        save(truth, path)
    with pytest.raises(InputError, match="not a stored rollout"):
        open_rollout(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["truth.zarr"]


def test_bad_arguments_are_named_before_anything_runs():
    with pytest.raises(InputError, match=r"multiple of 0\.1"):
        simulate(STRONG, duration=1.23)
    with pytest.raises(InputError, match="at least one"):
        simulate(STRONG, realizations=0)
    with pytest.raises(InputError, match="case_numbers"):
        simulate(STRONG, cases=2, case_numbers=[1, 1])
    with pytest.raises(InputError, match="seed"):
        simulate(STRONG, seed=-1)


def flat_scene(depth: float = 4.0) -> tuple[Scene, Tsunami]:
    """Still water of one depth, the debris of a case upon it, no houses, no wave."""
    scenario = Tsunami()
    scene = scenario.scene(3, 0)
    return dataclasses.replace(
        scene,
        bathymetry=np.full((STREET.domain.ny, STREET.domain.nx), -depth),
        buildings=(),
        people=(),
        evacuation=None,
        wave_elevation=np.zeros_like(scene.wave_elevation),
    ), scenario


def test_boxes_in_still_water_float_at_archimedes_draught_and_stay():
    scene, scenario = flat_scene()
    hidden = scenario.hidden(scene, 3, 0, 0)
    world = World([scene], [hidden], Physics(), threads=1, compiled=False)
    start = world.bodies.position[0].copy()
    for _ in world.frames(150):
        pass
    storeys = world.bodies.storey_bodies
    for k, box in enumerate(scene.debris):
        x, y, z = world.bodies.position[0, storeys + k]
        half_height = box.half_size[2]
        draught = half_height - z
        floats = world.bodies.floaters
        area = 4 * box.half_size[0] * box.half_size[1]
        # Of cars the wheels hang below what displaces, and some water has leaked in.
        displacing = floats.mass[0, storeys + k] / SEAWATER_DENSITY / area
        expected = displacing / floats.buoyant[0, storeys + k] + floats.sill[0, storeys + k]
        assert draught == pytest.approx(expected, rel=0.01)
        assert np.hypot(x - start[storeys + k, 0], y - start[storeys + k, 1]) < 1e-6
    speed = np.abs(world.water.momentum_x.numpy()).max() / 4.0
    assert speed < 1e-9, "still water stays still under floating boxes"


def test_a_box_that_is_lifted_heaves_at_its_natural_period_with_the_stated_damping():
    scene, scenario = flat_scene()
    hidden = scenario.hidden(scene, 3, 0, 0)
    world = World([scene], [hidden], Physics(), threads=1, compiled=False)
    for _ in world.frames(100):
        pass
    body = world.bodies.storey_bodies
    free = world.bodies._free_qpos
    rest = free[0, 0, 2]
    free[0, 0, 2] += 0.1
    heights = []
    for _ in range(80):
        world.step()
        heights.append(world.bodies.position[0, body, 2] - rest)
    draught = hidden.debris_density[0] / SEAWATER_DENSITY * 2 * scene.debris[0].half_size[2]
    omega = np.sqrt(GRAVITY / draught)  # m = rho A draught, stiffness rho g A
    t = (np.arange(80) + 1) * COUPLING_STEP
    damped = omega * np.sqrt(1 - HEAVE_DAMPING**2)
    decay = np.exp(-HEAVE_DAMPING * omega * t)
    tilt = HEAVE_DAMPING / np.sqrt(1 - HEAVE_DAMPING**2)
    expected = 0.1 * decay * (np.cos(damped * t) + tilt * np.sin(damped * t))
    assert np.abs(np.array(heights) - expected).max() < 0.003


def test_drag_and_slope_give_the_water_the_opposite_impulse():
    rng = np.random.default_rng(0)
    domain = Domain(12, 10, 2.0, 2.0)
    depth = 2.0 + 0.1 * rng.random((2, 10, 12))
    flow = rng.normal(size=(2, 2, 10, 12))
    fields = WaterFields.of(depth, flow[0], flow[1], np.zeros_like(depth), domain)
    boxes = Floaters(
        np.full((2, 3, 3), [2.5, 1.2, 1.0]),
        np.full((2, 3), 6e3),
        np.full((2, 3), 1.2),
        np.ones((2, 3)),
        np.array([[True, True, False]] * 2),
    )
    place = rng.uniform(7, 13, (2, 3, 3))
    place[..., 2] = 2.2
    turned = np.broadcast_to(np.eye(3), (2, 3, 3, 3))
    loads = floating_forces(
        fields,
        boxes,
        place,
        turned,
        rng.normal(size=(2, 3, 3)),
        0.1 * rng.normal(size=(2, 3, 3)),
        domain,
        9.81,
        0.05,
    )
    force, torque, change = loads.force, loads.torque, loads.change
    received = change.sum((2, 3)).T * SEAWATER_DENSITY * 4.0
    np.testing.assert_allclose(received, -0.05 * force[..., :2].sum(1), rtol=1e-12)
    assert (force[:, 2] == 0).all() and (torque[:, 2] == 0).all(), "what is not loose feels nothing"
    assert (force[:, :2, 2] > 0).all()


@pytest.mark.parametrize("base", [0.0, 0.5])
@pytest.mark.parametrize("depth", [0.3, 1.0, 2.9, 3.5, 5.0, 9.0])
def test_wall_load_is_shared_like_the_integral_of_the_pressure(depth, base):
    height, storeys = 3.0, 2
    z = (np.arange(200_000) + 0.5) / 200_000 * depth
    pressure = depth - z
    storey = np.floor((z - base) / height).astype(int)
    fraction = (z - base) / height - storey
    expected = np.zeros(storeys)
    for k in range(storeys):
        expected[k] += (pressure * fraction)[storey == k].sum()
        if k:
            expected[k - 1] += (pressure * (1 - fraction))[storey == k].sum()
    expected /= pressure.sum()
    shares = share_of_levels(np.array(depth), np.array(0.0), np.array(base), height, storeys)
    np.testing.assert_allclose(shares[1:], expected, atol=2e-5)
    assert shares.sum() == pytest.approx(1.0, abs=1e-12), "ground and floors carry all of it"


def test_wall_faces_load_each_building_once_per_side():
    owner = np.full((1, 6, 8), -1)
    owner[0, 2:4, 3:6] = 0
    faces = WallFaces.of(owner)
    assert len(faces.member) == 2 * (2 + 3)
    impulses = np.zeros((4, 1, 6, 8))
    impulses[0, 0, 2:4, 2] = 5.0  # two cells west of it push it east
    impulses[3, 0, 4, 3:6] = 2.0  # three cells north of it push it south
    load = faces.load(
        impulses, np.full((4, 1, 6, 8), 2.0), np.zeros((1, 6, 8)), np.zeros((1, 1)), (1, 1, 2), 3.0
    )
    np.testing.assert_allclose(load[0, 0].sum(0), [10.0, -6.0])
    assert (load[0, 0, :2, 0] > 0).all() and load[0, 0, 2, 0] == 0, "2 m of water reach one storey"


def test_dense_and_sparse_factorisations_move_the_bodies_alike():
    """MuJoCo 4.0.0 is reported to solve wrongly with sparse Jacobians, as ours are."""
    scenario = STRONG
    scene = scenario.scene(5, 0)
    model = member_model(scene, scenario.hidden(scene, 5, 0, 0), Physics())
    assert model.opt.jacobian == mujoco.mjtJacobian.mjJAC_SPARSE
    model.opt.tolerance, model.opt.iterations = 1e-14, 500  # no differences of convergence
    data, other = mujoco.MjData(model), mujoco.MjData(model)
    data.qvel[:] = 0.1 * np.random.default_rng(0).normal(size=model.nv)
    for _ in range(50):
        mujoco.mj_step(model, data)
        other.qpos[:], other.qvel[:] = data.qpos, data.qvel
        other.qacc_warmstart[:] = data.qacc_warmstart
        model.opt.jacobian = mujoco.mjtJacobian.mjJAC_SPARSE
        mujoco.mj_forward(model, other)
        model.opt.jacobian = mujoco.mjtJacobian.mjJAC_DENSE
        mujoco.mj_forward(model, data)
        assert data.ncon == other.ncon > 0
        scale = np.abs(data.qacc).max()
        np.testing.assert_allclose(data.qacc, other.qacc, atol=1e-6 * scale)
