import os

import torch
from threadpoolctl import threadpool_info

from archlock.execution import default_workers, one_thread


def test_one_thread_is_for_a_while(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    before = torch.get_num_threads(), [library["num_threads"] for library in threadpool_info()]
    with one_thread():
        assert torch.get_num_threads() == 1
        assert {library["num_threads"] for library in threadpool_info()} == {1}
        assert os.environ["OMP_NUM_THREADS"] == os.environ["MKL_NUM_THREADS"] == "1"
    assert before == (torch.get_num_threads(), [library["num_threads"] for library in threadpool_info()])
    assert os.environ["OMP_NUM_THREADS"] == "2"
    assert "MKL_NUM_THREADS" not in os.environ


def test_default_workers_are_processors():
    assert 1 <= default_workers() <= os.cpu_count()
