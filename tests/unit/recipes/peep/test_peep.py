"""``archlock.peep``: recorded once, read by who was taught by others, taken up again; and which of a few is running."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from torch import nn

import archlock
from archlock.errors import ConfigurationError, RunError, UnsupportedError
from archlock.leaks import OBSERVERS, Observation, Read, Reading, Times, windowed_trees
from archlock.models import Network, build
from archlock.progress import Silent
from archlock.recipes import PeepConfig, rebuild
from archlock.recipes.peep import library, observing, victim, worth
from archlock.reports import PeepRecord, candidates_from_json, peep_from_json
from archlock.spaces import SPACES
from archlock.tasks import Signature
from archlock.testing.small_tasks import small_digits
from archlock.training import Plan

SHAPE = (1, 8, 8)
SIGNATURE = Signature("classification", SHAPE, 5, (0.5,), (0.2,))


def network(code: str = "421211", *, width: int = 8) -> Network:
    return build(SPACES["nasbench201"].architecture(code), SIGNATURE, width=width, depth=1, seed=0)


class Counts(Silent):
    """How many steps were made, and how many were found done."""

    def __init__(self) -> None:
        self.stages: dict[str, tuple[int, int]] = {}

    def begin(self, stage: str, total: int, done: int = 0) -> None:
        self.stages[stage] = (total, done)


@pytest.fixture(scope="module", autouse=True)
def small() -> Any:
    """Fewer trees, and the model recorded in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windowed_trees, "TREES", 10)
        patch.setattr(victim, "one_after_another", lambda work, shared, jobs: (work(shared, job) for job in jobs))
        yield


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, PeepRecord]:
    place = tmp_path_factory.mktemp("peep")
    return place, peeped(place, place / "peep").record


def peeped(place: Path, out: Path, **changes: Any) -> archlock.PeepResult:
    settings = {"observers": ("memory",), "networks": 70, "recordings": 2, **changes}
    return archlock.peep(network(), out=out, recordings_in=place / "library", workers=1, **settings)


def test_a_network_of_ours_is_read_better_than_by_the_majority(whole: tuple[Path, PeepRecord]) -> None:
    record = whole[1]
    assert (record.family, record.shape) == ("nasbench201", SHAPE)
    assert len(record.families) == 14
    (one,) = record.observers
    check = one.check
    assert check is not None
    assert check.networks == 14
    assert check.edit_error < 0.5 * check.majority_error
    assert check.shuffled_accuracy <= check.majority_accuracy + 0.05
    assert check.training_accuracy > 0.95
    assert one.seen[0] == one.seen[1]  # (sizes are the same in every process)
    assert one.repeatability == 1.0
    assert one.seen[0].edit_error < check.majority_error
    assert 0 < one.seen[0].log_candidates < one.log_all
    assert record.kinds[:3] == ("scale", "scale", "conv3")


def test_record_page_card_and_trace_are_written_and_made_again(whole: tuple[Path, PeepRecord]) -> None:
    out = whole[0] / "peep"
    assert peep_from_json(out / "peep.json") == whole[1]
    before = [(out / name).read_bytes() for name in ("report.html", "peep.md")]
    assert rebuild(out) == out / "report.html"
    assert [(out / name).read_bytes() for name in ("report.html", "peep.md")] == before
    assert len((out / "trace-memory.jsonl").read_text().splitlines()) <= len(whole[1].operators)


def test_recordings_are_made_once_and_more_are_added(whole: tuple[Path, PeepRecord], tmp_path: Path) -> None:
    place, record = whole
    kept = {path: path.stat().st_mtime_ns for path in (place / "library").rglob("sizes-*.json")}
    assert len(kept) == 70
    again = peeped(place, tmp_path / "again").record
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert without_time(again) == without_time(record)
    counts = Counts()
    found = library.recorded_networks(
        place / "library", SHAPE, ("sizes",), networks=72, seed=0, workers=1, progress=counts
    )
    assert counts.stages["random networks, recorded"] == (72, 70)
    assert [one.family for one in found[:14]] == [one.family for one in found[14:28]]


def without_time(record: PeepRecord) -> PeepRecord:
    return replace(record, created="", spent_seconds={})


def test_times_are_disturbed_by_the_noise_that_is_asked_for_and_by_no_other() -> None:
    seen = Observation(seconds=(1.0,) * 400)
    assert observing.disturbed(seen, PeepConfig(), "timer") == seen
    noisy = observing.disturbed(seen, PeepConfig(noise=0.1), "timer")
    assert noisy == observing.disturbed(seen, PeepConfig(noise=0.1), "timer")
    spread = sum((value - 1) ** 2 for value in noisy.seconds) ** 0.5 / 20
    assert 0.08 < spread < 0.12


def test_recordings_of_another_machine_are_refused(whole: tuple[Path, PeepRecord], tmp_path: Path) -> None:
    written = whole[0] / "library" / "machine.json"
    other = tmp_path / "machine.json"
    other.write_text(json.dumps({**json.loads(written.read_text()), "fingerprint": "f" * 16, "words": "an old box"}))
    with pytest.raises(RunError, match=r"holds recordings of another machine \(an old box\), and this is"):
        library.check_machine(tmp_path, library.this_machine())
    with pytest.raises(RunError, match="is not empty and holds no recordings of ours"):
        library.check_machine(Path(__file__).parent, library.this_machine())


def test_other_settings_and_another_model_are_refused_in_the_same_place(whole: tuple[Path, PeepRecord]) -> None:
    with pytest.raises(RunError, match=r"holds a run with other settings \(peep"):
        peeped(whole[0], whole[0] / "peep", seed=1)


