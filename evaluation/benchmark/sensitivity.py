"""The sensitivity receipt: the same dreams scored again after what happens to videos on their way.

A score that moves much when the frame rate, the codec or the size changes, or when somebody drops
the first frame, says as much about the file as about the model.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from PIL import Image

from evaluation.benchmark.cases import Case, CaseTruth
from evaluation.benchmark.store import SUFFIX, load_entry
from evaluation.measure import measure_model
from evaluation.metrics.catalogue import headline, metrics_of
from worldsim.answer import camera_json
from worldsim.rollout import root_dataset, video_dataset
from worldsim.simulator.worker_pool import WorkerPool
from worldsim.video_file import write_mp4
from worldsim.video_reading import read_video

Change = Callable[[np.ndarray, float], np.ndarray]
"""From a member's frames (time, row, column, 3) uint8 and their rate to as many of that size."""


def _half_rate(frames: np.ndarray, fps: float) -> np.ndarray:
    """Every second frame, each shown twice: what a video at half the rate becomes."""
    return frames[(np.arange(len(frames)) // 2) * 2]


def _dropped(frames: np.ndarray, fps: float) -> np.ndarray:
    """Everything one frame early, the last one held."""
    return np.concatenate([frames[1:], frames[-1:]])


def _compressed(frames: np.ndarray, fps: float) -> np.ndarray:
    """Through H.264 at crf 28."""
    with tempfile.TemporaryDirectory() as folder:
        read = read_video(write_mp4(Path(folder) / "video.mp4", frames, fps, crf=28)).frames
    return np.asarray(read[:, : frames.shape[1], : frames.shape[2]])


def _resized(frames: np.ndarray, fps: float) -> np.ndarray:
    """Half as large again in either direction, and back."""
    rows, columns = frames.shape[1:3]
    larger = (3 * columns // 2, 3 * rows // 2)
    return np.stack([
        np.asarray(Image.fromarray(frame).resize(larger, Image.Resampling.BICUBIC)
                   .resize((columns, rows), Image.Resampling.BOX)) for frame in frames
    ])


def _unchanged(frames: np.ndarray, fps: float) -> np.ndarray:
    return frames


UNCHANGED = "as it was"
"""What the others are compared with: scored from as few members."""

MEMBERS = 2
"""Of an ensemble that are scored again: enough for a difference, a quarter of the work."""

CHANGES: dict[str, Change] = {
    UNCHANGED: _unchanged,
    "half the frame rate": _half_rate,
    "H.264 at crf 28": _compressed,
    "resized by half as much again, and back": _resized,
    "first frame dropped": _dropped,
}
"""By what reports call them."""


@dataclasses.dataclass(frozen=True)
class Changed:
    """One case scored again. errors : {metric: value} of the headline metrics."""

    case: str
    change: str
    values: dict[str, float]


def receipt(case: Case, folder: Path, changes: Sequence[str] = tuple(CHANGES)) -> list[Changed]:
    """Score a case's kept dream again under each change, by its first `MEMBERS` members; empty
    where no dream was kept."""
    dream = load_entry(folder / "dreams" / f"{case.id}{SUFFIX}")
    if dream is None:
        return []
    frames = dream["video"]["rgb"].values[:, :MEMBERS]
    truth = case.truth()
    metrics = headline(metrics_of(case.block.scenario))
    found = []
    for change in changes:
        other = np.stack([CHANGES[change](member, case.block.cls.fps) for member in frames[0]])
        values = measure_model(_rollout(case, truth, other[None]), truth.ready, metrics)
        found.append(Changed(case.id, change, {
            m.name: float(values["value"].sel(metric=m.name)[0]) for m in metrics
        }))
    return found


def _rollout(case: Case, truth: CaseTruth, rgb: np.ndarray) -> xr.DataTree:
    block = case.block
    root = root_dataset(kind="generated", scenario=block.scenario, cases=[case.number],
                        realizations=range(rgb.shape[1]), seed=case.seed, model="changed")
    video = video_dataset(rgb, block.cls.fps, camera_json(block.scenario, block.camera))
    return xr.DataTree.from_dict({"/": root, f"/video/{block.camera}": video})


def receipts(cases: Sequence[Case], folder: Path, workers: int) -> list[Changed]:
    """The receipts of several cases, by several processes."""
    if workers == 1:
        return [row for case in cases for row in receipt(case, folder)]
    with WorkerPool(workers) as pool:
        jobs = [pool.submit(_in_worker, case, folder) for case in cases]
        return [row for job in pool.finished(jobs, lambda _: None) for row in job.result()]


def _in_worker(case: Case, folder: Path) -> list[Changed]:
    torch.set_num_threads(1)
    return receipt(case, folder)
