import math
import os
import signal
import sqlite3

import numpy as np
import pytest

from archlock.errors import MeasurementError, StoreError
from archlock.evidence import FORMAT, EvidenceStore, Key, Measurement, fidelity_name
from second_process import printed, start

KEY = Key("nasbench201:314321", "0123456789abcdef", "source_accuracy", "validation", "sgd-3", 7)


@pytest.fixture
def store(tmp_path):
    return EvidenceStore(tmp_path / "evidence" / "store.sqlite")


def test_what_is_written_is_read(store):
    failed = Measurement(Key("a", "t", "m"), math.nan, "accuracy", 0.5, "failed", "diverged in epoch 1")
    unsupported = Measurement(Key("b", "t", "m"), math.nan, "accuracy", 0.0, "unsupported")
    valid = Measurement(KEY, 0.1 + 0.2, "accuracy", 1.25, note="ü")
    store.write([valid, failed])
    store.write([unsupported])
    found = EvidenceStore(store.path).read()
    assert found.keys() == {KEY, failed.key, unsupported.key}
    assert found[KEY] == valid
    for bad in (failed, unsupported):
        assert math.isnan(found[bad.key].value)
        assert (found[bad.key].status, found[bad.key].note) == (bad.status, bad.note)
        assert (found[bad.key].unit, found[bad.key].seconds) == (bad.unit, bad.seconds)
    assert len(store) == 3


def test_a_known_key_keeps_its_first_value(store):
    store.write([Measurement(KEY, 0.5, "accuracy", 1.0)])
    store.write([Measurement(KEY, 0.9, "accuracy", 2.0), Measurement(Key("a", "t", "m"), 1.0, "accuracy", 1.0)])
    store.write([Measurement(KEY, math.nan, "accuracy", 2.0, "failed")] * 2)
    assert store.read()[KEY] == Measurement(KEY, 0.5, "accuracy", 1.0)
    assert len(store) == 2


def test_what_is_settled_is_what_the_store_holds(store):
    known, new = Measurement(KEY, 0.5, "accuracy", 1.0), Measurement(Key("a", "t", "m"), 1.0, "accuracy", 1.0)
    store.write([known])
    again = Measurement(KEY, 0.9, "accuracy", 2.0)
    assert store.settle([new, again]) == (new, known)
    assert store.read() == {KEY: known, new.key: new}
    assert store.settle([]) == ()