def test_how_often_recordings_repeat_is_the_median_spread() -> None:
    first = Observation(seconds=(1.0, 2.0, 4.0, 1.0, 1.0))
    assert victim.repeatability([first]) is None
    assert victim.repeatability([first, first]) == 1.0
    slower = Observation(seconds=(1.5, 3.0, 6.0, 1.5, 1.0))
    assert victim.repeatability([first, slower]) == 0.5


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"networks": 10}, "networks is a whole number, at least 70; got 10"),
        ({"observers": ("spy",)}, "unknown observer 'spy'; known: service, memory, timer, both"),
        ({"reader": "crystal ball"}, "unknown reader 'crystal ball'; known: windowed_trees, recurrent"),
        ({"noise": -1.0}, "noise is a number from 0 to 10, for example 0.1; got -1.0"),
        ({"recordings": 0}, "recordings is a whole number, at least 1"),
        ({"seed": -1}, "a seed is a whole number"),
        ({"netwroks": 9}, "a peep has no setting 'netwroks'; its settings are: observers, networks"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        PeepConfig.of(**settings)


def test_a_model_of_no_known_size_and_one_that_cannot_run_are_refused(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4 * 36, 2))
    with pytest.raises(ConfigurationError, match="does not say which images it takes; give their height and width"):
        archlock.peep(model, out=tmp_path / "peep")
    with pytest.raises(UnsupportedError, match=r"3, 9, 9\): in 2: "):
        archlock.peep(model, out=tmp_path / "peep", size=(9, 9))
    assert not (tmp_path / "peep").exists()


def test_a_model_in_training_mode_and_operators_without_a_name_are_said() -> None:
    class Odd(nn.Module):
        def forward(self, images: Any) -> Any:
            return images.relu().cumsum(1).relu().relu().relu().exp()

    seen = victim.victim_of(Odd(), size=(8, 8))
    assert seen.notes[0].startswith("the model was given in training mode")
    assert seen.notes[1].startswith("33% of its operators have no name here and are read as 'other'; readers")


def test_what_was_read_is_trained_beside_the_true_architecture(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(worth, "SEEDS", 1)
    monkeypatch.setattr(worth, "attack_plan", lambda examples: Plan(1, shift=0.0))
    known = victim.victim_of(network())
    rows = tuple(Read((one.kind,), one.kernel, one.stride) for one in known.operators)
    seen = OBSERVERS["both"].observe(library.record_module(network(), SHAPE, ("sizes", "times")))
    nothing = Reading((Read(("mean",)),) * len(rows))
    read = {"both": (Reading(rows), seen), "memory": (nothing, seen)}
    task = small_digits(train=60, validation=20, test=40)
    given: Any = {"folder": tmp_path, "seed": 0, "workers": 1, "progress": Silent()}
    true, both, memory = worth.worth_of(known, read, task, **given)
    assert (true.observer, both.observer, true.task) == ("", "both", task.name)
    assert len(true.scores) == len(both.scores) == 1
    assert 0.5 * true.parameters < both.parameters < 1.5 * true.parameters
    assert (memory.scores, memory.problem[:35]) == ((), "nothing that was read can be built:")
    paths = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.json")}
    assert len(paths) == 2
    assert worth.worth_of(known, read, task, **given) == (true, both, memory)
    assert {path: path.stat().st_mtime_ns for path in paths} == paths


def test_a_model_is_timed_in_a_few_rounds_of_which_the_least_counts(monkeypatch: Any) -> None:
    slow = iter([2.0, 1.0, 3.0])

    def times(module: nn.Module, shape: Any) -> Times:
        factor = next(slow)
        return Times((factor, 5.0 - factor), 0.0)

    monkeypatch.setattr(library, "watch_times", times)
    monkeypatch.setattr(library, "ROUND_SECONDS", 0.0)
    recorded = library.record_module(network(), SHAPE, ("sizes", "times", "calls"), rounds=3)
    assert recorded.seconds == (1.0, 2.0)
    assert next(slow, None) is None
    assert min(recorded.latencies) > 0
    assert library.record_module(network(), SHAPE, ("sizes",)) == replace(recorded, seconds=(), latencies=())


def test_which_of_a_few_is_running_and_a_stranger_is_none(tmp_path: Path) -> None:
    candidates = {"a": network("421211"), "again": network("421211"), "b": network("333333"), "c": network(width=12)}
    done = archlock.which_is_running(
        candidates, network("333333"), out=tmp_path / "which", observers=("memory",), recordings=3
    )
    record = done.record
    assert record.candidates == ("a = again", "b", "c")
    assert "a and again compute the same operators: nothing that is observed tells them apart" in record.notes[0]
    (one,) = record.observers
    assert (one.found, one.ranking[0].distance, one.top1) == ("b", 0.0, 1.0)
    assert candidates_from_json(tmp_path / "which" / "candidates.json") == record
    assert rebuild(tmp_path / "which").read_text().startswith("<!doctype html>")
    stranger = archlock.which_is_running(
        candidates, network("421211", width=4), out=tmp_path / "other", observers=("memory",), recordings=3
    )
    assert stranger.record.observers[0].found == ""


def test_a_trace_is_told_from_candidates_too(tmp_path: Path, whole: tuple[Path, PeepRecord]) -> None:
    candidates = {"a": network(), "b": network("333333")}
    trace = whole[0] / "peep" / "trace-memory.jsonl"
    done = archlock.which_is_running(candidates, trace, out=tmp_path / "which", recordings=3)
    assert [(one.name, one.found) for one in done.record.observers] == [("memory", "a")]
    with pytest.raises(ConfigurationError, match="is a trace of the observer memory; leave out --observer"):
        archlock.which_is_running(candidates, trace, out=tmp_path / "x", observers=("timer",))
    with pytest.raises(ConfigurationError, match="there are no candidates"):
        archlock.which_is_running({}, trace, out=tmp_path / "x")
