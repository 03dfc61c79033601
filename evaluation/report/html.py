"""Sets a report's contents as one self-contained HTML page."""

from __future__ import annotations

import json
import math
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined

from evaluation.report.contents import Contents


def page(contents: Contents) -> str:
    """The report as one HTML document with nothing outside itself."""
    environment = Environment(
        loader=PackageLoader("evaluation.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=number, skill=skill, interval=interval, unit=unit, short=short, lines=lines
    )
    folder = files("evaluation.report")
    baselines = dict.fromkeys(a.baseline for row in contents.scores for a in row.against)
    return environment.get_template("template.html").render(
        c=contents,
        baselines=list(baselines),
        style=folder.joinpath("style.css").read_text("utf-8"),
        script=folder.joinpath("player.js").read_text("utf-8"),
        clips=json.dumps({clip.key: clip.data for clip in contents.player.clips}),
    ).strip()


def number(value: float | None) -> str:
    """Three significant digits; a dash where there is none."""
    if value is None or math.isnan(value):
        return "–"
    if value != 0 and (abs(value) < 1e-3 or abs(value) >= 1e5):
        mantissa, exponent = f"{value:.1e}".split("e")
        return f"{mantissa.replace('-', '−')}·10^{int(exponent)}".replace("^-", "^−")
    digits = max(0, 2 - math.floor(math.log10(abs(value)))) if value else 0
    return f"{value:.{digits}f}".replace("-", "−")


def skill(value: float | None) -> str:
    """A skill with its sign, or the words for why there is none."""
    if value is None or math.isnan(value):
        return "not resolvable"
    rounded = round(value, 2)
    return f"{rounded:+.2f}".replace("-", "−") if rounded else "0.00"


def lines(command: str) -> str:
    """A shell command with one flag a line, so that it neither overflows nor breaks in a flag."""
    return command.replace(" --", " \\\n  --")


def short(reason: str) -> str:
    """A reason without the numbers that stand beside it in the table anyway."""
    return reason.split(":")[0]


def interval(bounds: tuple[float, float]) -> str:
    """An interval of skill."""
    return f"{skill(bounds[0])} to {skill(bounds[1])}"


def unit(symbol: str, dimensionless: str = "") -> str:
    """A unit for people: nothing, or the word, for "1"; true superscripts."""
    if symbol in ("1", ""):
        return dimensionless
    return symbol.replace("m2", "m²").replace("s-1", "s⁻¹").replace("^2", "²")
