from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from archlock.errors import TableError
from archlock.tables import read_nasbench201, read_nats
from benchmark_files import official, schedule

CODES = ("421211", "000000", "334034")


def content() -> dict[str, Any]:
    infos = {
        index: {"less": schedule(12, top - 20, (777,)), "full": schedule(200, top, (777, 888))}
        for index, top in ((0, 70.0), (2, 10.0))
    }
    return {"meta_archs": [official(code) for code in CODES], "arch2infos": infos, "evaluated_indexes": {0, 2}}


@pytest.mark.parametrize("zipped", [True, False])
def test_a_file_of_the_documented_structure(tmp_path: Path, zipped: bool) -> None:
    whole = content()
    whole["arch2infos"][0]["full"]["all_results"]["cifar10", 777]["net_state_dict"] = {"w": torch.ones(4)}
    torch.save(whole, tmp_path / "a.pth", _use_new_zipfile_serialization=zipped)
    table = read_nasbench201(tmp_path / "a.pth")
    assert (table.name, table.codes) == ("nasbench201", ("000000", "334034", "421211"))
    np.testing.assert_array_equal(table.recorded(table.truth("cifar10")), [np.nan, 10.5, 70.5])  # validation is sold
    np.testing.assert_array_equal(table.recorded(table.judge("cifar10")), [np.nan, 12.5, 72.5])  # test judges
    np.testing.assert_array_equal(table.recorded(table.column("imagenet16_valid_12")), [np.nan, -30, 30])
    assert "1 of 3 architectures have no results" in table.provenance.note
    assert table.provenance.files[0][0] == "a.pth"


def test_columns_are_those_of_nats(tmp_path: Path) -> None:
    import bz2
    import pickle

    torch.save(content(), tmp_path / "a.pth")
    (tmp_path / "meta.pickle.pbz2").write_bytes(bz2.compress(pickle.dumps(content())))
    for index, infos in content()["arch2infos"].items():
        record = pickle.dumps({"12": infos["less"], "200": infos["full"]})
        (tmp_path / f"{index:06d}.pickle.pbz2").write_bytes(bz2.compress(record))
    one, other = read_nasbench201(tmp_path / "a.pth"), read_nats(tmp_path)
    assert (one.columns, one.codes) == (other.columns, other.codes)
    np.testing.assert_array_equal(one.values, other.values)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"arch2infos": None}, "a.pth has no dictionary 'arch2infos'"),
        ({"meta_archs": []}, "has no list 'meta_archs'"),
        ({"arch2infos": {3: {}}}, "has results of architecture 3, of 3 that it knows"),
        ({"arch2infos": {0: {"less": {}}}}, "architecture 0: expected 'less' and 'full', got ['less']"),
        ({"arch2infos": {0: {"less": {}, "full": {}}}}, "a.pth, architecture 0 does not have the structure"),
    ],
)
def test_another_structure_is_named(tmp_path: Path, changed: dict[str, Any], words: str) -> None:
    torch.save({**content(), **changed}, tmp_path / "a.pth")
    with pytest.raises(TableError) as caught:
        read_nasbench201(tmp_path / "a.pth")
    assert words in str(caught.value)
