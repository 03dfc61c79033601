"""The simulator's constants as its modules document them: name, value, text with unit and source.

They are read from the source text, where each stands with its unit and origin, so that the listing
is complete and cannot grow stale; nothing of the simulator is imported.
"""

from __future__ import annotations

import ast
import dataclasses
import itertools
from importlib.resources import files
from importlib.resources.abc import Traversable

NUMERICS = ("audit", "audit_record", "distribution", "recording", "stops", "compiled", "layout",
            "records", "state", "run", "supply", "members", "worker_pool", "stepping")
"""Modules that hold settings of the computation, not of the world."""


@dataclasses.dataclass(frozen=True)
class Constant:
    """One documented constant; value as it is written, text as documented."""

    module: str
    name: str
    value: str
    text: str


def simulator_constants() -> list[Constant]:
    """All documented upper-case constants of `worldsim.simulator`, by module."""
    found: list[Constant] = []
    for module, source in _modules(files("worldsim").joinpath("simulator"), "simulator"):
        if module.rsplit(".", 1)[-1] in NUMERICS:
            continue
        body = ast.parse(source).body
        for statement, after in itertools.pairwise(body):
            name, value = _assignment(statement)
            text = _text(after)
            if name and value is not None and text:
                written = ast.get_source_segment(source, value) or ""
                found.append(Constant(module, name, written, text))
    return found


def _modules(folder: Traversable, prefix: str) -> list[tuple[str, str]]:
    result = []
    for entry in sorted(folder.iterdir(), key=lambda e: e.name):
        if entry.is_dir() and not entry.name.startswith("__"):
            result += _modules(entry, f"{prefix}.{entry.name}")
        elif entry.name.endswith(".py") and entry.name != "__init__.py":
            result.append((f"{prefix}.{entry.name[:-3]}", entry.read_text(encoding="utf-8")))
    return result


def _assignment(statement: ast.stmt) -> tuple[str, ast.expr | None]:
    """The upper-case names that a statement assigns, and the value; empty for any other."""
    if isinstance(statement, ast.AnnAssign):
        targets: list[ast.expr] = [statement.target]
    elif isinstance(statement, ast.Assign):
        targets = statement.targets
    else:
        return "", None
    inner = [part for target in targets
             for part in (target.elts if isinstance(target, ast.Tuple) else [target])]
    names = [part.id for part in inner if isinstance(part, ast.Name)]
    if not names or not all(name.isupper() for name in names):
        return "", None
    return ", ".join(names), statement.value


def _text(statement: ast.stmt) -> str:
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        value = statement.value.value
        if isinstance(value, str):
            return " ".join(value.split())
    return ""
