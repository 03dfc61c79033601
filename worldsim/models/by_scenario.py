"""Several world models as one: each is asked about the scenarios that it knows."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from worldsim.errors import InputError
from worldsim.world_model import Capabilities, Stream, WorldModel, check_capabilities, knows

if TYPE_CHECKING:
    import xarray as xr

    from worldsim.diffusion.model import VideoDiffusion
    from worldsim.query import Query

PACKAGED = ("worldsim-small", "worldsim-many")
"""What the model ``worldsim`` is made of."""


class ByScenario:
    """Answers as the first of its models that knows the scenario.

    Raises
    ------
    InputError : no models, or one that knows any scenario.
    """

    def __init__(self, models: Sequence[VideoDiffusion], name: str) -> None:
        self.models, self.name = tuple(models), name
        if not models:
            raise InputError("give at least one model")
        each = [model.capabilities for model in models]
        for model, can in zip(models, each, strict=True):
            if not (can.scenarios or can.scenario):
                raise InputError(f"{model.name} knows any scenario; ask it alone")

        def every(what: str) -> bool:
            return all(getattr(can, what) for can in each)

        def some(what: str) -> bool:
            return any(getattr(can, what) for can in each)

        scenarios = [name for can in each for name in can.scenarios or (can.scenario,)]
        self.capabilities = Capabilities(
            scenarios=tuple(dict.fromkeys(scenarios)), masks=every("masks"),
            any_size=every("any_size"), any_fps=every("any_fps"), streaming=every("streaming"),
            states=some("states"), drafts=every("drafts"), actions=some("actions"))

    @classmethod
    def packaged(cls) -> ByScenario:
        """Both packaged checkpoints."""
        from worldsim.diffusion.model import VideoDiffusion

        return cls([VideoDiffusion.from_pretrained(name) for name in PACKAGED], "worldsim")

    def model_of(self, scenario: str) -> VideoDiffusion:
        """The model that answers about a scenario.

        Raises
        ------
        InputError : none knows it.
        """
        for model in self.models:
            if knows(model, scenario):
                return model
        raise InputError(f"{self.name} was trained on {', '.join(self.capabilities.scenarios)}, "
                         f"not on {scenario!r}")

    @functools.cached_property
    def fingerprint(self) -> str:
        """16 digits that answers depend on, of all models."""
        each = " ".join(model.fingerprint for model in self.models)
        return hashlib.sha256(each.encode()).hexdigest()[:16]

    @functools.cached_property
    def sha256(self) -> str:
        """Of the weights of all models, in their order."""
        return hashlib.sha256("".join(one.sha256 for one in self.models).encode()).hexdigest()

    def with_sampler(self, **changes: Any) -> ByScenario:
        """The same models with other sampler settings."""
        return ByScenario([model.with_sampler(**changes) for model in self.models], self.name)

    def rollout(self, query: Query) -> xr.DataTree:
        """Answer a query; the attribute ``model`` says which of the models did."""
        return self._asked(query).rollout(query)

    def start(self, query: Query) -> Stream:
        """Begin to answer a query piece by piece."""
        return self._asked(query).start(query)

    def _asked(self, query: Query) -> WorldModel:
        check_capabilities(self, query)
        return self.model_of(query.scenario)
