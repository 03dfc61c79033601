"""A finished run read again: its tables as block results, its kept dreams measured by today's code.
"""

from __future__ import annotations

import dataclasses
import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from evaluation.benchmark.cases import Case, CaseTruth
from evaluation.benchmark.report.stored import StoredRun
from evaluation.benchmark.results import BlockResult
from evaluation.benchmark.store import SUFFIX, load_entry
from evaluation.benchmark.suites import FRESH, Block, Suite, suite_named
from evaluation.measure import measure_model
from evaluation.metrics.catalogue import metrics_of
from evaluation.metrics.metric import Metric
from worldsim.answer import camera_json
from worldsim.errors import InputError
from worldsim.rollout import root_dataset, video_dataset

PARTS = {
    "definition": "the suite's cases",
    "data": "the code that simulates and films the truth",
    "instruments": "the code that reads videos",
    "metrics": "the code that compares what was read",
}
"""What comparability rests on, as in ``suite.digests``, in words."""

SAID = "consequences"
"""Child of observables that a rollout says besides its pictures; kept dreams have pictures only."""


@dataclasses.dataclass(frozen=True)
class StoredBlock(BlockResult):
    """A block as its run's tables have it."""

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Today's, as far as they were measured."""
        there = set(self.value["metric"].values.tolist())
        return tuple(m for m in metrics_of(self.block.scenario) if m.name in there)


def suite_of(result: Mapping[str, Any]) -> Suite:
    """The suite that a result is of.

    Raises
    ------
    InputError : this version of the package has no suite of that id.
    """
    name, seed = str(result["suite"]["id"]), int(result["suite"]["seed"])
    try:
        return suite_named(name, seed if name.startswith(FRESH) else None)
    except InputError as error:
        raise InputError(
            f"the result of {result['model']['name']} is of suite {name!r}, which this version "
            f"does not have ({error}); run it again: {again(result)}") from None


def differing(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """Which parts of two sets of digests differ, in the order of `PARTS`."""
    return [part for part in PARTS if one.get(part) != other.get(part)]


def again(result: Mapping[str, Any], **flags: object) -> str:
    """The command that runs a result again, into a new directory.

    Parameters
    ----------
    flags : values of flags that are set otherwise, by name.
    """
    words = shlex.split(str(result["command"]))
    flat = [part for word in words for part in
            (word.split("=", 1) if word.startswith("--") else [word])]
    if "--out" in flat[:-1]:
        flat[flat.index("--out") + 1] += "-again"
    for name, value in flags.items():
        flag = f"--{name}"
        if flag in flat[:-1]:
            flat[flat.index(flag) + 1] = str(value)
        else:
            flat += [flag, str(value)]
    return f"`{shlex.join(flat)}`"


def stored_blocks(run: StoredRun) -> list[StoredBlock]:
    """The blocks of a run, from ``result.nc``.

    Raises
    ------
    InputError : the suite is of another version, or the tables are not of it.
    """
    suite = suite_of(run.result)
    blocks = {f"{b.scenario}-{b.split.value}": b for b in suite.blocks}
    unknown = set(run.tables) - set(blocks)
    if unknown:
        raise InputError(f"{run.folder / 'result.nc'} has a table of {sorted(unknown)[0]!r}, which "
                         f"suite {suite.id} does not ask about; repeat the run")
    return [_block(run, blocks[name], table) for name, table in run.tables.items()]


def _block(run: StoredRun, block: Block, table: xr.Dataset) -> StoredBlock:
    result = run.result
    missing = {"value", "series"} - set(table.data_vars)
    if missing:
        raise InputError(f"{run.folder / 'result.nc'} has no {sorted(missing)[0]!r} of "
                         f"{block.scenario}; repeat the run")
    cases = tuple(str(case) for case in table["case"].values)
    failed = {case: why for case, why in result["failures"].items() if case in cases}
    own = {c: why for c, why in result["excluded"].items() if c.startswith(_prefix(block))}
    unsupported = result["unsupported"].get(block.scenario)
    filled = np.zeros((table.sizes["metric"], len(cases)), bool)
    filled[:] = [case in failed for case in cases]
    seconds = next((b["seconds"] for b in result["blocks"]
                    if (b["scenario"], b["split"]) == (block.scenario, block.split.value)), 0.0)
    return StoredBlock(
        block, run.model, cases, table["value"], table["series"],
        {run.model: failed} if failed else {},
        {} if unsupported is None else {run.model: unsupported}, own, filled, float(seconds),
    )


def _prefix(block: Block) -> str:
    return block.case_id(0)[:-4]


def keeps_dreams(folder: Path) -> bool:
    """Whether a run's directory still has any of its dreams."""
    return any((folder / "dreams").glob(f"*{SUFFIX}"))


def kept_rollout(case: Case, folder: Path, member: int | None = None) -> xr.DataTree | None:
    """A case's kept dream as a rollout; None where none was kept, or it is damaged.

    Parameters
    ----------
    member : the only realization wanted; all by default.
    """
    dream = load_entry(folder / "dreams" / f"{case.id}{SUFFIX}")
    if dream is None:
        return None
    rgb = dream["video"]["rgb"].values
    if member is not None:
        rgb = rgb[:, [member]]
    block = case.block
    root = root_dataset(kind="generated", scenario=block.scenario, cases=[case.number],
                        realizations=range(rgb.shape[1]), seed=case.seed, model="kept dream")
    video = video_dataset(rgb, block.cls.fps, camera_json(block.scenario, block.camera))
    return xr.DataTree.from_dict({"/": root, f"/video/{block.camera}": video})


def remeasured(case: Case, folder: Path, truth: CaseTruth) -> xr.Dataset | None:
    """A case's kept dream measured by today's code: ``value`` (metric, case), ``series`` (metric,
    case, time); None without a dream. Metrics that need more than pictures are left out."""
    rollout = kept_rollout(case, folder)
    if rollout is None:
        return None
    return measure_model(rollout, truth.ready, seen_metrics(case.block.scenario))


def seen_metrics(scenario: str) -> tuple[Metric, ...]:
    """Those of a scenario that need nothing but pictures."""
    return tuple(m for m in metrics_of(scenario) if SAID not in m.needs)


def alignments(folder: Path, case_id: str) -> list[dict[str, Any]]:
    """How the video files of a case were made to fit (`worldsim.models.alignment.Alignment`); empty
    for models that are no folders of videos, or where the measurement is gone."""
    entry = load_entry(folder / "measured" / f"{case_id}{SUFFIX}")
    text = "" if entry is None else str(entry.attrs["alignment"])
    found: list[dict[str, Any]] = json.loads(text) if text else []
    return found


def fitted(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """What was done to a case's videos that pixels or instants do not survive, in words; empty
    where they were taken as they are."""
    found = []
    for record in records:
        if record["resampling"] != "none":
            found.append(f"resampled from {record['rows']}x{record['columns']} "
                         f"({record['resampling']})")
        if record["cropped"] > 0:
            found.append(f"cropped by {100 * record['cropped']:.0f} %")
        if record["largest_offset"] > INSTANT:
            found.append(f"frames off by up to {record['largest_offset']:.3g} s "
                         f"({record['fps']:.4g} frames/s)")
        if record["held"]:
            found.append(f"last frame held {record['held']} times more")
    return list(dict.fromkeys(found))


INSTANT = 1e-4
"""s; frames that are nearer than this to the instant asked for are of that instant."""
