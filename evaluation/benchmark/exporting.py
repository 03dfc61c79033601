"""A suite's manifest, and its export: truths are simulated as far as their first frames need."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from evaluation.benchmark.cases import Case
from evaluation.benchmark.export import export_case, write_manifest
from evaluation.benchmark.manifest import FORMAT
from evaluation.benchmark.runner import Selection
from evaluation.benchmark.suites import Suite
from worldsim.simulator.worker_pool import WorkerPool, tick


def entry_of(case: Case) -> dict[str, Any]:
    """A case as manifests describe it."""
    block, cls = case.block, case.block.cls
    return {
        "id": case.id, "scenario": block.scenario, "split": block.split.value,
        "number": case.number, "seed": case.seed, "cameras": [block.camera],
        "size": list(cls.size), "fps": cls.fps, "duration": block.duration,
        "frames": block.frames, "context_frames": block.context,
        "realizations": block.realizations, "prompt": case.scenario.captions()[0],
        "parameters": case.scenario.values(),
    }


def manifest_of(suite: Suite, selection: Selection = Selection()) -> dict[str, Any]:
    """What an export of a suite says in ``manifest.json``."""
    cases = selection.cases(suite)
    return {
        "format": FORMAT, "suite": suite.id, "suite_seed": suite.seed,
        "suite_digest": suite.digests()["definition"], "cases": [entry_of(case) for case in cases],
    }


def export_suite(suite: Suite, selection: Selection, folder: Path, *, workers: int,
                 advance: Callable[[float], None]) -> int:
    """Write an export; returns the number of cases. The manifest comes last."""
    cases = selection.cases(suite)
    entries: dict[str, dict[str, Any]] = {}
    done = 0

    def advanced(count: int) -> None:
        nonlocal done
        done += count
        advance(done / len(cases))

    if workers == 1:
        for case in cases:
            entries[case.id] = export_one(case, folder)
            advanced(1)
    else:
        with WorkerPool(min(workers, len(cases))) as pool:
            futures = [pool.submit(_in_worker, case, folder) for case in cases]
            for future in pool.finished(futures, advanced):
                entry = future.result()
                entries[entry["id"]] = entry
    write_manifest(folder, manifest_of(suite, selection)
                   | {"cases": [entries[case.id] for case in cases]})
    return len(cases)


def export_one(case: Case, folder: Path) -> dict[str, Any]:
    """Write one case's known frames; returns its entry."""
    truth = case.truth()
    known = truth.ready.video[case.block.camera].values[0, 0, : case.block.context]
    return export_case(folder, entry_of(case), {case.block.camera: known})


def _in_worker(case: Case, folder: Path) -> dict[str, Any]:
    entry = export_one(case, folder)
    tick(1)
    return entry
