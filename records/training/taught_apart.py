"""A trial that is not shipped (runs 20 to 23): ``python records/training/taught_apart.py DIR``.

Makes what is missing in DIR, and trains from the weights of run 19, DIR/19 (`worldsim-many`): first
the laws anew and alone, then everything, the laws still by themselves; then both once more. At the
time laws were taught up to 0.6 s from known states, and in runs 20 and 21 bodies were drawn from
any instant on alike (`from_start` counted for nothing). Two cores need an hour and three quarters,
a seventh of it to simulate.
"""

import dataclasses
import sys
from pathlib import Path

from lawful import MOST
from rigid import make
from swinging import CHECKED, UNFILMED, load

from worldsim.cli.train import physical_validation
from worldsim.diffusion.objective import Emphasis
from worldsim.diffusion.presets import small
from worldsim.diffusion.training import train


def main(root: Path) -> None:
    """Make and train."""
    make(root, MOST, UNFILMED, pushed=(0.25, 0.35), first=(3000, 60_000))
    base = dataclasses.replace(small(), objective=dataclasses.replace(
        small().objective, others=Emphasis(moving=4.0, changed=1.0)))
    checks = physical_validation(CHECKED, (), lambda _: None)
    alone = dataclasses.replace(base.batch, paths=0.0, readings=0.0, laws=1.0)
    train(dataclasses.replace(base, batch=alone, minutes=9.0, decay=1.0, learning_rate=4e-3,
                              betas=(0.9, 0.98)),
          load(root, 20), root / "20", init=root / "19")
    batch = dataclasses.replace(base.batch, paths=0.45, readings=0.12, laws=0.08, joint=0.03)
    train(dataclasses.replace(base, batch=batch, minutes=56.0, decay=0.7,
                              validation_minutes=22.0),
          load(root, 240), root / "21", init=root / "20",
          validate=checks)
    train(dataclasses.replace(base, batch=alone, minutes=8.0, decay=1.0, learning_rate=4e-3,
                              betas=(0.9, 0.98)),
          load(root, 20), root / "22", init=root / "21")
    batch = dataclasses.replace(base.batch, paths=0.55, readings=0.09, laws=0.0, joint=0.02)
    train(dataclasses.replace(base, batch=batch, minutes=10.0, decay=1.0, learning_rate=6e-4,
                              validation_minutes=60.0),
          load(root, 240), root / "23", init=root / "22", validate=checks)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
