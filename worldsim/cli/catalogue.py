"""The catalogue: one page, generated from the scenarios' declarations, that needs nothing else."""

from __future__ import annotations

import base64
import dataclasses
import inspect
import io
from collections.abc import Callable, Sequence
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from PIL import Image

from worldsim.atomic import written_whole
from worldsim.camera.contact_sheet import contact_sheet
from worldsim.cli.view import ScenarioOptions, simulated_strips
from worldsim.scenario import Scenario
from worldsim.splits import describe as describe_splits
from worldsim.splits import gap

SHOWN = ScenarioOptions(cases=2, frames=6, rows=96, split="in_range")
"""Two cases that training could draw."""

LONGEST = 20.0
"""s; of a longer scenario only the beginning is shown."""

QUALITY = 80
"""Of WebP pictures, which every browser shows."""


def write_catalogue(classes: Sequence[type[Scenario]], out: Path,
                    progress: Callable[[float], None]) -> Path:
    """Simulate and draw two cases of each scenario, and write the page."""
    entries = []
    for done, cls in enumerate(classes, start=1):
        entries.append(entry(cls))
        progress(done / len(classes))
    text = resources.files("worldsim.cli").joinpath("catalogue.html").read_text()
    page = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True,
                       lstrip_blocks=True).from_string(text)
    with written_whole(out) as path:
        path.write_text(page.render(entries=entries, version=version("worldsim")))
    return out


def entry(cls: type[Scenario]) -> dict[str, Any]:
    """What the page says of one scenario."""
    example = cls()
    return {
        "name": cls.name,
        "summary": cls.summary,
        "facts": _facts(example),
        "about": [paragraph.replace("``", "") for paragraph in
                  " \n".join(inspect.cleandoc(cls.__doc__ or "").splitlines()).split("\n \n")],
        "leaves_out": cls.leaves_out,
        "captions": example.captions()[:-1],
        "parameters": [_parameter(cls, name) for name in cls.parameters()],
        "splits": [(split.value, text) for split, text in describe_splits(cls).items()],
        "observables": [dataclasses.asdict(observable) for observable in cls.observables],
        "checks": [dataclasses.asdict(check) for check in cls.checks],
        "picture": _picture(example),
    }


def _facts(scenario: Scenario) -> list[str]:
    rows, columns = scenario.size
    return [
        f"version {scenario.version}", f"{scenario.duration:g} s",
        f"{rows} x {columns} px at {scenario.fps:g} frames/s",
        f"cameras {', '.join(scenario.scene(0, 0).cameras)}",
    ]


def _parameter(cls: type[Scenario], name: str) -> dict[str, str]:
    spec, kept = cls.parameters()[name], gap(cls, name)
    default = getattr(cls(), name)
    shown = f"{default:g}" if isinstance(default, int | float) else str(default)
    row = {"name": name, "meaning": spec.meaning, "unit": "" if spec.unit == "1" else spec.unit,
           "default": shown, "gap": "", "told": "yes" if spec.seen else "no"}
    if spec.choices:
        return row | {"training": ", ".join(spec.choices), "physical": ""}
    if kept is not None:
        row["gap"] = _range(kept.low, kept.high)
    return row | {"training": _range(*spec.training), "physical": _range(*spec.physical)}


def _range(low: float, high: float) -> str:
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def _picture(scenario: Scenario) -> str:
    """A contact sheet as the content of a ``data:`` address."""
    title = f"{scenario.name}, two cases in range"
    strips = simulated_strips(scenario, SHOWN, min(scenario.duration, LONGEST))
    content = io.BytesIO()
    Image.fromarray(contact_sheet(title, strips)).save(content, "webp", quality=QUALITY, method=6)
    return base64.b64encode(content.getvalue()).decode()
