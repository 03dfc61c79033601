"""What is checked before any simulation, so that no hour is lost to what could be known at once."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

from worldsim.errors import InputError
from worldsim.ffmpeg import find_ffmpeg
from worldsim.mechanics import MechanicalScene
from worldsim.scenario import Scenario
from worldsim.world_model import WorldModel, known_to, knows

STATE_BYTES_PER_MEMBER_SECOND = 1.0e6
"""Upper bound of stored states and small videos: 10 states/s of 6144 cells with three float32
fields, and the frames of two cameras, uncompressed."""

BODY_BYTES_PER_SECOND = 120 * 16 * 8
"""Upper bound of what is stored of a body: 120 states/s of 13 numbers, and its contacts."""

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
    # The least common multiple of a frame's time and of the simulator's unit of 0.1 s.
    step = 1 / math.gcd(10, round(scenario.fps))
    if abs(duration / step - round(duration / step)) > 1e-9:
        raise InputError(f"--duration {duration:g} s is not a whole number of frames and stored "
                         f"states; give a multiple of {step:g} s")
    return duration


def check_ffmpeg() -> None:
    """Refuse when no ffmpeg can be found; the message says how to get one."""
    find_ffmpeg()


def check_room(out: Path, members: int, duration: float, scene: Any) -> None:
    """Refuse when the disk that would hold `out` has no room for a run of such scenes."""
    rate = STATE_BYTES_PER_MEMBER_SECOND
    if isinstance(scene, MechanicalScene):
        rate = len(scene.bodies) * BODY_BYTES_PER_SECOND
    needed = members * duration * rate + FIXED_BYTES
    existing = next(folder for folder in (out, *out.absolute().parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    if free < needed:
        raise InputError(f"{out} may need {needed / 1e9:.2f} GB and its disk has {free / 1e9:.2f} "
                         "GB free; free some room, choose another --out, or fewer realizations")


def check_trained_on(model: WorldModel, scenario: Scenario) -> None:
    """Refuse a scenario that a model, or what a baseline has seen, does not know."""
    if not knows(model, scenario.name):
        raise InputError(
            f"{model.name} was trained on {', '.join(known_to(model))}, not on "
            f"{scenario.name!r}; {_without_a_dream(scenario)}"
        )


def check_scored(scenario: Scenario, seed: int) -> None:
    """Refuse a scenario that no scores are made for."""
    from evaluation.observe import has_town

    if not has_town(scenario.scene(seed, 0)):
        raise InputError(
            f"scores and reports are about towns that a tsunami meets, which {scenario.name!r} "
            f"is not; {_without_a_dream(scenario)}"
        )


def _without_a_dream(scenario: Scenario) -> str:
    return f"simulate it without a dream: worldsim simulate {scenario.name} --out DIR"
