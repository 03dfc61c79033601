"""The factory of training clips: simulated and filmed by several processes, and resumable.

What a killed process was at is not there, or is not trusted; the same call makes what is missing.
Every call leaves a line in ``making.jsonl`` that says what it made, how fast and how large.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from worldsim.diffusion.clip_files import (
    case_file,
    failed_cases,
    remove_abandoned,
    stored_cases,
    write_case,
    write_failure,
)
from worldsim.diffusion.clips import ClipManifest
from worldsim.diffusion.observables import BODIES, followed_bodies
from worldsim.errors import InputError
from worldsim.mechanics import STATES_PER_SECOND, Freedom, Kick, MechanicalScene, Role
from worldsim.scenario import scenario_class
from worldsim.seeding import VISIBLE, stream
from worldsim.simulator.worker_pool import WorkerPool
from worldsim.splits import Purpose, Split, draw, purpose_of

if TYPE_CHECKING:
    import xarray as xr

Record = Callable[["xr.DataTree"], Mapping[str, np.ndarray]]
"""Further arrays (case, …) to keep of a simulated rollout; a function that can be imported by name,
because worker processes import it."""

CASES_AT_ONCE = 8
"""Cases simulated together by one worker; what is stored does not depend on it."""

MAKING = "making.jsonl"


@dataclasses.dataclass(frozen=True)
class Made:
    """What one or several calls made.

    seconds : they took. workers : processes, at most. cases : simulated; failed : those of them
    that failed their audit. frames : stored, of all views. clips : videos stored. bytes : of all
    case files.
    """

    seconds: float
    workers: int
    cases: int
    failed: int
    clips: int
    frames: int
    bytes: int

    def __add__(self, other: Made) -> Made:
        mine, others = dataclasses.astuple(self), dataclasses.astuple(other)
        total = Made(*(a + b for a, b in zip(mine, others, strict=True)))
        return dataclasses.replace(total, workers=max(self.workers, other.workers))

    @property
    def frames_per_second(self) -> float:
        """Simulated, filmed and stored."""
        return self.frames / self.seconds if self.seconds else 0.0

    @property
    def bytes_per_clip(self) -> float:
        """Of the files, with whatever else is kept of a case."""
        return self.bytes / self.clips if self.clips else 0.0

    def __str__(self) -> str:
        failed = f", {self.failed} cases failed and left out" if self.failed else ""
        return (f"{self.clips} clips of {self.cases} cases{failed}, {self.bytes / 1e6:.1f} MB, "
                f"{self.bytes_per_clip / 1e3:.0f} kB a clip; made at {self.frames_per_second:.0f} "
                f"frames/s by {self.workers} process{'es' if self.workers > 1 else ''}")


def made_in(directory: str | os.PathLike[str]) -> Made | None:
    """The account of all finished calls that filled a directory; None where there is none."""
    path = Path(directory) / MAKING
    if not path.is_file():
        return None
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    fields = [field.name for field in dataclasses.fields(Made)]
    each = [Made(**{name: row[name] for name in fields}) for row in rows]
    return sum(each[1:], each[0])


def generate_clips(out: str | os.PathLike[str], scenario: str, cases: Sequence[int], *, seed: int,
                   split: Split = Split.IN_RANGE, workers: int = 2, fps: float | None = None,
                   duration: float | None = None, size: tuple[int, int] | None = None,
                   cameras: tuple[str, ...] | None = None, record: Record | None = None,
                   compiled: bool = False, pushed: float = 0.0) -> Iterator[int]:
    """Simulate and film training cases; yields each case's number when it is done.

    What is done already is skipped, so the same call continues a stopped one. A case whose audit
    failed is noted and not stored (`failed_cases`); the simulator warns of it.

    Parameters
    ----------
    cases : numbers of the cases; their parameters are drawn from the split.
    seed : of the random streams, see `worldsim.splits.seed_for`.
    split : other than `Split.IN_RANGE` for cases to test on, which training seeds are refused for.
    workers : processes; 1 works in this one.
    fps, duration, size, cameras : frames per second, seconds, pixels and views of the videos; the
        scenario's own by default; of no camera only what `record` keeps is stored.
    record : further arrays to keep of each rollout.
    compiled : compile the water solver (several times as fast; needs a C++ compiler).
    pushed : share of cases in which a free object is pushed once (`drawn_push`); what was done is
        kept as ``pushes`` (1, 5): time [s], number of the object, velocity [m/s]; NaN if none.

    Raises
    ------
    InputError : the directory holds clips of another definition; an unknown camera; a training
        seed for cases that training must not see.
    worldsim.simulator.distribution.WorkerDied : a process was killed; what is done is kept.
    """
    root = Path(out)
    if split is not Split.IN_RANGE and purpose_of(seed)[0] is Purpose.TRAINING:
        raise InputError(f"seed={seed} is one of training, which never sees the split "
                         f"{split.value!r}; take one of test or validation")
    first = draw(scenario_class(scenario), split, seed, 0)
    views = first.scene(seed, 0).cameras
    names = first.film_cameras if cameras is None else cameras
    absent = set(names) - set(views)
    if absent:
        raise InputError(
            f"{scenario!r} has no camera {sorted(absent)[0]!r}; it has {', '.join(views)}")
    manifest = ClipManifest(
        scenario, first.version, seed, {name: views[name].to_json() for name in names},
        first.fps if fps is None else fps,
        first.clip_duration or first.duration if duration is None else duration,
        first.size if size is None else size, split.value)
    manifest.write(root)
    remove_abandoned(root)
    done = {*stored_cases(root), *failed_cases(root)}
    missing = [case for case in cases if case not in done]
    chunks = [missing[i:i + CASES_AT_ONCE] for i in range(0, len(missing), CASES_AT_ONCE)]
    begun, clock, made = datetime.now(UTC), time.monotonic(), []
    try:
        work = functools.partial(_generate, root, manifest, record=record, compiled=compiled,
                                 pushed=pushed)
        for chunk in _each(work, chunks, min(workers, len(chunks))):
            made += chunk
            yield from chunk
    finally:
        if made:
            _account(root, manifest, made, workers, begun, time.monotonic() - clock)


def _each(work: Callable[[Sequence[int]], list[int]], chunks: Sequence[Sequence[int]],
          workers: int) -> Iterator[list[int]]:
    """Every chunk of cases as it is done."""
    if workers <= 1:
        yield from map(work, chunks)
        return
    with WorkerPool(workers, functools.partial(_prepare, list(sys.path))) as pool:
        jobs = [pool.submit(work, chunk) for chunk in chunks]
        for job in pool.finished(jobs, lambda _: None):
            yield job.result()


def _prepare(path: list[str]) -> None:
    """In a worker: find what the main process finds, and leave the other cores to the others."""
    sys.path[:] = path
    torch.set_num_threads(1)


def _account(root: Path, manifest: ClipManifest, cases: Sequence[int], workers: int,
             begun: datetime, seconds: float) -> None:
    files = [path for path in (case_file(root, case) for case in cases) if path.exists()]
    clips = len(files) * len(manifest.cameras)
    made = Made(seconds, workers, len(cases), len(cases) - len(files), clips,
                clips * manifest.frames, sum(path.stat().st_size for path in files))
    row = {"begun": begun.isoformat(timespec="seconds")} | dataclasses.asdict(made) | {
        "frames_per_second": round(made.frames_per_second, 1),
        "bytes_per_clip": round(made.bytes_per_clip)}
    with (root / MAKING).open("a") as file:
        file.write(json.dumps(row) + "\n")


FASTEST_PUSH = 2.0
"""m/s"""


def drawn_push(scene: object, seed: int, case: int) -> tuple[Kick, int] | None:
    """The push of a training case, and the number of the object among those that are followed.

    At 0.3 to 1.5 s a free object gets up to `FASTEST_PUSH` more in any direction. None where
    nothing that instruments follow is free to move.
    """
    if not isinstance(scene, MechanicalScene):
        return None
    rng = stream(seed, case, VISIBLE, "training push")
    followed = followed_bodies(scene)
    free = [n for n, body in enumerate(followed[:BODIES])
            if body.role is Role.OBJECT and body.joint is not None
            and body.joint.freedom is Freedom.FREE]
    if not free:
        return None
    chosen = int(rng.choice(free))
    direction = rng.standard_normal(3)
    x, y, z = direction / np.linalg.norm(direction) * rng.uniform(0.2, FASTEST_PUSH)
    step = 1 / STATES_PER_SECOND
    time_s = round(float(rng.uniform(0.3, 1.5)) / step) * step
    return Kick(time_s, followed[chosen].name, velocity=(float(x), float(y), float(z))), chosen


def _generate(root: Path, manifest: ClipManifest, cases: Sequence[int], record: Record | None,
              compiled: bool, pushed: float) -> list[int]:
    """Simulate, film and store cases; those that are pushed one by one."""
    apart: dict[int, tuple[Kick, int]] = {}
    if pushed:
        cls, split = scenario_class(manifest.scenario), Split(manifest.split)
        for case in cases:
            if stream(manifest.seed, case, VISIBLE, "pushed or not").random() < pushed:
                scene = draw(cls, split, manifest.seed, case).scene(manifest.seed, case)
                push = drawn_push(scene, manifest.seed, case)
                if push is not None:
                    apart[case] = push
    rest = [case for case in cases if case not in apart]
    groups: list[tuple[Sequence[int], tuple[Kick, int] | None]] = [([c], apart[c]) for c in apart]
    for group, push in ([(rest, None)] if rest else []) + groups:
        _make(root, manifest, group, record, compiled, push, bool(pushed))
    return list(cases)


def _make(root: Path, manifest: ClipManifest, cases: Sequence[int], record: Record | None,
          compiled: bool, push: tuple[Kick, int] | None, keep_push: bool) -> None:
    from worldsim.camera import render
    from worldsim.simulator.audit_record import failed_members
    from worldsim.simulator.world import simulate

    cls, split = scenario_class(manifest.scenario), Split(manifest.split)
    scenarios = [draw(cls, split, manifest.seed, case) for case in cases]
    truth = simulate(scenarios, seed=manifest.seed, case_numbers=cases,
                     kicks=() if push is None else (push[0],),
                     duration=manifest.duration, threads=1, compiled=compiled)
    failed = truth["audit"]["failed"].values[:, 0]
    further = {} if record is None else record(truth)
    films = {
        camera: render(truth, camera, size=manifest.size, fps=manifest.fps)["rgb"].values[:, 0]
        for camera in manifest.cameras
    }
    for i, case in enumerate(cases):
        if failed[i]:
            write_failure(root, case, failed_members(truth.isel(case=[i])))
            continue
        arrays = {camera: film[i, :manifest.frames] for camera, film in films.items()}
        arrays |= {name: np.asarray(values[i]) for name, values in further.items()}
        if keep_push:
            row = [np.nan] * 5 if push is None else [push[0].time, push[1], *push[0].velocity]
            arrays["pushes"] = np.array([row], np.float32)
        write_case(root, case, scenarios[i].codes(), arrays)
