"""How far a dream is from the truth: metrics, scores with floors and intervals, and the report."""
