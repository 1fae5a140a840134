import io

from rich.console import Console

from archlock.cli.progress import LogProgress, TerminalProgress, counted, progress_on, rate
from archlock.progress import Progress


def tell(progress: Progress) -> None:
    progress.say("a [bold] decision")
    progress.begin("short trainings", 40, 8)
    for number in range(32):
        progress.advance(1, f"candidate {number}")
    progress.begin("nothing to do", 3, 3)
    progress.begin("empty", 0)


def test_a_log_has_a_line_for_every_tenth() -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=False, width=40)
    with progress_on(console, quiet=False) as progress:
        assert isinstance(progress, LogProgress)
        tell(progress)
    lines = stream.getvalue().splitlines()
    assert lines[0] == "a [bold] decision"
    assert lines[1] == "short trainings: 32 to do, 8 found done"
    tenths = [line for line in lines if line.startswith("short trainings: ")][1:]
    assert [int(line.split()[2]) for line in tenths] == [12, 16, 20, 24, 28, 32, 36, 40]
    assert tenths[0].endswith("candidate 3")
    assert all("/s, " in line and " s left" in line for line in tenths)
    assert lines[-2:] == ["nothing to do: 0 to do, 3 found done", "empty: 0 to do"]


def test_a_terminal_has_a_bar_for_every_stage() -> None:
    stream = io.StringIO()
    with progress_on(Console(file=stream, force_terminal=True, width=120), quiet=False) as progress:
        assert isinstance(progress, TerminalProgress)
        tell(progress)
    shown = stream.getvalue()
    for words in ("a [bold] decision", "short trainings", "40/40", "candidate 31", "nothing to do", "3 found done"):
        assert words in shown


def test_quiet_is_quiet() -> None:
    stream = io.StringIO()
    for terminal in (True, False):
        with progress_on(Console(file=stream, force_terminal=terminal), quiet=True) as progress:
            tell(progress)
    assert stream.getvalue() == ""


def test_a_rate_is_told_in_the_unit_that_suits_it() -> None:
    assert [rate(speed) for speed in (1234.5, 2.5, 0.5, 0.01)] == ["1234/s", "2.5/s", "30/min", "0.6/min"]


def test_what_is_counted_is_a_stage_where_it_is_much() -> None:
    noted = Noted()
    report = counted(noted, "images decoded")
    for done in (1, 499):
        report(done, 499)
    assert noted.stages == []
    for done in (200, 300, 1000):  # what was there before, and then what was done
        report(done, 1000)
    for done in (1, 2, 700):  # the next data, counted from one
        report(done, 700)
    for done in (0, 600):  # none there before
        report(done, 600)
    assert [stage[1:] for stage in noted.stages] == [(1000, 200), (700, 0), (600, 0)]
    assert noted.steps == [100, 700, 1, 1, 698, 600]


class Noted(Progress):
    def __init__(self) -> None:
        self.stages: list[tuple[str, int, int]] = []
        self.steps: list[int] = []

    def begin(self, stage: str, total: int, done: int = 0) -> None:
        self.stages.append((stage, total, done))

    def advance(self, steps: int = 1, note: str = "") -> None:
        self.steps.append(steps)

    def say(self, line: str) -> None:
        raise AssertionError(line)
