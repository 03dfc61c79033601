"""A finished run directory without simulator and world model: painted films, real scores."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from evaluation_scenes import Member, rollout
from PIL import Image
from synthetic_town import town_states

from evaluation.report.outcomes_file import (
    DREAM,
    TRUTH,
    assess_dream,
    assess_truth,
    save_outcomes,
)
from evaluation.scores import evaluate
from worldsim.rollout import save, video_dataset
from worldsim.video_file import write_mp4

FPS, DURATION, GIVEN = 5.0, 12.0, 5
STREET = {"name": "street", "projection": "perspective", "position": [260.0, 64.0, 60.0],
          "target": [96.0, 64.0, 0.0], "up": [0.0, 0.0, 1.0], "height_m": 0.0, "fov_y_deg": 40.0}
COMMAND = ("worldsim run tsunami --wave-height 9 --building timber --cases 2 --realizations 2 "
           "--seed 7 --out runs/painted")


def _members(speed: float, cases: int, realizations: int) -> list[list[Member]]:
    return [
        [Member(speed=speed + 0.5 * case + 0.6 * r, falls=(7.0 + r, np.inf),
                debris=((60.3, 50.7),), drift=((3.0, 0.5),))
         for r in range(realizations)]
        for case in range(cases)
    ]


def _with_street(tree: xr.DataTree) -> xr.DataTree:
    """A second view with other pixels: the overhead one turned round and darkened."""
    rgb = tree["video/overhead/rgb"].values[..., ::-1, ::-1, :] // 4 * 3
    tree["video/street"] = xr.DataTree(video_dataset(rgb, FPS, json.dumps(STREET)))
    return tree


def make_rollouts(cases: int = 2, realizations: int = 2,
                  town: Mapping[str, Any] | None = None) -> dict[str, xr.DataTree]:
    """Truth, a dream whose water is 15 % slow after the given frames, and four baselines.

    town : options of `synthetic_town.town_states`; None for a truth without people and works.
    """
    fast, slow = (_members(speed, cases, realizations) for speed in (12.0, 10.2))
    truth = _with_street(rollout(fast, duration=DURATION))
    if town is not None:
        states = town_states(truth["water"].to_dataset(inherit=False),
                             truth["structures"].to_dataset(inherit=False), **town)
        for group, dataset in states.items():
            truth[group] = xr.DataTree(dataset)
    truth.attrs.update(backend="painted", seed=7)
    dreamt = rollout(slow, duration=DURATION, kind="generated")["video/overhead/rgb"].values
    seen = truth["video/overhead/rgb"].values
    dreamt[:, :, :GIVEN] = seen[:, :1, :GIVEN]
    still = seen[:, :1, GIVEN - 1:GIVEN].repeat(seen.shape[2], axis=2).repeat(realizations, axis=1)
    answers = {
        "worldsim-small": dreamt,
        "frozen": still,
        "constant-velocity": still,
        "climatology": dreamt[:, ::-1],
        "nearest": dreamt[::-1],
    }
    answered = {
        name: _with_street(
            rollout(slow, duration=DURATION, kind="generated", model=name, video=rgb)
        )
        for name, rgb in answers.items()
    }
    answered["worldsim-small"].attrs["checkpoint"] = "5eed" * 16
    return {"truth": truth, "dream": answered.pop("worldsim-small"), **answered}


def make_run(folder: Path, *, cases: int = 2, realizations: int = 2,
             wave_height: float = 9.0, town: Mapping[str, Any] | None = None) -> Path:
    """Write a run directory as `worldsim run` leaves it, but for the report."""
    rollouts = make_rollouts(cases, realizations, town)
    truth, dream = rollouts.pop("truth"), rollouts.pop("dream")
    save(truth, folder / "truth.zarr")
    save(dream, folder / "dream.zarr")
    evaluate(dream, truth, baselines=rollouts).save(folder)
    save_outcomes(assess_truth(truth), folder / TRUTH)
    save_outcomes(assess_dream(dream, truth), folder / DREAM)
    for source, tree in (("simulated", truth), ("generated", dream)):
        for camera, node in tree["video"].children.items():
            for i, j in np.ndindex(cases, realizations):
                file = folder / "videos" / source / f"{i}.{camera}.r{j}.mp4"
                write_mp4(file, node["rgb"].values[i, j], fps=FPS, scale=3)
    large = truth["video/street/rgb"].values[0, 0].repeat(4, axis=1).repeat(4, axis=2)
    (folder / "videos" / "full-size").mkdir(parents=True)
    write_mp4(folder / "videos" / "full-size" / "0.street.r0.mp4", large, fps=FPS)
    (folder / "stills").mkdir()
    Image.fromarray(large[30]).save(folder / "stills" / "0.street.r0.t06.0.png")
    definition = {
        "worldsim": "0.1.0",
        "scenario": {"name": "tsunami", "version": 1,
                     "parameters": {"wave_height": wave_height, "street_elevation": 2.2,
                                    "building": "timber"}},
        "cases": cases, "realizations": realizations, "seed": 7, "duration": DURATION,
        "model": "worldsim-small", "checkpoint": "5eed" * 16, "context_frames": GIVEN,
    }
    (folder / "run.json").write_text(json.dumps({
        "schema_version": 1, "begun": "2030-01-02T03:04:05+00:00", "stages": {},
        "definition": definition, "definition_sha256": "0" * 64, "command": COMMAND,
        "versions": {"python": "3.11.2", "worldsim": "0.1.0", "mujoco": "4.0.0"},
    }))
    return folder
