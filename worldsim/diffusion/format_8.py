"""Checkpoints of the eighth format and before: one expert, whose parts were the network's own, one
sampler, and noise that was taken out of pixels or not."""

from __future__ import annotations

from typing import Any

from torch import Tensor

PARTS = ("read_pixels.", "read_context.", "embed.", "position.", "modulation.", "blocks.",
         "last_table", "unembed.", "skip.", "read_carried.", "write.", "write_gate.")
"""Beginnings of the names of what is an expert's today."""


def renamed(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights by today's names."""
    return {f"experts.0.{name}" if name.startswith(PARTS) else name: value
            for name, value in weights.items()}


def configured(fields: dict[str, Any]) -> dict[str, Any]:
    """Fields of a configuration as today's has them."""
    given = dict(fields)
    transformer = dict(given["transformer"])
    if not transformer.pop("shrink", True):
        transformer["raw"] = (0,)
    return given | {"transformer": transformer, "samplers": [given.pop("sampler")]}
