"""Ask a world model only for what it can show."""

from __future__ import annotations

import dataclasses

import xarray as xr

from worldsim.query import Query
from worldsim.world_model import WorldModel


def ask(model: WorldModel, query: Query) -> xr.DataTree:
    """The model's rollout of the query, for those of its cameras that the model can show.

    Scores report a view that a model cannot show as missing, instead of refusing the model.
    """
    able = model.capabilities.cameras
    cameras = tuple(c for c in query.cameras if not able or c in able)
    known = tuple(piece for piece in query.known if piece.camera in cameras)
    return model.rollout(dataclasses.replace(query, cameras=cameras, known=known))
