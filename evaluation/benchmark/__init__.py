"""The benchmark: cases of a suite, put to any world model and scored; see `api.bench`."""
