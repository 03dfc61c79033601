"""The transformer's layers: attention with rotary positions, gated feed-forward, modulation.

What a layer remembers for block-causal streaming is here, too.
"""

from __future__ import annotations

import dataclasses

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from worldsim.diffusion.patches import PatchConfig
from worldsim.errors import InputError


@dataclasses.dataclass(frozen=True)
class TransformerConfig:
    """Size of the network.

    width, layers, heads, hidden : of the transformer (hidden: of its SwiGLU).
    detail : features per cell in the pixel encoder and decoder.
    registers : tokens that belong to no patch.
    raw : experts that read pixels with all their noise; for all others it is taken out as far as a
        linear estimate can.
    """

    patches: PatchConfig = dataclasses.field(default_factory=PatchConfig)
    width: int = 256
    layers: int = 5
    heads: int = 4
    hidden: int = 512
    detail: int = 64
    registers: int = 4
    raw: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "raw", tuple(self.raw))
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
class Spread:
    """Gives each token the vector of its group.

    (B, V*G + G + 1, d) to (B, patches + E*G + extra, d): first the views' groups, then those of
    the entities, then what belongs to no group.
    """

    patch_groups: int
    tokens_per_group: int
    entities: int
    extra: int

    def __call__(self, groups: Tensor) -> Tensor:
        batch, _, width = groups.shape
        patch = groups[:, :self.patch_groups, None].expand(-1, -1, self.tokens_per_group, -1)
        said = groups[:, None, self.patch_groups:-1].expand(-1, self.entities, -1, -1)
        return torch.cat([
            patch.reshape(batch, -1, width), said.reshape(batch, -1, width),
            groups[:, -1:].expand(-1, self.extra, -1)], dim=1)


class LayerMemory:
    """Keys and values of one layer that later tokens may look back at, before rotation.

    Tokens of the block at work are appended for the moment; `keep` makes them stay.
    """

    def __init__(self) -> None:
        self.blocks: list[tuple[Tensor, Tensor]] = []
        self.last: tuple[Tensor, Tensor] | None = None

    def joined(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        self.last = k, v
        keys = [block[0] for block in self.blocks] + [k]
        return torch.cat(keys, 2), torch.cat([block[1] for block in self.blocks] + [v], 2)

    def keep(self, limit: int) -> None:
        """Keep the block at work; of more than 1 + `limit` blocks the second goes."""
        assert self.last is not None
        self.blocks.append(self.last)
        if len(self.blocks) > 1 + limit:
            del self.blocks[1]


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
    """Scaled dot-product attention, (B, heads, tokens, head_width) each.

    mask : (tokens, tokens) bool, what sees what; or numbers to add to the scores (`as_numbers`).

    Where a gradient is wanted it is written out: on CPUs that multiply bfloat16 matrices fast, the
    backward pass of torch's fused attention takes half of a training step at these lengths, and
    plain matrix products a twentieth.
    """
    if not torch.is_grad_enabled():
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    scores = torch.matmul(q, k.transpose(-1, -2)).float() * q.shape[-1] ** -0.5
    if mask is not None:
        scores = scores + (mask if mask.is_floating_point() else as_numbers(mask))
    return torch.matmul(scores.softmax(-1).to(v.dtype), v)


def as_numbers(mask: Tensor) -> Tensor:
    """A mask as what is added to the scores: compiled code reads numbers faster than booleans,
    once for all layers."""
    return torch.zeros(mask.shape, device=mask.device).masked_fill(~mask, -torch.inf)


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

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, mask: Tensor | None,
                memory: LayerMemory | None = None) -> Tensor:
        batch, tokens, width = x.shape
        q, k, v = self.qkv(x).view(batch, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        q, k = rms_norm(q) * self.scale_q, rms_norm(k) * self.scale_k
        if memory is not None:
            k, v = memory.joined(k, v)
        q = rotate(q, cos[..., -tokens:, :], sin[..., -tokens:, :])
        k = rotate(k, cos, sin)
        mixed = attend(q, k, v, mask)
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
                mask: Tensor | None, memory: LayerMemory | None = None) -> Tensor:
        shift_a, scale_a, gate_a, shift_f, scale_f, gate_f = (
            spread(part) for part in (modulation + self.table).unbind(-2)
        )
        x = x + gate_a * self.attention(rms_norm(x) * (1 + scale_a) + shift_a, cos, sin, mask,
                                        memory)
        return x + gate_f * self.feed_forward(rms_norm(x) * (1 + scale_f) + shift_f)
