"""A suite's cases as files, so that any hosted model can be driven by hand.

An export is a folder: ``manifest.json``, ``README.md`` for whoever drives the model, and per case
and camera in ``context/`` the known frames as a video and as lossless pictures.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from evaluation.benchmark.manifest import ExportedCase, cases_of, save_manifest
from worldsim.atomic import written_whole
from worldsim.errors import InputError
from worldsim.models.prediction_files import VIDEO_SUFFIXES
from worldsim.video_file import write_mp4

CRF = 1
"""The best of H.264 that every player shows; 0 is another profile that many cannot decode."""

ContextOf = Callable[[ExportedCase, str], np.ndarray]
"""The known frames of a case and camera: (time, row, column, 3) uint8."""


def export_case(
    folder: str | os.PathLike[str],
    case_entry: Mapping[str, Any],
    context_videos: Mapping[str, np.ndarray],
) -> dict[str, Any]:
    """Write what a model may see of one case.

    Parameters
    ----------
    case_entry : the case as in the manifest (`ExportedCase`).
    context_videos : by camera, (time, row, column, 3) uint8: ``context_frames`` of the case's size.

    Returns
    -------
    The entry with ``context`` and ``first_frame`` filled in. Per camera there are
    ``context/<id>.<camera>.mp4``, ``….png`` (the first frame) and ``….f000.png`` and so on (all
    frames, lossless); all are in place when this returns.

    Raises
    ------
    InputError : a camera is missing or a video has another shape than the entry says; files
        cannot be written.
    """
    case = ExportedCase.from_entry(case_entry)
    for camera in case.cameras:
        if camera not in context_videos:
            raise InputError(f"case {case.id!r} needs a context of camera {camera!r}")
        video, asked = context_videos[camera], (case.context_frames, *case.size, 3)
        if video.shape != asked or video.dtype != np.uint8:
            raise InputError(
                f"the context of case {case.id!r}, camera {camera!r}, has shape {video.shape} and "
                f"dtype {video.dtype}; give {asked} uint8"
            )
    entry = dict(case_entry)
    entry["context"], entry["first_frame"] = {}, {}
    for camera in case.cameras:
        video = context_videos[camera]
        entry["context"][camera] = f"context/{case.id}.{camera}.mp4"
        entry["first_frame"][camera] = f"context/{case.id}.{camera}.png"
        for number, frame in enumerate(video):
            _write_png(Path(folder, _frame_name(case.id, camera, number)), frame)
        _write_png(Path(folder, entry["first_frame"][camera]), video[0])
        write_mp4(Path(folder, entry["context"][camera]), video, case.fps, crf=CRF)
    return entry


def write_manifest(folder: str | os.PathLike[str], manifest: Mapping[str, Any]) -> Path:
    """Write ``README.md`` and then ``manifest.json``, each whole or not at all.

    The manifest is written last: an export that has one is complete.

    Raises
    ------
    InputError : not a manifest (see `cases_of`).
    """
    with written_whole(Path(folder, "README.md")) as beside:
        beside.write_text(_instructions(manifest), encoding="utf-8")
    return save_manifest(folder, manifest)


def exported_context(folder: str | os.PathLike[str]) -> ContextOf:
    """The lossless known frames of an export, to compare predictions with.

    The function it returns raises `InputError` where a picture is missing or unreadable.
    """

    def context_of(case: ExportedCase, camera: str) -> np.ndarray:
        frames = []
        for number in range(case.context_frames):
            path = Path(folder, _frame_name(case.id, camera, number))
            try:
                with Image.open(path) as picture:
                    frames.append(np.asarray(picture.convert("RGB")))
            except OSError as error:
                raise InputError(
                    f"{path} cannot be read: {error.strerror or 'not a picture'}; export again"
                ) from error
        return np.stack(frames)

    return context_of


def _frame_name(case: str, camera: str, number: int) -> str:
    return f"context/{case}.{camera}.f{number:03d}.png"


def _write_png(path: Path, frame: np.ndarray) -> None:
    with written_whole(path) as beside:
        Image.fromarray(frame).save(beside, "png")


def _instructions(manifest: Mapping[str, Any]) -> str:
    """What whoever drives the model by hand needs to know, with a real case as the example."""
    cases = cases_of(manifest)
    case = cases[0]
    camera = case.cameras[0]
    rows, columns = case.size
    suffixes = ", ".join(VIDEO_SUFFIXES)
    return f"""\
# Predict these videos

Suite `{manifest.get("suite", "")}`, {len(cases)} cases. For every case of `manifest.json`, let your
model go on from what is known, and save one video.

## What is known of a case

| in | is |
|---|---|
| `context/<id>.<camera>.mp4` | the known first frames as a video |
| `context/<id>.<camera>.f000.png`, `.f001.png`, ... | the same, lossless |
| `context/<id>.<camera>.png` | the first of them, for models that start from one picture |
| `prompt`, `parameters` in `manifest.json` | in words and in numbers; use either, both or none |

For example `{case.id}`, camera `{camera}`: {case.context_frames} known frames of {rows} rows and
{columns} columns at {case.fps:g} frames/s; the video wanted lasts {case.duration:g} s, the known
frames included.

## What to save

In a folder of its own, without subfolders: `<id>.<camera>.mp4`, here `{case.id}.{camera}.mp4`.

- **Several answers** to one case (up to {case.realizations} are used): `{case.id}.{camera}.r0.mp4`,
  `.r1.mp4`, ... Never copies of one answer.
- **Rate and size**: any constant rate, any size; the nearest frame in time is taken and the picture
  scaled. Keep the shape of the picture ({columns}:{rows}) and the camera still. To enlarge what is
  known for a model that wants larger pictures, let ffmpeg make squares of the pixels:
  `-vf scale={8 * columns}:{8 * rows}:flags=neighbor`.
- **Start**: the first frame shows 0 s, that is the first known frame. If your videos begin after
  the known frames, put a file `manifest.json` with `{{"starts": "after_context"}}` beside them.
- **Real time**: a frame rate in the file that is not that of the motion is the commonest mistake.
  {case.duration:g} s of video are {case.duration:g} s of the scene.
- **Files**: {suffixes}.

## Then

From this folder, DIR being that of your videos:

```
worldsim bench check DIR --export .            # lists everything that is missing or looks wrong
worldsim bench run --model videos:DIR --suite {manifest.get("suite", "SUITE")} --out results
```

A case without a usable video counts as failed; the others are scored.
"""
