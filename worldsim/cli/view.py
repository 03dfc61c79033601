"""``worldsim view``: a contact sheet of a scenario, a run, a rollout, training clips or a video."""

from __future__ import annotations

import dataclasses
import difflib
import json
import shlex
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from worldsim.cli.flags import parse, parse_with_scenario
from worldsim.cli.simulate import Where, drawn
from worldsim.errors import InputError, MembersFailed
from worldsim.scenario import list_scenarios

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr

    from worldsim.camera.contact_sheet import Strip
    from worldsim.scenario import Scenario

VERB = "worldsim view"
PICTURES = (".png", ".jpg", ".webp")
MOST_FRAMES, MOST_CASES, LARGEST = 24, 24, 1080


@dataclasses.dataclass(frozen=True)
class Options:
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Picture to write (.png, .jpg or .webp); named after what is shown, here, by default."""
    cases: Annotated[int, tyro.conf.arg(metavar="N")] = 3
    """Cases to show, at most."""
    frames: Annotated[int, tyro.conf.arg(metavar="N")] = 7
    """Instants of each case, from the first to the last."""
    cameras: Annotated[str, tyro.conf.arg(metavar="A,B")] = ""
    """Views to show, by name and separated by commas; those that world models see by default."""
    rows: Annotated[int, tyro.conf.arg(metavar="px")] = 128
    """Height of what is rendered from states; stored videos are shown as they are."""


@dataclasses.dataclass(frozen=True)
class ScenarioOptions(Options):
    seed: Annotated[int, tyro.conf.arg(metavar="N")] = 0
    """Seed of everything random."""
    split: Where = "given"
    """Where each case's parameters are from, as for `worldsim simulate`."""


@dataclasses.dataclass(frozen=True)
class PathOptions(Options):
    path: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="PATH")] = Path()
    """A run directory, a stored rollout (.zarr), a directory of training clips, or a video."""


def main(args: Sequence[str]) -> int:
    """Draw a contact sheet."""
    about = "Show a scenario, a run, a rollout, training clips or a video as a contact sheet."
    if args and (args[0] in list_scenarios() or not (args[0].startswith("-") or _is_path(args[0]))):
        _named(args[0], args[1:])
        scenario, options = parse_with_scenario(ScenarioOptions, args, verb=VERB, description=about)
        out = _checked(options, scenario.name)
        title, strips = _of_scenario(scenario, options)
    else:
        chosen = parse(PathOptions, args, command=VERB, description=(
            f"{about}\n\n`{VERB} SCENARIO` simulates one; `worldsim scenarios` lists them."))
        if not args or args[0].startswith("-"):
            raise InputError(f"name what to show first: {VERB} free_fall, {VERB} runs/a, or "
                             f"{VERB} video.mp4")
        out = _checked(chosen, chosen.path.resolve().stem)
        title, strips = _of_path(chosen)
    from PIL import Image

    from worldsim.atomic import written_whole
    from worldsim.camera.contact_sheet import contact_sheet

    sheet = contact_sheet(title, strips)
    with written_whole(out) as path:
        Image.fromarray(sheet).save(path)
    print(f"contact sheet: {out} ({sheet.shape[1]} x {sheet.shape[0]} px)")
    return 0


def _is_path(name: str) -> bool:
    return "/" in name or "." in name or Path(name).exists()


def _named(name: str, rest: Sequence[str]) -> None:
    """Refuse what is neither a scenario nor a path."""
    if name in list_scenarios():
        return
    near = difflib.get_close_matches(name, list_scenarios(), n=1)
    hint = f"did you mean `{VERB} {shlex.join([near[0], *rest])}`?" if near else (
        f"scenarios are {', '.join(list_scenarios())}")
    raise InputError(f"{name!r} is neither a scenario nor a file or directory here; {hint}")


