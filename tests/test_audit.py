"""The books of every run close, and notice when they are cooked."""

import dataclasses
import json
import warnings

import numpy as np
import pytest
import torch
import xarray as xr

from scenarios.town_plan import STREET
from scenarios.tsunami import Tsunami
from worldsim.errors import InputError, MembersFailed
from worldsim.simulator import members
from worldsim.simulator.audit import LIMITS, Audit, Failure, Holdings, Impulses, limits_of
from worldsim.simulator.audit_record import failed_members
from worldsim.simulator.members import World
from worldsim.simulator.scene import Physics
from worldsim.simulator.water import WaterState
from worldsim.simulator.world import simulate

STRONG = Tsunami(wave_height=8.0, building="timber")
BOOKS = ("mass_error", "momentum_error", "third_law_error")


def run(**changes) -> xr.DataTree:
    """Two members in which houses come down."""
    return simulate(STRONG, realizations=2, seed=5, threads=1, **{"duration": 5.5, **changes})


@pytest.fixture(scope="module")
def sound() -> xr.DataTree:
    return run()


@pytest.fixture(scope="module")
def brief() -> xr.DataTree:
    """Before houses fall, for members that are spoiled at `SPOILED` s."""
    return run(duration=1.5)


SPOILED = 1.0
AFTER = 11
"""First stored state of which all must be the last good one."""


def test_the_books_of_a_street_that_falls_close_to_rounding(sound):
    audit = sound["audit"]
    assert np.isfinite(sound["structures"]["failure_time"].values).any()
    for name in BOOKS:
        assert audit[name].values.max() < 1e-12, name
    assert audit["energy_gain"].values.max() < 1e-2
    assert not audit["failed"].values.any()
    assert failed_members(sound) == []
    walls = sound["structures"]["impulse"].values[:, :, -1].sum(2)
    received = audit["body_impulse"].values
    assert (np.abs(walls).max(-1) > 0).all() and not np.allclose(walls, received, rtol=1e-3), (
        "floating boxes take part of it"
    )


def test_a_house_falls_in_a_closed_basin_and_no_water_is_lost():
    scene = STRONG.scene(5, 0)
    surface = np.where(STREET.domain.x < 50.0, 14.0, 0.0) * np.ones((STREET.domain.ny, 1))
    basin = dataclasses.replace(scene, surface=surface, closed=True)
    world = World([basin], [STRONG.hidden(basin, 5, 0, 0)], Physics(), threads=1, compiled=False)
    volume = float(world.water.depth.sum())
    for _ in world.frames(60):
        pass
    assert np.isfinite(world.buildings.failure_time).any(), "the dam break brings a house down"
    assert float(world.water.depth.sum()) == pytest.approx(volume, rel=1e-13)
    for name in BOOKS:
        assert getattr(world.audit, name).max() < 1e-12, name
    assert world.audit.energy_gain.max() < 1e-9, "nothing pays in, so energy never rises"
    with pytest.raises(InputError, match="surface"):
        dataclasses.replace(scene, surface=surface[:-1])


def test_single_precision_keeps_its_own_looser_limits(sound):
    rollout = run(single=True)
    limits, strict = LIMITS[torch.float32], LIMITS[torch.float64]
    for name in BOOKS:
        book = name.removesuffix("_error")
        worst = rollout["audit"][name].values.max()
        assert 1e-12 < worst < 0.1 * getattr(limits, book), "rounding, far from the limit"
        assert getattr(strict, book) < getattr(limits, book)
    assert json.loads(rollout["audit"].attrs["limits"])["mass"] == limits.mass
    assert rollout.attrs["backend"] == "eager float32"
    depth, exact = (r["water"]["depth"].values[:, :, 30] for r in (rollout, sound))
    assert np.abs(depth - exact).mean() < 1e-3


def only(error: str, failure: Failure, rollout: xr.DataTree) -> None:
    """One member in two failed, of one cause, and the message names it."""
    for name in BOOKS:
        limit = getattr(LIMITS[torch.float64], name.removesuffix("_error"))
        assert (rollout["audit"][name].values.max() > limit) == (name == error), name
    assert rollout["audit"]["failure"].values.max() == int(failure)
    assert failed_members(rollout)[0].startswith("case 0, realization ")


def test_a_body_that_takes_more_than_the_water_gives_is_found(monkeypatch):
    honest = members.floating_forces

    def greedy(*args):
        loads = honest(*args)
        return dataclasses.replace(loads, force=1.001 * loads.force)

    monkeypatch.setattr(members, "floating_forces", greedy)
    with pytest.warns(MembersFailed, match="2 of 2 members failed"):
        rollout = run()
    only("third_law_error", Failure.THIRD_LAW, rollout)
    assert "another impulse" in failed_members(rollout)[0]


def test_a_leak_where_a_house_falls_is_found(monkeypatch):
    def leaking(state, blocked, wanted):
        opened = blocked & ~wanted
        share = 1.0 - 1e-7 * opened.any(2).any(1).to(state.depth.dtype)[:, None, None]
        return WaterState(state.depth * share, state.momentum_x, state.momentum_y)

    monkeypatch.setattr(members, "rearrange", leaking)
    with pytest.warns(MembersFailed):
        rollout = run()
    only("mass_error", Failure.MASS, rollout)


