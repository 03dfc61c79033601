"""The second stage: any video, larger, by a learned upsampler.

A small convolutional network doubles a picture: bicubic interpolation, plus what it has learned
that bicubic misses (Shi et al. 2016, "Real-time single image super-resolution using an efficient
sub-pixel convolutional network"; residual blocks without normalisation after Lim et al. 2017).
A pixel shows the mean of its area, so four large ones are moved together until their mean is the
small one (back-projection, Irani & Peleg 1991; Bahat & Michaeli 2020, "Explorable super
resolution"): what is seen stays where it was seen, however it is sharpened. The same weights double
again, so 64 rows become 1024 in four steps and any size by a last bicubic step. Frames are treated
one by one: memory is that of a frame, and nothing flickers that did not before, but nothing is
remembered either.

What is learned is what edges, outlines and patterns of these scenes look like when they are
sharper. Detail that the small video does not determine is not invented.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import os
from collections.abc import Iterable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from worldsim.atomic import written_whole
from worldsim.diffusion import compute
from worldsim.errors import InputError

FORMAT = 1
CONFIG, WEIGHTS = "upsampler.json", "upsampler.safetensors"
PACKAGED = "worldsim-small"
MOST_DOUBLINGS = 6


@dataclasses.dataclass(frozen=True)
class UpsamplerConfig:
    """width : channels. blocks : residual blocks of two 3x3 convolutions each."""

    width: int = 32
    blocks: int = 4
    training: dict[str, Any] = dataclasses.field(default_factory=dict)


class Doubling(nn.Module):
    """Pictures (B, 3, rows, columns) in [0, 1] to (B, 3, 2 rows, 2 columns)."""

    def __init__(self, config: UpsamplerConfig) -> None:
        super().__init__()
        width = config.width

        def conv(before: int, after: int) -> nn.Conv2d:
            return nn.Conv2d(before, after, 3, padding=1, padding_mode="replicate")

        self.read = conv(3, width)
        self.blocks = nn.ModuleList(
            nn.ModuleList([conv(width, width), conv(width, width)]) for _ in range(config.blocks))
        self.write = conv(width, 12)
        nn.init.zeros_(self.write.weight)
        assert self.write.bias is not None
        nn.init.zeros_(self.write.bias)

    def forward(self, small: Tensor) -> Tensor:
        return faithful(bicubic(small, 2) + self.departure(small), small)

    def departure(self, small: Tensor) -> Tensor:
        """What bicubic interpolation misses."""
        x = self.read(small - 0.5)
        for pair in self.blocks:
            assert isinstance(pair, nn.ModuleList)
            x = x + pair[1](F.silu(pair[0](x)))
        return F.pixel_shuffle(self.write(x), 2)


def bicubic(pictures: Tensor, factor: float) -> Tensor:
    """Bicubic interpolation by a factor, pixels being areas."""
    return F.interpolate(pictures, scale_factor=factor, mode="bicubic", align_corners=False)


def faithful(large: Tensor, small: Tensor) -> Tensor:
    """Pictures twice as large as `small`, moved until four pixels have the mean of the small one
    that they come from."""
    return large + F.interpolate(small - F.avg_pool2d(large, 2), scale_factor=2, mode="nearest")


class Upsampler:
    """A learned upsampler; `frames` is what most callers want."""

    def __init__(self, config: UpsamplerConfig, network: Doubling, sha256: str) -> None:
        self.config, self.sha256 = config, sha256
        self.network = network.eval()

    @classmethod
    def from_pretrained(cls, source: str | os.PathLike[str] = PACKAGED) -> Upsampler:
        """Load the packaged upsampler (by name) or one in a directory.

        Raises
        ------
        InputError : missing or damaged.
        """
        directory = Path(source)
        if str(source) == PACKAGED:
            directory = Path(str(resources.files("worldsim") / "checkpoints" / PACKAGED))
        for name in (CONFIG, WEIGHTS):
            if not (directory / name).is_file():
                raise InputError(f"{directory} holds no upsampler ({name} is missing)")
        try:
            fields = json.loads((directory / CONFIG).read_text())
            if fields.pop("format") != FORMAT:
                raise InputError(f"{directory / CONFIG} is of another format than {FORMAT}")
            config = UpsamplerConfig(**fields)
            content = (directory / WEIGHTS).read_bytes()
            network = Doubling(config)
            network.load_state_dict({name: value.float() for name, value in load(content).items()})
        except (ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
            raise InputError(f"the upsampler in {directory} cannot be read ({error}); install or "
                             "train it again") from error
        return cls(config, network, hashlib.sha256(content).hexdigest())

    def save_pretrained(self, directory: str | os.PathLike[str]) -> str:
        """Write configuration and weights (bfloat16); returns the weights' sha256."""
        target = Path(directory)
        content = save({name: value.detach().bfloat16().contiguous()
                        for name, value in self.network.state_dict().items()})
        fields = {"format": FORMAT} | dataclasses.asdict(self.config)
        config = json.dumps(fields, indent=1).encode()
        for name, written in ((WEIGHTS, content), (CONFIG, config)):
            with written_whole(target / name) as path:
                path.write_bytes(written)
        return hashlib.sha256(content).hexdigest()

    def frames(self, video: Iterable[np.ndarray], size: tuple[int, int]) -> Iterator[np.ndarray]:
        """Frames (row, column, 3) uint8, one after another, at `size` = (rows, columns).

        Raises
        ------
        InputError : not frames, or a size that is not larger.
        """
        for frame in video:
            yield self.frame(frame, size)

    @torch.inference_mode()
    def frame(self, frame: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """One frame (row, column, 3) uint8 at `size`."""
        if frame.ndim != 3 or frame.shape[-1] != 3 or frame.dtype != np.uint8:
            raise InputError(f"a frame has shape {frame.shape}, dtype {frame.dtype}; give "
                             "(row, column, 3) uint8")
        x = torch.from_numpy(np.ascontiguousarray(frame)).permute(2, 0, 1)[None].float() / 255
        x = x.contiguous(memory_format=torch.channels_last)
        for _ in range(doublings(frame.shape[:2], size)):
            with torch.autocast("cpu", torch.bfloat16, enabled=compute.in_bfloat16()):
                learned = self.network.departure(x)
            x = faithful(bicubic(x, 2) + learned.float(), x).clamp(0, 1)
        if tuple(x.shape[2:]) != tuple(size):
            shrinks = x.shape[2] > size[0]
            x = F.interpolate(x, size=size, mode="bicubic", align_corners=False,
                              antialias=shrinks).clamp(0, 1)
        found: np.ndarray = x[0].permute(1, 2, 0).mul(255).round().to(torch.uint8).numpy()
        return found


def doublings(before: tuple[int, int], after: tuple[int, int]) -> int:
    """How often a picture is doubled to come nearest to a size, in octaves.

    Raises
    ------
    InputError : the size is smaller, of another shape by more than 3%, or beyond reach.
    """
    rows, columns = after[0] / before[0], after[1] / before[1]
    if min(rows, columns) < 1:
        raise InputError(f"{after} is smaller than {before}; this stage enlarges")
    if abs(rows / columns - 1) > 0.03:
        raise InputError(f"{before} and {after} are of different shape; ask for a video of the "
                         "shape that is wanted in the first place")
    count = round(math.log2(rows))
    if count > MOST_DOUBLINGS:
        raise InputError(f"{after} is more than {2**MOST_DOUBLINGS} times {before}; begin larger")
    return count
