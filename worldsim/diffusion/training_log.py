"""The record that a training run keeps: one JSON line per point, and a line for people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def line_of(point: dict[str, Any]) -> str:
    """A point of the curve as a line for people."""
    head = f"step {point['step']:,}  {point['minutes']:.1f} min  {point['clips']:,} clips  "
    if "validation" in point:
        return head + "  ".join(f"{k} {v:.4g}" for k, v in point["validation"].items())
    return head + (f"loss {point['loss']:.4f} (pixels {point['pixels']:.4f}, "
                   f"states {point['states']:.4f})  {point['clips_per_second']:.1f} clips/s  "
                   f"{point['gflops']:.0f} GFLOP/s ({point['utilisation']:.0%} of matrix rate)")


def append(path: Path, point: dict[str, Any]) -> None:
    """Add a point to the record."""
    with path.open("a") as file:
        file.write(json.dumps(point) + "\n")


def read_curve(path: Path, steps: int) -> list[dict[str, Any]]:
    """The curve so far; points after the state that is resumed were lost, and are dropped."""
    if not path.exists():
        return []
    points = [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")]
    kept = [point for point in points if point["step"] <= steps]
    path.write_text("".join(json.dumps(point) + "\n" for point in kept))
    return kept
