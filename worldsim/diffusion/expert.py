"""What scenarios of one kind have for themselves: layers, and the ends that read and paint pixels.

A network of several experts is a mixture whose every sequence goes through one of them, chosen by
its scenario (routing by task, Kudugunta et al. 2021, "Beyond distillation"; experts that were
trained apart and then put beside each other, Sukhbaatar et al. 2024, "Branch-Train-MiX"). What is
told, levels, how states are read and said, laws and looks are shared: see
`worldsim.diffusion.transformer`.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from worldsim.diffusion.carrying import Carried
from worldsim.diffusion.layers import Block, Spread, TransformerConfig, rms_norm
from worldsim.diffusion.motion import shrinkage
from worldsim.diffusion.patches import Grid
from worldsim.diffusion.sequence import Condition, Context

POSITION_OCTAVES = 4

SPREAD_BESIDE, SPREAD_ALONE = 0.25, 0.5
"""Typical departure of a pixel from its reference, and typical pixel where there is none."""


class Expert(nn.Module):
    """Layers, their modulation, and what reads and paints pixels.

    number : of the expert. cameras : how many there are.
    """

    def __init__(self, config: TransformerConfig, number: int, cameras: int) -> None:
        super().__init__()
        self.config, self.cameras, self.raw = config, cameras, number in config.raw
        patches, width, detail = config.patches, config.width, config.detail
        cell_values = patches.frames * patches.cell_pixels * 3
        told = patches.frames + patches.cell_pixels * 4 + 1
        self.read_pixels = nn.Linear(cell_values, detail)
        self.read_context = nn.Linear(told, detail, bias=False)
        self.embed = nn.Linear(patches.cells * detail, width)
        self.position = nn.Linear(4 * POSITION_OCTAVES, cameras * width)
        self.modulation = nn.Linear(width, 6 * width)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.last_table = nn.Parameter(torch.zeros(2, width))
        self.unembed = nn.Linear(width, patches.cells * detail)
        self.skip = nn.Linear(detail, detail)
        carried = patches.cell_pixels * (4 * patches.frames + 1)
        self.read_carried = nn.Linear(carried, detail, bias=False)
        self.write = nn.Linear(2 * detail, patches.frames * patches.cell_pixels * 4)
        self.write_gate = nn.Linear(2 * detail, patches.frames * patches.cell_pixels)

    def initialise(self) -> None:
        """Begin near doing nothing, with the reference showing through."""
        for fresh in (self.modulation, self.read_carried, self.write_gate):
            nn.init.zeros_(fresh.weight)
        for block in self.blocks:
            assert isinstance(block, Block)
            for layer in (block.attention.out, block.feed_forward.down):
                layer.weight.data *= 0.3
        self.write.weight.data *= 0.1
        values = self.config.patches.frames * self.config.patches.cell_pixels * 3
        self.write.bias.data[values:] = -2.0  # coverage

    def place_patches(self, cells: Tensor, condition: Condition, grid: Grid) -> Tensor:
        """Tokens of the patches: what their cells show, and where in which camera's picture."""
        where = grid.places().to(self.position.weight)
        octaves = where.new_tensor([1.0, 2.0, 4.0, 8.0])
        angles = (where[..., None] * octaves * torch.pi / 2).flatten(1)
        features = torch.cat([angles.sin(), angles.cos()], dim=1)
        table = self.position(features).unflatten(1, (self.cameras, -1)).transpose(0, 1)
        return self.embed(cells.flatten(2)) + table[condition.camera].flatten(1, 3)

    def finish(self, x: Tensor, modulation: Tensor, spread: Spread) -> Tensor:
        """The last normalisation."""
        shift, scale = (spread(part) for part in
                        (modulation[..., :2, :] + self.last_table).unbind(-2))
        return rms_norm(x) * (1 + scale) + shift

    def read_cells(self, noisy: Tensor, context: Context, level: Tensor, condition: Condition,
                   grid: Grid) -> Tensor:
        """What the small encoder makes of every cell, (B, N, S, detail)."""
        if not self.raw:
            noisy = self._shrunk(noisy, context, level, condition, grid)
        told = torch.cat([context.known, context.reference, context.valid, context.age], dim=-1)
        return F.gelu(self.read_pixels(noisy) + self.read_context(told), approximate="tanh")

    def _shrunk(self, noisy: Tensor, context: Context, level: Tensor, condition: Condition,
                grid: Grid) -> Tensor:
        """The best linear estimate of the clean pixels, given that they resemble the reference."""
        clean = (1 - condition.context_noise)[:, None, None, None]
        unknown = level.repeat_interleave(grid.tokens_per_group, 1)[..., None, None]
        at = torch.lerp(unknown, clean, context.known)[:, :, :, None, :, None]  # (B, N, S, 1, F, 1)
        shape = (3, self.config.patches.frames, self.config.patches.cell_pixels)
        mean = context.reference.unflatten(-1, (3, 1, -1))
        spread = torch.where(context.valid > 0, SPREAD_BESIDE, SPREAD_ALONE)[..., None, None, :]
        pixels = noisy.unflatten(-1, shape)
        return (mean + shrinkage(at, spread) * (pixels - at * mean)).flatten(-3)

    def paint(self, tokens: Tensor, cells: Tensor, context: Context,
              carried: Carried | None) -> Tensor:
        """Clean pixels: a painted layer over the reference, as it rests or is carried."""
        patches = self.config.patches
        painted = self.unembed(tokens).unflatten(-1, (patches.cells, -1)) + self.skip(cells)
        if carried is not None:
            painted = painted + self.read_carried(torch.cat([
                carried.moved.flatten(-3), carried.near.flatten(-2), carried.left.flatten(-2)],
                -1))
        features = torch.cat([F.gelu(painted, approximate="tanh"), cells], dim=-1)
        layer = self.write(features)
        values = patches.frames * patches.cell_pixels * 3
        shape = (3, patches.frames, patches.cell_pixels)
        colour = layer[..., :values].unflatten(-1, shape)
        coverage = layer[..., values:].sigmoid().unflatten(-1, shape[1:])
        shows = ((1 - coverage) * context.valid[..., None, :])[..., None, :, :]
        under = context.reference.unflatten(-1, (3, -1))[..., None, :]
        if carried is not None:
            under = carried.behind
            gate = self.write_gate(features).unflatten(-1, shape[1:]) + carried.inside
            under = under + gate.sigmoid()[..., None, :, :] * (carried.moved - under)
        return (colour + shows * (under - colour)).flatten(-3)
