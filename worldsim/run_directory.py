"""The directory of one run: its definition, its outputs, and what may be done with it.

An output is written under ``.partial/`` and renamed into place, so that whatever has its final
name is whole. The definition in ``run.json`` decides whether a command may continue the directory.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from worldsim.errors import InputError

OUTPUTS = ("truth.zarr", "truth_outcomes.nc", "dream.zarr", "dream_outcomes.nc", "scores.nc",
           "scores.json", "truth.mp4", "dream.mp4", "videos", "stills", "report.html")
"""Of ``worldsim run``."""

BENCH_OUTPUTS = ("measured", "dreams", "result.json", "result.nc", "videos", "report.html")
"""Of ``worldsim bench run``."""

_KEPT = {"run.json", ".partial", ".lock"}
_LEFT_BY_FILE_MANAGERS = {".DS_Store", "Thumbs.db", "desktop.ini"}


@dataclasses.dataclass(frozen=True)
class RunDirectory:
    """A directory that holds one run.

    path : the directory.
    outputs : names of what it may hold.
    definition : all that decides the run's numbers, as JSON values by name. A directory may be
        continued by a definition that agrees with every name both have: ``worldsim run`` continues
        what ``worldsim simulate`` began.
    """

    path: Path
    definition: Mapping[str, Any]
    outputs: tuple[str, ...] = OUTPUTS

    @classmethod
    def claim(cls, path: Path, definition: Mapping[str, Any],
              outputs: tuple[str, ...] = OUTPUTS) -> RunDirectory:
        """Check that the directory is new, empty or of this definition. Writes nothing.

        Raises
        ------
        InputError : it is a file, holds foreign files, or is of another definition.
        """
        path = Path(path)
        if not path.exists():
            return cls(path, definition, outputs)
        if not path.is_dir():
            raise InputError(f"{path} is a file; choose another --out")
        present = {entry.name for entry in path.iterdir()}
        foreign = sorted(present - {*outputs} - _KEPT - _LEFT_BY_FILE_MANAGERS)
        if foreign:
            raise InputError(f"{path} holds {foreign[0]!r}, which is not of a run; "
                             "choose an empty or new directory as --out")
        if "run.json" in present:
            recorded: dict[str, Any] = read_record(path)["definition"]
        elif present & set(outputs):
            raise InputError(f"{path} holds outputs but no run.json; choose another --out")
        else:
            recorded = {}
        for name in definition:
            if name in recorded and recorded[name] != definition[name]:
                raise InputError(
                    f"{path} is of another definition ({_difference(name, recorded, definition)}); "
                    "choose another --out, or repeat the command that `worldsim show` prints")
        return cls(path, {**recorded, **definition}, outputs)

    def has(self, name: str) -> bool:
        """Whether an output is there (and therefore whole)."""
        return (self.path / name).exists()

    def at(self, name: str) -> Path:
        """Where an output is or will be."""
        return self.path / name

    @contextlib.contextmanager
    def opened(self, command: str, versions: Mapping[str, str]) -> Iterator[None]:
        """Create the directory, record the definition, and keep other processes out meanwhile.

        A directory that was created here and got no output is removed again.
        """
        created = not self.path.exists()
        self.path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.path / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise InputError(f"another process is writing to {self.path}; wait for it to end, "
                             "or choose another --out") from None
        try:
            shutil.rmtree(self.path / ".partial", ignore_errors=True)
            self._record(command, versions)
            yield
        finally:
            shutil.rmtree(self.path / ".partial", ignore_errors=True)
            lock.release()
            (self.path / ".lock").unlink(missing_ok=True)
            if created and not any(self.has(name) for name in self.outputs):
                (self.path / "run.json").unlink(missing_ok=True)
                with contextlib.suppress(OSError):
                    self.path.rmdir()

    @contextlib.contextmanager
    def producing(self, name: str) -> Iterator[Path]:
        """A path to write the output `name` to; it gets its name when the block ends well."""
        partial = self.path / ".partial" / name
        partial.parent.mkdir(parents=True, exist_ok=True)
        _remove(partial)
        try:
            yield partial
            self.at(name).parent.mkdir(parents=True, exist_ok=True)
            os.replace(partial, self.at(name))
        finally:
            _remove(partial)

    def note(self, stage: str, **facts: Any) -> None:
        """Add facts about a finished stage (seconds, when) to ``run.json``."""
        record = read_record(self.path)
        record["stages"][stage] = {"finished": _now(), **facts}
        _write_json(self.path / "run.json", record)

    def _record(self, command: str, versions: Mapping[str, str]) -> None:
        if (self.path / "run.json").exists():
            record = read_record(self.path)
        else:
            record = {"schema_version": 1, "begun": _now(), "stages": {}}
        record["definition"] = dict(self.definition)
        record["definition_sha256"] = digest(self.definition)
        record["command"] = command
        record.setdefault("versions", dict(versions))
        _write_json(self.path / "run.json", record)


def read_record(path: Path) -> dict[str, Any]:
    """The ``run.json`` of a run directory.

    Raises
    ------
    InputError : there is none, or it cannot be read.
    """
    file = Path(path) / "run.json"
    if not file.is_file():
        raise InputError(f"{path} is not a run directory (no run.json in it)")
    try:
        record = json.loads(file.read_text())
        missing = {"schema_version", "definition", "stages", "command"} - record.keys()
    except (ValueError, AttributeError) as error:
        raise InputError(f"{file} cannot be read ({error}); choose another directory") from error
    if missing:
        raise InputError(f"{file} lacks {sorted(missing)[0]!r}; choose another directory")
    if record["schema_version"] != 1:
        raise InputError(f"{file} has schema {record['schema_version']}; this worldsim reads 1")
    return record


def digest(definition: Mapping[str, Any]) -> str:
    """sha256 of a definition's canonical JSON."""
    canonical = json.dumps(definition, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _difference(name: str, recorded: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    before, now = recorded[name], wanted[name]
    if isinstance(before, dict) and isinstance(now, dict):
        inner = next(key for key in {**before, **now} if before.get(key) != now.get(key))
        return _difference(inner, {inner: before.get(inner)}, {inner: now.get(inner)})
    return f"{name} {before} there, {now} here"


def _write_json(file: Path, content: Mapping[str, Any]) -> None:
    (file.parent / ".partial").mkdir(exist_ok=True)
    beside = file.parent / ".partial" / file.name
    try:
        beside.write_text(json.dumps(content, indent=2) + "\n")
        os.replace(beside, file)
    finally:
        beside.unlink(missing_ok=True)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
