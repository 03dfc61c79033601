"""A folder of videos as a world model: what any other program dreamed, by the names of its files.

A file is ``<case id>[.<camera>][.r<k>].mp4`` (or .webm, .mkv, .mov, .avi, .gif), of any rate, size
and length. Without a camera it shows the scenario's first film camera, without ``.r<k>`` it is the
only answer. How each file was made to fit the query is recorded (`Alignment`).
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import xarray as xr

from worldsim.answer import generated_rollout
from worldsim.errors import InputError
from worldsim.models.alignment import Alignment, aligned
from worldsim.models.prediction_files import (
    PredictionFile,
    Starts,
    list_predictions,
    read_starts,
)
from worldsim.query import Query
from worldsim.video_reading import read_video
from worldsim.world_model import Capabilities, WholeRolloutStream, check_capabilities


class MissingPrediction(InputError):
    """There is no video of a case; `case` and `camera` say which."""

    def __init__(self, message: str, case: str, camera: str) -> None:
        super().__init__(message)
        self.case, self.camera = case, camera


class VideoFolder:
    """Answers a query that names its cases (`Query.case_ids`) with the videos of a folder.

    A case with one video is answered with it in every realization; one with several with as many
    realizations as there are (at most those asked for), because repeating some would understate
    the model's spread. The folder is listed once, when the model is made.
    """

    def __init__(self, folder: str | os.PathLike[str], name: str = "") -> None:
        self.folder = Path(folder)
        self.name = name or f"videos:{folder}"
        files, _ = list_predictions(self.folder)
        if not files:
            raise InputError(
                f"{self.folder} holds no videos named <case id>[.<camera>][.r<k>].mp4; give the "
                "folder that does"
            )
        self.starts = read_starts(self.folder)
        self._files: dict[str, list[PredictionFile]] = {}
        for file in files:
            self._files.setdefault(file.case, []).append(file)
        self.capabilities = Capabilities(
            parameters=False, stochastic=any(file.number > 0 for file in files),
            seeded=False, any_duration=False, any_size=True, any_fps=True, streaming=True,
        )

    @classmethod
    def from_name(cls, name: str) -> VideoFolder:
        """``videos:DIR``.

        Raises
        ------
        InputError : no such folder, no videos in it, or a bad declaration.
        """
        _, _, folder = name.partition(":")
        if not folder:
            raise InputError(f"{name!r}: write videos:DIR")
        return cls(folder, name)

    @property
    def cases(self) -> tuple[str, ...]:
        """The case ids that the folder has any file of."""
        return tuple(self._files)

    def digest(self, case_ids: Iterable[str]) -> str:
        """sha256 over all that the answer about these cases is made from: names, contents, start.

        Raises
        ------
        MissingPrediction : a case without a file.
        """
        whole = hashlib.sha256(self.starts.encode())
        for case in case_ids:
            if case not in self._files:
                raise self._missing(case, "")
            for file in self._files[case]:
                whole.update(f"{file.path.name}\n{_sha256(file.path)}\n".encode())
        return whole.hexdigest()

    def rollout(self, query: Query) -> xr.DataTree:
        """The videos of the query's cases, aligned; ``attrs["alignment"]`` says how.

        Raises
        ------
        MissingPrediction : a case, or one of its cameras, has no file.
        InputError : the query names no cases; two files for one place; a file that cannot be
            decoded, is too short or of a variable rate; no context to put before the videos.
        """
        videos, records = self._aligned(query)
        count = next(iter(videos.values())).shape[1]
        return generated_rollout(
            dataclasses.replace(query, realizations=count), self.name, videos,
            checkpoint=self.digest(query.case_ids), starts=str(self.starts),
            realizations_asked=query.realizations,
            alignment=json.dumps([dataclasses.asdict(record) for record in records]),
        )

    def alignments(self, query: Query) -> list[Alignment]:
        """How the files would be made to fit a query; raises as `rollout` does."""
        return self._aligned(query)[1]

    def start(self, query: Query) -> WholeRolloutStream:
        """The same, frame by frame."""
        return WholeRolloutStream(self.rollout(query))

    def _aligned(self, query: Query) -> tuple[dict[str, np.ndarray], list[Alignment]]:
        """{camera: (case, realization, time, row, column, 3)}, and how each file was fitted."""
        check_capabilities(self, query)
        if not query.case_ids:
            raise InputError(
                f"{self.name} answers by name, and the query does not name its cases; make it with "
                "case_ids=(...)"
            )
        members = [self._members(case, query) for case in query.case_ids]
        count = min(
            query.realizations if len(numbers) == 1 else min(len(numbers), query.realizations)
            for numbers in members
        )
        videos = {
            camera: np.empty((query.cases, count, query.frames, *query.size, 3), np.uint8)
            for camera in query.cameras
        }
        records = []
        for case, numbers in enumerate(members):
            for place, files in enumerate(list(numbers.values())[:count]):
                for camera, file in files.items():
                    videos[camera][case, place], record = self._one(file, query, case, camera)
                    records.append(record)
            if len(numbers) == 1:
                for video in videos.values():
                    video[case, 1:] = video[case, :1]
        return videos, records

    def _members(self, case: str, query: Query) -> dict[int, dict[str, PredictionFile]]:
        """{realization: {camera: file}} of a case, in order; the same realizations from all sides.
        """
        found: dict[int, dict[str, PredictionFile]] = {}
        for camera in query.cameras:
            shown = [file for file in self._files.get(case, ())
                     if file.shows(camera, query.scenario)]
            if not shown:
                raise self._missing(case, camera)
            for file in shown:
                views = found.setdefault(file.number, {})
                if camera in views:
                    raise InputError(
                        f"{self.folder}: {views[camera].path.name} and {file.path.name} are both "
                        f"of case {case!r}, camera {camera!r}, realization {file.number}; "
                        "remove one"
                    )
                views[camera] = file
        for number, views in found.items():
            for camera in query.cameras:
                if camera not in views:
                    raise MissingPrediction(
                        f"{self.folder}: realization {number} of case {case!r} has no camera "
                        f"{camera!r}; add {case}.{camera}.r{number}.mp4",
                        case, camera,
                    )
        return dict(sorted(found.items()))

    def _missing(self, case: str, camera: str) -> MissingPrediction:
        names = {file.path.stem: file.path.name for files in self._files.values() for file in files}
        near = difflib.get_close_matches(case, names, n=1)
        hint = f"; the nearest name is {names[near[0]]}" if near else ""
        of = f", camera {camera!r}" if camera else ""
        return MissingPrediction(
            f"{self.folder} has no video of case {case!r}{of}{hint}", case, camera)

    def _one(
        self, file: PredictionFile, query: Query, case: int, camera: str
    ) -> tuple[np.ndarray, Alignment]:
        """(time, row, column, 3) of the query's frames, and how the file was made to fit."""
        before = self._before(query, camera)[case]
        try:
            video, record = aligned(
                read_video(file.path), frames=query.frames - len(before), fps=query.fps,
                size=query.size, start=len(before) / query.fps, case=file.case, camera=camera,
                realization=file.number, file=file.path.name, sha256=_sha256(file.path),
            )
        except InputError as error:
            message = str(error)
            known = message.startswith(str(file.path))
            raise InputError(message if known else f"{file.path} {message}") from error
        return np.concatenate([before, video]), record

    def _before(self, query: Query, camera: str) -> np.ndarray:
        """(case, time, row, column, 3): the known frames that the files leave out."""
        if self.starts is Starts.WITH_CONTEXT:
            return np.empty((query.cases, 0, *query.size, 3), np.uint8)
        for piece in query.known:
            if piece.camera == camera and piece.start == 0:
                if piece.video.shape[1] >= query.frames:
                    raise InputError(
                        f"{self.name} starts after the context, which has all of the "
                        f"{query.frames} frames asked for; ask for a longer duration"
                    )
                return piece.video
        raise InputError(
            f"{self.name} starts after the context, and the query has none of camera {camera!r}; "
            "make it with context="
        )


def alignments_of(rollout: xr.DataTree) -> list[Alignment]:
    """How the files of a `VideoFolder` were made to fit, as its rollout recorded it.

    Raises
    ------
    InputError : the rollout is not from a folder of videos.
    """
    if "alignment" not in rollout.attrs:
        raise InputError(
            f"the rollout of {rollout.attrs.get('model', 'an unknown model')!r} was not read from "
            "video files"
        )
    return [
        Alignment(**{**record, "notes": tuple(record["notes"])})
        for record in json.loads(rollout.attrs["alignment"])
    ]


def _sha256(path: Path) -> str:
    stat = path.stat()
    return _sha256_of(path, stat.st_mtime_ns, stat.st_size)


@functools.lru_cache(maxsize=4096)
def _sha256_of(path: Path, modified: int, size: int) -> str:
    """The arguments beside the path make a changed file a new question."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
