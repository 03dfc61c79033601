"""``worldsim inspect``: what in a video breaks physics, when, and how sure that is."""

from __future__ import annotations

import dataclasses
import json
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from worldsim.cli.flags import parse, parse_with_scenario
from worldsim.errors import InputError
from worldsim.scenario import Scenario, scenario_class

if TYPE_CHECKING:
    from worldsim.inspection import Finding, Inspection
    from worldsim.video_reading import Video

VERB = "worldsim inspect"
ABOUT = ("List what in a video breaks physics. A video of one of the scenarios is held against its "
         "gravity as well: `--scenario NAME`, and its parameters.")
WIDTH = 80


@dataclasses.dataclass(frozen=True)
class Options:
    video: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="VIDEO")]
    """A video file of any kind that ffmpeg reads."""
    camera: Annotated[str, tyro.conf.arg(metavar="NAME")] = ""
    """The scenario's view that the video is taken from; its first one by default."""
    json: bool = False
    """Print JSON."""


@dataclasses.dataclass(frozen=True)
class PlainOptions(Options):
    scenario: Annotated[str, tyro.conf.arg(metavar="NAME")] = ""
    """The scenario that the video is of; its parameters are then options, too."""


def main(args: Sequence[str]) -> int:
    """Inspect a video; the exit status is 0 whatever is found."""
    name, rest = _scenario_of(args)
    scenario: Scenario | None = None
    if name:
        scenario, options = parse_with_scenario(
            Options, [name, *rest], verb=f"{VERB} VIDEO --scenario", description=ABOUT)
    else:
        options = parse(PlainOptions, args, command=VERB, description=ABOUT)
        if options.camera:
            raise InputError(f"--camera {options.camera}: say of which scenario, by --scenario")

    from worldsim.inspection import inspect
    from worldsim.video_reading import read_video

    video = read_video(options.video)
    found = inspect(video.frames, video.fps, scenario=scenario, camera=options.camera or None)
    print(_as_json(options.video, video, found) if options.json
          else _in_words(options.video, video, found))
    return 0


def _scenario_of(args: Sequence[str]) -> tuple[str, list[str]]:
    """The scenario's name, and the other arguments."""
    rest = list(args)
    for at, token in enumerate(rest):
        if token.startswith("--scenario="):
            name = token.partition("=")[2]
            del rest[at]
        elif token == "--scenario":
            if at + 1 == len(rest):
                raise InputError(f"--scenario: name one; {VERB} VIDEO --scenario free_fall")
            name = rest[at + 1]
            del rest[at : at + 2]
        else:
            continue
        scenario_class(name)  # refuses what does not exist
        return name, rest
    return "", rest


def _as_json(path: Path, video: Video, found: Inspection) -> str:
    table: dict[str, Any] = {
        "video": str(path), "frames": len(video.frames), "fps": video.fps,
        "rows": video.frames.shape[1], "columns": video.frames.shape[2],
        "notes": list(video.notes), "objects": found.objects,
        "findings": [dataclasses.asdict(one) for one in found.findings],
        "untold": list(found.untold),
    }
    return json.dumps(table, indent=2)


def _in_words(path: Path, video: Video, found: Inspection) -> str:
    rows, columns = video.frames.shape[1:3]
    lines = _wrapped(f"{path.name}: {len(video.frames)} frames of {rows} x {columns} px at "
                     f"{video.fps:g} frames/s; {_counted(found.objects, 'object')} followed")
    for note in video.notes:
        lines += _wrapped(f"note: {note}")
    lines.append("")
    if found.findings:
        lines += [f"{_counted(len(found.findings), 'violation')} of physics:", ""]
        for one in found.findings:
            lines += _told(one)
    elif found.objects:
        lines.append("nothing that breaks physics")
    else:
        lines.append("nothing can be said of it")
    if found.untold:
        lines += ["", "not looked for:"]
        for text in found.untold:
            lines += _wrapped(f"- {text}", "  ")
    return "\n".join(lines)


def _told(one: Finding) -> list[str]:
    from worldsim.inspection.finding import percent

    head = f"{one.time:6.2f} s  "
    place = (f"(frame {one.frame:.1f}, row {one.place[0]:.0f}, column {one.place[1]:.0f}; "
             f"{percent(one.sure)} of true videos show nothing as marked)")
    return _wrapped(f"{head}{one.kind}: {one.sentence()} {place}", " " * len(head))


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _wrapped(text: str, indent: str = "  ") -> list[str]:
    # Drop no leading blanks: they align the times.
    return textwrap.wrap(text, WIDTH, subsequent_indent=indent, drop_whitespace=True) if (
        not text.startswith(" ")) else textwrap.wrap(text.replace("\n", " "), WIDTH,
                                                     subsequent_indent=indent)
