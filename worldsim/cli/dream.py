"""``worldsim dream``: ask a world model in any of its modes, and look at the answer."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import tyro

from worldsim.cli.flags import parse
from worldsim.errors import InputError

if TYPE_CHECKING:
    import xarray as xr

    from worldsim.query import Query
    from worldsim.world_model import WorldModel

VERB = "worldsim dream"

MODES = {
    "parameters": "nothing known but --set",
    "text": "nothing known but a caption: worldsim dream text \"a pendulum of length 0.9\"",
    "continue": "the first frames known",
    "extend": "a video made longer at its end",
    "extend-backward": "a video made longer at its beginning",
    "interpolate": "one frame at either end",
    "connect": "the frames before and after a gap",
    "inpaint": "all but a box in the middle of the picture",
    "combine": "the left half of one video, the right half of another",
    "edit": "a whole video, changed by --strength, e.g. to another --set",
    "loop": "a video that ends as it begins",
    "shots": "two cameras of one event, cut into one film",
    "states": "the states of bodies known: the video is driven by them",
    "read-off": "a whole video known: its states are asked for",
    "stream": "frame by frame without end, here for --seconds",
}

OUTPUTS = ("dream.zarr", "dream.mp4", "sheet.png")


@dataclasses.dataclass(frozen=True)
class Options:
    mode: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="MODE")]
    """What is known; see above."""
    about: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="SCENARIO|TEXT")]
    """The scenario; in mode text the caption, in quotes."""
    out: Annotated[Path, tyro.conf.arg(metavar="DIR")]
    """Directory of the answer: dream.zarr, dream.mp4 and a contact sheet."""
    model: Annotated[str, tyro.conf.arg(metavar="NAME")] = "worldsim-small"
    """The world model, or a directory that `worldsim train` wrote. worldsim-small is packaged: it
    knows the tsunami and seventeen other scenarios."""
    video: Annotated[Path | None, tyro.conf.arg(metavar="MP4")] = None
    """The known video, at the scenario's size and rate; simulated with --set and --seed by
    default."""
    other: Annotated[Path | None, tyro.conf.arg(metavar="MP4")] = None
    """The second video of connect and combine; simulated by default."""
    set: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME=VALUE")] = ()
    """Parameters to tell; what is not told is marginalised over. Of a simulated video those that it
    was simulated with are told, and these replace them."""
    seconds: Annotated[float, tyro.conf.arg(metavar="s")] = 1.0
    """How much to dream."""
    frames: Annotated[int, tyro.conf.arg(metavar="N")] = 5
    """Known frames where a mode knows some."""
    strength: float = 0.6
    """Of edit: 0 keeps the video, 1 begins from nothing."""
    cameras: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME")] = ()
    """The views; the scenario's main one by default."""
    fps: Annotated[float | None, tyro.conf.arg(metavar="1/s")] = None
    """Frames per second; the scenario's by default."""
    size: Annotated[tuple[int, int] | None, tyro.conf.arg(metavar="ROWS COLUMNS")] = None
    """Size of the video [px]; the scenario's by default."""
    members: Annotated[int, tyro.conf.arg(metavar="N")] = 1
    """Independent answers."""
    steps: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Evaluations per window (of a stream: per group of frames)."""
    causal: bool = False
    """No frame sees later ones."""
    guidance: float = 1.0
    """Above 1 exaggerates what telling the parameters changes."""
    seed: Annotated[int, tyro.conf.arg(metavar="N")] = 0
    """Of the answer, and of what is simulated for it."""


def main(args: Sequence[str]) -> int:
    """Ask, and write the answer."""
    width = max(map(len, MODES))
    modes = "\n".join(f"  {name:<{width}}  {meaning}" for name, meaning in MODES.items())
    options = parse(Options, args, command=VERB, description=(
        f"Ask a world model in one of its modes.\n\n{modes}"))
    _check(options)
    from worldsim.cli.progress import Stages
    from worldsim.model_registry import load_model
    from worldsim.rollout import save, software_versions
    from worldsim.run_directory import RunDirectory

    fields = {name: value for name, value in dataclasses.asdict(options).items() if name != "out"}
    definition = {"dream": {name: str(value) if isinstance(value, Path) else
                            list(value) if isinstance(value, tuple) else value
                            for name, value in fields.items()}}
    run = RunDirectory.claim(options.out, definition, OUTPUTS)
    if all(run.has(name) for name in OUTPUTS):
        print(f"already there: {run.at('dream.mp4')}")
        return 0
    model = _sampled(load_model(options.model), options)
    stages = Stages(1)
    with stages.stage("dream"):
        query, videos, rollout = _answer(model, options)
    with run.opened(f"{VERB} {shlex.join(args)}", software_versions()):
        if rollout is not None:
            with run.producing("dream.zarr") as path:
                save(rollout, path)
        _show(run, options, query, videos)
    print(f"film: {run.at('dream.mp4')}")
    print(f"look at it: {run.at('sheet.png')}")
    if rollout is not None:
        print(f"in Python: worldsim.open({str(run.at('dream.zarr'))!r})")
    return 0


def _check(options: Options) -> None:
    if options.mode not in MODES:
        import difflib

        near = difflib.get_close_matches(options.mode, MODES, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(MODES)}"
        raise InputError(f"unknown mode {options.mode!r}; {hint}")
    if not options.seconds > 0 or options.frames < 1 or options.members < 1 or options.seed < 0:
        raise InputError("--seconds, --frames and --members must be above 0, --seed not below")
    for path in (options.video, options.other):
        if path is not None and not path.is_file():
            raise InputError(f"{path} is not a file")


def _sampled(model: WorldModel, options: Options) -> WorldModel:
    """The model with the options' sampler settings."""
    changes: dict[str, Any] = {}
    if options.causal:
        changes["causal"] = True
    if options.guidance != 1:
        changes["guidance"] = options.guidance
    if options.steps is not None:
        changes["steps"] = options.steps
    if not changes:
        return model
    if not hasattr(model, "with_sampler"):
        raise InputError(f"{model.name} has no sampler; leave out --steps, --causal, --guidance")
    sampled: WorldModel = model.with_sampler(**changes)
    return sampled


