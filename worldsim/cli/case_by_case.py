"""Asks a world model case by case, so that long dreams show how far they are."""

from __future__ import annotations

import dataclasses

import xarray as xr

from evaluation.ask import ask
from worldsim.cli.progress import Advance
from worldsim.query import Origin, Query
from worldsim.world_model import WorldModel


def dream(model: WorldModel, query: Query, advance: Advance) -> xr.DataTree:
    """The model's rollout of all cases of a query, from the views that it can show."""
    parts = []
    for case in range(query.cases):
        parts.append(ask(model, one_case(query, case)))
        advance((case + 1) / query.cases)
    if len(parts) == 1:
        return parts[0]
    return xr.concat(parts, dim="case", data_vars="minimal", coords="minimal", compat="override",
                     join="exact")


def one_case(query: Query, case: int) -> Query:
    """The part of a query that is about one case (counted from 0)."""
    only = slice(case, case + 1)
    origin = query.origin
    return dataclasses.replace(
        query,
        cases=1,
        parameters={name: values[only] for name, values in query.parameters.items()},
        known=tuple(dataclasses.replace(piece, video=piece.video[only]) for piece in query.known),
        states=tuple(dataclasses.replace(told, values=told.values[only]) for told in query.states),
        draft=None if query.draft is None else dataclasses.replace(
            query.draft, videos={c: v[only] for c, v in query.draft.videos.items()}),
        origin=None if origin is None else Origin(origin.seed, (origin.cases[case],)),
    )