def push_unbooked(world: World) -> None:
    """Give the water of member 1 momentum that no impulse accounts for."""
    kick = torch.zeros_like(world.water.momentum_x)
    kick[1] = 1e-4 * world.water.depth[1]
    world.water = WaterState(
        world.water.depth, world.water.momentum_x + kick, world.water.momentum_y
    )


def spoil(monkeypatch, at: float, work) -> None:
    """Run `work(world)` once, before the exchange at time `at`."""
    honest = World.step

    def step(world):
        if abs(world.time - at) < 1e-9:
            work(world)
        honest(world)

    monkeypatch.setattr(World, "step", step)


def test_momentum_from_nowhere_is_found_and_only_in_its_member(monkeypatch, brief):
    spoil(monkeypatch, SPOILED, push_unbooked)
    with pytest.warns(MembersFailed, match="1 of 2 members failed:\n  case 0, realization 1"):
        rollout = run(duration=1.5)
    assert rollout["audit"]["failure"].values[0].tolist() == [0, int(Failure.MOMENTUM)]
    same_member(rollout, brief, 0)


def same_member(a: xr.DataTree, b: xr.DataTree, realization: int) -> None:
    for group in ("water", "bodies", "structures", "audit"):
        for name, values in a[group].dataset.data_vars.items():
            if "realization" in values.dims:
                mine, other = (x.isel(realization=realization) for x in (values, b[group][name]))
                assert np.array_equal(mine, other, equal_nan=mine.dtype.kind == "f"), name


def poison(world: World) -> None:
    """Make the solver give an infinite depth in one cell of member 1."""
    ((_, group),) = world.solver._groups
    honest = group._kernels.second_stage

    def second_stage(*arguments):
        (depth, *rest), cells = honest(*arguments)
        line = group._layout.from_window(depth)
        group._layout.per_member(line)[1, 12 * group._layout.row + 7] = np.inf
        return (group._layout.window(line), *rest), cells

    group._kernels = group._kernels._replace(second_stage=second_stage)


def test_water_that_diverges_stops_its_member_at_its_last_good_state(monkeypatch, brief):
    spoil(monkeypatch, SPOILED, poison)
    with pytest.warns(MembersFailed, match="ceased to be finite"):
        rollout = run(duration=1.5)
    audit = rollout["audit"].isel(case=0)
    assert audit["failure"].values.tolist() == [0, int(Failure.WATER_DIVERGED)]
    assert SPOILED <= audit["failure_time"].values[1] <= SPOILED + 0.05
    assert audit["failure_step"].values[1] >= 0
    assert audit["failure_cell"].values[1].tolist() == [10, 5]
    same_member(rollout, brief, 0)
    stopped = rollout["bodies"].isel(case=0, realization=1, time=slice(AFTER, None))
    for name in ("position", "velocity"):
        values = stopped[name].values
        assert np.isfinite(values).all() and (values == values[0]).all(), name
    depth = rollout["water"]["depth"].values[0, 1]
    assert np.isfinite(depth).all() and (depth[AFTER:] == depth[AFTER]).all()
    message = failed_members(rollout)[0]
    assert message.startswith("case 0, realization 1: the water ceased to be finite at 1")
    assert "step" in message and "row" in message and "last good" in message


def test_bodies_that_diverge_stop_their_member_too(monkeypatch, brief, tmp_path):
    monkeypatch.chdir(tmp_path)  # where MuJoCo leaves its log

    def lose(world):
        world.bodies._qvel[1, 0] = np.nan

    spoil(monkeypatch, SPOILED, lose)
    with pytest.warns(MembersFailed, match="bodies ceased to be finite"):
        rollout = run(duration=1.5)
    assert rollout["audit"]["failure"].values[0].tolist() == [0, int(Failure.BODIES_DIVERGED)]
    same_member(rollout, brief, 0)
    position = rollout["bodies"]["position"].values[0, 1]
    assert np.isfinite(position).all() and (position[AFTER:] == position[AFTER]).all()


def test_energy_that_nobody_paid_for_is_found():
    start = Holdings(np.ones(2), np.zeros((2, 2)), np.array([100.0, 100.0]))
    audit = Audit(start)
    nothing = np.zeros((2, 1, 2))
    booked = Impulses(
        volume_in=np.zeros((2, 4)),
        energy_in=np.array([[5.0, 0, 0, 0], [0.0, 0, 0, 0]]),
        on_water=nothing,
        by_bodies=nothing,
        absolute=np.zeros(2),
        on_bodies=np.zeros((2, 2)),
        work=np.array([0.0, -4.0]),
    )
    now = Holdings(np.ones(2), np.zeros((2, 2)), np.array([105.0, 107.0]))
    audit.book(booked, now, np.array([True, True]))
    assert audit.energy_gain == pytest.approx([0.0, 3.0 / 100.0])
    assert audit.failures(limits_of(torch.float64)).tolist() == [0, int(Failure.ENERGY)]


def test_a_sound_run_warns_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error", MembersFailed)
        run(duration=0.5)