def _answer(model: WorldModel, options: Options,
            ) -> tuple[Query, dict[str, np.ndarray], xr.DataTree | None]:
    """The query, the videos by camera (member, time, row, column, 3), and the rollout."""
    from worldsim.cli.dream_questions import question

    query, plan = question(options)
    if options.mode == "stream":
        return _streamed(model, query, options)
    return _rolled(model, query, plan)


def _rolled(model: WorldModel, query: Query, plan: Any,
            ) -> tuple[Query, dict[str, np.ndarray], xr.DataTree]:
    from worldsim import modes

    rollout = model.rollout(query)
    videos = {camera: rollout[f"video/{camera}/rgb"].values[0] for camera in query.cameras}
    if plan is not None:
        videos = {"shots": modes.cut(videos, plan, query.fps)}
    return query, videos, rollout


def _streamed(model: WorldModel, query: Query, options: Options,
              ) -> tuple[Query, dict[str, np.ndarray], None]:
    stream = model.start(query)
    pieces: list[dict[str, np.ndarray]] = []
    while sum(next(iter(piece.values())).shape[2] for piece in pieces) < query.frames:
        pieces.append(stream.step())
    return query, {camera: np.concatenate([piece[camera][0] for piece in pieces], 1)
                   for camera in query.cameras}, None


def _show(run: Any, options: Options, query: Query, videos: dict[str, np.ndarray]) -> None:
    """Write the film and the contact sheet of all members and cameras."""
    from PIL import Image

    from worldsim.camera.contact_sheet import Strip, contact_sheet
    from worldsim.video_file import write_mp4

    rows = [np.concatenate([film[member] for film in videos.values()], axis=2)
            for member in range(next(iter(videos.values())).shape[0])]
    film = np.concatenate(rows, axis=1)
    with run.producing("dream.mp4") as path:
        write_mp4(path, film, query.fps, scale=max(1, 256 // film.shape[1]))
    frames = next(iter(videos.values())).shape[1]
    chosen = np.unique(np.linspace(0, frames - 1, 10).round().astype(int))
    strips = [Strip(f"{camera} {member + 1}" if options.members > 1 else camera,
                    video[member][chosen], (chosen / query.fps).tolist())
              for camera, video in videos.items() for member in range(len(video))]
    title = f"{options.mode}: {options.about}"
    with run.producing("sheet.png") as path:
        Image.fromarray(contact_sheet(title, strips)).save(path, format="PNG")
