"""What the training rollouts showed, small enough to ship: parameters, first frame, water, debris.

Baselines answer from it without simulating. Per case it holds the overhead first frame, a wet mask
and the debris positions per frame; masks and positions come from the simulator's state where the
clips kept it (`record_observables`), else from the instruments. About 2 kB per case.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import lzma
import os
import tempfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import xarray as xr

from worldsim.errors import InputError
from worldsim.instruments import observe_debris, observe_water
from worldsim.instruments.state import debris_state, water_state
from worldsim.rollout import video_dataset

FORMAT = 1
FILE_NAME = "training_summary.npz"
CAMERA = "overhead"
RECORDED_FPS = 5.0
"""Frames per second of what `record_observables` keeps."""

_STEP = 0.1
"""m, to which debris positions are rounded; a pixel of the smallest video is 2 m."""

_ABSENT = np.iinfo(np.int16).min


def packaged(checkpoint: str = "worldsim-small") -> Path:
    """Where a packaged checkpoint's training summary lies."""
    return Path(__file__).parents[1] / "checkpoints" / checkpoint / FILE_NAME


def record_observables(truth: xr.DataTree) -> dict[str, np.ndarray]:
    """What clips should keep of a simulated rollout's state, for realization 0.

    Returns
    -------
    ``wet`` (case, time, row, column/8) uint8, bits packed along columns, rows as in the picture;
    ``debris`` (case, time, slot, [x, y]) float32 m, NaN where none is.
    """
    stored = truth["water"]["time"].values
    count = int(np.floor(stored[-1] * RECORDED_FPS + 1e-6)) + 1
    time = np.arange(count) / RECORDED_FPS
    wet = water_state(truth, time)["wet"].values[:, 0, :, ::-1]
    debris = debris_state(truth, time)["position"].values[:, 0]
    return {"wet": np.packbits(wet, axis=-1), "debris": debris.astype(np.float32)}


def record_town(truth: xr.DataTree) -> dict[str, np.ndarray]:
    """What clips of towns keep: water and debris for the baselines, states for the world model."""
    from worldsim.diffusion.observables import record_states

    return record_observables(truth) | record_states(truth)


