"""From exposures to consequences: the same functions serve truth and dream."""
