"""Contact sheets: strips of frames over time, one under the other, with words that can be read."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from worldsim.errors import InputError

PAPER, INK, PALE = (255, 255, 255), (20, 20, 20), (95, 95, 95)
TEXT = 13
"""px; height of the letters' font."""

LINE = 18
"""px; height of a line of text."""

MARGIN, GAP = 12, 4
"""px; around the sheet, and between frames."""

LEAST_TILE = 96
"""px; the shorter side of a frame on the sheet: smaller ones are enlarged, pixel by pixel."""


@dataclasses.dataclass(frozen=True)
class Strip:
    """One line of frames.

    label : what is written beside it, e.g. the camera. frames : (time, row, column, 3) uint8.
    times : (time,) s, written above each frame. heading : written above the strip, if any.
    """

    label: str
    frames: np.ndarray
    times: Sequence[float]
    heading: str = ""

    def __post_init__(self) -> None:
        if self.frames.ndim != 4 or self.frames.shape[-1] != 3 or not self.frames.size:
            raise InputError(f"frames of shape {self.frames.shape}; give (time, row, column, 3)")
        if len(self.times) != len(self.frames):
            raise InputError(f"{len(self.times)} times for {len(self.frames)} frames")


def contact_sheet(title: str, strips: Sequence[Strip]) -> np.ndarray:
    """A title and strips of frames as one picture (row, column, 3) uint8.

    Raises
    ------
    InputError : no strips.
    """
    if not strips:
        raise InputError("a contact sheet needs one strip of frames or more")
    font, bold = ImageFont.load_default(TEXT), ImageFont.load_default(TEXT + 4)
    beside = MARGIN + max(int(font.getlength(strip.label)) for strip in strips)
    tiles = [_tiles(strip.frames) for strip in strips]
    # Times are written above a strip's frames, whose columns must be wide enough for them.
    columns = [max(shown.shape[2], int(font.getlength(_time(strip.times[-1]))) + GAP)
               for strip, shown in zip(strips, tiles, strict=True)]
    inner = max(beside + len(shown) * (column + GAP) - GAP
                for shown, column in zip(tiles, columns, strict=True))
    headings = [_wrapped(strip.heading, font, inner) for strip in strips]
    titled = _wrapped(title, bold, inner)
    height = MARGIN + (LINE + 4) * len(titled) + MARGIN + sum(
        LINE * (len(heading) + 1) + shown.shape[1] + 2 * GAP
        for heading, shown in zip(headings, tiles, strict=True))
    sheet = Image.new("RGB", (inner + 2 * MARGIN, height), PAPER)
    pen = ImageDraw.Draw(sheet)
    y = MARGIN
    for line in titled:
        pen.text((MARGIN, y), line, fill=INK, font=bold)
        y += LINE + 4
    for strip, heading, shown, column in zip(strips, headings, tiles, columns, strict=True):
        for line in heading:
            pen.text((MARGIN, y), line, fill=INK, font=font)
            y += LINE
        pen.text((MARGIN, y + LINE), strip.label, fill=PALE, font=font)
        for k, (tile, t) in enumerate(zip(shown, strip.times, strict=True)):
            x = MARGIN + beside + k * (column + GAP)
            pen.text((x, y), _time(t), fill=PALE, font=font)
            sheet.paste(Image.fromarray(tile), (x, y + LINE))
        y += LINE + shown.shape[1] + 2 * GAP
    return np.asarray(sheet)


def evenly(count: int, of: int) -> np.ndarray:
    """So many places among `of`, the first and the last included, as evenly as they come."""
    return np.unique(np.rint(np.linspace(0, of - 1, min(count, of))).astype(int))


def _time(t: float) -> str:
    return f"{t:.2f} s"


def _tiles(frames: np.ndarray) -> np.ndarray:
    """Frames whose pixels are squares of so many that the shorter side can be seen."""
    zoom = -(-LEAST_TILE // min(frames.shape[1:3]))
    return frames.repeat(zoom, axis=1).repeat(zoom, axis=2)


def _wrapped(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
             width: int) -> list[str]:
    """Lines of words that are no wider than `width` px."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
