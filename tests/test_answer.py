"""A world model of one's own, as the README shows it, and what it is told when it answers badly."""

import re
from pathlib import Path

import numpy as np
import pytest

from worldsim.answer import generated_rollout
from worldsim.errors import InputError
from worldsim.query import Known, Query
from worldsim.world_model import WorldModel

README = Path(__file__).parents[1] / "README.md"


def asked(realizations: int = 2) -> Query:
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 255, (3, 5, 32, 48, 3), dtype=np.uint8)
    return Query(
        "tsunami",
        {"wave_height": np.array([2.0, 3.0, 4.0])},
        known=(Known("overhead", frames),),
        size=(32, 48),
        duration=4.0,
        cases=3,
        realizations=realizations,
    )


def test_the_readmes_own_model_answers_and_streams():
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), re.S)
    code = next(block for block in blocks if "class Still" in block)
    names: dict = {}
    exec(code, names)
    model = names["Still"]()
    assert isinstance(model, WorldModel)
    query = asked()
    answer = model.rollout(query)
    video = answer["video/overhead"]["rgb"]
    assert answer.attrs["kind"] == "generated" and answer.attrs["model"] == "still"
    assert video.shape == (3, 2, 20, 32, 48, 3)
    assert (video == query.known[0].video[:, None, -1:]).all()
    assert answer["parameters"]["wave_height"].values.tolist() == [2.0, 3.0, 4.0]
    stream = model.start(query)
    pieces = [stream.step()["overhead"] for _ in range(query.frames)]
    np.testing.assert_array_equal(np.concatenate(pieces, axis=2), video)
    with pytest.raises(StopIteration):
        stream.step()


def test_answers_of_another_shape_or_camera_are_refused():
    query = asked()
    video = np.zeros((3, 2, 20, 32, 48, 3), np.uint8)
    with pytest.raises(InputError, match=r"the query asks for \(3, 2, 20, 32, 48, 3\)"):
        generated_rollout(query, "mine", {"overhead": video[:, :, :10]})
    with pytest.raises(InputError, match="no camera 'roof'"):
        generated_rollout(query, "mine", {"roof": video})
