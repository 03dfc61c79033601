"""Several world models as one."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from tiny_model import MODEL, tiny_model

from evaluation.benchmark.subjects import identity
from worldsim.diffusion.growth import Growth
from worldsim.diffusion.model import VideoDiffusion
from worldsim.diffusion.repertoire import Repertoire
from worldsim.errors import InputError
from worldsim.model_registry import load_model
from worldsim.models.by_scenario import ByScenario
from worldsim.query import Query
from worldsim.world_model import Capabilities, knows


def both() -> ByScenario:
    """A model of water and one of balls."""
    water, ball = MODEL.repertoire.subjects
    models = []
    for subject in (water, ball):
        config = dataclasses.replace(
            MODEL, repertoire=Repertoire((subject,), MODEL.repertoire.cameras))
        network = config.network().eval()
        models.append(VideoDiffusion(config, network, "0" * 64, f"of {subject.name}"))
    return ByScenario(models, "both")


def asked(subject) -> Query:
    camera = next(iter(subject.cameras))
    return Query(scenario=subject.name, cases=1, realizations=1, parameters={}, cameras=(camera,),
                 size=subject.size, fps=subject.fps, duration=5 / subject.fps, seed=3)


def test_every_scenario_is_answered_by_the_model_that_knows_it():
    model = both()
    assert model.capabilities.scenarios == tuple(s.name for s in MODEL.repertoire.subjects)
    for subject, alone in zip(MODEL.repertoire.subjects, model.models, strict=True):
        assert knows(model, subject.name)
        query = asked(subject)
        answer = model.rollout(query)
        assert answer.attrs["model"] == alone.name == f"of {subject.name}"
        camera = query.cameras[0]
        wanted = alone.rollout(query)
        np.testing.assert_array_equal(answer[f"video/{camera}"]["rgb"],
                                      wanted[f"video/{camera}"]["rgb"])
        first = model.start(query).step()[camera]
        np.testing.assert_array_equal(first, alone.start(query).step()[camera])
    fewer = model.with_sampler(steps=1)
    assert [one.config.sampler.steps for one in fewer.models] == [1, 1]


def test_what_none_of_them_knows_is_refused():
    query = dataclasses.replace(asked(MODEL.repertoire.subjects[1]), scenario="gyroscope",
                                cameras=("side",))
    with pytest.raises(InputError, match=r"both was trained on .*, not on 'gyroscope'"):
        both().rollout(query)
    with pytest.raises(InputError, match="at least one"):
        ByScenario([], "none")
    anything = tiny_model()
    anything.capabilities = Capabilities()
    with pytest.raises(InputError, match="knows any scenario"):
        ByScenario([anything], "any")


def test_the_packaged_models_together_know_all_that_each_knows():
    model = load_model("worldsim")
    names = {name for one in model.models for name in one.capabilities.scenarios}
    assert set(model.capabilities.scenarios) == names and {"tsunami", "pendulum"} <= names
    assert model.model_of("tsunami").name == "worldsim-small"
    assert model.capabilities.states and model.capabilities.streaming


def test_fingerprints_differ_where_answers_do():
    """Weights, bounds and sampler, in any of the models; not what stands beside the answer."""
    model = both()
    first, second = model.models

    def changed(**changes) -> str:
        other = VideoDiffusion(dataclasses.replace(second.config, **changes), second.network,
                               second.sha256, second.name)
        return ByScenario([first, other], "both").fingerprint

    ball = dataclasses.replace(second.config.repertoire.subjects[0],
                               reach=((-1.0,) * 9, (1.0,) * 9))
    bounded = dataclasses.replace(second.config.repertoire, subjects=(ball,))
    retrained = VideoDiffusion(second.config, second.network, "1" * 64, second.name)
    seen = {model.fingerprint, changed(repertoire=bounded), model.with_sampler(steps=3).fingerprint,
            ByScenario([first, retrained], "both").fingerprint}
    assert len(seen) == 4
    assert model.fingerprint == both().fingerprint
    assert changed(growth=(Growth(0.0, None, 2.0, 1.5, 3.0),)) == model.fingerprint
    assert {identity(name).partition("-")[0] for name in ("worldsim-small", "worldsim-many",
                                                          "worldsim")}.isdisjoint({""})
