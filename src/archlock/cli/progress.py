"""Progress on the standard error stream: a bar with rate and time left on a terminal, a few lines in a log file."""

import time
from collections.abc import Callable
from typing import Final

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars
from rich.text import Text

from archlock.progress import Progress

SHOWN_STEPS: Final = 500
"""What is counted with fewer steps is not shown."""


class RateColumn(ProgressColumn):
    """Steps a second, or a minute where that is less than one."""

    def render(self, task: Task) -> Text:
        """The rate of late; empty before the first steps."""
        speed = task.finished_speed or task.speed
        return Text(rate(speed) if speed else "", style="progress.data.speed")


def rate(speed: float) -> str:
    """Steps a second in words that can be read at a glance."""
    return f"{speed:.4g}/s" if speed >= 1 else f"{60 * speed:.2g}/min"


class TerminalProgress(Progress):
    """One bar per stage; used as a context manager so that the terminal is left clean."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars = Bars(
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            RateColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("[dim]{task.fields[note]}"),
            console=console,
        )
        self._current: TaskID | None = None

    def __enter__(self) -> "TerminalProgress":
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def begin(self, stage: str, total: int, done: int = 0) -> None:
        """A new bar."""
        found = f"{done} found done" if done else ""
        self._current = self._bars.add_task(stage, total=total, completed=done, note=found)

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Move the bar."""
        if self._current is not None:
            self._bars.update(self._current, advance=steps, note=note)

    def say(self, line: str) -> None:
        """A line above the bars."""
        self._console.print(line, markup=False, highlight=False)


class LogProgress(Progress):
    """A line when a stage begins, at every tenth of it, and when it ends."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._stage, self._total, self._done, self._found = "", 0, 0, 0
        self._began = 0.0

    def __enter__(self) -> "LogProgress":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def begin(self, stage: str, total: int, done: int = 0) -> None:
        """One line."""
        self._stage, self._total, self._done, self._found = stage, total, done, done
        self._began = time.monotonic()
        self.say(f"{stage}: {total - done} to do" + (f", {done} found done" if done else ""))

    def advance(self, steps: int = 1, note: str = "") -> None:
        """A line at every tenth."""
        before = 10 * self._done // max(1, self._total)
        self._done += steps
        if 10 * self._done // max(1, self._total) > before:
            speed = (self._done - self._found) / max(time.monotonic() - self._began, 1e-9)
            left = (self._total - self._done) / speed
            self.say(f"{self._stage}: {self._done} of {self._total}, {rate(speed)}, {left:.0f} s left  {note}".rstrip())

    def say(self, line: str) -> None:
        """One line."""
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def progress_on(console: Console, *, quiet: bool) -> "TerminalProgress | LogProgress":
    """Bars on a terminal, lines elsewhere; ``quiet`` says nothing at all."""
    if quiet:
        console.quiet = True
        return LogProgress(console)
    return TerminalProgress(console) if console.is_terminal else LogProgress(console)


def counted(progress: Progress, stage: str, *, least: int = SHOWN_STEPS) -> Callable[[int, int], None]:
    """What (done, of all) is reported to, as a stage; fewer than ``least`` steps are over before anybody asks."""
    shown = -1

    def report(done: int, total: int) -> None:
        nonlocal shown
        if total < least:
            return
        if shown < 0 or done < shown:  # the first, or those of other data
            shown = 0 if done == 1 else done
            progress.begin(stage, total, shown)
        if done > shown:
            progress.advance(done - shown)
        shown = done

    return report
