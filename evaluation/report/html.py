"""Sets a report's contents as one self-contained HTML page."""

from __future__ import annotations

import json
import math
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from evaluation.report.contents import Comparison, Contents


def page(contents: Contents) -> str:
    """The report as one HTML document with nothing outside itself."""
    baselines = dict.fromkeys(a.baseline for row in contents.scores for a in row.against)
    return _render(
        "template.html", contents,
        baselines=list(baselines),
        script=files("evaluation.report").joinpath("player.js").read_text("utf-8"),
        clips=json.dumps({clip.key: clip.data for clip in contents.player.clips}),
    )


def comparison_page(contents: Comparison) -> str:
    """Two what-ifs side by side as one HTML document with nothing outside itself."""
    return _render("compare.html", contents)


def _render(template: str, contents: Contents | Comparison, **more: Any) -> str:
    environment = Environment(
        loader=PackageLoader("evaluation.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=number, count=count, skill=skill, interval=interval, unit=unit, short=short,
        lines=lines,
    )
    style = files("evaluation.report").joinpath("style.css").read_text("utf-8")
    return environment.get_template(template).render(c=contents, style=style, **more).strip()


def number(value: float | None) -> str:
    """Three significant digits; a dash where there is none."""
    if value is None or math.isnan(value):
        return "–"
    if value != 0 and (abs(value) < 1e-3 or abs(value) >= 1e5):
        mantissa, exponent = f"{value:.1e}".split("e")
        return f"{mantissa.replace('-', '−')}·10^{int(exponent)}".replace("^-", "^−")
    digits = max(0, 2 - math.floor(math.log10(abs(value)))) if value else 0
    return f"{value:.{digits}f}".replace("-", "−")


def count(value: float, largest: float) -> str:
    """A number beside others up to `largest`, three digits of which are shown; no decimals where
    there are none."""
    if largest >= 1e5:
        return number(value) if abs(value) >= 1e3 else f"{value:.0f}".replace("-", "−")
    digits = max(0, 2 - math.floor(math.log10(largest))) if largest else 0
    if digits > 5:
        return number(value)
    words = f"{value:.{digits}f}"
    if "." in words:
        words = words.rstrip("0").rstrip(".")
    return "0" if words == "-0" else words.replace("-", "−")


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
