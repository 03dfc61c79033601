"""Where bodies are said to be: ``python records/training/foreseen.py CHECKPOINT SCENARIO…``.

Prints the mean error, in metres, of said positions in 16 cases over the second after five known
frames, its ratio to that of the last known positions held, the error of the reading itself, and the
errors a quarter, a half and a whole second after the known frames; with states told exactly where
all cases have a body, and with all states read off the picture.
"""

import dataclasses
import sys

import numpy as np

from evaluation.reading import reading_of
from worldsim.diffusion.dreaming import Dream
from worldsim.diffusion.model import VideoDiffusion
from worldsim.diffusion.observables import BODIES, known_states, record_states
from worldsim.diffusion.reading import matched
from worldsim.diffusion.states_first import foresee, read
from worldsim.model_registry import load_model
from worldsim.query import query
from worldsim.scenario import scenario_class
from worldsim.simulator.world import simulate
from worldsim.splits import Purpose, Split, draw, seed_for

SEED = seed_for(Purpose.VALIDATION, 12)
KNOWN, FRAMES, CASES = 5, 25, 16


def errors(model: VideoDiffusion, name: str, told: bool) -> tuple[np.ndarray, np.ndarray]:
    """(frame,) m, of the model and of the last known positions held."""
    cls = scenario_class(name)
    cases = [draw(cls, Split.IN_RANGE, SEED, case) for case in range(CASES)]
    truth = simulate(cases, seed=SEED, duration=1.3)
    question = query(cases, context=truth, frames=KNOWN, cameras=(reading_of(name).camera,),
                     duration=FRAMES / cls.fps)
    if told:
        states = known_states(truth, KNOWN, cls.fps)
        question = dataclasses.replace(question, states=states)
    parameters, _ = model._check(question)
    every = record_states(truth)["states"][:, :FRAMES, :BODIES, :3]
    found, held = [], []
    for case in range(CASES):
        dream = Dream(model, question, parameters, case, 0)
        if read(dream, 0, FRAMES, 0):
            dream.noise = model.config.sampler.reading_noise
        foresee(dream, 0, FRAMES, FRAMES, 0, own=False)
        said = dream.said()[:, :BODIES, :3]
        true = every[case][:, np.isfinite(every[case, 0, :, 0])]
        # A body that is said not to be there counts as one in the picture's middle.
        said = np.where(np.isfinite(said), said, dream.subject.entities[0].centre[:3])
        said = said[:, matched(said[KNOWN - 1], true[KNOWN - 1])]
        found.append(np.linalg.norm(said - true, axis=-1).mean(1))
        held.append(np.linalg.norm(true - true[KNOWN - 1], axis=-1).mean(1))
    return np.mean(found, axis=0), np.mean(held, axis=0)


def main(source: str, names: list[str]) -> None:
    """Print a line for every scenario, told and read."""
    model = load_model(source)
    assert isinstance(model, VideoDiffusion)
    for name in names:
        for told in (True, False):
            found, held = errors(model, name, told)
            print(f"{name} {'told' if told else 'read'}: {found[KNOWN:].mean():.4f} m, over frozen "
                  f"{found[KNOWN:].mean() / held[KNOWN:].mean():.2f}, reading "
                  f"{found[:KNOWN].mean():.4f} m; after 0.25, 0.5, 1 s "
                  + ", ".join(f"{found[KNOWN - 1 + k]:.3f}" for k in (5, 10, 20)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
