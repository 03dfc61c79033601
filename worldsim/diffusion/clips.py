"""Simulated clips on disk: how training data are made, stored and loaded.

A clip directory holds ``clips.json`` (what all clips share) and one ``case_NNNNNN.safetensors``
per case: a uint8 video (time, row, column, 3) for each camera, the case's parameters and a
checksum. Files are written whole or not at all, so that making them can be stopped and continued,
and by several processes at once. A case whose simulation failed its audit leaves only a
``failed_NNNNNN.json`` that says why: nobody should learn from it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file
from torch import Tensor

from worldsim.errors import InputError
from worldsim.scenario import Scenario, scenario_class
from worldsim.seeding import VISIBLE, stream

if TYPE_CHECKING:
    import xarray as xr

MANIFEST = "clips.json"
Record = Callable[["xr.DataTree"], Mapping[str, np.ndarray]]
"""Further arrays (case, …) to keep of a simulated rollout; a function that can be imported by name,
because worker processes import it."""

CASES_AT_ONCE = 8
"""Cases simulated together by one worker; what is stored does not depend on it."""


@dataclasses.dataclass(frozen=True)
class ClipManifest:
    """What all clips of a directory share.

    scenario, version : the scenario's name and version.
    seed : the experiment's seed; case k of the directory is case k of that seed.
    fps, duration, size : of the stored videos.
    cameras : the views by name, in the order in which the model numbers them, each described as
        `worldsim.camera.Camera.to_json` writes it.
    """

    scenario: str
    version: int
    seed: int
    cameras: dict[str, str]
    fps: float = 5.0
    duration: float = 14.0
    size: tuple[int, int] = (64, 96)

    @property
    def frames(self) -> int:
        return round(self.fps * self.duration)

    def write(self, directory: Path) -> None:
        """Write the manifest, or check that the one there is the same."""
        directory.mkdir(parents=True, exist_ok=True)
        target = directory / MANIFEST
        if target.exists():
            if ClipManifest.read(directory) != self:
                raise InputError(
                    f"{directory} holds clips of another definition; choose another directory")
            return
        _write_atomically(target, json.dumps(dataclasses.asdict(self), indent=1).encode())

    @classmethod
    def read(cls, directory: Path) -> ClipManifest:
        """Read a directory's manifest."""
        try:
            fields = json.loads((directory / MANIFEST).read_text())
            return cls(**fields | {"size": tuple(fields["size"])})
        except FileNotFoundError as error:
            raise InputError(
                f"{directory} holds no training clips ({MANIFEST} is missing)") from error
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise InputError(f"{directory / MANIFEST} cannot be read: {error}") from error


def case_file(directory: Path, case: int) -> Path:
    """Where the clips of one case are stored."""
    return directory / f"case_{case:06d}.safetensors"


