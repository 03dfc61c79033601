"""Climatology by simulation: what else happens at the same parameters."""

from __future__ import annotations

import json

import numpy as np
import xarray as xr

from worldsim.answer import generated_rollout
from worldsim.errors import InputError
from worldsim.models.bank import whole_tenths
from worldsim.query import Query
from worldsim.scenario import scenario_class
from worldsim.seeding import Purpose, purpose_of, seed_for
from worldsim.world_model import Capabilities, WholeRolloutStream, check_capabilities

MEMBERS = 1_000_000
"""Training case numbers set aside for each case of a query, one a member: as many realizations at
most."""

AT_ONCE = 64
"""Members that are simulated and filmed together."""


class EnsembleClimatology:
    """Independent rollouts of the same parameters: other layouts, colours and places, and other
    hidden draws.

    Members are training cases (`Purpose.TRAINING`), so that none is ever a case of a test. They are
    keyed by the query's seed, the case's number and the realization; the known frames do not enter.
    Members that fail are kept, as the simulator warns.
    """

    name = "baseline:climatology"
    capabilities = Capabilities(context=False, any_size=True, any_fps=True, streaming=True)

    def rollout(self, query: Query) -> xr.DataTree:
        """Simulate and film `query.realizations` members for each case.

        Raises
        ------
        InputError : the query does not tell all parameters, or wants too many realizations.
        """
        from worldsim.camera import render
        from worldsim.simulator.world import simulate

        check_capabilities(self, query)
        cls = scenario_class(query.scenario)
        missing = [name for name in cls.parameters() if name not in query.parameters]
        if missing:
            raise InputError(
                f"{self.name} simulates {query.scenario!r} at the same parameters and needs all of "
                f"them; tell it {missing[0]!r}"
            )
        if query.realizations > MEMBERS:
            raise InputError(
                f"realizations={query.realizations}: {self.name} has {MEMBERS} at most"
            )
        seed = seed_for(Purpose.TRAINING, purpose_of(query.seed)[1])
        cases = range(query.cases) if query.origin is None else query.origin.cases
        members = range(query.realizations)
        numbers = [case * MEMBERS + member for case in cases for member in members]
        told = [
            cls.from_codes({name: float(values[case]) for name, values in query.parameters.items()})
            for case in range(query.cases) for _ in members
        ]
        shape = (len(numbers), query.frames, *query.size, 3)
        videos = {camera: np.empty(shape, dtype=np.uint8) for camera in query.cameras}
        times = list(np.arange(query.frames) / query.fps)
        backend = ""
        for first in range(0, len(numbers), AT_ONCE):
            some = slice(first, first + AT_ONCE)
            tree = simulate(told[some], seed=seed, case_numbers=numbers[some],
                            duration=whole_tenths(query.duration))
            backend = tree.attrs["backend"]
            for camera, video in videos.items():
                film = render(tree, camera, size=query.size, fps=query.fps, times=times)
                video[some] = film["rgb"].values[:, 0]
        return generated_rollout(
            query, self.name,
            {camera: video.reshape(query.cases, query.realizations, *shape[1:])
             for camera, video in videos.items()},
            backend=backend, members=json.dumps({"seed": seed, "cases": numbers}),
        )

    def start(self, query: Query) -> WholeRolloutStream:
        """Simulate the whole query, then hand it out frame by frame."""
        return WholeRolloutStream(self.rollout(query))
