"""How one network came to know all scenarios (run 41): ``python records/training/one_model.py …``.

    python records/training/one_model.py DIR CLIPS MANY TOWN

Puts the layers of TOWN (run 40, the tsunami) beside those of MANY (run 39, seventeen others) as a
second expert, in DIR/init, and lets the tsunami learn apart, on the clips CLIPS, what goes with all
that it now shares with the others: how levels, durations and parameters are told, registers, how
states are read and said. Writes DIR/41, and DIR/shipped, in which the second expert's matrices
have eight bits. What is answered about the other scenarios stays as it was.
"""

import dataclasses
import sys
from pathlib import Path
from typing import Any

import torch

from worldsim.diffusion.apart import grown, own_weights
from worldsim.diffusion.checkpoint import ModelConfig, of_expert, read_config
from worldsim.diffusion.clips import load_clips
from worldsim.diffusion.model import VideoDiffusion
from worldsim.diffusion.presets import small
from worldsim.diffusion.repertoire import Repertoire
from worldsim.diffusion.training import train
from worldsim.diffusion.warm_start import carried_over, read_earlier

MINUTES = 20.0


def together(many: Path, town: Path) -> VideoDiffusion:
    """A network of both; the expert of the second was trained beside other weights than it meets
    here."""
    first, second = (read_config(directory) for directory in (many, town))
    known = grown(first.repertoire, second.repertoire.subjects, second.repertoire.cameras)
    transformer = dataclasses.replace(first.transformer, raw=(1,))  # as TOWN read them
    config = ModelConfig(transformer, known, (*first.samplers, *second.samplers),
                         growth=first.growth)
    network = config.network()
    state, _ = carried_over(read_earlier(many), config, network.state_dict())
    alone = ModelConfig(first.transformer, Repertoire(second.repertoire.subjects, known.cameras))
    theirs, _ = carried_over(read_earlier(town), alone, alone.network().state_dict())
    names = [subject.name for subject in second.repertoire.subjects]
    for name, rows in own_weights(network, known, names).items():
        if rows is None:
            state[name] = theirs[name.replace(of_expert(1), of_expert(0))]
            continue
        into, given = state[name], theirs[name]
        chosen = rows.flatten().nonzero().flatten().tolist()
        same = len(given) == len(into)  # of cameras and entities, of which both have all
        for place, row in enumerate(chosen):
            value = given[row if same else place]
            into[row][:len(value)] = value
    network.load_state_dict(state)
    account = first.training | {"earlier": runs_of(first, second)}
    return VideoDiffusion(dataclasses.replace(config, training=account), network.eval(), "")


def runs_of(first: ModelConfig, second: ModelConfig) -> list[dict[str, Any]]:
    """All runs before the first's last one, of both, those that they share once."""
    last = {name: value for name, value in second.training.items() if name != "earlier"}
    known = {run.get("cpu_seconds") for run in first.training["earlier"]}
    return [*first.training["earlier"], *(
        run for run in second.training["earlier"] if run.get("cpu_seconds") not in known), last]


def main(root: Path, clips: Path, many: Path, town: Path) -> None:
    """Join, train and pack."""
    if not (root / "init").is_dir():
        together(many, town).save_pretrained(root / "init")
    base = small()
    config = dataclasses.replace(
        base, apart=True, minutes=MINUTES, decay=0.8, learning_rate=4e-4, warmup=100,
        validation_minutes=10.0, batch=dataclasses.replace(base.batch, first_view=0.8))
    train(config, [load_clips(clips)], root / "41", init=root / "init")
    torch.set_grad_enabled(False)
    trained = VideoDiffusion.from_pretrained(root / "41")
    trained.save_pretrained(root / "shipped", compact=(1,))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