def _checksum(arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(name.encode() + np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()


def _write_atomically(target: Path, content: bytes) -> None:
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    partial.write_bytes(content)
    os.replace(partial, target)


def failure_file(directory: Path, case: int) -> Path:
    """Where it is noted that the simulation of a case failed its audit, and why."""
    return directory / f"failed_{case:06d}.json"


def write_case(directory: Path, case: int, parameters: Mapping[str, float],
               arrays: Mapping[str, np.ndarray]) -> None:
    """Store one case: `arrays` has a video for each camera, and whatever else is to be kept."""
    target = case_file(directory, case)
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    kept = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    save_file(kept, partial, metadata={
        "case": str(case), "parameters": json.dumps(dict(parameters)), "sha256": _checksum(kept)})
    os.replace(partial, target)


def read_case(directory: Path, case: int) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Parameters (codes) and arrays of one case.

    Raises
    ------
    InputError : the file is truncated, or its content does not match its checksum.
    """
    path = case_file(directory, case)
    try:
        with safe_open(path, framework="numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            metadata = file.metadata()
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path} cannot be read ({error}); delete it and make it again") from error
    if _checksum(arrays) != metadata["sha256"]:
        raise InputError(f"{path} is damaged (checksum differs); delete it and make it again")
    return json.loads(metadata["parameters"]), arrays


def stored_cases(directory: Path) -> list[int]:
    """Numbers of the cases that are stored."""
    return sorted(int(path.stem.removeprefix("case_"))
                  for path in directory.glob("case_*.safetensors"))


def failed_cases(directory: Path) -> list[int]:
    """Numbers of the cases that were simulated, and whose audit failed."""
    return sorted(int(path.stem.removeprefix("failed_"))
                  for path in directory.glob("failed_*.json"))


@dataclasses.dataclass(frozen=True)
class ClipSet:
    """Training clips in memory.

    video : (case, view, time, row, column, 3) uint8.
    parameters : codes by name, each (case,).
    cameras : descriptions of the views by name.
    mirror_axes : per view the image axis ("rows", "columns") that the scene's symmetry flips.
    """

    video: Tensor
    parameters: dict[str, np.ndarray]
    cameras: dict[str, str]
    fps: float
    scenario: str
    version: int
    seed: int
    case_ids: tuple[int, ...]
    mirror_axes: tuple[str | None, ...]

    @property
    def frames(self) -> int:
        return self.video.shape[2]

    @property
    def size(self) -> tuple[int, int]:
        return self.video.shape[3], self.video.shape[4]

    def __len__(self) -> int:
        return len(self.video)


MIRROR_AXES: Mapping[str, str] = {"overhead": "rows", "street": "columns"}
"""The image axis along which the scene's mirror plane flips each camera's picture."""


def load_clips(directory: str | os.PathLike[str], limit: int | None = None) -> ClipSet:
    """Load all clips of a directory into memory (about 3 MB per case).

    Raises
    ------
    InputError : no clips, a damaged file, or videos that do not match the manifest.
    """
    root = Path(directory)
    manifest = ClipManifest.read(root)
    cases = stored_cases(root)[:limit]
    if not cases:
        raise InputError(f"{root} holds no finished case; make clips first")
    shape = (manifest.frames, *manifest.size, 3)
    video = torch.empty((len(cases), len(manifest.cameras), *shape), dtype=torch.uint8)
    rows: list[dict[str, float]] = []
    for i, case in enumerate(cases):
        parameters, arrays = read_case(root, case)
        rows.append(parameters)
        for v, camera in enumerate(manifest.cameras):
            if camera not in arrays or arrays[camera].shape != shape:
                found = arrays[camera].shape if camera in arrays else "no video"
                raise InputError(
                    f"{case_file(root, case)}: camera {camera!r} has {found}, the manifest "
                    f"says {shape}; delete the file and make it again")
            video[i, v] = torch.from_numpy(arrays[camera])
    return ClipSet(
        video=video,
        parameters={name: np.array([row[name] for row in rows]) for name in rows[0]},
        cameras=manifest.cameras, fps=manifest.fps, scenario=manifest.scenario,
        version=manifest.version, seed=manifest.seed, case_ids=tuple(cases),
        mirror_axes=tuple(MIRROR_AXES.get(camera) for camera in manifest.cameras),
    )


def generate_clips(out: str | os.PathLike[str], scenario: str, cases: Sequence[int], *, seed: int,
                   workers: int = 2, fps: float = 5.0, duration: float = 14.0,
                   size: tuple[int, int] = (64, 96),
                   cameras: tuple[str, ...] = ("overhead", "street"),
                   record: Record | None = None, compiled: bool = False) -> Iterator[int]:
    """Simulate and film training cases; yields each case's number when it is done.

    What is done already is skipped, so the same call continues a stopped one. A case whose audit
    failed is noted and not stored (`failed_cases`); the simulator warns of it.

    Parameters
    ----------
    cases : numbers of the cases; their parameters are drawn from the training ranges.
    workers : processes; 1 works in this one.
    fps, duration, size, cameras : frames per second, seconds, pixels and views of the videos.
    record : further arrays to keep of each rollout.
    compiled : compile the water solver (several times as fast; needs a C++ compiler).

    Raises
    ------
    InputError : the directory holds clips of another definition, or an unknown camera.
    """
    root = Path(out)
    first = training_scenario(scenario, seed, 0)
    views = first.scene(seed, 0).cameras
    absent = set(cameras) - set(views)
    if absent:
        raise InputError(
            f"{scenario!r} has no camera {sorted(absent)[0]!r}; it has {', '.join(views)}")
    described = {name: views[name].to_json() for name in cameras}
    manifest = ClipManifest(scenario, first.version, seed, described, fps, duration, size)
    manifest.write(root)
    done = {*stored_cases(root), *failed_cases(root)}
    missing = [case for case in cases if case not in done]
    chunks = [missing[i:i + CASES_AT_ONCE] for i in range(0, len(missing), CASES_AT_ONCE)]
    if workers <= 1:
        for chunk in chunks:
            yield from _generate(root, manifest, chunk, record, compiled)
        return
    # Spawned, not forked: torch's thread pool does not survive a fork.
    with ProcessPoolExecutor(workers, get_context("spawn"), _start_worker, (sys.path,)) as pool:
        jobs = [pool.submit(_generate, root, manifest, chunk, record, compiled) for chunk in chunks]
        try:
            for job in as_completed(jobs):
                yield from job.result()
        finally:
            for job in jobs:
                job.cancel()


def _start_worker(path: list[str]) -> None:
    sys.path[:] = path
    torch.set_num_threads(1)


def training_scenario(name: str, seed: int, case: int) -> Scenario:
    """The scenario of one training case, drawn from the training ranges."""
    return scenario_class(name).sample(stream(seed, case, VISIBLE, "training parameters"))


def _generate(root: Path, manifest: ClipManifest, cases: Sequence[int],
              record: Record | None, compiled: bool) -> list[int]:
    from worldsim.camera import render
    from worldsim.simulator.audit_record import failed_members
    from worldsim.simulator.world import simulate

    scenarios = [training_scenario(manifest.scenario, manifest.seed, case) for case in cases]
    truth = simulate(scenarios, seed=manifest.seed, case_numbers=cases,
                     duration=manifest.duration, threads=1, compiled=compiled)
    failed = truth["audit"]["failed"].values[:, 0]
    further = {} if record is None else record(truth)
    films = {
        camera: render(truth, camera, size=manifest.size, fps=manifest.fps)["rgb"].values[:, 0]
        for camera in manifest.cameras
    }
    for i, case in enumerate(cases):
        if failed[i]:
            why = failed_members(truth.isel(case=[i]))
            _write_atomically(failure_file(root, case), json.dumps(why).encode())
            continue
        arrays = {camera: film[i, :manifest.frames] for camera, film in films.items()}
        arrays |= {name: np.asarray(values[i]) for name, values in further.items()}
        write_case(root, case, scenarios[i].codes(), arrays)
    return list(cases)
