"""Whether this machine can compile what torch generates for its CPU."""

import shutil


def compiler_found() -> bool:
    """Whether a C++ compiler that torch.compile can use is on the PATH."""
    return any(shutil.which(name) for name in ("g++", "clang++"))
