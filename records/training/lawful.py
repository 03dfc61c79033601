"""How `worldsim-many` was trained on (runs 17 to 19): ``python records/training/lawful.py DIR``.

Makes what is missing in DIR, and trains from the weights of run 16, DIR/16: first the laws alone,
then everything. Two cores need an hour, a quarter of it to simulate. While run 18 went on, small
departures were not left out yet, and it was stopped after 10 minutes for run 19.
"""

import dataclasses
import sys
from pathlib import Path

from rigid import make
from swinging import CHECKED, FILMED, UNFILMED, load

from worldsim.cli.train import physical_validation
from worldsim.diffusion.objective import Emphasis
from worldsim.diffusion.presets import small
from worldsim.diffusion.training import train

MOST = {name: min(count, 240) for name, count in FILMED.items()}


def main(root: Path) -> None:
    """Make and train."""
    make(root, MOST, UNFILMED, pushed=(0.25, 0.35), first=(1000, 20_000))
    make(root, {}, UNFILMED, pushed=(0.25, 0.35), first=(2000, 40_000))
    base = dataclasses.replace(small(), objective=dataclasses.replace(
        small().objective, others=Emphasis(moving=4.0, changed=1.0)))
    checks = physical_validation(CHECKED, (), lambda _: None)
    alone = dataclasses.replace(base.batch, paths=0.0, readings=0.0, laws=1.0)
    train(dataclasses.replace(base, batch=alone, minutes=5.0, decay=0.6, learning_rate=4e-3),
          load(root, 20), root / "17", init=root / "16")
    batch = dataclasses.replace(base.batch, paths=0.4, readings=0.12, laws=0.3, joint=0.03)
    train(dataclasses.replace(base, batch=batch, minutes=20.0, decay=0.75,
                              validation_minutes=60.0),
          load(root, 240), root / "18", init=root / "17")
    train(dataclasses.replace(base, batch=batch, minutes=11.0, decay=1.0, learning_rate=8e-4,
                              validation_minutes=60.0),
          load(root, 240), root / "19", init=root / "18", validate=checks)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
