"""An option that several commands have is written once, in ``cli/options.py``, and they all name it."""

import ast
from pathlib import Path

CLI = Path(__file__).resolve().parents[2] / "src" / "archlock" / "cli"
ANOTHER_MEANING = {
    ("transfer", "store"): "the store that is filled, beside the table",
    ("cost", "space"): "calibrates the machine for a space, and may be left out",
    ("transfer", "attacker"): "there is no panel: without any, one probe and one fine-tuning at one setting each",
    ("transfer", "shots"): "one number: all that there is to train on",
    ("import_csv", "space"): "may be left out, where the file's layout says it",
    ("make_task", "size"): "of what is made, one number: nodes along a side, points along a circle",
}


def written(source: str) -> dict[tuple[str, str], str]:
    """(command, parameter) -> its annotation, of all functions of a file that options or arguments belong to."""
    found = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef):
            for argument in (*node.args.args, *node.args.kwonlyargs):
                if argument.annotation is not None:
                    found[node.name, argument.arg] = ast.unparse(argument.annotation)
    return found


def shared() -> set[str]:
    """The options that stand in options.py."""
    body = ast.parse((CLI / "options.py").read_text()).body
    named = [node for node in body if isinstance(node, ast.Assign) and "Annotated" in ast.unparse(node.value)]
    return {ast.unparse(node.targets[0]) for node in named}


def commands() -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for path in sorted(CLI.glob("*.py")):
        found |= written(path.read_text()) if path.name != "options.py" else {}
    return found


def repeated(annotations: dict[tuple[str, str], str]) -> list[list[tuple[str, str]]]:
    """Parameters of different commands that spell out the same option."""
    by_text: dict[str, list[tuple[str, str]]] = {}
    for place, text in annotations.items():
        if "typer.Option" in text:
            by_text.setdefault(text, []).append(place)
    return [places for places in by_text.values() if len(places) > 1]


def test_no_option_is_spelled_out_twice() -> None:
    assert not repeated(commands())


def test_a_shared_option_is_used_wherever_there_is_one_of_its_name() -> None:
    options, found = shared(), commands()
    kind_of = {parameter: text for (_, parameter), text in found.items() if text in options}
    assert {"seed", "device", "workers", "store", "space", "attacker", "fractions", "as_json", "quiet"} <= set(kind_of)
    own = {
        place
        for place, text in found.items()
        if "typer.Option" in text and place[1] in kind_of and place not in ANOTHER_MEANING
    }
    assert not own, "use the option of cli/options.py, or say here why it means something else"


def test_the_reader_sees_a_repeated_option() -> None:
    one = "def {}(space: Annotated[str, typer.Option(help='which')] = '', size: Size = 3) -> None: ..."
    found = written(one.format("lock")) | written(one.format("measure"))
    assert found["lock", "size"] == "Size"
    assert repeated(found) == [[("lock", "space"), ("measure", "space")]]
