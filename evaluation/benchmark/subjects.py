"""Who is scored: world models by name, what they are made of, and whether processes may share them.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
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


@functools.cache
def subject(name: str) -> WorldModel:
    """The world model, loaded once in each process."""
    return load_model(name)


def shared(name: str) -> bool:
    """Whether several processes may ask it at once: what comes with the package and runs on one
    core, and files. Networks and foreign code answer in the main process, one case at a time."""
    return name.partition(":")[0] in (TRUTH, REFERENCE, "baseline", "videos")


def identity(name: str) -> str:
    """What a model's answers depend on beyond the query: code, weights or files."""
    kind, _, rest = name.partition(":")
    if kind in (TRUTH, REFERENCE, "baseline"):
        return code_digest(MODELS + DATA)
    if kind == "python":
        found = importlib.util.find_spec(rest.partition(":")[0])
        source = Path(found.origin) if found is not None and found.origin else None
        return _sha256(source.read_bytes()) if source is not None and source.is_file() else rest
    if kind == "videos":
        return files_digest(Path(rest))
    weights = str(getattr(subject(name), "sha256", ""))
    return f"{weights[:16]}-{code_digest(DIFFUSION + MODELS)}"


def files_digest(folder: Path, prefix: str = "") -> str:
    """Of the files of a folder whose names begin with `prefix`: names and contents."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.glob(f"{prefix}*") if p.is_file()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
