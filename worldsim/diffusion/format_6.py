"""Weights of the sixth format and before as a start: there, laws were forces on single bodies or
none; what they knew, and what departed from it, begins anew."""

from __future__ import annotations

from torch import Tensor

ANEW = ("laws.", "write_motion.")


def carried_over(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights without those that mean something else today."""
    if "laws.see" in weights:
        return weights
    return {name: value for name, value in weights.items() if not name.startswith(ANEW)}