def _checked(options: Options, name: str) -> Path:
    """Where to write; refuses what cannot be drawn."""
    for flag, value, least, most in (("cases", options.cases, 1, MOST_CASES),
                                     ("frames", options.frames, 1, MOST_FRAMES),
                                     ("rows", options.rows, 16, LARGEST)):
        if not least <= value <= most:
            raise InputError(f"--{flag} {value}: give {least} to {most}")
    out = options.out or Path(f"{name}.png")
    if out.suffix.lower() not in PICTURES:
        raise InputError(f"--out {out}: give a file name that ends in {', '.join(PICTURES)}")
    if out.is_dir():
        raise InputError(f"--out {out} is a directory; give a file name")
    return out


def _of_scenario(scenario: Scenario, options: ScenarioOptions) -> tuple[str, list[Strip]]:
    told = "" if options.split == "given" else f", split {options.split}"
    return (f"{scenario.name}: {scenario.summary} (simulated, seed {options.seed}{told})",
            simulated_strips(scenario, options))


def simulated_strips(scenario: Scenario, options: ScenarioOptions,
                     duration: float | None = None) -> list[Strip]:
    """Cases simulated now, one realization each."""
    from worldsim.cli import preflight
    from worldsim.simulator.world import simulate

    preflight.check_counts(options.cases, 1, options.seed)
    cases, seed = [scenario] * options.cases, options.seed
    if options.split != "given":
        seed, cases = drawn(scenario, options.split, options.seed, options.cases)
    views = cases[0].scene(seed, 0).cameras
    chosen = _chosen(options, views, scenario.film_cameras)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MembersFailed)  # headings say it
        truth = simulate(cases, seed=seed, duration=duration)
    return _strips(truth, chosen, options)


def _of_path(options: PathOptions) -> tuple[str, list[Strip]]:
    path = options.path
    if not path.exists():
        raise InputError(f"{path} does not exist; name a scenario ({', '.join(list_scenarios())}), "
                         "a run, a rollout, a directory of clips or a video")
    if path.is_file():
        return _of_video(path, options)
    if (path / "clips.json").is_file():
        return _of_clips(path, options)
    from worldsim.rollout import open as open_rollout

    stores = [path] if (path / "zarr.json").is_file() else [
        store for store in (path / "truth.zarr", path / "dream.zarr") if store.is_dir()]
    if not stores:
        raise InputError(f"{path} holds no truth.zarr, dream.zarr, clips.json or zarr.json; give a "
                         "run, a rollout or a directory of clips")
    strips, names = [], []
    for store in stores:
        with open_rollout(store) as rollout:
            known = list(rollout["video"].children) if "video" in rollout.children else []
            views = list(json.loads(rollout.attrs.get("cameras", "{}"))) or known
            default = known or _film_cameras(rollout, views)
            source = "" if len(stores) == 1 else f"{store.stem}, "
            strips += _strips(rollout, _chosen(options, views, default), options, source)
            made = rollout.attrs["model"] or rollout.attrs["kind"]
            names.append(f"{json.loads(rollout.attrs['scenario'])['name']}, {made}")
    return f"{path}: {'; '.join(names)}", strips


def _film_cameras(rollout: xr.DataTree, views: Sequence[str]) -> Sequence[str]:
    return [name for name in _scenario_of(rollout).film_cameras if name in views] or views


def _chosen(options: Options, views: Any, default: Sequence[str]) -> list[str]:
    """Names of the views to show."""
    if not options.cameras:
        return list(default)
    names = [name.strip() for name in options.cameras.split(",")]
    for name in names:
        if name not in views:
            raise InputError(f"--cameras {options.cameras}: there is no camera {name!r}; there "
                             f"are {', '.join(views)}")
    return names


def _strips(rollout: xr.DataTree, cameras: Sequence[str], options: Options,
            source: str = "") -> list[Strip]:
    """A strip for each case and camera of a rollout's first realization."""
    from worldsim.camera.contact_sheet import Strip

    strips = []
    for i, case in enumerate(rollout["case"].values[:options.cases]):
        heading = f"{source}case {case}{_failed(rollout, i)}: {_told(rollout, i)}"
        for k, camera in enumerate(cameras):
            frames, times = _film(rollout, i, camera, options)
            strips.append(Strip(camera, frames, times, "" if k else heading))
    return strips