def test_the_file_says_its_format_and_one_from_before_is_brought_up(store):
    store.write([Measurement(KEY, 0.5, "accuracy", 1.0)])
    with sqlite3.connect(store.path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (FORMAT,)
        connection.execute("PRAGMA user_version = 0")
    connection.close()
    assert EvidenceStore(store.path).read().keys() == {KEY}
    with sqlite3.connect(store.path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (FORMAT,)
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreError, match=r"written by a newer version .*\(format 99, this one knows 1\); update"):
        EvidenceStore(store.path)


def test_a_fidelity_begins_with_its_recipe_and_version(monkeypatch):
    assert fidelity_name("short", "abc", computed="torch2.9-cpu") == "short-v2-torch2.9-cpu-abc"
    assert fidelity_name("proxies", "c8") == "proxies-v3-c8"
    monkeypatch.setattr("archlock.evidence.RECIPE_VERSIONS", {"short": 3})
    assert fidelity_name("short", "abc") == "short-v3-abc"


def test_measurements_are_counted_by_fidelity(store):
    store.write(Measurement(Key("a", "t", m, fidelity=f), 1.0, "u", 0.0) for m, f in ("mf", "nf", "mg"))
    assert store.fidelities() == {"f": 2, "g": 1}


def test_every_part_of_a_key_counts(store):
    keys = [KEY]
    for place, value in enumerate(["other", "other", "other", "test", "other", 8]):
        parts = [KEY.architecture, KEY.task, KEY.measure, KEY.split, KEY.fidelity, KEY.seed]
        parts[place] = value
        keys.append(Key(*parts))
    store.write(Measurement(key, float(index), "u", 0.0) for index, key in enumerate(keys))
    assert {key: measurement.value for key, measurement in store.read().items()} == dict(
        zip(keys, range(7), strict=True)
    )


def test_reading_a_part(store):
    keys = [Key("a", "t", measure, fidelity=fidelity) for measure in ("m", "n") for fidelity in ("f", "g")]
    store.write(Measurement(key, 1.0, "u", 0.0) for key in keys)
    assert store.read().keys() == set(keys)
    assert store.read(fidelity="f").keys() == {keys[0], keys[2]}
    assert store.read(measure="n").keys() == {keys[2], keys[3]}
    assert store.read(measure="n", fidelity="f").keys() == {keys[2]}
    assert store.read(measure="m' OR '1'='1") == {}


def test_numbers_of_numpy_are_numbers(store):
    key = Key("a", "t", "m", seed=np.int64(3))
    store.write([Measurement(key, np.float32(0.5), "u", np.float64(1.5))])
    assert store.read() == {Key("a", "t", "m", seed=3): Measurement(Key("a", "t", "m", seed=3), 0.5, "u", 1.5)}


def test_a_value_is_finite_exactly_when_it_is_valid():
    for value, status in ((math.nan, "valid"), (math.inf, "valid"), (0.5, "failed"), (0.5, "unsupported")):
        with pytest.raises(MeasurementError, match=f"source_accuracy of nasbench201:314321: a valid .* got {value}"):
            Measurement(KEY, value, "accuracy", 1.0, status)


def test_a_batch_is_whole_or_absent(store):
    def batch():
        yield Measurement(KEY, 0.5, "accuracy", 1.0)
        raise MeasurementError("the second one failed")

    with pytest.raises(MeasurementError, match="the second one failed"):
        store.write(batch())
    nameless = Measurement(Key(None, "t", "m"), 0.5, "accuracy", 1.0)
    with pytest.raises(StoreError, match="NOT NULL"):
        store.write([Measurement(KEY, 0.5, "accuracy", 1.0), nameless])
    assert len(store) == 0


def test_what_is_not_a_store_is_named(tmp_path):
    path = tmp_path / "store.sqlite"
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreError, match=r"store\.sqlite is not a usable evidence store .* move it away"):
        EvidenceStore(path)
    assert path.read_bytes() == b"no database at all" * 100
    with pytest.raises(StoreError, match=rf"cannot make a folder for the evidence store {path}/deeper/store"):
        EvidenceStore(path / "deeper" / "store")
    with pytest.raises(StoreError, match=r"unable to open database file"):
        EvidenceStore(tmp_path)
    foreign = tmp_path / "foreign.sqlite"
    with sqlite3.connect(foreign) as connection:
        connection.execute("CREATE TABLE measurements (architecture TEXT, value REAL)")
    connection.close()
    with pytest.raises(StoreError, match=r"foreign\.sqlite is not a usable evidence store \(no such column: task\)"):
        EvidenceStore(foreign).read()


def test_damage_in_the_middle_is_named(store):
    store.write(Measurement(Key(f"a{index}", "t", "m"), 1.0, "u", 0.0) for index in range(500))
    content = bytearray(store.path.read_bytes())
    content[4096:] = b"\xaa" * (len(content) - 4096)
    store.path.write_bytes(content)
    with pytest.raises(StoreError, match=r"store\.sqlite is not a usable evidence store"):
        store.read()


FULL = """
import resource
from pathlib import Path
from archlock.errors import StoreError
from archlock.evidence import EvidenceStore, Key, Measurement
path, limit = Path(sys.argv[1]), int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
try:
    store = EvidenceStore(path)
    for number in range(1000):
        store.write([Measurement(Key(f"{number}-{index}", "t", "m"), 1.0, "u", 0.0) for index in range(50)])
except StoreError as error:
    print(error)
"""


@pytest.mark.parametrize("limit", [1000, 60_000, 400_000])
def test_a_full_disk_is_no_reason_to_throw_evidence_away(tmp_path, limit):
    """A limit on the size of a file stands for the full disk; with room again, what was written is there."""
    path = tmp_path / "store.sqlite"
    said = printed(FULL, path, limit)
    assert said.startswith(f"there is no room for the evidence store {path}, or its disk fails (")
    assert "make room on that disk and run the same command again; what is finished is kept" in said
    assert "move" not in said
    assert len(EvidenceStore(path)) % 50 == 0
    if limit > 100_000:
        assert len(EvidenceStore(path)) > 0


