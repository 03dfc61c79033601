"""``python -m evaluation.inspection --out records/inspection``: the record of inspections.

Thresholds are from true videos of the calibration seed alone; everything in the tables is from
cases of another seed. With ``--thresholds`` the package's thresholds are written anew.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
from pathlib import Path

from evaluation.inspection.record import write_record
from evaluation.inspection.tasks import Task, file_of, run
from evaluation.inspection.trial import SEEDS, Trial
from worldsim.inspection.sureness import TABLE, calibrated, write
from worldsim.scenario import list_scenarios

COSTLY = ("dam_break_block", "floating", "granular_pour")
"""Scenarios of which there are fewer cases: water and crowds take most of the time."""

LEFT_OUT = ("tsunami", "town")
"""Streets: houses stand or collapse, and nothing else is followed by its colour."""


def main() -> None:
    """Run what is not yet there, then write the record."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.inspection", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="directory of the record")
    parser.add_argument("--scores", type=Path, help="directory where scores of finished videos are "
                        "kept, so that a run can go on; OUT/scores by default")
    parser.add_argument("--cases", type=int, default=4, help="true cases per scenario and seed")
    parser.add_argument("--large", type=int, default=1, help="of these, at 128 px as well")
    parser.add_argument("--planted", type=int, default=3, help="cases to plant in, per scenario")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument("--thresholds", action="store_true", help="write the package's thresholds")
    given = parser.parse_args()
    folder = given.scores or given.out / "scores"
    folder.mkdir(parents=True, exist_ok=True)
    tasks: list[Task] = []
    for name in list_scenarios():
        if name in LEFT_OUT:
            continue
        few = name in COSTLY
        for seed in SEEDS:
            tasks.append((name, seed, min(given.cases, 2) if few else given.cases, 64, False))
            tasks.append((name, seed, 1 if few else given.large, 128, False))
        if not few:
            tasks.append((name, "test", given.planted, 64, True))
    open_tasks = [(task, folder / file_of(task)) for task in tasks
                  if not (folder / file_of(task)).exists()]
    os.environ["OMP_NUM_THREADS"] = "1"
    with multiprocessing.get_context("spawn").Pool(given.workers) as pool:
        for done in pool.imap_unordered(run, open_tasks):
            print(done, flush=True)
    trials = {seed: [] for seed in SEEDS}  # type: dict[str, list[Trial]]
    for task in tasks:
        rows = json.loads((folder / file_of(task)).read_text())
        trials[task[1]] += [Trial(**row) for row in rows]
    measures = {told: calibrated([one.scores for one in trials["calibration"]
                                  if one.known is told]) for told in (True, False)}
    if given.thresholds:
        write(measures, f"{parser.prog} --out {given.out} --thresholds", TABLE)
    write_record(given.out, trials["test"], measures)


if __name__ == "__main__":
    main()
