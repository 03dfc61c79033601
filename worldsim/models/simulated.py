"""The simulator itself as a world model: the ceiling, and graded wrong worlds."""

from __future__ import annotations

import dataclasses
import difflib
import json
import re

import numpy as np
import xarray as xr

from worldsim.errors import InputError
from worldsim.models.flaws import Flaws
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
    ``mujoco:gravity=-20%`` or ``mujoco:vanish=5%,blur=2%`` it is a world model whose error is
    known. Its hidden draws, and whom flaws befall when, depend on the query's seed alone, not on
    what is wrong: worlds that are wrong by different amounts share them. As ``truth`` it has the
    truth's own hidden draws: realizations 0, 1, ….

    What a name can change, each alone or together with others:

    =====================================  =====================================================
    gravity, debris_drag, strength,        the simulator's laws and constants: see `Physics`
    restitution, friction, mass, drag,
    overlap, energy
    teleport, vanish, merge                the simulated objects before they are filmed, and the
    blur, frozen, backwards                film, both after what is known: see `Flaws`
    =====================================  =====================================================

    Parameters
    ----------
    first_realization : number of its first hidden draw; by the query's seed, if None.
    threads, workers, compiled : see `worldsim.simulate`.
    """

    name: str
    physics: Physics = Physics()
    flaws: Flaws = Flaws()
    first_realization: int | None = None
    threads: int = 0
    workers: int = 1
    compiled: bool = False
    capabilities: Capabilities = Capabilities(
        context=False, stochastic=True, any_size=True, any_fps=True, streaming=True, simulates=True,
        actions=True,
    )

    @classmethod
    def from_name(cls, name: str) -> SimulatedWorld:
        """Parse ``mujoco`` or ``mujoco:FIELD=VALUE[,FIELD=VALUE…]``; ``truth`` likewise.

        A value is a number, or like ``-20%``: of the right value, where that is not 0, else of 1.

        Raises
        ------
        InputError : an unknown field of `Physics` and `Flaws`, one that is given twice, or a value
            that is no number or out of its range.
        """
        kind, _, changes = name.partition(":")
        values: dict[str, float] = {}
        right = dataclasses.asdict(Physics()) | dataclasses.asdict(Flaws())
        for change in filter(None, changes.split(",")):
            match = re.fullmatch(r"(\w+)=([+-]?[\d.]+(?:[eE][+-]?\d+)?)(%?)", change)
            if match is None:
                raise InputError(f"{change!r} in {name!r}: write FIELD=VALUE or FIELD=-20%")
            field, number, percent = match.groups()
            if field not in right:
                near = difflib.get_close_matches(field, right, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(right)}"
                raise InputError(f"the simulator has no constant {field!r}; {hint}")
            if field in values:
                raise InputError(f"{field!r} is given twice in {name!r}; give it once")
            try:
                value = float(number)
            except ValueError:
                raise InputError(f"{number!r} in {name!r} is not a number") from None
            if percent:
                value = right[field] * (1 + value / 100) if right[field] else value / 100
            values[field] = value
        flawed = {field.name for field in dataclasses.fields(Flaws)}
        return cls(
            name=name,
            physics=Physics(**{n: value for n, value in values.items() if n not in flawed}),
            flaws=Flaws(**{n: value for n, value in values.items() if n in flawed}),
            first_realization=0 if kind == "truth" else None,
        )

    def rollout(self, query: Query) -> xr.DataTree:
        """Simulate the query's cases again with other hidden draws, and film them.

        Raises
        ------
        InputError : the query does not say which cases it is about, or not all parameters.
        """
        return self.filmed(self.simulated(query), query)

    def simulated(self, query: Query) -> xr.DataTree:
        """The query's cases, simulated with its own hidden draws: states alone, which depend on
        `physics` but not on `flaws`, so that worlds of the same physics can share them.

        Raises
        ------
        InputError : the query does not say which cases it is about, or not all parameters.
        """
        from worldsim.simulator.world import simulate

        check_capabilities(self, query)
        assert query.origin is not None
        cls = scenario_class(query.scenario)
        missing = [name for name in cls.parameters() if name not in query.parameters]
        if missing:
            raise InputError(
                f"{self.name} simulates and needs every parameter; tell it {missing[0]!r}"
            )
        return simulate(
            [
                cls.from_codes({n: float(v[i]) for n, v in query.parameters.items()})
                for i in range(query.cases)
            ],
            realizations=query.realizations,
            seed=query.origin.seed,
            duration=np.ceil(query.duration * 10) / 10,
            case_numbers=query.origin.cases,
            first_realization=self._first(query),
            physics=self.physics,
            kicks=query.actions,
            threads=self.threads,
            workers=self.workers,
            compiled=self.compiled,
        )

    def filmed(self, states: xr.DataTree, query: Query) -> xr.DataTree:
        """The answer to a query, of states that `simulated` gave for it, with all flaws.

        ``/bodies`` are as the cameras saw them; the flaws of the film are in its videos alone.

        Raises
        ------
        InputError : the states are of another query, or of other physics.
        """
        from worldsim.camera import camera_of
        from worldsim.models.flawed_objects import Picture, with_flawed_objects

        check_capabilities(self, query)
        self._check(states, query)
        cls = scenario_class(query.scenario)
        known = _known_frames(query)
        seen = with_flawed_objects(
            states, self.flaws, Picture(camera_of(states, cls.film_cameras[0]), query.size),
            known_until=(known - 1) / query.fps if known else -np.inf,
            last=(query.frames - 1) / query.fps,
        )
        videos = {f"/video/{camera}": self._film(seen, camera, query) for camera in query.cameras}
        root = root_dataset(
            kind="generated",
            scenario=cls,
            cases=states["case"].values,
            realizations=range(query.realizations),
            seed=query.seed,
            model=self.name,
            backend=states.attrs["backend"],
            cameras=states.attrs["cameras"],
            physics=json.dumps(dataclasses.asdict(self.physics)),
            flaws=json.dumps(dataclasses.asdict(self.flaws)),
        )
        groups = {
            f"/{name}": seen[name].dataset.drop_vars(["case", "realization"], errors="ignore")
            for name in seen.children
            if name != "parameters"
        }
        codes = {name: np.asarray(values) for name, values in query.parameters.items()}
        return xr.DataTree.from_dict(
            {"/": root, "/parameters": parameters_dataset(cls, codes), **groups, **videos}
        )

    def start(self, query: Query) -> WholeRolloutStream:
        """Simulate the whole query, then hand it out frame by frame."""
        return WholeRolloutStream(self.rollout(query))

    def _first(self, query: Query) -> int:
        """Number of the first hidden draw."""
        if self.first_realization is None:
            return OTHER_DRAWS * (1 + query.seed)
        return self.first_realization

    def _check(self, states: xr.DataTree, query: Query) -> None:
        assert query.origin is not None
        first = self._first(query)
        asked = {
            "scenario": (json.loads(states.attrs["scenario"])["name"], query.scenario),
            "seed": (int(states.attrs["seed"]), query.origin.seed),
            "cases": (states["case"].values.tolist(), list(query.origin.cases)),
            "realizations": (states["realization"].values.tolist(),
                             list(range(first, first + query.realizations))),
            "parameters": ({n: v.values.tolist() for n, v in states["parameters"].items()},
                           {n: np.asarray(query.parameters[n]).tolist()
                            for n in states["parameters"]}),
            "physics": (json.loads(states.attrs["physics"]), dataclasses.asdict(self.physics)),
        }
        for what, (held, wanted) in asked.items():
            if held != wanted:
                raise InputError(
                    f"states of {what} {held}, but {self.name} and the query are of {wanted}; "
                    "simulate the query"
                )

    def _film(self, states: xr.DataTree, camera: str, query: Query) -> xr.Dataset:
        """One camera's video; the answer numbers its realizations from 0, those of the draws
        belong to the states."""
        from worldsim.camera import render
        from worldsim.models.flawed_film import blurred, instants

        known = _known_frames(query)
        number = np.arange(query.frames)
        shown = instants(self.flaws, query.frames, known)
        if (shown == number).all():
            video = render(states, camera, size=query.size, fps=query.fps)
            video = video.isel(time=slice(0, query.frames))
        else:
            times, place = np.unique(shown / query.fps, return_inverse=True)
            video = render(states, camera, size=query.size, fps=query.fps,
                           times=times.tolist())
            attrs = video["time"].attrs
            video = video.isel(time=place)
            video = video.assign_coords(time=("time", number / query.fps, attrs))
        if self.flaws.blur:
            rgb = video["rgb"].values
            later = blurred(rgb[:, :, known:], self.flaws.blur)
            rgb = np.concatenate([rgb[:, :, :known], later], axis=2)
            video = video.assign(rgb=video["rgb"].copy(data=rgb))
        return video.drop_vars(["case", "realization"])


def _known_frames(query: Query) -> int:
    """How many first frames are over when the last known one is."""
    ends = (round(one.start * query.fps) + one.video.shape[1] for one in query.known)
    return min(max(ends, default=0), query.frames)
