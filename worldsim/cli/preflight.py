"""What is checked before any simulation, so that no hour is lost to what could be known at once."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from worldsim.errors import InputError
from worldsim.scenario import Scenario
from worldsim.video_file import find_ffmpeg

STATE_BYTES_PER_MEMBER_SECOND = 1.0e6
"""Upper bound of stored states and small videos: 10 states/s of 6144 cells with three float32
fields, and the frames of two cameras, uncompressed."""

STEP = 0.2
"""s; the least common multiple of the steps of stored states (0.1 s) and frames (0.2 s)."""

FIXED_BYTES = 100e6
"""Full-size video, stills, reels, report, scores."""


def check_counts(cases: int, realizations: int, seed: int) -> None:
    """Refuse numbers of cases and realizations that cannot be run."""
    for name, value, least in (("cases", cases, 1), ("realizations", realizations, 1),
                               ("seed", seed, 0)):
        if value < least:
            raise InputError(f"--{name} {value}: give a whole number of at least {least}")


def check_duration(scenario: Scenario, duration: float | None, *, least: float) -> float:
    """The rollout's length in seconds: the scenario's own unless another is given."""
    if duration is None:
        return scenario.duration
    if not least <= duration <= scenario.duration:
        raise InputError(f"--duration {duration:g} s is outside the range of {scenario.name}; "
                         f"give {least:g} to {scenario.duration:g} s")
    if abs(duration / STEP - round(duration / STEP)) > 1e-9:
        raise InputError(f"--duration {duration:g} s is not a whole number of frames and stored "
                         f"states; give a multiple of {STEP:g} s")
    return duration


def check_ffmpeg() -> None:
    """Refuse when no ffmpeg can be found; the message says how to get one."""
    find_ffmpeg()


def check_room(out: Path, members: int, duration: float) -> None:
    """Refuse when the disk that would hold `out` has no room for the run."""
    needed = members * duration * STATE_BYTES_PER_MEMBER_SECOND + FIXED_BYTES
    existing = next(folder for folder in (out, *out.absolute().parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    if free < needed:
        raise InputError(f"{out} may need {needed / 1e9:.2f} GB and its disk has {free / 1e9:.2f} "
                         "GB free; free some room, choose another --out, or fewer realizations")


def check_trained_on(model: Any, scenario: Scenario) -> None:
    """Refuse a scenario that a model, or what a baseline has seen, does not know."""
    learned = getattr(model, "config", None) or getattr(model, "summary", None)
    known = getattr(learned, "scenario", scenario.name)
    if known != scenario.name:
        raise InputError(
            f"{model.name} was trained on {known!r}, not on {scenario.name!r}; simulate "
            f"it without a dream: worldsim simulate {scenario.name} --out DIR"
        )
