"""The training rollout that is most alike, from a bank of them."""

from __future__ import annotations

import json

import numpy as np
import xarray as xr

from worldsim.answer import camera_json, generated_rollout
from worldsim.models.bank import CASES, Bank, Progress, bank
from worldsim.models.likeness import most_alike
from worldsim.query import Query
from worldsim.scenario import scenario_class
from worldsim.world_model import Capabilities, WholeRolloutStream, check_capabilities


class NearestInBank:
    """The one rollout of a bank whose parameters and first frame are most alike; see
    `worldsim.models.likeness`.

    Parameters
    ----------
    cases : training cases in the bank of each scenario, which is made when first needed (96
        rollouts of rigid bodies take seconds, those of a town an hour) and kept; see
        `worldsim.models.bank`.
    progress : called with the finished fraction while a bank is made.
    """

    name = "baseline:nearest"
    capabilities = Capabilities(
        continues=False, stochastic=False, any_size=True, any_fps=True, streaming=True)

    def __init__(self, cases: int = CASES, progress: Progress | None = None) -> None:
        self.cases = cases
        self.progress = progress

    def rollout(self, query: Query) -> xr.DataTree:
        """The same training rollout for all realizations and views.

        Raises
        ------
        InputError : no such camera, or a bank that cannot be made or kept.
        """
        check_capabilities(self, query)
        banks = {camera: self._bank(query, camera) for camera in query.cameras}
        known = next(iter(banks.values()))
        chosen = most_alike(
            known.parameters, {camera: one.first for camera, one in banks.items()}, query
        )
        videos = {
            camera: np.stack([one.video(index)[: query.frames] for index in chosen])
            for camera, one in banks.items()
        }
        return generated_rollout(
            query, self.name, videos, backend="numpy", checkpoint=known.key.digest,
            training_cases=json.dumps([int(known.case[index]) for index in chosen]),
        )

    def start(self, query: Query) -> WholeRolloutStream:
        """The same, frame by frame."""
        return WholeRolloutStream(self.rollout(query))

    def _bank(self, query: Query, camera: str) -> Bank:
        from worldsim.camera import Camera

        cls = scenario_class(query.scenario)
        return bank(
            cls, Camera.from_json(camera_json(query.scenario, camera)), size=query.size,
            fps=query.fps, duration=max(query.duration, cls.duration), cases=self.cases,
            progress=self.progress,
        )
