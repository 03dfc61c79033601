"""Statistics of the benchmark: pure functions on numpy arrays, no worlds and no files.

`studentized`   intervals of means and ratios of means, resampling cases within their scenario
`skill`         skill per case, per scenario and overall
`comparison`    two models on the same cases
`power`         how many cases it takes to tell two models apart
`ladder`        whether an error rises along a ladder
`equivalent`    the strength at which a simulator is as wrong as a model
`response`      response curves of a what-if
`ensemble`      calibration of ensembles, and distances between them
`diebold_mariano`  a second opinion on paired errors, lead time by lead time
`coverage`      how often intervals hold the truth, by simulation
"""
