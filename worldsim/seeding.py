"""Random streams keyed by what they are for, never by batch position.

Sweeping one parameter, adding a case or changing the batch size therefore changes no other draw.
"""

import hashlib

import numpy as np

from worldsim.errors import InputError

VISIBLE = -1
"""The realization index of draws that belong to the case itself (what can be seen at t=0)."""


def stream(seed: int, case: int, realization: int, component: str) -> np.random.Generator:
    """The random stream of one component of one member.

    Parameters
    ----------
    seed : the experiment's seed, any non-negative integer.
    case : index of the case.
    realization : index of the realization, or `VISIBLE` for what all realizations share.
    component : name of what is drawn, e.g. ``"layout"`` or ``"strength"``.

    Returns
    -------
    A Philox generator: counter based, so that nearby keys give unrelated streams
    (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").
    """
    if realization < VISIBLE or case < 0 or seed < 0:
        raise InputError(
            f"seed={seed}, case={case}, realization={realization}: give values of 0 or more"
        )
    digest = hashlib.sha256(f"{seed}/{case}/{realization}/{component}".encode()).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "little")))
