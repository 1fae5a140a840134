import pytest

from archlock.errors import TableError
from archlock.tables.column_specs import expand, parse_spec
from archlock.tables.table import RecordedColumn


@pytest.mark.parametrize(
    ("text", "source", "column"),
    [
        ("cifar10=test", "test", RecordedColumn("test", "cifar10", "truth")),
        ("cifar10@12=v:evidence", "v", RecordedColumn("v", "cifar10", "evidence", epochs=12)),
        ("scene=loss:truth:lower", "loss", RecordedColumn("loss", "scene", "truth", higher_is_better=False)),
        ("=size:cost:unit=M:lower", "size", RecordedColumn("size", "", "cost", unit="M", higher_is_better=False)),
        ("a=my column:proxy:metric=snip", "my column", RecordedColumn("my_column", "a", "proxy", metric="snip")),
        ("a=t:judge", "t", RecordedColumn("t", "a", "judge")),
        ("a=t:truth:noise=0.25:unit=%", "t", RecordedColumn("t", "a", "truth", unit="%", noise=0.25)),
        (
            "a@200=t:split=x-test:checkpoint=best:runs=mean of 3 runs:name=top:unit=%",
            "t",
            RecordedColumn("top", "a", "truth", "unknown", "x-test", 200, "best", "mean of 3 runs", "%"),
        ),
    ],
)
def test_a_spec_says_what_a_column_is(text: str, source: str, column: RecordedColumn) -> None:
    spec = parse_spec(text)
    assert (spec.source, spec.column) == (source, column)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("test", "it needs a task, '=' and the name of a column"),
        ("cifar10=", "it needs a task, '=' and the name of a column"),
        ("cifar10@twelve=v", "a whole number after '@'"),
        ("cifar10@0=v", "a whole number after '@'"),
        ("cifar10=v:evidense", "'evidense' is neither a role nor 'lower' nor KEY=VALUE"),
        ("cifar10=v:units=%", "'units=%' is neither a role"),
        ("cifar10=*_x", "only a proxy may have a '*', and only one"),
        ("cifar10=*_*:proxy", "only a proxy may have a '*', and only one"),
        ("cifar10=*:proxy", "a bare '*' takes every column"),
        ("=v", "column 'v' (truth) needs the task"),
        ("=v:judge", "column 'v' (judge) needs the task"),
        ("a=v:noise=some", "noise is a number, the standard deviation of one training; got 'some'"),
        ("a=v:noise=-1", "the noise of column 'v' is a standard deviation of 0 or more; got -1.0"),
        ("a=v:noise=nan", "the noise of column 'v' is a standard deviation of 0 or more; got nan"),
        ("a=v:noise=inf", "the noise of column 'v' is a standard deviation of 0 or more; got inf"),
    ],
)
def test_another_text_is_shown_with_the_form(text: str, words: str) -> None:
    with pytest.raises(TableError) as caught:
        parse_spec(text)
    assert words in str(caught.value)


def test_a_star_takes_all_proxies_of_a_task() -> None:
    known = ["epe_nas_cifar10", "snip_cifar10", "snip_cifar100", "_cifar10", "cifar10_snip"]
    found = expand(parse_spec("cifar10=*_cifar10:proxy"), known)
    assert [(spec.source, spec.column.name, spec.column.metric, spec.column.task) for spec in found] == [
        ("epe_nas_cifar10", "epe_nas_cifar10", "epe_nas", "cifar10"),
        ("snip_cifar10", "snip_cifar10", "snip", "cifar10"),
    ]
    assert [spec.column.metric for spec in expand(parse_spec("a=cifar10_*:proxy"), known)] == ["snip"]


def test_what_is_not_there_is_an_error_with_near_matches() -> None:
    known = ["cifar10_test_200", "cifar10_valid_200", "latency"]
    with pytest.raises(TableError, match="no column 'cifar10_tset_200'; near: cifar10_test_200, cifar10_valid_200"):
        expand(parse_spec("cifar10=cifar10_tset_200"), known)
    with pytest.raises(TableError, match=r"no column matches '\*_imagenet'; it has cifar10_test_200"):
        expand(parse_spec("imagenet=*_imagenet:proxy"), known)


def test_a_test_value_called_validation_is_no_evidence() -> None:
    with pytest.raises(TableError) as caught:
        parse_spec("cifar10=cifar10_naslib_val_accuracy:evidence")
    assert "'cifar10_naslib_val_accuracy' cannot be evidence" in str(caught.value)
    assert "a test-set value of one seed" in str(caught.value)
    assert parse_spec("cifar10=cifar10_naslib_val_accuracy:truth").column.role == "truth"
