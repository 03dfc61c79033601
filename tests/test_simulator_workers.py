"""Members distributed over processes: the same numbers, progress, and clean ends."""

import multiprocessing
import os

import numpy as np
import pytest
import torch
import xarray as xr

from worldsim.errors import InputError
from worldsim.scenario import make
from worldsim.simulator.distribution import Manner, WorkerDied, states_of, workers_that_pay
from worldsim.simulator.scene import Physics
from worldsim.simulator.world import simulate


def test_results_do_not_depend_on_the_processes():
    """Three members of two processes: chunks that cut through a case, all values bit for bit."""
    scenarios = [make("tsunami", wave_height=height) for height in (3.0, 6.0, 8.0)]
    heard: list[float] = []
    alone = simulate(scenarios, seed=3, duration=0.3, realizations=2)
    shared = simulate(scenarios, seed=3, duration=0.3, realizations=2, workers=2,
                      progress=heard.append)
    assert {node.path for node in alone.subtree} == {node.path for node in shared.subtree}
    for node in alone.subtree:
        xr.testing.assert_identical(node.to_dataset(), shared[node.path].to_dataset())
    assert np.abs(shared["water"]["momentum_x"].values[:, :, -1]).max(axis=(2, 3)).min() > 0
    assert heard == sorted(heard) and heard[-1] == 1.0


class Fatal(Physics):
    """Ends the process that receives it."""

    def __reduce__(self):
        return os._exit, (3,)


def _few():
    scenario = make("tsunami")
    scene = scenario.scene(0, 0)
    return [scene], [[scenario.hidden(scene, 0, 0, r) for r in range(2)]]


def test_a_killed_process_is_an_error_that_says_what_to_do():
    manner = Manner(Fatal(), 1, False, torch.float64)
    with pytest.raises(WorkerDied, match="use fewer workers"):
        states_of(*_few(), 1, manner, 2, None)
    assert not multiprocessing.active_children()


def test_an_interrupt_ends_the_processes_at_once():
    """Raised where Ctrl-C would be: between two looks at the processes, in mid-simulation."""

    def interrupted(fraction):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(make("tsunami"), realizations=2, duration=600.0, workers=2, progress=interrupted)
    assert not multiprocessing.active_children()


def test_no_process_is_refused():
    with pytest.raises(InputError, match="workers=0"):
        simulate(make("tsunami"), workers=0, duration=0.1)


def test_processes_are_started_only_for_work_that_repays_them(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    assert workers_that_pay(1, 12.0) == workers_that_pay(39, 1.0) == 1
    assert workers_that_pay(8, 12.0) == 4 and workers_that_pay(2, 60.0) == 2
