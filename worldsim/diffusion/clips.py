"""Simulated clips: what all of a directory share, and all of them in memory.

A clip directory holds ``clips.json`` (what all clips share) and one file per case, see
`worldsim.diffusion.clip_files`; `worldsim.diffusion.clip_factory` fills it.
"""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from worldsim.atomic import written_whole
from worldsim.diffusion.clip_files import case_file, read_case, stored_cases
from worldsim.errors import InputError
from worldsim.scenario import scenario_class
from worldsim.splits import Split

MANIFEST = "clips.json"


@dataclasses.dataclass(frozen=True)
class ClipManifest:
    """What all clips of a directory share.

    scenario, version : the scenario's name and version.
    seed : the experiment's seed; case k of the directory is case k of that seed.
    fps, duration, size : of the stored videos.
    cameras : the views by name, in the order in which the model numbers them, each described as
        `worldsim.camera.Camera.to_json` writes it.
    split : the `worldsim.splits.Split` that parameters are drawn from.
    """

    scenario: str
    version: int
    seed: int
    cameras: dict[str, str]
    fps: float = 5.0
    duration: float = 14.0
    size: tuple[int, int] = (64, 96)
    split: str = Split.IN_RANGE.value

    @property
    def frames(self) -> int:
        return round(self.fps * self.duration)

    def write(self, directory: Path) -> None:
        """Write the manifest, or check that the one there is the same."""
        target = directory / MANIFEST
        if target.exists():
            if ClipManifest.read(directory) != self:
                raise InputError(
                    f"{directory} holds clips of another definition; choose another directory")
            return
        with written_whole(target) as path:
            path.write_text(json.dumps(dataclasses.asdict(self), indent=1))

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


@dataclasses.dataclass(frozen=True)
class ClipSet:
    """Training clips in memory.

    video : (case, view, time, row, column, 3) uint8; of no view where only states were kept.
    parameters : codes by name, each (case,).
    cameras : descriptions of the views by name.
    mirror_axes : per view the image axis ("rows", "columns") that the scene's symmetry flips.
    states, solids : see `worldsim.diffusion.observables.record_states`, each (case, …); None where
        the clips keep none.
    pushes : (case, 1, 5), see `worldsim.diffusion.clip_factory.generate_clips`; NaN if none.
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
    split: str = Split.IN_RANGE.value
    states: np.ndarray | None = None
    solids: np.ndarray | None = None
    pushes: np.ndarray | None = None

    @property
    def frames(self) -> int:
        return self.video.shape[2]

    @property
    def size(self) -> tuple[int, int]:
        return self.video.shape[3], self.video.shape[4]

    def __len__(self) -> int:
        return len(self.video)


def load_clips(directory: str | os.PathLike[str], limit: int | None = None) -> ClipSet:
    """Load all clips of a directory into memory (two views of 14 s: 3 MB per case).

    Raises
    ------
    InputError : no clips, a damaged file, or videos that do not match the manifest.
    """
    root = Path(directory)
    manifest = ClipManifest.read(root)
    cases = stored_cases(root)[:limit]
    if not cases:
        raise InputError(f"{root} holds no finished case; make clips first")
    mirrors = scenario_class(manifest.scenario).mirror_axes
    shape = (manifest.frames, *manifest.size, 3)
    video = torch.empty((len(cases), len(manifest.cameras), *shape), dtype=torch.uint8)
    rows: list[dict[str, float]] = []
    further: dict[str, list[np.ndarray]] = {"states": [], "solids": [], "pushes": []}
    for i, case in enumerate(cases):
        parameters, arrays = read_case(root, case)
        rows.append(parameters)
        for name, kept in further.items():
            if name in arrays:
                kept.append(arrays[name])
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
        mirror_axes=tuple(mirrors.get(camera) for camera in manifest.cameras),
        split=manifest.split,
        **{name: np.stack(kept) if len(kept) == len(cases) else None
           for name, kept in further.items()},
    )
