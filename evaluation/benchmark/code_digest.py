"""Digests of code: what changes a number changes them, comments and formatting do not."""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path

DATA = ("worldsim.simulator", "worldsim.mechanics", "worldsim.scenario", "worldsim.seeding",
        "worldsim.splits", "worldsim.camera", "scenarios")
"""Code on which truths and their videos depend."""

INSTRUMENTS = ("worldsim.instruments", "evaluation.objects", "evaluation.observe",
               "evaluation.ownership", "evaluation.reading", "evaluation.consequences",
               "worldsim.outcomes")
"""Code that reads videos and states."""

METRICS = ("evaluation.metrics", "evaluation.ensemble", "evaluation.measure",
           "evaluation.physics_iq.agreement", "evaluation.physics_iq.masks",
           "evaluation.physics_iq.score", "evaluation.physics_iq.style")
"""Code that compares what was read."""

MODELS = ("worldsim.models", "worldsim.answer", "worldsim.query")
"""Code of the world models that come with the package, checkpoints apart."""


@functools.cache
def code_digest(modules: tuple[str, ...]) -> str:
    """First 16 digits of the sha256 of the syntax trees of modules and whole packages, without
    docstrings."""
    digest = hashlib.sha256()
    for name in modules:
        for path in _files(name):
            digest.update(f"{name}/{path.name}\n".encode())
            digest.update(_bare(path.read_text(encoding="utf-8")).encode())
    return digest.hexdigest()[:16]


def _files(name: str) -> Iterator[Path]:
    found = importlib.util.find_spec(name)
    assert found is not None and found.origin is not None, name
    source = Path(found.origin)
    if source.name == "__init__.py":
        yield from sorted(source.parent.rglob("*.py"))
    else:
        yield source


JUDGING = ("headline", "concerns")
"""Of a metric: what it is used for, which changes none of its values. A suite's definition has the
headline metrics."""


def _bare(source: str) -> str:
    """A source's syntax tree as text, without docstrings and what only judges."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            node.keywords = [k for k in node.keywords if k.arg not in JUDGING]
        body = getattr(node, "body", None)
        if not isinstance(body, list):
            continue
        # Strings that stand alone: docstrings, also those of fields.
        node.body = [  # type: ignore[attr-defined]
            one for one in body
            if not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant)
                    and isinstance(one.value.value, str))
        ]
    return _written(tree)


SURFACE = ("ctx", "kind", "type_comment")
"""Fields of a syntax tree that say nothing of what it does."""


def _written(node: object) -> str:
    """A syntax tree as text, the same in Python 3.11 and later: what is empty is left out, since
    every version adds fields of its own (`ast.dump` shows them)."""
    if isinstance(node, ast.AST):
        fields = [f"{name}={_written(value)}" for name, value in ast.iter_fields(node)
                  if name not in SURFACE and value is not None and value != []]
        return f"{type(node).__name__}({','.join(fields)})"
    if isinstance(node, list):
        return f"[{','.join(map(_written, node))}]"
    return repr(node)