@dataclasses.dataclass(frozen=True)
class TrainingSummary:
    """All training cases.

    scenario, version, seed : what they are cases of.
    camera : the overhead camera as JSON. fps : of masks and positions.
    case : (case,) numbers. parameters : {name: (case,)}, choices as codes.
    first : (case, row, column, 3) uint8, the overhead first frame.
    wet : (case, time, row, column) bool, rows as in the picture.
    debris : (case, time, slot, [x, y]) m, NaN where none is.
    sha256 : of the content, where it was read from a file.
    """

    scenario: str
    version: int
    seed: int
    camera: str
    fps: float
    case: np.ndarray
    parameters: Mapping[str, np.ndarray]
    first: np.ndarray
    wet: np.ndarray
    debris: np.ndarray
    sha256: str = ""

    @property
    def duration(self) -> float:
        """s"""
        return self.wet.shape[1] / self.fps

    def save(self, path: str | os.PathLike[str]) -> str:
        """Write the summary (whole or not at all); returns the sha256 of the file."""
        bits = np.packbits(self.wet, axis=2)
        # Unchanged pixels become zero; so do debris that keeps its speed of last frame.
        changes = bits.copy()
        changes[:, 1:] ^= bits[:, :-1]
        tenths = np.where(np.isfinite(self.debris), np.rint(self.debris / _STEP), _ABSENT)
        blobs = {
            "first": np.ascontiguousarray(self.first),
            "wet": changes,
            "debris": np.ascontiguousarray(np.moveaxis(tenths.astype("<i2"), 1, -1)),
        }
        packed = {
            name: np.frombuffer(lzma.compress(blob.tobytes(), preset=9), dtype=np.uint8)
            for name, blob in blobs.items()
        }
        header: dict[str, object] = {
            "format": FORMAT, "scenario": self.scenario, "version": self.version,
            "seed": self.seed, "camera": self.camera, "fps": self.fps,
            "parameters": list(self.parameters),
            "shapes": {"first": self.first.shape, "wet": self.wet.shape,
                       "debris": self.debris.shape},
        }
        columns = [np.asarray(values, dtype=np.float64) for values in self.parameters.values()]
        table = np.stack(columns, axis=1)
        numbers = self.case.astype(np.int64)
        arrays: dict[str, np.ndarray] = {"case": numbers, "parameters": table, **packed}
        header["sha256"] = _digest(header, arrays)
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".summary.", dir=target.parent) as beside:
            partial = Path(beside, FILE_NAME)
            text = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
            with partial.open("wb") as file:
                np.savez(file, allow_pickle=False, header=text, **arrays)
            partial.replace(target)
        return hashlib.sha256(target.read_bytes()).hexdigest()

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> TrainingSummary:
        """Read a summary.

        Raises
        ------
        InputError : no such file, or a damaged one.
        """
        source = Path(path)
        if not source.is_file():
            raise InputError(
                f"{source} is missing; the baselines 'climatology' and 'nearest' need the training "
                "summary that ships with a checkpoint"
            )
        damaged = f"{source} is damaged; install the package again or make the summary again"
        try:
            with np.load(source, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            header = json.loads(arrays.pop("header").tobytes())
            found = header.pop("sha256")
        except (OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error) as error:
            raise InputError(damaged) from error
        if header.get("format") != FORMAT:
            raise InputError(
                f"{source} has format {header.get('format')}, this worldsim reads {FORMAT}"
            )
        if _digest(header, arrays) != found:
            raise InputError(damaged)
        shapes = {name: tuple(shape) for name, shape in header["shapes"].items()}
        raw = {name: lzma.decompress(arrays[name].tobytes()) for name in ("first", "wet", "debris")}
        cases, times, rows, columns = shapes["wet"]
        bits = np.frombuffer(raw["wet"], dtype=np.uint8).reshape(cases, times, -1, columns)
        wet = np.unpackbits(np.bitwise_xor.accumulate(bits, axis=1), axis=2, count=rows)
        slots = shapes["debris"][2]
        tenths = np.moveaxis(
            np.frombuffer(raw["debris"], dtype="<i2").reshape(cases, slots, 2, times), -1, 1
        )
        return cls(
            header["scenario"], header["version"], header["seed"], header["camera"], header["fps"],
            arrays["case"],
            dict(zip(header["parameters"], arrays["parameters"].T, strict=True)),
            np.frombuffer(raw["first"], dtype=np.uint8).reshape(shapes["first"]),
            wet.astype(bool),
            np.where(tenths == _ABSENT, np.nan, tenths * _STEP), found,
        )


def _digest(header: Mapping[str, object], arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    for name in sorted(arrays):
        digest.update(name.encode() + np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()


def build_summary(directory: str | os.PathLike[str], cases: Sequence[int] | None = None,
                  duration: float | None = None) -> TrainingSummary:
    """Summarise a directory of training clips (see `worldsim.diffusion.clips`).

    Parameters
    ----------
    cases : the cases that were trained on; all that are stored by default.
    duration : seconds to keep; the clips' own by default.
    """
    from worldsim.diffusion.clip_files import read_case, stored_cases
    from worldsim.diffusion.clips import ClipManifest

    root = Path(directory)
    manifest = ClipManifest.read(root)
    numbers = stored_cases(root) if cases is None else list(cases)
    if not numbers:
        raise InputError(f"{root} holds no finished case; make clips first")
    if CAMERA not in manifest.cameras:
        raise InputError(f"{root} holds no {CAMERA!r} clips; make them with that camera")
    camera = manifest.cameras[CAMERA]
    kept = manifest.duration if duration is None else duration
    frames = min(round(kept * manifest.fps), manifest.frames)
    rows, first, wet, debris = [], [], [], []
    for number in numbers:
        parameters, arrays = read_case(root, number)
        video = arrays[CAMERA][:frames]
        rows.append(parameters)
        first.append(video[0])
        if "wet" in arrays and manifest.fps == RECORDED_FPS:
            columns = video.shape[2]
            wet.append(np.unpackbits(arrays["wet"][:frames], axis=-1, count=columns).astype(bool))
            debris.append(arrays["debris"][:frames].astype(np.float64))
        else:
            seen = video_dataset(video[None, None], manifest.fps, camera)
            wet.append(observe_water(seen)["wet"].values[0, 0, :, ::-1])
            debris.append(observe_debris(seen)["position"].values[0, 0])
    return TrainingSummary(
        manifest.scenario, manifest.version, manifest.seed, camera, manifest.fps,
        np.array(numbers), {name: np.array([row[name] for row in rows]) for name in rows[0]},
        np.stack(first), np.stack(wet), np.stack(debris),
    )


def main() -> None:
    """``python -m worldsim.models.summary CLIPS OUT``: summarise training clips into a file."""
    parser = argparse.ArgumentParser(description="Summarise training clips for the baselines.")
    parser.add_argument("clips", help="directory of training clips")
    parser.add_argument("out", nargs="?", default=str(packaged()), help="file to write")
    parser.add_argument("--limit", type=int, help="use only the first cases, as the training did")
    options = parser.parse_args()
    from worldsim.diffusion.clip_files import stored_cases

    cases = stored_cases(Path(options.clips))[:options.limit]
    digest = build_summary(options.clips, cases).save(options.out)
    size = Path(options.out).stat().st_size
    print(f"{options.out}: {len(cases)} cases, {size / 1e6:.2f} MB, sha256 {digest}")


if __name__ == "__main__":
    main()
