import bz2
import json
import pickle
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from archlock.cli.app import app, main
from archlock.tables import content_checksum, embedded_tables, read_table
from archlock.tables.benchmarks import HARDWARE, NAS_TASKS
from benchmark_files import official, schedule, transnas_metrics, write_hw

CSV = "code,top,early,snip_c\n421211,90,80,3\n000001,,10,1\n"
COLUMNS = ["--column", "c=top:unit=%", "--column", "c@12=early:evidence", "--column", "c=*_c:proxy"]


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ARCHLOCK_TABLES", str(tmp_path / "library"))
    path = tmp_path / "mine.csv"
    path.write_text(CSV)
    return path


def run(*words: object) -> Result:
    result = CliRunner().invoke(app, ["tables", *map(str, words)], catch_exceptions=False)
    assert result.exit_code == 0
    return result


def import_mine(file: Path, *words: str) -> Result:
    return run("import", "csv", file, "--space", "nasbench201", "--key", "code", *COLUMNS, *words)


def fails(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str]:
    with pytest.raises(SystemExit) as caught:
        main(["tables", *map(str, words)])
    return int(str(caught.value.code)), capsys.readouterr().err


def test_import_list_and_show(file: Path, tmp_path: Path) -> None:
    shown = import_mine(file).stdout
    assert shown.startswith("imported mine: 2 architectures, 3 columns\n")
    table = read_table(tmp_path / "library" / "mine.npz")
    assert [column.role for column in table.columns] == ["truth", "evidence", "proxy"]
    own, *embedded = run("list").stdout.splitlines()
    assert own == "mine: 2 architectures of nasbench201, on c"
    assert [line.partition(":")[0] for line in embedded] == list(embedded_tables())
    lines = run("show", "mine").stdout.splitlines()
    assert lines[:2] == ["mine: 2 architectures of nasbench201", f"content SHA-256 {content_checksum(table)}"]
    assert lines[2].startswith("from mine.csv (SHA-256 ")
    assert lines[3:] == [
        "task c: 1 truth, 1 evidence, 1 proxy",
        "  top: truth of c, unknown metric (%); 1 values, best 90",
        "  early: evidence of c, unknown metric, 12 epochs; 2 values, best 80",
        "  snip_c: proxy of c, snip; 2 values, best 3",
    ]


def test_json_is_all_there_is(file: Path, tmp_path: Path) -> None:
    (imported,) = json.loads(import_mine(file, "--name", "other", "--json").stdout)["imported"]
    assert imported["path"] == str(tmp_path / "library" / "other.npz")
    shown = json.loads(run("show", "other", "--json").stdout)
    assert shown == imported["table"]
    assert shown["columns"][0]["column"]["unit"] == "%"
    (tmp_path / "library" / "bad.npz").write_bytes(b"?")
    listed = json.loads(run("list", "--json").stdout)
    assert listed["tables"][0]["sha256"] == shown["sha256"]
    assert [table["name"] for table in listed["tables"]] == ["other", *embedded_tables()]
    assert "is not a table of ArchLock" in listed["damaged"]["bad"]
    assert "bad: " in run("list").stdout


def test_an_empty_library_says_where_it_looked(tmp_path: Path) -> None:
    assert str(tmp_path / "library") in run("list").stdout


def test_what_is_odd_is_said_on_the_error_stream_in_any_case(file: Path) -> None:
    file.write_text("code,top_error\n421211,90\n000001,80\n")
    words = ("import", "csv", file, "--space", "nasbench201", "--key", "code", "--column", "c=top_error")
    said = run(*words)
    assert said.stderr.startswith("mine: warning: top_error is taken as the higher the better")
    assert "c=top_error:lower" in said.stderr
    assert "Warning" not in said.stdout
    as_json = run(*words, "--replace", "--json")
    assert json.loads(as_json.stdout)["imported"][0]["table"]["name"] == "mine"
    assert "c=top_error:lower" in as_json.stderr
    assert "note: Warning: top_error is taken" in run("show", "mine").stdout


