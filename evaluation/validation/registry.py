"""All validation cases, in the order in which they are run and shown."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from evaluation.validation import (
    analytic_runup,
    body_in_flow,
    dam_break,
    debris_impact,
    evacuation_sensitivity,
    floating_box,
    floating_house,
    houses,
    laboratory_runup,
    pushover,
    reflected_bore,
    simple_wave,
    square_column,
    steady_flow,
    still_lake,
    swashes_oracle,
    thacker,
    tracer_transport,
)
from evaluation.validation.case import Case
from evaluation.validation.peers import cases as beside_anuga
from worldsim.errors import InputError

CASES: tuple[Case, ...] = (
    *still_lake.CASES,
    *simple_wave.CASES,
    *dam_break.CASES,
    *thacker.CASES,
    *tracer_transport.CASES,
    *steady_flow.CASES,
    *reflected_bore.CASES,
    *analytic_runup.CASES,
    *laboratory_runup.CASES,
    *square_column.CASES,
    *floating_box.CASES,
    *debris_impact.CASES,
    *houses.CASES,
    *pushover.CASES,
    *floating_house.CASES,
    *body_in_flow.CASES,
    *evacuation_sensitivity.CASES,
    *swashes_oracle.CASES,
    *beside_anuga.CASES,
)


def choose(names: Sequence[str]) -> tuple[Case, ...]:
    """The cases of these names, in their order; all of them if no name is given.

    Raises
    ------
    InputError : a name that no case has, with the nearest one that does.
    """
    known = {case.name: case for case in CASES}
    assert len(known) == len(CASES), "case names must differ"
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
            raise InputError(f"--case {name}: there is no such case; {hint}")
    return tuple(known[name] for name in dict.fromkeys(names)) if names else CASES
