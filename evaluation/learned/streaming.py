"""Streaming: frames per second, memory, and what is left of a scene after a thousand frames."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from evaluation.learned.asking import examined
from evaluation.reading import reading_of
from worldsim.diffusion.streaming import STEPS, EndlessStream

SCENE = "balls_in_box"
"""It never rests."""


def kept_floats(stream: EndlessStream) -> int:
    """Numbers that a stream of one member remembers."""
    return sum(tensor.numel() for memory in stream._members[0][0].memories
               for block in memory.blocks for tensor in block)


def coloured_share(frames: np.ndarray) -> np.ndarray:
    """Share of pixels (time,) of a saturated colour, as balls have."""
    spread = frames.max(axis=-1).astype(int) - frames.min(axis=-1)
    return np.asarray((spread > 60).mean(axis=(1, 2)))


def measure(model: Any, frames: int = 1000, steps: int = STEPS) -> dict[str, Any]:
    """Speed and endurance of one member's stream at the scenario's size."""
    one = examined(SCENE, 1)
    camera = reading_of(SCENE).camera
    stream = model.start(one.question, steps=steps)
    pieces: list[np.ndarray] = []
    seconds: list[float] = []
    memory: list[int] = []
    while sum(len(piece) for piece in pieces) < frames:
        began = time.perf_counter()
        piece = stream.step()[camera][0, 0]
        seconds.append(time.perf_counter() - began)
        pieces.append(piece)
        memory.append(kept_floats(stream))
    group = len(pieces[0])
    video = np.concatenate(pieces)
    share = coloured_share(video)
    motion = np.abs(np.diff(video.astype(int), axis=0)).mean(axis=(1, 2, 3))
    settled = np.array(seconds[10:])
    return {
        "scenario": SCENE, "size": list(video.shape[1:3]), "evaluations_per_group": steps,
        "frames_per_group": group, "frames": len(video),
        "frames_per_second": float(group / np.median(settled)),
        "slowest_group_s": float(settled.max()),
        "numbers_remembered": {"after_10_groups": memory[min(10, len(memory) - 1)],
                               "at_the_end": memory[-1]},
        "coloured_share": {str(at): float(share[max(0, at - 50):at].mean())
                           for at in (50, 200, 500, 1000) if at <= len(video)},
        "motion": {str(at): float(motion[max(0, at - 50):at].mean())
                   for at in (50, 200, 500, 1000) if at <= len(video)},
    }
