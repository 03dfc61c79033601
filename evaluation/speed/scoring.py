"""Speed of the benchmark's scoring, in multiples of the time that the scored videos last."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence

import torch

from evaluation.benchmark.cases import CaseTruth, cases_of
from evaluation.benchmark.suites import SUITES
from evaluation.measure import measure_model
from evaluation.metrics.catalogue import metrics_of
from evaluation.speed.result import Benchmark, Row

GOAL = 50.0
"""Times real time, at 64 px, on two cores."""

CORES = 2
FEW, MANY = 1, 4
LINEAR = 1.25
"""How much more time per case `MANY` cases may take than `FEW`."""
REPEATS = 3

COMPARED = (
    "Reading and scoring by all metrics, without simulating or dreaming: the truth's own videos of "
    "cases of the suite quick (8 members of 2 s, 20 frames/s, 64 x 64 pixels) as if they were a "
    "model's answer. One thread, processor's time, best of 3; the rate is that of two such "
    "processes, since cases are scored independently, over the seconds of video of all members. "
    "Linear: time per case of 4 cases, over that of 1."
)


def measure(names: Sequence[str] = ()) -> Benchmark:
    """All scenarios of the suite quick by default."""
    suite = SUITES["quick"]
    blocks = [b for b in suite.blocks if not names or b.scenario in names]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    rows, details, linear = [], {}, []
    try:
        for block in blocks:
            truths = [case.truth() for case in cases_of(suite, block, MANY)]
            _seconds(truths[:FEW])  # first touch
            once = min(_seconds(truths[:FEW]) for _ in range(REPEATS)) / FEW
            many = min(_seconds(truths) for _ in range(REPEATS)) / MANY
            video = block.realizations * block.duration
            linear.append(many / once)
            rows.append(Row(block.scenario, CORES * video / many, "x real time", GOAL,
                            at_most=False))
            details[block.scenario] = {"s per case": many, "s of one case alone": once}
    finally:
        torch.set_num_threads(threads)
    rows.append(Row(f"time per case, {MANY} cases", statistics.median(linear), "", LINEAR,
                    worst=max(linear)))
    return Benchmark("scoring", "Scoring of the benchmark", COMPARED, tuple(rows), details=details)


def _seconds(truths: Sequence[CaseTruth]) -> float:
    begun = time.process_time()
    for truth in truths:
        measure_model(truth.rollout(), truth.ready, metrics_of(truth.case.block.scenario))
    return time.process_time() - begun
