"""Whether to compile the water solver: is there a compiler, and does it pay?"""

import shutil

WORTHWHILE = 12
"""Members from which compiling (half a minute of one core, once per machine and shape) is repaid:
measured on a street of 64 by 96 cells, 20 s of it take 1.6 s of one core compiled, 6.7 s eager."""


def compiler_found() -> bool:
    """Whether a C++ compiler that torch.compile can use is on the PATH."""
    return any(shutil.which(name) for name in ("g++", "clang++"))


def compiling_pays(members: int) -> bool:
    """Whether so many members are simulated sooner with the compiled solver."""
    return members >= WORTHWHILE and compiler_found()
