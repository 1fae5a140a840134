from pathlib import Path

import pytest

from archlock.errors import WriteError
from archlock.tasks import Cache
from archlock.tasks.stored.cache import cache_folder


def test_where_it_is(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    monkeypatch.delenv("ARCHLOCK_CACHE", raising=False)
    assert cache_folder() == Path("/somewhere/archlock/images")
    monkeypatch.setenv("ARCHLOCK_CACHE", str(tmp_path))
    assert Cache().folder == Cache.at(None).folder == tmp_path
    assert Cache.at("there").folder == Path("there")
    assert Cache.at(Cache(tmp_path, memory=3)).memory == 3


def test_a_place_that_can_be_none(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError, match=r"decoded images and cannot be written .*--cache"):
        Cache(tmp_path / "file" / "cache").free_bytes()
