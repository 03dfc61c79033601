"""Whether to compile the water solver: is there a compiler, and does it pay?"""

import shutil

WORTHWHILE = 64
"""Members from which compiling (a minute or two, once per machine) is repaid by its speed."""


def compiler_found() -> bool:
    """Whether a C++ compiler that torch.compile can use is on the PATH."""
    return any(shutil.which(name) for name in ("g++", "clang++"))


def compiling_pays(members: int) -> bool:
    """Whether so many members are simulated sooner with the compiled solver."""
    return members >= WORTHWHILE and compiler_found()
