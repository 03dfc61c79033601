"""Finding entities in the picture: where in a group's frames an entity's token looks.

For every frame of a group a softmax over the cells of the picture says where the entity is; the
mean of the cells' places under it is a position at a fraction of a cell (spatial soft-argmax;
Levine et al. 2016, "End-to-end training of deep visuomotor policies"). What is found is told to the
token, and by a gate of the token's own directly to the position that it says, so that a position
need not pass through the layers' normalisations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from worldsim.diffusion.observables import NUMBERS
from worldsim.diffusion.patches import Grid, PatchConfig

if TYPE_CHECKING:
    from worldsim.diffusion.layers import TransformerConfig

KEYS = 16
"""Numbers of a key, per frame."""

SEEN = 8
"""Numbers that are read where an entity is found, per frame."""


def cell_places(grid: Grid, config: PatchConfig) -> Tensor:
    """(tokens of a group * S, 2): column and row of every cell's centre from the middle of the
    picture, in halves of its height."""
    side = config.patch // config.cell
    rows, columns = grid.rows * side, grid.columns * side
    row = ((torch.arange(rows) + 0.5 - rows / 2) / (rows / 2)).view(grid.rows, 1, side, 1)
    column = ((torch.arange(columns) + 0.5 - columns / 2) / (rows / 2)).view(
        1, grid.columns, 1, side)
    shape = (grid.rows, grid.columns, side, side)
    return torch.stack([column.expand(shape), row.expand(shape)], -1).reshape(-1, 2)


class Locator(nn.Module):
    """Reads entities' places in the first view.

    to_position : from columns and rows to the states' numbers, for each camera; of views that are
    planes of the world it begins as what it must be (`ModelConfig.network`), of others with zeros.
    """

    def __init__(self, config: TransformerConfig, cameras: int) -> None:
        super().__init__()
        self.frames = config.patches.frames
        self.query = nn.Linear(config.width, self.frames * KEYS, bias=False)
        self.key_of_cells = nn.Linear(config.detail, self.frames * KEYS, bias=False)
        self.key_of_tokens = nn.Linear(config.width, self.frames * KEYS, bias=False)
        self.value = nn.Linear(config.detail, self.frames * SEEN, bias=False)
        self.tell = nn.Linear(self.frames * (2 + SEEN) + cameras, config.width)
        self.to_position = nn.Parameter(torch.zeros(cameras, 2, NUMBERS))
        self.gate = nn.Linear(config.width, self.frames)
        self.cameras = cameras

    def initialise(self) -> None:
        """Begin without telling anything."""
        nn.init.zeros_(self.tell.weight)
        nn.init.zeros_(self.tell.bias)
        nn.init.zeros_(self.gate.weight)
        nn.init.constant_(self.gate.bias, -2.0)

    def forward(self, entities: Tensor, patches: Tensor, cells: Tensor, camera: Tensor,
                grid: Grid, config: PatchConfig) -> tuple[Tensor, Tensor]:
        """Find the entities.

        Parameters
        ----------
        entities : (B, E, G, width) tokens. patches : (B, G, tokens, width) and cells : (B, G,
            tokens, S, detail) of the first view. camera : (B,) its number.

        Returns
        -------
        What is told to the tokens (B, E, G, width), and what is added to the states that they say
        (B, E, G, F, 9) before the gate.
        """
        batch, groups = patches.shape[:2]
        heads = (self.frames, -1)
        query = self.query(entities).unflatten(-1, heads)  # (B, E, G, F, K)
        key = self.key_of_cells(cells) + self.key_of_tokens(patches)[..., None, :]
        key = key.flatten(2, 3).unflatten(-1, heads)  # (B, G, cells, F, K)
        value = self.value(cells).flatten(2, 3).unflatten(-1, heads)
        score = torch.einsum("begfk,bgcfk->begfc", query, key).float() * KEYS**-0.5
        weight = score.softmax(-1)
        place = weight @ cell_places(grid, config).to(weight)  # (B, E, G, F, 2)
        seen = torch.einsum("begfc,bgcfv->begfv", weight.to(value.dtype), value)
        views = torch.nn.functional.one_hot(camera, self.cameras).to(place)
        told = torch.cat([place.flatten(-2), seen.flatten(-2).float(),
                          views[:, None, None].expand(*place.shape[:3], -1)], -1)
        position = torch.einsum("begfp,bpn->begfn", place, self.to_position[camera])
        assert batch == len(entities) and groups == entities.shape[2]
        return self.tell(told), position