def _film(rollout: xr.DataTree, case: int, camera: str,
          options: Options) -> tuple[np.ndarray, list[float]]:
    """Some frames of one case and when they are: rendered from states, or else as stored."""
    import numpy as np

    from worldsim.camera import render
    from worldsim.camera.contact_sheet import evenly

    if "bodies" in rollout.children and rollout.attrs["kind"] == "simulated":
        end = float(rollout["bodies"]["time"][-1])
        times = np.linspace(0.0, end, options.frames).round(3)
        rows, columns = _scenario_of(rollout).size
        size = (options.rows, options.rows * columns // rows)
        film = render(rollout, camera, size=size, times=times.tolist(),
                      cases=[int(rollout["case"][case])],
                      realizations=[int(rollout["realization"][0])])
        return film["rgb"].values[0, 0], times.tolist()
    video = rollout[f"video/{camera}"].dataset.isel(case=case, realization=0)
    video = video.isel(time=evenly(options.frames, video.sizes["time"]))
    return video["rgb"].values, video["time"].values.tolist()


def _scenario_of(rollout: xr.DataTree) -> type[Scenario]:
    """The class of a rollout of any version: looking at it is no measurement."""
    from worldsim.scenario import scenario_class

    return scenario_class(json.loads(rollout.attrs["scenario"])["name"])


def _told(rollout: xr.DataTree, case: int) -> str:
    """A case's parameters in words."""
    table = rollout["parameters"].dataset
    codes = {str(name): float(table[name][case]) for name in table.data_vars}
    return in_words(_scenario_of(rollout), codes)


def in_words(cls: type[Scenario], codes: dict[str, float]) -> str:
    """Parameters with units."""
    parts = []
    for name, code in codes.items():
        spec = cls.parameters()[name]
        value = spec.choices[int(code)] if spec.choices else f"{code:.3g}"
        unit = "" if spec.choices or spec.unit == "1" else f" {spec.unit}"
        parts.append(f"{name.replace('_', ' ')} {value}{unit}")
    return ", ".join(parts)


def _failed(rollout: xr.DataTree, case: int) -> str:
    if "audit" not in rollout.children or not bool(rollout["audit"]["failed"][case, 0]):
        return ""
    return " (FAILED its audit)"


def _of_video(path: Path, options: Options) -> tuple[str, list[Strip]]:
    from worldsim.camera.contact_sheet import Strip, evenly
    from worldsim.video_reading import read_mp4

    _chosen(options, (), ())
    frames, fps = read_mp4(path)
    at = evenly(options.frames, len(frames))
    rows, columns = frames.shape[1:3]
    title = f"{path.name}: {len(frames)} frames of {rows} x {columns} px, {fps:g} frames/s"
    return title, [Strip("", frames[at], (at / fps).tolist())]


def _of_clips(path: Path, options: Options) -> tuple[str, list[Strip]]:
    from worldsim.camera.contact_sheet import Strip, evenly
    from worldsim.diffusion.clip_files import read_case, stored_cases
    from worldsim.diffusion.clips import ClipManifest
    from worldsim.scenario import scenario_class

    manifest = ClipManifest.read(path)
    cls = scenario_class(manifest.scenario)
    at = evenly(options.frames, manifest.frames)
    strips = []
    for case in stored_cases(path)[:options.cases]:
        codes, arrays = read_case(path, case)
        heading = f"case {case}: {in_words(cls, codes)}"
        for k, camera in enumerate(_chosen(options, manifest.cameras, list(manifest.cameras))):
            strips.append(Strip(camera, arrays[camera][at], (at / manifest.fps).tolist(),
                                "" if k else heading))
    if not strips:
        raise InputError(f"{path} holds no finished case; make clips first")
    return f"{path}: training clips of {manifest.scenario}, split {manifest.split}", strips