def test_a_name_is_replaced_on_request(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import_mine(file)
    code, words = fails(capsys, "import", "csv", file, "--space", "nasbench201", "--key", "code", *COLUMNS)
    assert code == 3
    assert "there is a table 'mine' already" in words
    import_mine(file, "--replace")


def test_a_preset_needs_no_columns(tmp_path: Path) -> None:
    path = tmp_path / "micro.csv"
    path.write_text("ops,arch_index,class_scene\n321000,0,12.5\n")
    run("import", "csv", path, "--preset", "transnas101_micro")
    assert (
        "class_scene: truth of class_scene, accuracy (%) on validation, 25 epochs"
        in run("show", "transnas101_micro").stdout
    )


def test_half_a_description_is_wrong_usage(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, words = fails(capsys, "import", "csv", file, "--space", "nasbench201")
    assert code == 2
    assert "say what the file holds with --space, --key and --column, or name its --preset" in words
    code, words = fails(capsys, "import", "csv", file, "--preset", "nasbench201", "--key", "code")
    assert code == 2
    assert "--preset sets the space, the key and the columns" in words


def test_help_shows_the_whole_form() -> None:
    shown = " ".join(
        CliRunner().invoke(app, ["tables", "import", "csv", "--help"], env={"COLUMNS": "200"}).stdout.split()
    )
    assert "TASK[@EPOCHS]=COLUMN[:ROLE][:lower][:unit=...]" in shown
    assert "--column 'cifar10@12=valid_12:evidence'" in shown


def test_a_test_value_is_not_imported_as_evidence(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--space", "nasbench201", "--key", "code", "--column", "c=c_naslib_val_accuracy:evidence"]
    code, complaint = fails(capsys, "import", "csv", file, *words)
    assert code == 3
    assert "'c_naslib_val_accuracy' cannot be evidence" in complaint


def test_an_unknown_table_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    code, words = fails(capsys, "show", "moon")
    assert code == 3
    assert "unknown table 'moon'; known: " in words


def test_nats_with_progress_on_the_error_stream(tmp_path: Path) -> None:
    folder = tmp_path / "NATS"
    folder.mkdir()
    record = {"12": schedule(12, 50, (777,)), "200": schedule(200, 70, (777,))}
    for name, content in (("meta", {"meta_archs": [official("421211")]}), ("000000", record)):
        (folder / f"{name}.pickle.pbz2").write_bytes(bz2.compress(pickle.dumps(content)))
    result = run("import", "nats", folder)
    assert result.stdout.startswith("imported nats: 1 architectures, 24 columns\nnote: NATS-Bench, topology")
    assert "architectures: 1 of 1" in result.stderr
    assert run("import", "nats", folder, "--name", "again", "--quiet").stderr == ""
    assert (
        run("list").stdout.splitlines()[1] == "nats: 1 architectures of nasbench201, on cifar10, cifar100, imagenet16"
    )


def test_files_of_torch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import torch

    infos = {0: {"less": schedule(12, 50, (777,)), "full": schedule(200, 70, (777,))}}
    torch.save({"meta_archs": [official("421211")], "arch2infos": infos}, tmp_path / "a.pth")
    assert "imported nasbench201: 1 architectures" in run("import", "nasbench201", tmp_path / "a.pth").stdout
    results = {"jigsaw": transnas_metrics("top1", [1.0, 2.0], [3.0, 4.0])}
    data = {"micro": {"64-41414-0_00_001": results}, "macro": {"64-4111-basic": results}}
    torch.save({"data": data}, tmp_path / "b.pth")
    imported = json.loads(run("import", "transnas", tmp_path / "b.pth", "--json").stdout)["imported"]
    assert [one["table"]["name"] for one in imported] == ["transnas101_micro", "transnas101_macro"]
    (tmp_path / "library" / "transnas101_micro.npz").unlink()
    code, words = fails(capsys, "import", "transnas", tmp_path / "b.pth")
    assert code == 3
    assert "there is a table 'transnas101_macro' already" in words
    assert not (tmp_path / "library" / "transnas101_micro.npz").exists()


def test_hardware(tmp_path: Path) -> None:
    data = {
        name: {"config": [{"arch_str": official("421211")}], **{measure: [1.5] for measure in HARDWARE}}
        for name in NAS_TASKS
    }
    run("import", "hw", write_hw(tmp_path / "hw.pickle", {"nasbench201": data}))
    assert (
        "  fpga_energy_imagenet16: cost of imagenet16, fpga_energy (mJ), lower is better; 1 values, best 1.5"
        in run("show", "hw").stdout.splitlines()
    )


def test_a_pickle_that_wants_to_run_something_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, words = fails(capsys, "import", "hw", write_hw(tmp_path / "hw.pickle", Path("x")))
    assert code == 3
    assert "hw.pickle: wants pathlib." in words
    assert "refused, since it could run code" in words
