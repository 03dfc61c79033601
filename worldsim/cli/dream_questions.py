"""The questions of ``worldsim dream``: what is known in every mode, and where it comes from."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from worldsim import modes
from worldsim.errors import InputError
from worldsim.scenario import scenario_class

if TYPE_CHECKING:
    import xarray as xr

    from worldsim.cli.dream import Options
    from worldsim.query import Query
    from worldsim.scenario import Scenario

Built = tuple["Query", list[tuple[float, str]] | None]
"""A question, and which camera to cut to when, if to several."""


def question(options: Options) -> Built:
    """What the options ask.

    Raises
    ------
    InputError : no such scenario, parameter or video, or a video of another rate or size.
    """
    if options.mode == "text":
        return modes.from_text(options.about, cameras=options.cameras or None,
                               duration=options.seconds, options=_extra(options)), None
    cls = scenario_class(options.about)
    cameras = options.cameras or cls.film_cameras[:2 if options.mode == "shots" else 1]
    return _BUILDERS[options.mode](Asked(options, cls, tuple(cameras)))


def _extra(options: Options) -> dict[str, Any]:
    return {"realizations": options.members, "seed": options.seed, "fps": options.fps,
            "size": options.size}


def values_of(texts: Sequence[str], cls: type[Scenario]) -> dict[str, Any]:
    """Parameters from ``name=value`` texts.

    Raises
    ------
    InputError : not of that form, or no such parameter.
    """
    values: dict[str, Any] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        name = name.strip().replace("-", "_")
        spec = cls.parameters().get(name)
        if not sign or spec is None:
            raise InputError(f"--set {text}: give NAME=VALUE with one of "
                             f"{', '.join(cls.parameters())}")
        try:
            values[name] = value.strip() if spec.choices else float(value)
        except ValueError:
            raise InputError(f"--set {text}: {value!r} is not a number") from None
    return values


@dataclasses.dataclass(frozen=True)
class Known:
    """Videos to start from by camera (time, row, column, 3), the parameters they were made with,
    and the simulated rollout, if they were."""

    films: dict[str, np.ndarray]
    parameters: dict[str, Any]
    truth: xr.DataTree | None


@dataclasses.dataclass(frozen=True)
class Asked:
    """The options, of a scenario and its cameras."""

    options: Options
    cls: type[Scenario]
    cameras: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.cls.name

    @property
    def fps(self) -> float:
        return self.options.fps or self.cls.fps

    @property
    def context(self) -> float:
        """s of known frames."""
        return self.options.frames / self.fps

    @property
    def common(self) -> dict[str, Any]:
        """What every mode of several cameras is told."""
        return {"cameras": self.cameras, "options": _extra(self.options)}

    def source(self, seconds: float, path: Path | None = None, case: int = 0) -> Known:
        """The video of a file, by default that of --video, or a simulated one."""
        path = path or (self.options.video if case == 0 else None)
        told = values_of(self.options.set, self.cls)
        if path is None:
            return self._simulated(seconds, case, told)
        from worldsim.video_reading import read_video

        video, size = read_video(path), self.options.size or self.cls.size
        if video.frames.shape[1:3] != size or abs(video.fps - self.fps) > 1e-3 * self.fps:
            raise InputError(
                f"{path} has {video.frames.shape[1]}x{video.frames.shape[2]} px at {video.fps:g} "
                f"frames/s; {self.name} is asked for at {size[0]}x{size[1]} px and {self.fps:g} "
                "frames/s (see --size and --fps)")
        return Known({self.cameras[0]: video.frames}, told, None)

    def _simulated(self, seconds: float, case: int, told: dict[str, Any]) -> Known:
        from worldsim.camera import render
        from worldsim.simulator.world import simulate
        from worldsim.splits import Purpose, Split, draw, seed_for

        seed = seed_for(Purpose.VALIDATION, self.options.seed)
        scenario = draw(self.cls, Split.IN_RANGE, seed, case)
        if self.options.mode != "edit":
            scenario = dataclasses.replace(scenario, **told)
        length = int(np.ceil(10 * seconds + 1e-6)) / 10
        truth = simulate([scenario], seed=seed, case_numbers=[case], duration=max(length, 0.1))
        frames, size = round(seconds * self.fps), self.options.size or self.cls.size
        films = {camera: render(truth, camera, size=size, fps=self.fps)["rgb"].values[
            0, 0, :frames] for camera in self.cameras}
        return Known(films, {**_seen(scenario), **told}, truth)


def _seen(scenario: Scenario) -> dict[str, Any]:
    declared = scenario.parameters()
    return {name: value for name, value in scenario.values().items() if declared[name].seen}


def _parameters(asked: Asked) -> Built:
    return modes.from_parameters(asked.name, duration=asked.options.seconds, **asked.common,
                                 **values_of(asked.options.set, asked.cls)), None


def _continue(asked: Asked) -> Built:
    known = asked.source(asked.context)
    films = {camera: film[:asked.options.frames] for camera, film in known.films.items()}
    return modes.continue_from(asked.name, films, duration=asked.context + asked.options.seconds,
                               **asked.common, **known.parameters), None


def _extend(asked: Asked) -> Built:
    known = asked.source(1.0)
    return modes.extend(asked.name, known.films, asked.options.seconds,
                        backward=asked.options.mode == "extend-backward", **asked.common,
                        **known.parameters), None


def _connect(asked: Asked) -> Built:
    options = asked.options
    count = 1 if options.mode == "interpolate" else options.frames
    if options.video is not None and options.other is not None:
        known, last = asked.source(0.1), asked.source(0.1, options.other)
        before = {c: film[-count:] for c, film in known.films.items()}
        after = {c: film[:count] for c, film in last.films.items()}
    else:
        known = asked.source(options.seconds + 2 * count / asked.fps)
        before = {c: film[:count] for c, film in known.films.items()}
        after = {c: film[-count:] for c, film in known.films.items()}
    return modes.connect(asked.name, before, after, options.seconds, **asked.common,
                         **known.parameters), None


def _inpaint(asked: Asked) -> Built:
    known = asked.source(asked.options.seconds)
    shape = next(iter(known.films.values())).shape[:3]
    unknown = np.zeros(shape, bool)
    _, rows, columns = shape
    unknown[asked.options.frames:, rows // 4:rows - rows // 4,
            columns // 4:columns - columns // 4] = True
    return modes.inpaint(asked.name, known.films, unknown, **asked.common,
                         **known.parameters), None


def _combine(asked: Asked) -> Built:
    options, camera = asked.options, asked.cameras[0]
    one = asked.source(options.seconds).films[camera]
    two = asked.source(options.seconds, options.other, 1).films[camera]
    frames = min(len(one), len(two))
    mask = np.zeros((frames, *one.shape[1:3]), bool)
    mask[:, :, mask.shape[2] // 2:] = True
    return modes.combine(asked.name, one[:frames], two[:frames], mask,
                         options=_extra(options)), None


def _edit(asked: Asked) -> Built:
    known = asked.source(asked.options.seconds)
    return modes.edit(asked.name, known.films, asked.options.strength,
                      options=_extra(asked.options), **known.parameters), None


def _loop(asked: Asked) -> Built:
    known = asked.source(asked.context)
    film = known.films[asked.cameras[0]][:asked.options.frames]
    return modes.loop(asked.name, film, asked.options.seconds, options=_extra(asked.options),
                      **known.parameters), None


def _shots(asked: Asked) -> Built:
    query, _ = _continue(asked)
    share = query.duration / len(asked.cameras)
    return modes.shots(query, asked.cameras), [
        (k * share, camera) for k, camera in enumerate(asked.cameras)]


def _states(asked: Asked) -> Built:
    from worldsim.diffusion.observables import known_states

    seconds = asked.context + asked.options.seconds
    known = asked.source(seconds)
    if known.truth is None:
        raise InputError("states are taken from a simulated case; leave out --video")
    films = {camera: film[:asked.options.frames] for camera, film in known.films.items()}
    states = known_states(known.truth, round(seconds * asked.fps), asked.fps)
    return modes.from_states(asked.name, states, images=films, duration=seconds, **asked.common,
                             **known.parameters), None


def _read_off(asked: Asked) -> Built:
    known = asked.source(asked.options.seconds)
    return modes.read_off(asked.name, known.films, options=_extra(asked.options),
                          **known.parameters), None


_BUILDERS: dict[str, Callable[[Asked], Built]] = {
    "parameters": _parameters, "continue": _continue, "extend": _extend,
    "extend-backward": _extend, "interpolate": _connect, "connect": _connect, "inpaint": _inpaint,
    "combine": _combine, "edit": _edit, "loop": _loop, "shots": _shots, "states": _states,
    "read-off": _read_off, "stream": _continue,
}
