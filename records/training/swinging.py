"""How `worldsim-many` was trained on (runs 14 to 16): ``python records/training/swinging.py DIR``.

Makes what is missing in DIR, and trains in three runs from the weights of DIR/13, run 13's. Two
cores need two hours, half of them to simulate. While runs 14 and 15 went on the network and the
loss changed (`README.md` beside this file); this script says them as they are now.
"""

import dataclasses
import sys
from pathlib import Path

from rigid import make

from worldsim.cli.train import physical_validation
from worldsim.diffusion.clips import ClipSet, load_clips
from worldsim.diffusion.objective import Emphasis
from worldsim.diffusion.presets import small
from worldsim.diffusion.training import train

FILMED = {
    "free_fall": 400, "projectile": 400, "balls_in_box": 400, "collision": 400, "collisions": 240,
    "incline": 240, "occlusion": 240, "pendulum": 240, "double_pendulum": 240, "spring_mass": 240,
    "seesaw": 240, "gyroscope": 240, "dominoes": 240, "tower": 240, "granular_pour": 60,
    "floating": 40, "dam_break_block": 40}

UNFILMED = {
    "free_fall": 3200, "projectile": 2000, "balls_in_box": 2400, "collision": 2000,
    "collisions": 2000, "incline": 1200, "occlusion": 900, "pendulum": 1000,
    "double_pendulum": 1600, "spring_mass": 1200, "seesaw": 800, "gyroscope": 1000,
    "dominoes": 600, "tower": 600}
"""Cases of which only states are kept; they are numbered from 10,000."""

CHECKED = ("free_fall", "collision", "pendulum", "spring_mass", "balls_in_box")
"""Scenarios whose errors in metres are logged."""


def load(root: Path, most: int) -> list[ClipSet]:
    """At most so many filmed clips of a scenario, and all states."""
    return [load_clips(root / "clips" / name, most) for name in FILMED
            ] + [load_clips(root / "states" / name) for name in UNFILMED]


def main(root: Path) -> None:
    """Make and train."""
    make(root, FILMED, UNFILMED, pushed=(0.25, 0.35))
    base = dataclasses.replace(small(), objective=dataclasses.replace(
        small().objective, others=Emphasis(moving=4.0, changed=1.0)))
    checks = physical_validation(CHECKED, (), lambda _: None)
    paths = dataclasses.replace(base.batch, paths=1.0, readings=0.0)
    for name, before, minutes in (("14", "13", 15.0), ("15", "14", 17.0)):
        train(dataclasses.replace(base, batch=paths, minutes=minutes, decay=0.3,
                                  validation_minutes=7.0),
              load(root, 40), root / name, init=root / before, validate=checks)
    mixed = dataclasses.replace(base.batch, paths=0.4, readings=0.15, joint=0.04)
    train(dataclasses.replace(base, batch=mixed, minutes=21.0, decay=0.6, learning_rate=8e-4,
                              validation_minutes=8.0),
          load(root, 240), root / "16", init=root / "15", validate=checks)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