def sqlite_error(code):
    error = sqlite3.OperationalError("as SQLite says it")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (sqlite3.SQLITE_FULL, "there is no room for the evidence store"),
        (sqlite3.SQLITE_IOERR_WRITE, "there is no room for the evidence store"),
        (sqlite3.SQLITE_READONLY_DIRECTORY, "make its folder writable, or copy the file"),
        (sqlite3.SQLITE_CANTOPEN, "make its folder writable, or copy the file"),
        (sqlite3.SQLITE_BUSY, "is in use by another program"),
        (sqlite3.SQLITE_CONSTRAINT, "did not take this (as SQLite says it); what is in it stays as it was"),
        (sqlite3.SQLITE_CORRUPT, "move it away to start with an empty one, and keep it"),
    ],
)
def test_only_a_file_that_is_no_store_is_told_to_be_moved(store, code, words):
    with pytest.raises(StoreError) as caught, store._connection():
        raise sqlite_error(code)
    assert words in str(caught.value)
    assert ("move it away" in str(caught.value)) == (code == sqlite3.SQLITE_CORRUPT)


def test_a_seed_or_a_name_that_no_store_holds_is_said(store):
    with pytest.raises(StoreError, match=r"whole numbers below 2\*\*63 only .* take a smaller --seed"):
        store.write([Measurement(Key("a", "t", "m", seed=2**63), 1.0, "u", 0.0)])
    with pytest.raises(StoreError, match=r"texts in UTF-8 only .* rename what has that name"):
        store.write([Measurement(Key("caf\udce9", "t", "m"), 1.0, "u", 0.0)])
    assert len(store) == 0


WRITER = """
from pathlib import Path
from archlock.evidence import FORMAT, EvidenceStore, Key, Measurement, fidelity_name
store, who, batches = EvidenceStore(Path(sys.argv[1])), sys.argv[2], int(sys.argv[3])
for batch in range(batches):
    names = [f"{who}-{batch}-{index}" for index in range(40)] + ["both"]
    store.write(Measurement(Key(name, "t", f"batch{who}-{batch}"), 1.0, "u", 0.0) for name in names)
    print(batch, flush=True)
"""


def test_two_processes_write_at_once_and_lose_nothing(tmp_path):
    path = tmp_path / "store.sqlite"  # neither finds it there
    writers = [start(WRITER, path, who, 25) for who in "ab"]
    for writer in writers:
        _, complaint = writer.communicate(timeout=120)
        assert writer.returncode == 0, complaint
    assert len(EvidenceStore(path)) == 2 * 25 * 41


def test_a_killed_writer_leaves_whole_batches(tmp_path):
    path = tmp_path / "store.sqlite"
    counts = {}
    for number, lines in enumerate((1, 7, 20)):
        writer = start(WRITER, path, number, 10_000)
        for _ in range(lines):
            assert writer.stdout.readline()
        os.kill(writer.pid, signal.SIGKILL)
        writer.communicate()
        found = [key.measure for key in EvidenceStore(path).read()]
        counts = {measure: found.count(measure) for measure in found}
        assert sum(measure.startswith(f"batch{number}-") for measure in counts) >= lines
    assert set(counts.values()) == {41}


def test_what_is_covered_has_every_measure_on_every_task(store):
    def one(architecture, task, measure, *, split="train", fidelity="f", seed=0):
        return Measurement(Key(architecture, task, measure, split, fidelity, seed), 1.0, "unit", 0.0)

    store.write([one("all", task, measure) for task in "xy" for measure in "mn"])
    store.write([one("more", task, measure) for task in "xyz" for measure in "mno"])
    store.write([one("a task short", "x", measure) for measure in "mn"])
    store.write([one("a measure short", task, "m") for task in "xy"])
    store.write([one("two splits", task, "m", split=split) for task in "xy" for split in ("train", "validation")])
    store.write([one("elsewhere", task, measure, fidelity="g") for task in "xy" for measure in "mn"])
    store.write([one("another seed", task, measure, seed=1) for task in "xy" for measure in "mn"])
    assert store.covered(tasks="xy", measures="mn", fidelity="f", seed=0) == {"all", "more"}


def test_each_reads_one_architecture_after_the_other(store):
    keys = [
        Key(architecture, "t", measure, fidelity=fidelity)
        for architecture in "ab"
        for measure, fidelity in ("mf", "ng")
    ]
    store.write([Measurement(key, 1.0, "unit", 0.0) for key in keys])
    found = [{one.key for one in known} for known in store.each("bca")]
    assert found == [set(keys[2:]), set(), set(keys[:2])]
