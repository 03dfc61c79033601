"""Who is scored: world models by name, what they are made of, and whether processes may share them.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import inspect
from pathlib import Path

from evaluation.benchmark.code_digest import DATA, MODELS, code_digest
from worldsim.model_registry import load_model
from worldsim.world_model import WorldModel

TRUTH = "truth"
REFERENCE = "mujoco"
FLOOR = "floor"
BASELINES = (
    "baseline:frozen", "baseline:constant-velocity", "baseline:climatology", "baseline:nearest",
)

DIFFUSION = ("worldsim.diffusion",)


_GIVEN: dict[str, WorldModel] = {}
"""Models that were given as objects, by name."""


def give(model: WorldModel) -> str:
    """Have a world model scored that is an object of this process; returns the name it goes by."""
    name = f"object:{model.name}"
    _GIVEN[name] = model
    return name


def subject(name: str) -> WorldModel:
    """The world model, loaded once in each process."""
    return _GIVEN[name] if name in _GIVEN else _loaded(name)


@functools.cache
def _loaded(name: str) -> WorldModel:
    return load_model(name)


def shared(name: str) -> bool:
    """Whether several processes may ask it at once: what comes with the package and runs on one
    core, and files. Networks and foreign code answer in the main process, one case at a time."""
    return name.partition(":")[0] in (TRUTH, REFERENCE, "baseline", "videos")


def identity(name: str) -> str:
    """What a model's answers depend on beyond the query: code, weights and settings, or files."""
    kind, _, rest = name.partition(":")
    if kind in (TRUTH, REFERENCE, "baseline"):
        return code_digest(MODELS + DATA)
    if name in _GIVEN:
        return _source_of(type(_GIVEN[name]))
    if kind == "python":
        found = importlib.util.find_spec(rest.partition(":")[0])
        source = Path(found.origin) if found is not None and found.origin else None
        return _sha256(source.read_bytes()) if source is not None and source.is_file() else rest
    if kind == "videos":
        return files_digest(Path(rest))
    network = str(getattr(subject(name), "fingerprint", ""))
    return f"{network}-{code_digest(DIFFUSION + MODELS)}"


def _source_of(cls: type) -> str:
    """Of a class's source, where there is any: what was typed at a prompt goes by its name."""
    try:
        return _sha256(inspect.getsource(cls).encode())
    except (OSError, TypeError):
        return f"{cls.__module__}.{cls.__qualname__}"


def files_digest(folder: Path, prefix: str = "") -> str:
    """Of the files of a folder whose names begin with `prefix`: names and contents."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.glob(f"{prefix}*") if p.is_file()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
