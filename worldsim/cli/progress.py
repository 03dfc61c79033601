"""A progress bar for each stage of long work; plain lines where there is no terminal."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

Advance = Callable[[float], None]
"""Called with the finished fraction of a stage."""

PLAIN_EVERY_SECONDS = 15.0


class Stages:
    """The stages of one command, numbered."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._number = 0
        self._console = Console(file=sys.stderr, highlight=False)

    def kept(self, title: str) -> None:
        """Say that a stage was finished by an earlier call."""
        self._number += 1
        self._console.print(f"{self._label(title)}: done before", markup=False)

    def say(self, line: str) -> None:
        """Print a line above the bar, whole, however wide the terminal is."""
        self._console.print(line, markup=False, soft_wrap=True)

    @contextlib.contextmanager
    def stage(self, title: str) -> Iterator[Advance]:
        """Show one stage while the block runs; the block may report how far it is."""
        self._number += 1
        label = self._label(title)
        if self._console.is_terminal:
            with self._bar(label) as advance:
                yield advance
        else:
            with self._lines(label) as advance:
                yield advance

    def _label(self, title: str) -> str:
        return f"{self._number}/{self._total} {title}"

    @contextlib.contextmanager
    def _bar(self, label: str) -> Iterator[Advance]:
        bar = Progress(TextColumn("{task.description:<32}", markup=False), BarColumn(bar_width=24),
                       TaskProgressColumn(), TimeElapsedColumn(), console=self._console)
        with bar:
            task = bar.add_task(label, total=None)

            def advance(fraction: float) -> None:
                bar.update(task, completed=fraction, total=1.0)

            yield advance
            bar.update(task, completed=1.0, total=1.0)

    @contextlib.contextmanager
    def _lines(self, label: str) -> Iterator[Advance]:
        begun = last = time.monotonic()
        self._console.print(f"{label} ...", markup=False)

        def advance(fraction: float) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last >= PLAIN_EVERY_SECONDS and fraction < 1:
                last = now
                self._console.print(f"{label}: {fraction:.0%}", markup=False)

        yield advance
        self._console.print(f"{label}: done in {time.monotonic() - begun:.1f} s", markup=False)
