"""Weights of the fifth format as a start: its laws knew no friction and were bent by contacts, so
that they begin anew; tokens are now told where laws lead, which counts nothing at first."""

from __future__ import annotations

from torch import Tensor


def carried_over(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights without laws, if theirs are of the fifth format or earlier."""
    if "laws.of_parameter" in weights:
        return weights
    return {name: value for name, value in weights.items() if not name.startswith("laws.")}
