"""Random streams keyed by what they are for, never by batch position.

Sweeping one parameter, adding a case or changing the batch size therefore changes no other draw.
"""

import enum
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


SEEDS = 2**60
"""Seeds that a user can choose from for each purpose."""


class Purpose(enum.Enum):
    """What cases are drawn for; the value is the number of its block of `SEEDS` seeds."""

    FREE = 0
    TRAINING = 1
    VALIDATION = 2
    TEST = 3


def seed_for(purpose: Purpose, seed: int) -> int:
    """The seed of the random streams for a user's `seed` and a purpose.

    Different for different purposes or seeds; a free seed is the user's own. All fit into 63 bits.

    Raises
    ------
    InputError : the seed is not 0 to 2**60 - 1.
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < SEEDS:
        raise InputError(
            f"seed={seed}: give a whole number from 0 to 2**60 - 1 for {purpose.name.lower()}; "
            "larger ones belong to another purpose"
        )
    return purpose.value * SEEDS + int(seed)


def purpose_of(seed: int) -> tuple[Purpose, int]:
    """The inverse of `seed_for`: the purpose that a seed of streams belongs to, and the user's.

    Raises
    ------
    InputError : the seed is negative or belongs to no purpose.
    """
    block, own = divmod(int(seed), SEEDS)
    if not 0 <= block < len(Purpose):
        raise InputError(f"seed={seed}: seeds are 0 to 2**62 - 1")
    return Purpose(block), own
