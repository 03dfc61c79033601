"""Ground truth: the physical world of a scenario, stepped for many members at once."""
