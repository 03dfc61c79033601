"""Floors: how far each instrument is off on true video, kept with the package.

>>> from evaluation.floors import stored
>>> stored(scenario="free_fall", quantity="tracks.position", rows=64, codec="raw")

``python -m evaluation.floors`` measures them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evaluation.floors.quantities import Floor


def stored(scenario: str | None = None, quantity: str | None = None, camera: str | None = None,
           rows: int | None = None, codec: str | None = None) -> list[Floor]:
    """The floors that came with the package, of those asked for.

    Each `Floor` names the version of its scenario and of the instruments it was measured with.
    """
    import json
    from importlib.resources import files

    from evaluation.floors.record import from_data

    data = json.loads(files("evaluation.floors").joinpath("floors.json").read_text())
    wanted = {"scenario": scenario, "quantity": quantity, "camera": camera, "rows": rows,
              "codec": codec}
    return [row for row in from_data(data)
            if all(value is None or getattr(row, name) == value
                   for name, value in wanted.items())]
