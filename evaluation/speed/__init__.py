"""Speed, as ratios of two things run in turn on the same machine: ``python -m evaluation.speed``."""
