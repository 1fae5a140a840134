from archlock.records import canonical_json
from archlock.tables import content_checksum, measurement_name, summarise
from archlock.tables.table import RecordedColumn
from recorded_tables import small_table


def test_a_summary_counts_and_names() -> None:
    summary = summarise(small_table())
    assert (summary.name, summary.space, summary.architectures) == ("small", "nasbench201", 4)
    assert summary.tasks == {"cifar10": {"truth": 1, "judge": 0, "evidence": 1, "proxy": 0, "cost": 0, "repeat": 0}}
    assert [(one.recorded, one.best) for one in summary.columns] == [(3, 94.37), (4, 40.0), (4, 1e-300)]
    assert summary.sha256 == content_checksum(small_table())
    assert canonical_json(summary)


def test_a_measurement_is_named_in_full_or_as_unknown() -> None:
    assert [measurement_name(column) for column in small_table().columns] == [
        "accuracy (%) on test, 200 epochs, final epoch, one run",
        "accuracy (%) on validation, 12 epochs",
        "latency (ms), lower is better",
    ]
    assert measurement_name(RecordedColumn("a", "b", "truth")) == "unknown metric"
