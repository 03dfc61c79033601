"""How a folder of predicted videos is named: ``<case id>[.<camera>][.r<k>].mp4``, one flat folder.

Two readings of a name would be two scores, so the model that reads such folders and the check that
is run before it share this one.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import re
from collections.abc import Mapping
from pathlib import Path

from worldsim.errors import InputError
from worldsim.scenario import scenario_class

VIDEO_SUFFIXES = (".mp4", ".webm", ".mkv", ".mov", ".avi", ".gif")

DECLARATION = "manifest.json"
"""The optional file in which a folder says when its videos start."""

_NOTES = ("model", "notes")
"""What a declaration may say beside `starts`, for people only."""

_STEM = re.compile(
    r"(?P<case>[^.]+)(?:\.(?P<camera>(?!r\d+(?:\.|$))[^.]+))?(?:\.r(?P<realization>\d+))?")


class Starts(enum.StrEnum):
    """Which instant the first frame of every video of a folder shows."""

    WITH_CONTEXT = "with_context"
    """That of the first context frame, 0 s."""
    AFTER_CONTEXT = "after_context"
    """The one that follows the last context frame; the context is put before it."""


@dataclasses.dataclass(frozen=True)
class PredictionFile:
    """A file by its name; camera and realization are None where the name gives none."""

    path: Path
    case: str
    camera: str | None = None
    realization: int | None = None

    def shows(self, camera: str, scenario: str) -> bool:
        """Whether it is of that camera; without a camera's name, of the scenario's first one."""
        return camera == (self.camera or scenario_class(scenario).film_cameras[0])

    @property
    def number(self) -> int:
        """Number of the realization; 0 where the name gives none."""
        return self.realization or 0


def parse_name(path: Path) -> PredictionFile | None:
    """What a file name says, or None if it is not ``<case id>[.<camera>][.r<k>].<suffix>``."""
    match = _STEM.fullmatch(path.stem)
    if match is None or path.suffix.lower() not in VIDEO_SUFFIXES:
        return None
    number = match["realization"]
    return PredictionFile(
        path, match["case"], match["camera"], None if number is None else int(number))


def list_predictions(folder: Path) -> tuple[list[PredictionFile], list[Path]]:
    """The predictions of a folder, and its other files; hidden files and folders are neither.

    Raises
    ------
    InputError : no such folder.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; give the one that holds the videos")
    files, others = [], []
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.is_dir() or path.name == DECLARATION:
            continue
        parsed = parse_name(path)
        if parsed is None:
            others.append(path)
        else:
            files.append(parsed)
    return files, others


def read_starts(folder: Path) -> Starts:
    """What the folder's declaration says; without one, videos start with the context.

    Raises
    ------
    InputError : a declaration that is not JSON, or says something else than ``starts``.
    """
    path = folder / DECLARATION
    if not path.exists():
        return Starts.WITH_CONTEXT
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(said, Mapping):
        raise InputError(f'{path} holds no object; write {{"starts": "{Starts.AFTER_CONTEXT}"}}')
    if "format" in said:
        raise InputError(
            f"{path} is the manifest of an export; put the predictions into a folder of their own")
    unknown = sorted(set(said) - {"starts", *_NOTES})
    if unknown:
        raise InputError(f"{path} says {unknown[0]!r}; it may say starts, {', '.join(_NOTES)}")
    starts = said.get("starts", Starts.WITH_CONTEXT)
    if starts not in list(Starts):
        raise InputError(f"{path}: starts is {starts!r}; write one of {', '.join(Starts)}")
    return Starts(starts)
