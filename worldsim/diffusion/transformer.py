"""The network: a diffusion transformer over spacetime patches.

Peebles & Xie 2023 (DiT), with adaLN-single (Chen et al. 2023, PixArt-alpha) evaluated per group of
frames because every group has its own noise level; x-prediction from pixels through a bottleneck
(Li & He 2025, "Back to basics"); rotary positions in seconds and short sides of the frame (Su et
al. 2021); QK-norm, SwiGLU and register tokens (Darcet et al. 2023).

Pixels are read and written cell by cell: a patch's cells pass a small encoder whose result both
forms the token and returns, as a skip connection, in the decoder. The decoder paints a layer
(colour and coverage) over the reference, i.e. the known pixel nearest in time: what rests needs
no capacity.
"""

from __future__ import annotations

import dataclasses

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from worldsim.diffusion.conditioning import LevelEncoder, ParameterEncoder, ParameterSpec
from worldsim.diffusion.patches import Grid, PatchConfig
from worldsim.errors import InputError

POSITION_OCTAVES = 4


@dataclasses.dataclass(frozen=True)
class TransformerConfig:
    """Size of the network.

    width, layers, heads, hidden : of the transformer (hidden: of its SwiGLU).
    detail : features per cell in the pixel encoder and decoder.
    registers : tokens that belong to no patch.
    """

    patches: PatchConfig = dataclasses.field(default_factory=PatchConfig)
    width: int = 256
    layers: int = 5
    heads: int = 4
    hidden: int = 512
    detail: int = 64
    registers: int = 4

    def __post_init__(self) -> None:
        if self.width % self.heads or (self.width // self.heads) % 4:
            raise InputError(
                f"width={self.width} must give each of {self.heads} heads a multiple of 4")


def rms_norm(x: Tensor) -> Tensor:
    """Root-mean-square normalisation over the last axis, without a learned scale."""
    return F.rms_norm(x, (x.shape[-1],), eps=1e-6)


def rotary_angles(positions_N3: Tensor, head_width: int) -> Tensor:
    """Rotation angles (N, head_width / 2) of tokens at (time [s], row, column [short sides]).

    Half of the pairs turn with time, at 0.05 to 3 rad/s, a quarter each with row and column, at
    0.5 to 12 rad per short side. Only differences of positions enter attention.
    """
    pairs = head_width // 2
    spatial = pairs // 4
    time = torch.logspace(-1.3, 0.48, pairs - 2 * spatial)
    space = torch.logspace(-0.3, 1.08, spatial)
    parts = [positions_N3[:, :1] * time, positions_N3[:, 1:2] * space, positions_N3[:, 2:] * space]
    return torch.cat(parts, dim=1)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn the pairs (x[i], x[i + half]) by the angles; x (..., N, head_width)."""
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], dim=-1)


@dataclasses.dataclass(frozen=True)
class Condition:
    """What the network is told about a batch.

    camera : (B, V) camera indices.
    features, presence : parameters as `encode_parameters` gives them.
    context_noise : (B,) how noisy the known pixels are, 0 (clean) to 1.
    """

    camera: Tensor
    features: Tensor
    presence: Tensor
    context_noise: Tensor


@dataclasses.dataclass(frozen=True)
class Context:
    """What is known about the pixels, cell by cell (`worldsim.diffusion.known.context_cells`).

    known : (B, N, S, F) share of the cell that is known, per frame.
    reference : (B, N, S, C * cell pixels) the known pixel nearest in time, 0 where there is none.
    valid : (B, N, S, cell pixels) 1 where the reference exists.
    age : (B, N, S, 1) mean distance in time between reference and group [s].
    """

    known: Tensor
    reference: Tensor
    valid: Tensor
    age: Tensor


class Attention(nn.Module):
    """Self-attention with normalised queries and keys and rotary positions."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.heads = config.heads
        head_width = config.width // config.heads
        self.qkv = nn.Linear(config.width, 3 * config.width, bias=False)
        self.out = nn.Linear(config.width, config.width, bias=False)
        self.scale_q = nn.Parameter(torch.ones(head_width))
        self.scale_k = nn.Parameter(torch.ones(head_width))

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, mask: Tensor | None) -> Tensor:
        batch, tokens, width = x.shape
        q, k, v = self.qkv(x).view(batch, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        q = rotate(rms_norm(q) * self.scale_q, cos, sin)
        k = rotate(rms_norm(k) * self.scale_k, cos, sin)
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.out(mixed.transpose(1, 2).reshape(batch, tokens, width))


class SwiGLU(nn.Module):
    """Gated feed-forward layer (Shazeer 2020)."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.up = nn.Linear(width, 2 * hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        gate, value = self.up(x).chunk(2, dim=-1)
        return self.down(F.silu(gate) * value)


class Block(nn.Module):
    """One transformer layer, modulated by the shared projection plus its own table."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.attention = Attention(config)
        self.feed_forward = SwiGLU(config.width, config.hidden)
        table = torch.zeros(6, config.width)
        table[2] = table[5] = 1.0  # gates start open; the layers' outputs start small
        self.table = nn.Parameter(table)

    def forward(self, x: Tensor, modulation: Tensor, spread: Spread, cos: Tensor, sin: Tensor,
                mask: Tensor | None) -> Tensor:
        shift_a, scale_a, gate_a, shift_f, scale_f, gate_f = (
            spread(part) for part in (modulation + self.table).unbind(-2)
        )
        x = x + gate_a * self.attention(rms_norm(x) * (1 + scale_a) + shift_a, cos, sin, mask)
        return x + gate_f * self.feed_forward(rms_norm(x) * (1 + scale_f) + shift_f)


@dataclasses.dataclass(frozen=True)
class Spread:
    """Gives each token the vector of its group: (B, V*G + 1, d) to (B, N + extra, d)."""

    tokens_per_group: int
    extra: int

    def __call__(self, groups: Tensor) -> Tensor:
        batch, _, width = groups.shape
        patch = groups[:, :-1, None].expand(-1, -1, self.tokens_per_group, -1)
        return torch.cat(
            [patch.reshape(batch, -1, width), groups[:, -1:].expand(-1, self.extra, -1)], dim=1
        )


class VideoTransformer(nn.Module):
    """Predicts the clean clip from a noisy one, its noise levels and what is known."""

    def __init__(self, config: TransformerConfig, parameters: tuple[ParameterSpec, ...],
                 cameras: int) -> None:
        super().__init__()
        self.config, self.cameras = config, cameras
        patches, width, detail = config.patches, config.width, config.detail
        cell_values = patches.frames * patches.cell_pixels * 3
        told = patches.frames + patches.cell_pixels * 4 + 1
        self.read_pixels = nn.Linear(cell_values, detail)
        self.read_context = nn.Linear(told, detail, bias=False)
        self.embed = nn.Linear(patches.cells * detail, width)
        self.position = nn.Linear(4 * POSITION_OCTAVES, cameras * width)
        self.registers = nn.Parameter(torch.randn(config.registers, width) * 0.02)
        self.parameters_in = ParameterEncoder(parameters, width)
        self.level = LevelEncoder(width)
        self.context_noise = LevelEncoder(width)
        self.camera = nn.Parameter(torch.randn(cameras, width) * 0.02)
        self.modulation = nn.Linear(width, 6 * width)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.last_table = nn.Parameter(torch.zeros(2, width))
        self.unembed = nn.Linear(width, patches.cells * detail)
        self.skip = nn.Linear(detail, detail)
        self.write = nn.Linear(2 * detail, patches.frames * patches.cell_pixels * 4)
        self._initialise()

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        nn.init.zeros_(self.modulation.weight)
        for block in self.blocks:
            assert isinstance(block, Block)
            for layer in (block.attention.out, block.feed_forward.down):
                layer.weight.data *= 0.3
        self.write.weight.data *= 0.1
        values = self.config.patches.frames * self.config.patches.cell_pixels * 3
        self.write.bias.data[values:] = -2.0  # coverage: begin with the reference showing through

    def forward(self, noisy: Tensor, level: Tensor, context: Context, condition: Condition,
                grid: Grid, mask: Tensor | None = None) -> Tensor:
        """Predict clean pixels.

        Parameters
        ----------
        noisy : (B, N, S, C*F*P) pixels in [-1, 1] plus noise; known ones (nearly) clean.
        level : (B, V*G) t of every group: 0 is noise, 1 is data.
        mask : (tokens, tokens) attention mask, None for attention in both directions.

        Returns
        -------
        (B, N, S, C*F*P) clean pixels.
        """
        vectors = self.parameters_in(condition.features, condition.presence)
        told = vectors.sum(1) + self.context_noise(condition.context_noise)
        camera = self.camera[condition.camera].repeat_interleave(grid.groups, dim=1)
        groups = self.level(level) + told[:, None] + camera
        modulators = torch.cat([groups, told[:, None]], dim=1)
        modulation = self.modulation(F.silu(modulators)).unflatten(-1, (6, -1))

        cells = self._read(noisy, context)
        tokens = self.embed(cells.flatten(2)) + self._place(condition.camera, grid)
        registers = self.registers.expand(len(tokens), -1, -1)
        x = torch.cat([tokens, registers, vectors], dim=1)
        extra = x.shape[1] - grid.tokens
        spread = Spread(grid.tokens_per_group, extra)
        angles = rotary_angles(grid.positions(), self.config.width // self.config.heads)
        angles = F.pad(angles, (0, 0, 0, extra)).to(x)
        cos, sin = angles.cos(), angles.sin()
        for block in self.blocks:
            x = block(x, modulation, spread, cos, sin, mask)
        shift, scale = (spread(part) for part in
                        (modulation[..., :2, :] + self.last_table).unbind(-2))
        return self._write((rms_norm(x) * (1 + scale) + shift)[:, : grid.tokens], cells, context)

    def _read(self, noisy: Tensor, context: Context) -> Tensor:
        told = torch.cat([context.known, context.reference, context.valid, context.age], dim=-1)
        return F.gelu(self.read_pixels(noisy) + self.read_context(told), approximate="tanh")

    def _place(self, camera: Tensor, grid: Grid) -> Tensor:
        """Where in the frame of which camera: (B, N, width)."""
        where = grid.positions()[: grid.tokens_per_group, 1:].to(self.position.weight)
        octaves = where.new_tensor([1.0, 2.0, 4.0, 8.0])
        angles = (where[..., None] * octaves * torch.pi / 2).flatten(1)
        features = torch.cat([angles.sin(), angles.cos()], dim=1)
        table = self.position(features).unflatten(1, (self.cameras, -1)).transpose(0, 1)
        return table[camera][:, :, None].expand(-1, -1, grid.groups, -1, -1).flatten(1, 3)

    def _write(self, tokens: Tensor, cells: Tensor, context: Context) -> Tensor:
        patches = self.config.patches
        painted = self.unembed(tokens).unflatten(-1, (patches.cells, -1)) + self.skip(cells)
        layer = self.write(torch.cat([F.gelu(painted, approximate="tanh"), cells], dim=-1))
        values = patches.frames * patches.cell_pixels * 3
        shape = (3, patches.frames, patches.cell_pixels)
        colour = layer[..., :values].unflatten(-1, shape)
        coverage = layer[..., values:].sigmoid().unflatten(-1, shape[1:])
        shows = ((1 - coverage) * context.valid[..., None, :])[..., None, :, :]
        reference = context.reference.unflatten(-1, (3, -1))[..., None, :]
        return (colour + shows * (reference - colour)).flatten(-3)
