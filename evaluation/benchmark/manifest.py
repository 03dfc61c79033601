"""The manifest of an export: what a stranger's model is asked, case by case, as plain JSON."""

from __future__ import annotations

import dataclasses
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from worldsim.atomic import written_whole
from worldsim.errors import InputError

FORMAT = "worldsim-export/1"
FILE_NAME = "manifest.json"


@dataclasses.dataclass(frozen=True)
class ExportedCase:
    """One case as a manifest describes it.

    id : what prediction files are named after.
    size : rows, columns. fps : frames per second. duration : s, the context included.
    frames : of the whole video, context_frames of them known.
    realizations : the most answers that are used.
    context, first_frame : by camera, paths relative to the export.
    """

    id: str
    scenario: str
    cameras: tuple[str, ...]
    size: tuple[int, int]
    fps: float
    duration: float
    frames: int
    context_frames: int
    realizations: int = 1
    split: str = ""
    number: int = 0
    seed: int = 0
    prompt: str = ""
    parameters: Mapping[str, Any] = dataclasses.field(default_factory=dict, hash=False)
    context: Mapping[str, str] = dataclasses.field(default_factory=dict, hash=False)
    first_frame: Mapping[str, str] = dataclasses.field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if not self.id or set(self.id) & set("./\\"):
            raise InputError(f"case id {self.id!r}: give one without dots and slashes")
        whole = (*self.size, self.frames, self.context_frames, self.realizations)
        if len(self.size) != 2 or any(not isinstance(n, int) or n < 1 for n in whole):
            raise InputError(
                f"case {self.id!r}: size {self.size}, frames {self.frames}, context_frames "
                f"{self.context_frames}, realizations {self.realizations}; give whole numbers of "
                "1 or more"
            )
        if not (math.isfinite(self.fps) and self.fps > 0) or not self.cameras:
            raise InputError(
                f"case {self.id!r}: fps {self.fps}, cameras {list(self.cameras)}; give a rate "
                "above 0 and at least one camera"
            )
        if self.context_frames >= self.frames:
            raise InputError(
                f"case {self.id!r}: {self.context_frames} of {self.frames} frames are context; "
                "leave some to predict"
            )

    @classmethod
    def from_entry(cls, entry: Mapping[str, Any]) -> ExportedCase:
        """A case from an element of the manifest's ``cases``.

        Raises
        ------
        InputError : something is missing or impossible.
        """
        known = {field.name: field for field in dataclasses.fields(cls)}
        lacks = [
            name for name, field in known.items()
            if name not in entry and field.default is dataclasses.MISSING
            and field.default_factory is dataclasses.MISSING
        ]
        if lacks:
            raise InputError(
                f"case {entry.get('id', '?')!r} of the manifest lacks {', '.join(lacks)}; "
                "export it again"
            )
        values = {name: entry[name] for name in known if name in entry}
        for name in ("cameras", "size"):
            values[name] = tuple(values[name])
        return cls(**values)


def cases_of(manifest: Mapping[str, Any]) -> list[ExportedCase]:
    """The cases of a manifest, in its order.

    Raises
    ------
    InputError : not a manifest that this version reads, an impossible case, or two of one id.
    """
    if manifest.get("format") != FORMAT:
        raise InputError(
            f"the manifest has format {manifest.get('format')!r}, this worldsim reads {FORMAT!r}; "
            "export again"
        )
    cases = [ExportedCase.from_entry(entry) for entry in manifest.get("cases", ())]
    if not cases:
        raise InputError("the manifest has no cases; export again")
    ids = [case.id for case in cases]
    twice = [name for name in ids if ids.count(name) > 1] if len(set(ids)) < len(ids) else []
    if twice:
        raise InputError(f"the manifest has two cases {twice[0]!r}; export again")
    return cases


def save_manifest(folder: str | os.PathLike[str], manifest: Mapping[str, Any]) -> Path:
    """Write ``manifest.json``, whole or not at all; raises as `cases_of` does."""
    cases_of(manifest)
    path = Path(folder, FILE_NAME)
    with written_whole(path) as beside:
        beside.write_text(
            json.dumps(manifest, indent=1, ensure_ascii=False, allow_nan=False) + "\n",
            encoding="utf-8",
        )
    return path


def read_manifest(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """The manifest of an export.

    Raises
    ------
    InputError : there is none, it is no JSON, or as `cases_of` does.
    """
    path = Path(folder, FILE_NAME)
    if not path.is_file():
        raise InputError(f"{folder} holds no {FILE_NAME}; give the folder of an export")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path} is damaged: {error}; export again") from error
    if not isinstance(manifest, dict):
        raise InputError(f"{path} is not the manifest of an export; export again")
    cases_of(manifest)
    return manifest
