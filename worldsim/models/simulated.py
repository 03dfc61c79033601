"""The simulator itself as a world model: the ceiling, and graded wrong physics."""

from __future__ import annotations

import dataclasses
import difflib
import json
import re

import numpy as np
import xarray as xr

from worldsim.errors import InputError
from worldsim.query import Query
from worldsim.rollout import parameters_dataset, root_dataset
from worldsim.scenario import scenario_class
from worldsim.simulator.scene import Physics
from worldsim.world_model import Capabilities, WholeRolloutStream, check_capabilities

OTHER_DRAWS = 1_000_000
"""Realizations of this model are numbered from here on (times 1 + the query's seed), so that their
hidden draws are never those of the truth they are compared with."""


@dataclasses.dataclass(frozen=True)
class SimulatedWorld:
    """MuJoCo and shallow water, with other hidden draws of the same case.

    As ``mujoco`` it is the best any model can do that cannot see what is hidden; as
    ``mujoco:gravity=-20%`` it is a world model whose error is known.
    """

    name: str
    physics: Physics = Physics()
    threads: int = 0
    compiled: bool = False
    capabilities: Capabilities = Capabilities(
        context=False, stochastic=True, any_size=True, any_fps=True, streaming=True, simulates=True
    )

    @classmethod
    def from_name(cls, name: str) -> SimulatedWorld:
        """Parse ``mujoco`` or ``mujoco:FIELD=VALUE[,FIELD=VALUE…]``; values may be like ``-20%``.

        Raises
        ------
        InputError : an unknown field of `Physics`, or a value that is no number.
        """
        _, _, changes = name.partition(":")
        values: dict[str, float] = {}
        default = Physics()
        fields = [field.name for field in dataclasses.fields(Physics)]
        for change in filter(None, changes.split(",")):
            match = re.fullmatch(r"(\w+)=([+-]?[\d.]+)(%?)", change)
            if match is None:
                raise InputError(f"{change!r} in {name!r}: write FIELD=VALUE or FIELD=-20%")
            field, number, percent = match.groups()
            if field not in fields:
                near = difflib.get_close_matches(field, fields, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(fields)}"
                raise InputError(f"the simulator has no constant {field!r}; {hint}")
            try:
                value = float(number)
            except ValueError:
                raise InputError(f"{number!r} in {name!r} is not a number") from None
            values[field] = getattr(default, field) * (1 + value / 100) if percent else value
        return cls(name=name, physics=Physics(**values))

    def rollout(self, query: Query) -> xr.DataTree:
        """Simulate the query's cases again with other hidden draws, and film them.

        Raises
        ------
        InputError : the query does not say which cases it is about, or not all parameters.
        """
        from worldsim.camera import render
        from worldsim.simulator.world import simulate

        check_capabilities(self, query)
        assert query.origin is not None
        cls = scenario_class(query.scenario)
        missing = [name for name in cls.parameters() if name not in query.parameters]
        if missing:
            raise InputError(
                f"{self.name} simulates and needs every parameter; tell it {missing[0]!r}"
            )
        codes = {name: np.asarray(values) for name, values in query.parameters.items()}
        tree = simulate(
            [
                cls.from_codes({n: float(v[i]) for n, v in codes.items()})
                for i in range(query.cases)
            ],
            realizations=query.realizations,
            seed=query.origin.seed,
            duration=np.ceil(query.duration * 10) / 10,
            case_numbers=query.origin.cases,
            first_realization=OTHER_DRAWS * (1 + query.seed),
            physics=self.physics,
            threads=self.threads,
            compiled=self.compiled,
        )
        videos = {}
        for camera in query.cameras:
            video = render(tree, camera, size=query.size, fps=query.fps)
            # The answer numbers its realizations from 0; those of the draws belong to the states.
            video = video.drop_vars(["case", "realization"])
            videos[f"/video/{camera}"] = video.isel(time=slice(0, query.frames))
        root = root_dataset(
            kind="generated",
            scenario=cls,
            cases=query.origin.cases,
            realizations=range(query.realizations),
            seed=query.seed,
            model=self.name,
            backend=tree.attrs["backend"],
            cameras=tree.attrs["cameras"],
            physics=json.dumps(dataclasses.asdict(self.physics)),
        )
        states = {
            f"/{name}": tree[name].dataset.drop_vars(["case", "realization"], errors="ignore")
            for name in tree.children
            if name != "parameters"
        }
        return xr.DataTree.from_dict(
            {"/": root, "/parameters": parameters_dataset(cls, codes), **states, **videos}
        )

    def start(self, query: Query) -> WholeRolloutStream:
        """Simulate the whole query, then hand it out frame by frame."""
        return WholeRolloutStream(self.rollout(query))
