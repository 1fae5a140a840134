from archlock.progress import Progress, Silent, counted


class Noted(Progress):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []

    def begin(self, stage: str, total: int, done: int = 0) -> None:
        self.told.append((stage, total, done))

    def advance(self, steps: int = 1, note: str = "") -> None:
        self.told.append((steps, note))

    def say(self, line: str) -> None:
        self.told.append((line,))


def test_silent_says_nothing(capfd):
    silent: Progress = Silent()
    silent.begin("training", 3, done=1)
    silent.advance(2, "a note")
    silent.say("a line")
    assert capfd.readouterr() == ("", "")


def test_a_run_that_is_taken_up_counts_what_was_found_done():
    fresh, again = Noted(), Noted()
    tell = counted(fresh, "epochs", 3)
    tell(1)
    tell(2, "two")
    assert fresh.told == [("epochs", 3, 0), (1, ""), (1, "two")]
    tell = counted(again, "epochs", 3)
    tell(3)
    assert again.told == [("epochs", 3, 0), ("epochs", 3, 2), (1, "")]
