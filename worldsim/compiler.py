"""Whether to compile the water solver: is there a compiler, and does it pay?"""

import shutil

WORTHWHILE = 12
"""Members from which compiling (half a minute of one core, once per machine and shape) is repaid:
on a street of 64 by 96 cells one core steps 24 s of water a second compiled, 5 s eager
(`records/speed/`), so a dozen members of 20 s save most of that half minute."""


def compiler_found() -> bool:
    """Whether a C++ compiler that torch.compile can use is on the PATH."""
    return any(shutil.which(name) for name in ("g++", "clang++"))


def compiling_pays(members: int) -> bool:
    """Whether so many members are simulated sooner with the compiled solver."""
    return members >= WORTHWHILE and compiler_found()
