"""How `worldsim-many` was trained on (run 17): ``python records/training/lawful.py DIR``.

Makes what is missing in DIR, and trains from the weights of run 16, DIR/16. Two cores need an hour
and a half, a quarter of an hour of it to simulate.
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
    batch = dataclasses.replace(base.batch, paths=0.6, readings=0.2, joint=0.03)
    train(dataclasses.replace(base, batch=batch, minutes=66.0, decay=0.5,
                              validation_minutes=21.0),
          load(root, 240), root / "17", init=root / "16",
          validate=physical_validation(CHECKED, (), lambda _: None))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
