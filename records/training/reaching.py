"""How far bodies go: ``python records/training/reaching.py DIR CHECKPOINT OUT``.

Simulates cases of every scenario without water in DIR, as training draws them, without pushes, and
writes to OUT the checkpoint with the lowest and highest numbers of bodies that they had. Those
trained from now on have them from their training data; `worldsim-many` was trained before.
"""

import dataclasses
import sys
from pathlib import Path

from worldsim.diffusion.clip_factory import generate_clips
from worldsim.diffusion.clips import load_clips
from worldsim.diffusion.model import VideoDiffusion
from worldsim.diffusion.observables import record_states
from worldsim.diffusion.training_clips import is_wet, reach_of
from worldsim.scenario import scenario_class
from worldsim.splits import Purpose, seed_for

SEED = seed_for(Purpose.TRAINING, 7)

CASES = range(300_000, 300_200)


def main(root: Path, source: str, out: Path) -> None:
    """Simulate and write."""
    model = VideoDiffusion.from_pretrained(source)
    subjects = []
    for subject in model.config.repertoire.subjects:
        if subject.foreseen and not is_wet(subject.entities):
            list(generate_clips(
                root / subject.name, subject.name, CASES, seed=SEED, cameras=(),
                duration=min(3.0, scenario_class(subject.name).duration), record=record_states))
            reach = reach_of(load_clips(root / subject.name), subject.entities)
            print(subject.name, *reach, flush=True)
            subject = dataclasses.replace(subject, reach=reach)
        subjects.append(subject)
    repertoire = dataclasses.replace(model.config.repertoire, subjects=tuple(subjects))
    VideoDiffusion(dataclasses.replace(model.config, repertoire=repertoire), model.network,
                   model.sha256).save_pretrained(out)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
