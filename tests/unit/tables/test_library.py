from pathlib import Path

import numpy as np
import pytest

from archlock.errors import TableError
from archlock.tables import (
    check_free,
    content_checksum,
    embedded_tables,
    library_folder,
    list_tables,
    open_by_name_or_path,
    save_table,
    write_table,
)
from recorded_tables import small_table


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ARCHLOCK_TABLES", str(tmp_path / "library"))
    return tmp_path / "library"


def test_a_table_is_found_by_name_and_by_path(folder: Path) -> None:
    path = save_table(small_table("nats-tss_v1.0"))
    assert path == folder / "nats-tss_v1.0.npz"
    assert list_tables() == {"nats-tss_v1.0": path}
    for text in ("nats-tss_v1.0", str(path), path):
        assert content_checksum(open_by_name_or_path(text)) == content_checksum(small_table("nats-tss_v1.0"))


def test_names_come_in_order_and_half_written_files_do_not(folder: Path) -> None:
    for name in ("b", "a"):
        save_table(small_table(name))
    (folder / ".c.npz.1234").touch()
    (folder / "notes.txt").touch()
    assert list(list_tables()) == ["a", "b"]


def test_a_name_is_taken_once(folder: Path) -> None:
    save_table(small_table())
    before = (folder / "small.npz").stat().st_mtime_ns
    with pytest.raises(TableError, match=r"there is a table 'small' already \(.*small\.npz\); choose another --name"):
        save_table(small_table())
    assert (folder / "small.npz").stat().st_mtime_ns == before
    save_table(small_table(), replace=True)


@pytest.mark.parametrize("name", ["", "a/b", "../a", ".hidden", "a b", "-a", "é"])
def test_a_name_is_a_plain_word(name: str) -> None:
    with pytest.raises(TableError) as caught:
        check_free(name)
    assert f"letters, digits, '.', '_' and '-'; got {name!r}" in str(caught.value)


def test_an_unknown_name_lists_the_known_ones_and_says_how_to_import() -> None:
    save_table(small_table())
    with pytest.raises(TableError, match=r"unknown table 'nats'; known: small.*\. Import one: archlock tables"):
        open_by_name_or_path("nats")
    with pytest.raises(TableError, match="there/nats is not a file"):
        open_by_name_or_path("there/nats")


def test_a_folder_of_your_own(tmp_path: Path) -> None:
    own = tmp_path / "own"
    save_table(small_table(), folder=own)
    assert list(list_tables(own)) == ["small"]
    assert list_tables() == {}
    assert open_by_name_or_path("small", folder=own).name == "small"


def test_where_the_library_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("ARCHLOCK_TABLES")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert library_folder() == tmp_path / "archlock" / "tables"
    monkeypatch.delenv("XDG_DATA_HOME")
    assert library_folder() == Path.home() / ".local" / "share" / "archlock" / "tables"
    monkeypatch.setenv("ARCHLOCK_TABLES", "~/mine")
    assert library_folder() == Path.home() / "mine"


def test_a_file_may_be_given_where_it_lies(tmp_path: Path) -> None:
    write_table(tmp_path / "elsewhere.npz", small_table())
    assert open_by_name_or_path(tmp_path / "elsewhere.npz").name == "small"


def test_what_comes_with_the_package_is_found_and_not_replaced() -> None:
    assert list(embedded_tables()) == ["transfer201", "transfer_macro", "transfer_macro100"]
    assert open_by_name_or_path("transfer201").space_name == "nasbench201"
    with pytest.raises(TableError, match="the table 'transfer201' comes with ArchLock; choose another --name"):
        check_free("transfer201", replace=True)


def test_the_embedded_table_of_transfer_is_whole() -> None:
    table = open_by_name_or_path("transfer201")
    assert len(table.codes) >= 150
    assert len({source for source, _ in table.pairs}) >= 3
    assert all(len([1 for s, _ in table.pairs if s == source]) >= 4 for source, _ in table.pairs)
    for source, target in table.pairs:
        for how in ("fine_tune", "probe"):
            assert (table.recorded(table.column(f"{target}_from_{source}_{how}_test")) > 0).all()
        assert (table.recorded(table.column(f"{target}_scratch_test")) > 0).all()
    assert "/" not in table.provenance.note, "no path of the machine it was made on"
    with pytest.raises(TableError, match="has no column 'gtsrb_scratch_tset'; near: gtsrb_scratch_test"):
        table.column("gtsrb_scratch_tset")


@pytest.mark.parametrize(("name", "least"), [("transfer_macro", 60), ("transfer_macro100", 20)])
def test_the_tables_where_weights_are_worth_something_are_whole(name: str, least: int) -> None:
    table = open_by_name_or_path(name)
    assert table.space_name == "locking_macro"
    assert len(table.codes) >= least
    (source,) = {source for source, _ in table.pairs}
    assert len(table.pairs) >= 4
    assert " /" not in table.provenance.note, "no path of the machine it was made on"
    for _, target in table.pairs:
        for split in ("validation", "test"):
            reached = [
                table.recorded(table.column(f"{target}_from_{source}_{who}_{split}_seed0"))
                for who in ("best_layer_probe", "lp_ft", "renormalised", "strongest")
            ]
            alone = [
                table.recorded(table.column(f"{target}_{who}_{split}_seed0")) for who in ("from_scratch", "ordinary")
            ]
            assert (np.array([*reached, *alone]) > 0).all()
        assert (table.recorded(table.column(f"{target}_from_{source}_leep")) < 0).all()
        sold, judge = table.truth(target, source), table.judge(target, source)
        assert (sold.split, judge.split) == ("validation", "test")


def test_where_weights_are_worth_something_a_third_was_trained_twice() -> None:
    table = open_by_name_or_path("transfer_macro")
    again = [np.isfinite(table.recorded(column)) for column in table.columns if column.name.endswith("_test_seed1")]
    assert np.all(again, axis=0).sum() >= len(table.codes) / 3
    for source, target in table.pairs:
        assert 0.005 < table.truth(target, source).noise < 0.2


def test_in_the_embedded_table_of_transfer_one_training_is_sold_and_the_other_judges() -> None:
    table = open_by_name_or_path("transfer201")
    for source, target in table.pairs:
        for sold, judge in ((table.truth(source), table.judge(source)),
                            (table.truth(target, source), table.judge(target, source))):  # fmt: skip
            assert (sold.role, sold.split, sold.runs) == ("truth", "validation", "seed 0")
            assert (judge.role, judge.split, judge.runs) == ("judge", "test", "seed 1")
            assert judge.start == sold.start
            assert 0.005 < sold.noise < 0.1, sold.name
    assert not [column for column in table.columns if column.role == "evidence" and column.runs != "seed 0"]


def test_the_embedded_table_of_transfer_has_two_trainings_of_everything() -> None:
    table = open_by_name_or_path("transfer201")
    measured = [column.name for column in table.columns if column.name.endswith(("_test", "_validation"))]
    assert len(measured) == 2 * (3 + 5 + 2 * 12)
    for name in measured:
        runs = np.stack([table.recorded(table.column(f"{name}_seed{seed}")) for seed in (0, 1)])
        assert np.isfinite(runs).mean() > 0.99, name
        both = np.isfinite(runs).all(axis=0)
        assert np.allclose(table.recorded(table.column(name))[both], runs.mean(axis=0)[both]), name
