"""Other shallow-water solvers beside ours on problems with known answers: the extra ``[peers]``."""
