"""An explanation in words: when the error leaves the floor, and what is wrong there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluation.benchmark.explain import ROW, TIMES, Explanation
from evaluation.benchmark.explain_objects import Followed, Touch, followed, strays, touches
from evaluation.benchmark.report.wording import amount, counted, listed, named
from evaluation.benchmark.subjects import FLOOR
from evaluation.metrics.trajectory import EVENT_WINDOW
from evaluation.report.html import number

MOST = 3
"""Objects of which is spoken at one instant."""

SIDE = 0.4
"""Share of the larger component of an offset from which on the smaller one is told, too."""

ORDER = ("first", "second", "third")


def words(found: Explanation) -> list[str]:
    """Sentences, the answer first."""
    told = [_answer(found)]
    if found.curves is not None and found.sample is not None:
        told += _course(found)
    told.append(_values(found))
    if found.curves is not None:
        told.append(f"An error leaves the floor where it exceeds {TIMES:g} floors for {ROW} frames "
                    "in a row; the floor is the instruments' error on the true video"
                    f"{_or_ensemble(found)}.")
    if found.fitted:
        told.append(f"The video files did not fit and were made to: {', '.join(found.fitted)}.")
    told += [f"Note: {text}." for text in found.warnings]
    return told


def _or_ensemble(found: Explanation) -> str:
    if not found.metric.ensemble:
        return ""
    return ", or that of the simulator with other hidden draws where it is larger"


def _name(found: Explanation) -> str:
    whole = f"{found.metric.name} of {found.case.id}"
    return whole if found.realization is None else f"{whole}, realization {found.realization},"


def _answer(found: Explanation) -> str:
    name, curves = _name(found), found.curves
    unit = found.metric.unit
    if found.failure:
        return (f"{found.run.model} failed on {found.case.id}: {found.failure.rstrip('.')}. The "
                "case counts as the worst baseline's.")
    if np.isnan(found.own):
        return f"{name} has no value: there is nothing to judge."
    if curves is None:
        return f"{name} is {amount(found.own, unit)}; this metric has no course over time."
    dreamt = curves.floor[found.sample.context if found.sample else 0:]
    floor = f"{amount(float(np.nanmean(dreamt)), unit)} on average"
    if curves.departure is None:
        shares = curves.error / np.where(curves.limit > 0, curves.limit, np.nan) * TIMES
        most = f", at most {np.nanmax(shares):.1f} of them" if np.isfinite(shares).any() else ""
        return (f"{name} does not leave the floor ({floor}): it never exceeds {TIMES:g} floors for "
                f"{ROW} frames in a row{most}.")
    at = curves.departure
    clauses = _clauses(found, at)
    return (f"{name} leaves the floor ({floor}) at {curves.time[at]:.2f} s"
            f"{': ' + '; '.join(clauses) if clauses else ''}.")


def _clauses(found: Explanation, at: int) -> list[str]:
    """What is wrong in one frame."""
    return [*_misplaced(found, followed(found), at), *_water(found, at)]


def _misplaced(found: Explanation, objects: Sequence[Followed], at: int) -> list[str]:
    wrong = [one for one in objects
             if one.departure is not None and one.departure <= at + ROW - 1]
    wrong.sort(key=lambda one: -np.nan_to_num(one.error[at]))
    clauses = [_wrong(found, one, at) for one in wrong[:MOST]]
    if len(wrong) > MOST:
        clauses.append(f"{counted(len(wrong) - MOST, 'other object')} less so")
    return clauses


def _wrong(found: Explanation, one: Followed, at: int) -> str:
    if one.lost[at] > 0.5:
        return f"{one.name} is not to be seen"
    if any(word in found.metric.name for word in ("velocity", "acceleration", "momentum")):
        own, truth = (f"({', '.join(_two(v) for v in one_velocity[at])})"
                      for one_velocity in (one.velocity, one.true_velocity))
        return f"{one.name} moves at {own} m/s, truly at {truth} m/s"
    size = float(np.linalg.norm(one.offset[at]))
    if size < one.error[at] / 2:
        return (f"{one.name} is in another place in every realization ({_two(one.spread[at])} m "
                f"apart, {_two(one.true_spread[at])} m in truth)")
    return f"{one.name} is {_displaced(one.offset[at], upright(found))}"


def _two(value: float) -> str:
    """Two digits, no exponent: what instruments can vouch for."""
    rounded = float(f"{value:.2g}")
    return f"{rounded:.2f}".replace("-", "−") if abs(rounded) < 10 else number(rounded)


def upright(found: Explanation) -> bool:
    """Whether up in the picture is up in the world."""
    case = found.case
    view = case.scenario.scene(case.seed, case.number).cameras[case.block.camera]
    return bool(view.up[2] > 0.9)


def _displaced(offset: np.ndarray, is_upright: bool) -> str:
    """``0.12 m too high and 0.05 m too far left``."""
    up, down = ("too high", "too low") if is_upright else (
        "too far up in the picture", "too far down in the picture")
    sides = (("too far right", "too far left"), (up, down))
    parts = [(abs(float(by)), side[0] if by > 0 else side[1])
             for by, side in zip(offset, sides, strict=True)]
    parts.sort(reverse=True)
    kept = [p for p in parts if p[0] >= SIDE * parts[0][0]]
    return " and ".join(f"{_two(size)} m {side}" for size, side in kept)


def _water(found: Explanation, at: int) -> list[str]:
    sample = found.sample
    if sample is None or "water" not in sample.state.children:
        return []
    dream, truth = (tree["water"].dataset for tree in (sample.observed, sample.state))
    clauses = []
    own, wanted = (float(one["wet_area"][0, :, at].mean()) for one in (dream, truth))
    if wanted > 0 and abs(own - wanted) >= 0.01 * wanted:
        clauses.append(f"the wet area is {number(abs(own - wanted))} m² too "
                       f"{'large' if own > wanted else 'small'} "
                       f"({100 * abs(own - wanted) / wanted:.0f} %)")
    by = float(dream["front_position"][0, :, at].mean() - truth["front_position"][0, :, at].mean())
    if abs(by) >= float(dream["x"][1] - dream["x"][0]):
        clauses.append(f"the water's front is {number(abs(by))} m "
                       f"{'too far' if by > 0 else 'behind'}")
    return clauses or ["the right amount of ground is wet, but elsewhere"]


def _course(found: Explanation) -> list[str]:
    """Where it is worst, contacts, what is lost, what is there besides."""
    curves, sample = found.curves, found.sample
    assert curves is not None and sample is not None
    told = []
    dreamt = curves.error.copy()
    dreamt[: sample.context] = np.nan
    if curves.departure is not None and np.isfinite(dreamt).any():
        worst = int(np.nanargmax(dreamt))
        clauses = _clauses(found, worst) if worst > curves.departure + ROW else []
        told.append(f"It is largest at {curves.time[worst]:.2f} s: "
                    f"{amount(float(dreamt[worst]), found.metric.unit)}"
                    f"{'; ' + '; '.join(clauses) if clauses else ''}.")
    step = float(curves.time[1] - curves.time[0]) if len(curves.time) > 1 else np.inf
    contacts = [text for one in touches(found) if (text := _touch(one, step))]
    if contacts:
        told.append(_sentence("; ".join(contacts)))
    gone = [text for one in followed(found) if (text := _gone(one, curves.time))]
    if gone:
        told.append(_sentence(f"{listed(gone)}"))
    besides = strays(found)
    if besides >= 0.5:
        told.append(f"The dream has up to {counted(round(besides), 'thing')} at once that the "
                    "truth does not have.")
    return told


def _touch(one: Touch, step: float) -> str:
    """A contact that is late or missing, in words; empty if it is neither."""
    what = f"{one.name}'s {ORDER[one.order]} "
    what += f"collision with {one.partner}" if one.partner else "bounce"
    at = f" (at {one.time:.2f} s in truth)"
    if one.missing == one.of:
        return f"{what}{at} does not come within {EVENT_WINDOW:g} s"
    some = f", and not at all in {one.missing} of {one.of} realizations" if one.missing else ""
    assert one.late is not None
    if abs(one.late) < step / 2:
        return f"{what}{at} comes on time{some}" if some else ""
    return (f"{what}{at} comes {abs(one.late):.2f} s {'late' if one.late > 0 else 'early'}{some}")


def _gone(one: Followed, time: np.ndarray) -> str:
    """An object that is lost and not found again."""
    missing = one.lost > 0.5
    if not missing[-1]:
        return ""
    back = np.flatnonzero(~missing)
    since = back[-1] + 1 if len(back) else 0
    return f"{one.name} is lost from {time[since]:.2f} s on"


def _values(found: Explanation) -> str:
    unit, others = found.metric.unit, dict(found.values)
    own = others.pop(found.run.model)
    floor = others.pop(FLOOR)
    shown = [f"{named(name)} {number(value)}" for name, value in others.items()
             if np.isfinite(value)]
    better = {"lower": ", less is better", "higher": ", more is better"}.get(
        found.metric.direction, "")
    whole = "" if found.realization is None else " of all realizations"
    return (f"The whole score{whole}{better}: {amount(own, unit)}; floor {number(floor)}"
            f"{''.join(', ' + one for one in shown)}.")


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."
