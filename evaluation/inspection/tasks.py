"""Parts of a record's run, each of which one process does and stores."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import torch

from evaluation.inspection.trial import SEEDS, as_rows, planted_trials, true_trials
from worldsim.atomic import written_whole
from worldsim.errors import MembersFailed

Task = tuple[str, str, int, int, bool]
"""Scenario, which seed, number of cases, rows of the picture, whether something is planted."""


def file_of(task: Task) -> str:
    """Name of the file of its scores."""
    name, seed, cases, rows, planted = task
    return f"{name}_{seed}_{cases}_{rows}{'_planted' if planted else ''}.json"


def run(task_and_file: tuple[Task, Path]) -> str:
    """Do a task and store its scores; returns the file's name."""
    (name, seed, cases, rows, planted), path = task_and_file
    torch.set_num_threads(1)
    trials = planted_trials if planted else true_trials
    with warnings.catch_warnings():
        # Members that fail their audit are true videos none the less.
        warnings.simplefilter("ignore", MembersFailed)
        found = as_rows(trials(name, SEEDS[seed], cases, rows))
    with written_whole(path) as beside:
        beside.write_text(json.dumps(found))
    return path.name
