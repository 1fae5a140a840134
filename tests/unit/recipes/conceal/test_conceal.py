"""``archlock.conceal``: the same function in a disguise within the budget, judged by who knows, written and opened."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import archlock
from archlock.errors import ConfigurationError, MeasurementError, RunError, UnknownNameError, UnsupportedError
from archlock.leaks import windowed_trees
from archlock.models import Disguise, Disguised, Fold, Trick, build, disguised, save_weights
from archlock.recipes import ConcealConfig, edit, list_edits, open_model, parse_slowdown, rebuild
from archlock.recipes.conceal import config, procedure, readers, search, visible
from archlock.recipes.conceal.hiding import EXACT, apart
from archlock.recipes.conceal.latency import Paired, paired_latency
from archlock.recipes.conceal.visible import Visible
from archlock.recipes.export import Blueprint, save_blueprint
from archlock.recipes.peep import victim
from archlock.reports import conceal_from_json
from archlock.spaces import SPACES
from archlock.tasks import Signature
from archlock.testing.small_tasks import small_digits
from tiny_runs import Noted

SHAPE = (1, 8, 8)
SIGNATURE = Signature("classification", SHAPE, 5, (0.5,), (0.2,))
NETWORKS, CHECKS = 8, 5


def ratio_by_parts(original: nn.Module, hidden: nn.Module, shape: Any, *, calls: int) -> Paired:
    """In place of a clock: every decoy costs five percent."""
    del original, shape, calls
    decoys = sum(len(list(one.modules())) - 1 for one in hidden.modules() if isinstance(one, Disguised))
    return Paired(1.0, 0.8 + 0.05 * decoys)


@pytest.fixture(scope="module", autouse=True)
def small() -> Any:
    """Few networks and trees, no clock, everything in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windowed_trees, "TREES", 5)
        patch.setattr(config, "FEWEST", NETWORKS)
        patch.setattr(readers, "only_checks", lambda number: number % CHECKS == 1)
        for place in (search, procedure):
            patch.setattr(place, "paired_latency", ratio_by_parts)
        for there in (victim, procedure):
            patch.setattr(there, "one_after_another", lambda work, shared, jobs: [work(shared, job) for job in jobs])
        yield


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small inverted bottleneck network with lively statistics, on disk."""
    folder = tmp_path_factory.mktemp("model")
    architecture = SPACES["mobilenet_macro"].architecture("01000000")
    network = build(architecture, SIGNATURE, width=8, depth=1, seed=0)
    with torch.no_grad():
        network.train()(torch.rand(16, *SHAPE))
    save_blueprint(Blueprint(architecture, SIGNATURE, tuple("abcde"), 8, 1), folder / "architecture.json")
    save_weights(network, folder / "locked.safetensors")
    return folder


def concealed(model: Path, out: Path, library: Path, **changes: Any) -> archlock.ConcealResult:
    settings = {
        "budget": "1.5x", "observers": ("memory",), "networks": NETWORKS, "rounds": 2, "plans": 3, "recordings": 1,
    }  # fmt: skip
    return archlock.conceal(model, out=out, recordings_in=library, workers=1, **{**settings, **changes})


@pytest.fixture(scope="module")
def done(model: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, archlock.ConcealResult]:
    place = tmp_path_factory.mktemp("conceal")
    source = small_digits(train=40, validation=10, test=20)
    return place, concealed(model, place / "hidden", place / "library", source=source)


def test_the_same_function_is_written_and_every_way_opens_it(
    model: Path, done: tuple[Path, archlock.ConcealResult]
) -> None:
    folder, result = done[0] / "hidden", done[1]
    images = torch.rand(50, *SHAPE)
    loaded, opened = archlock.load(folder), open_model(folder)
    assert apart(archlock.load(model), loaded, images) <= EXACT
    assert torch.equal(loaded(images), result.model(images))
    assert torch.equal(opened.module(images), result.model(images))
    assert sum(isinstance(one, Fold) for one in opened.edits) == result.record.folded == 8
    plan = [one for one in opened.edits if isinstance(one, Disguise)]
    assert [one.layer for one in plan] == [one.layer for one in result.record.plan]
    assert plan
    assert not any(isinstance(part, nn.BatchNorm2d) for part in loaded.modules())
    assert sorted(path.suffix for path in folder.glob("edited.*")) == [".json", ".safetensors"]


def test_the_record_has_both_readers_the_budget_and_the_search(done: tuple[Path, archlock.ConcealResult]) -> None:
    record = done[1].record
    assert record.images_from == "the test images of digits"
    assert (record.images, record.convolutions, record.manoeuvres[0]) == (20, 8, "fold")
    assert record.difference <= EXACT
    assert 0.8 < record.speed.ratio <= record.speed.budget == 1.5
    (one,) = record.observers
    assert (one.name, one.simulated) == ("memory", False)
    assert len(one.before.skeleton_errors) == len(one.taught.skeleton_errors) == 1
    assert len({one.before.unseen, one.naive.unseen, one.taught.unseen}) == 3
    assert one.naive.training_accuracy == one.before.training_accuracy > 0.9
    assert len(record.rounds) == 2
    assert all(found.best[0] >= found.middle[0] for found in record.rounds)
    assert min(record.parameters) > 0
    assert record.machine
    assert record.spent_seconds


def test_pages_are_made_again_and_a_finished_run_is_taken_up(
    model: Path, done: tuple[Path, archlock.ConcealResult]
) -> None:
    place, result = done
    folder = place / "hidden"
    assert conceal_from_json(folder / "conceal.json") == result.record
    before = [(folder / name).read_bytes() for name in ("report.html", "conceal.md")]
    assert rebuild(folder) == folder / "report.html"
    assert [(folder / name).read_bytes() for name in ("report.html", "conceal.md")] == before
    again = concealed(model, folder, place / "nowhere")
    assert again.record == result.record
    assert not (place / "nowhere").exists()
    with pytest.raises(RunError, match=r"holds a run with other settings \(conceal.budget: 1.5 -> 2.0\)"):
        concealed(model, folder, place / "library", budget="2x")


def test_policies_have_recordings_of_their_own(done: tuple[Path, archlock.ConcealResult]) -> None:
    folders = sorted(path.name for path in (done[0] / "library").iterdir() if path.is_dir())
    assert sum("-hidden-" not in name for name in folders) == 1
    assert sum("-hidden-" in name for name in folders) == 3  # (two rounds, and another seed for the judge)
    assert all(len(list((done[0] / "library" / name).glob("sizes-*"))) == NETWORKS for name in folders)


def test_a_search_that_was_stopped_goes_on_with_its_policies(
    model: Path, done: tuple[Path, archlock.ConcealResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = done[0] / "library"
    kept = {path: path.stat().st_mtime_ns for path in library.rglob("*.json")}

    def stop(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(procedure, "judged", stop)
        with pytest.raises(KeyboardInterrupt):
            concealed(model, tmp_path / "hidden", library)
    assert not (tmp_path / "hidden" / "conceal.json").exists()
    noted = Noted()
    again = concealed(model, tmp_path / "hidden", library, progress=noted)
    assert [stage for stage, _, _ in noted.stages if stage.startswith(("policy", "latenc", "disguises"))] == []
    assert again.record.plan == done[1].record.plan
    assert again.record.observers == done[1].record.observers
    assert again.record.images_from.startswith("random numbers in [0, 1]")
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


def test_what_does_not_keep_the_budget_in_a_fresh_process_is_not_written(
    model: Path, done: tuple[Path, archlock.ConcealResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(procedure, "paired_latency", lambda *_, **__: Paired(1.0, 1.6))
    with pytest.raises(MeasurementError, match=r"keeps the budget of 1.5x in a fresh process, nor does folding alone"):
        concealed(model, tmp_path / "hidden", done[0] / "library")
    assert not (tmp_path / "hidden" / "edited.json").exists()

    def slow(original: nn.Module, hidden: nn.Module, *_: Any, **__: Any) -> Paired:
        return Paired(1.0, 1.2 + 0.2 * sum(isinstance(part, Disguised) for part in hidden.modules()))

    monkeypatch.setattr(procedure, "paired_latency", slow)
    thinned = concealed(model, tmp_path / "hidden", done[0] / "library").record
    assert len(thinned.plan) <= 1
    assert thinned.speed.ratio <= 1.5


def test_a_budget_that_folding_alone_breaks_is_refused_before_networks_are_recorded(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "paired_latency", lambda *_, **__: Paired(1.0, 1.1))
    with pytest.raises(MeasurementError, match=r"no disguise keeps the budget of 1x: with folding alone .* 1.10 times"):
        concealed(model, tmp_path / "hidden", tmp_path / "library", budget=1.0)
    assert not (tmp_path / "library").exists()


def test_of_the_best_the_one_whose_visible_architecture_trains_worst_is_taken(
    model: Path, done: tuple[Path, archlock.ConcealResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[nn.Module] = []
    scores = [0.9, 0.5, 0.4, None]

    def trains(made: nn.Module, *_: Any) -> Visible:
        trained.append(made)
        return Visible(scores[len(trained) - 1])

    monkeypatch.setattr(visible, "_trained", trains)
    monkeypatch.setattr(procedure, "SPARED", 0.0)
    source = small_digits(train=40, validation=10, test=20, labels=(0, 1, 2, 3, 4))
    record = concealed(model, tmp_path / "hidden", done[0] / "library", worse=3, source=source).record
    assert [one.score for one in record.visible] == [0.9, 0.5, 0.4, None]
    assert record.visible[1].skeleton_error >= record.visible[2].skeleton_error >= record.visible[3].skeleton_error
    assert len(trained) == 4
    hidden = trained[2]
    norms = sum(isinstance(part, nn.BatchNorm2d) for part in hidden.modules())
    assert norms >= record.convolutions
    plans = [one.tricks for one in record.plan]
    assert sum(isinstance(part, Disguised) for part in hidden.modules()) == len(plans)
    with pytest.raises(ConfigurationError, match="visible architectures are trained on data; give the model's own"):
        concealed(model, tmp_path / "other", done[0] / "library", worse=3)


def test_a_visible_network_trains_and_stays_one() -> None:
    layer = nn.Conv2d(1, 4, 3, padding=1)
    tricks = (Trick("branch", 2, "outputs"), Trick("deepen", 1, "conv1 activation"), Trick("dummy", 1))
    network = nn.Sequential(disguised(layer, tricks), nn.ReLU(), nn.Conv2d(4, 4, 1))
    seen = visible.visible_network(network)
    assert sum(isinstance(part, nn.BatchNorm2d) for part in seen.modules()) == 3
    assert seen.train()(torch.rand(2, *SHAPE)).shape == network(torch.rand(2, *SHAPE)).shape
    assert not any(isinstance(part, nn.BatchNorm2d) for part in network.modules())


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"budget": 0.9}, ConfigurationError, "from 1 to 100, as in 1.5x; got 0.9"),
        ({"budget": True}, ConfigurationError, "as in 1.5x; got True"),
        ({"budget": "fast"}, ConfigurationError, "budget 'fast' is not understood; write how many times"),
        ({"manoeuvres": ("banch",)}, UnknownNameError, r"unknown manoeuvre 'banch'; .*\(did you mean 'branch'\?\)"),
        ({"observers": ("service",)}, UnsupportedError, "service sees no operators.*choose from memory, timer, both"),
        ({"observers": ()}, ConfigurationError, "nobody observes; name at least one observer"),
        ({"networks": 3}, ConfigurationError, "networks is a whole number, at least"),
        ({"rounds": 0}, ConfigurationError, "rounds is a whole number, at least 1; got 0"),
        ({"reader": "oracle"}, UnknownNameError, "unknown reader 'oracle'"),
        ({"plan": 3}, ConfigurationError, "a concealment has no setting 'plan'; its settings are: budget, manoeuvres"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(settings: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        ConcealConfig.of(**settings)


@pytest.mark.parametrize("text", ["1.5", "x", "-2x", "1.5 times", "", "0x1x"])
def test_a_budget_is_times(text: str) -> None:
    assert parse_slowdown(" 1.5X") == 1.5
    with pytest.raises(ConfigurationError, match="is not understood; write how many times as slow"):
        parse_slowdown(text)


def test_what_is_simulated_must_be_asked_for() -> None:
    assert ConcealConfig().chosen == ("fold", "group", "kernel", "branch", "deepen", "dummy")
    asked = ConcealConfig(manoeuvres=("arena", "dummy"))
    assert (asked.chosen, asked.arena, ConcealConfig().arena) == (("fold", "arena", "dummy"), True, False)


def test_models_that_cannot_be_hidden_are_refused_before_anything_is_written(tmp_path: Path, model: Path) -> None:
    out = tmp_path / "hidden"
    plain = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 5))
    with pytest.raises(ConfigurationError, match="cannot be written: what builds its module is not known"):
        archlock.conceal(plain, out=out, size=(8, 8))
    linear = nn.Sequential(nn.Flatten(), *(nn.Linear(64, 64) for _ in range(5)), nn.Linear(64, 5))
    with pytest.raises(UnsupportedError, match="nothing of Linear can be hidden: it has no convolutions"):
        procedure.folded(procedure.as_classifier(linear, SHAPE).eval(), torch.rand(4, *SHAPE), "Linear")
    with pytest.raises(ConfigurationError, match=r"takes images of .* \(1, 8, 8\), not \(1, 9, 9\)"):
        archlock.conceal(model, out=out, size=(9, 9))
    group = list_edits(model).structure.groups[0]
    edit(model, narrow={group.name: 0.5}, out=tmp_path / "small")
    with pytest.raises(UnsupportedError, match="was narrowed, and how it is written would not say which part"):
        archlock.conceal(tmp_path / "small", out=out)
    assert not out.exists()


def test_layers_whose_owner_looks_into_them_are_left_alone() -> None:
    class Nosy(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.seen, self.plain = nn.Conv2d(1, 4, 3), nn.Conv2d(4, 4, 3)
            self.head = nn.Linear(4, 5)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            scaled = self.plain(self.seen(images) * self.seen.weight.mean())
            answer: torch.Tensor = self.head(scaled.mean((2, 3)))
            return answer

    found = procedure.folded(procedure.as_classifier(Nosy(), SHAPE).eval(), torch.rand(4, *SHAPE), "Nosy")
    assert [name.rpartition(".")[2] for name in found.names] == ["plain"]


def test_two_models_are_timed_in_turn_by_the_median() -> None:
    order: list[str] = []
    spent = {"a": 1e-3, "b": 3e-3}

    class Timed(nn.Module):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            order.append(self.name)
            now[0] += spent[self.name] * (50 if len(order) in {9, 10} else 1)
            return images

    now = [0.0]
    found = paired_latency(Timed("a"), Timed("b"), SHAPE, calls=9, clock=lambda: now[0])
    assert found.original_ms == pytest.approx(1.0)
    assert found.ratio == pytest.approx(3.0)
    assert order[:8] == ["b", "a", "a", "b", "b", "a", "a", "b"]
