"""Video to spacetime patches and back.

A clip of V views (cameras) becomes V*G*H*W tokens: G groups of `frames` frames, each cut into
H x W patches of `patch` x `patch` pixels. A patch is kept as S cells of `cell` x `cell` pixels,
because the network reads and writes pixels cell by cell (see `worldsim.diffusion.transformer`).

Suffixes name layouts: V views, T frames, G groups of frames, N tokens, S cells of a token,
F frames of a group, P pixels of a cell, C colour channels. Channels lie outermost in a cell, so
that what is computed once per pixel runs along contiguous memory.
"""

from __future__ import annotations

import dataclasses

import torch
from einops import rearrange
from torch import Tensor

from worldsim.errors import InputError


@dataclasses.dataclass(frozen=True)
class PatchConfig:
    """Size of the spacetime patch.

    frames : frames in a group; they share one noise level.
    patch : rows and columns of a token's patch [px].
    cell : rows and columns of a cell within the patch [px].
    """

    frames: int = 5
    patch: int = 16
    cell: int = 4

    def __post_init__(self) -> None:
        if self.patch % self.cell:
            raise InputError(f"patch={self.patch} px must be a multiple of cell={self.cell} px")

    @property
    def cells(self) -> int:
        """Number of cells in a patch, S."""
        return (self.patch // self.cell) ** 2

    @property
    def cell_pixels(self) -> int:
        """Number of pixels of a cell in one frame."""
        return self.cell**2


@dataclasses.dataclass(frozen=True)
class Grid:
    """How the tokens of one clip lie in time and space.

    views : number of cameras in the sequence.
    groups : groups of frames per view.
    rows, columns : patches per frame.
    """

    views: int
    groups: int
    rows: int
    columns: int

    @property
    def tokens_per_group(self) -> int:
        return self.rows * self.columns

    @property
    def tokens(self) -> int:
        return self.views * self.groups * self.tokens_per_group

    def places(self) -> Tensor:
        """(tokens of a group, 2): row and column of every patch's centre in short sides of the
        frame, from the frame's centre."""
        short = min(self.rows, self.columns)
        row = (torch.arange(self.rows) + 0.5 - self.rows / 2) / short
        column = (torch.arange(self.columns) + 0.5 - self.columns / 2) / short
        return torch.stack(torch.meshgrid(row, column, indexing="ij"), -1).flatten(0, 1)


def grid_of(frames: int, size: tuple[int, int], views: int, config: PatchConfig) -> Grid:
    """The grid of a clip whose frames and size are whole multiples of the patch.

    Raises
    ------
    InputError : the clip does not divide into patches.
    """
    rows, columns = size
    if frames % config.frames or rows % config.patch or columns % config.patch:
        raise InputError(
            f"a clip of {frames} frames of {rows}x{columns} px does not divide into patches of "
            f"{config.frames} frames of {config.patch}x{config.patch} px; pad it first"
        )
    return Grid(views, frames // config.frames, rows // config.patch, columns // config.patch)


def to_cells(video_BVTHWC: Tensor, config: PatchConfig) -> Tensor:
    """(B, V, T, rows, columns, C) to cells (B, N, S, C*F*P)."""
    return rearrange(
        video_BVTHWC,
        "b v (g f) (h i p) (w j q) c -> b (v g h w) (i j) (c f p q)",
        f=config.frames, i=config.patch // config.cell, j=config.patch // config.cell,
        p=config.cell, q=config.cell,
    )


def from_cells(cells: Tensor, grid: Grid, config: PatchConfig) -> Tensor:
    """The inverse of `to_cells`."""
    return rearrange(
        cells,
        "b (v g h w) (i j) (c f p q) -> b v (g f) (h i p) (w j q) c",
        v=grid.views, g=grid.groups, h=grid.rows, w=grid.columns,
        i=config.patch // config.cell, f=config.frames, p=config.cell, q=config.cell,
    )


def per_token(level_BVG: Tensor, grid: Grid) -> Tensor:
    """A value per view and group (B, V, G) repeated for each of its tokens: (B, N)."""
    return level_BVG.flatten(1).repeat_interleave(grid.tokens_per_group, dim=1)


def to_unit(video_u8: Tensor) -> Tensor:
    """uint8 colours to [-1, 1]."""
    return video_u8.float() / 127.5 - 1.0


def to_uint8(pixels: Tensor) -> Tensor:
    """[-1, 1] to uint8 colours; the inverse of `to_unit`."""
    return pixels.add(1.0).mul(127.5).round().clamp(0, 255).to(torch.uint8)
