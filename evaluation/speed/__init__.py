"""Speed, as ratios of two things run in turn: ``python -m evaluation.speed``."""
