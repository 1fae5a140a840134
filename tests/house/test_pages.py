"""What the pages say is so: links lead somewhere, Python compiles and its names exist, commands and options exist."""

import ast
import importlib
import importlib.util
import inspect
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"^ *```(\w+)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)


def name_of(path: Path) -> str:
    """Path of a page inside the repository."""
    return path.relative_to(ROOT).as_posix()


def blocks(path: Path, language: str) -> list[str]:
    """The code blocks of a page in a language."""
    return [text for kind, text in BLOCK.findall(path.read_text(encoding="utf-8")) if kind == language]


def dotted_names(tree: ast.AST) -> set[str]:
    """Every ``archlock.x.y`` in a program."""
    found = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return {name for name in found if re.fullmatch(r"archlock(\.\w+)+", name)}


def look_up(name: str) -> Any:
    """The thing of that dotted name; AttributeError if there is none."""
    room, *rest = name.split(".")
    found: Any = importlib.import_module(room)
    for part in rest:
        found = getattr(found, part)
    return found


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_links_lead_somewhere(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    links = [link.split("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if not link.startswith("http")]
    assert not [link for link in links if not (path.parent / link).exists()]


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_python_compiles_and_its_names_exist(path: Path) -> None:
    for text in blocks(path, "python"):
        tree = ast.parse(text)
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("archlock"):
                module = importlib.import_module(node.module or "")
                assert not [alias.name for alias in node.names if not hasattr(module, alias.name)]
        for name in dotted_names(tree):
            look_up(name)


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_keywords_of_recipes_exist(path: Path) -> None:
    recipes = importlib.import_module("archlock.recipes")
    settings = set(inspect.signature(recipes.LockConfig).parameters)
    known = {
        "archlock.lock": set(inspect.signature(recipes.lock).parameters),
        "archlock.attack": set(inspect.signature(recipes.attack).parameters),
        "archlock.harden": set(inspect.signature(recipes.harden).parameters),
        "archlock.robustness": set(inspect.signature(recipes.robustness).parameters),
        "archlock.compact": set(inspect.signature(recipes.compact).parameters),
        "archlock.peep": set(inspect.signature(recipes.peep).parameters),
        "archlock.conceal": set(inspect.signature(recipes.conceal).parameters),
        "archlock.LockConfig": settings,
        "archlock.AttackConfig": set(inspect.signature(recipes.AttackConfig).parameters),
    }
    for text in blocks(path, "python"):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in known:
                assert {word.arg for word in node.keywords} <= known[ast.unparse(node.func)]


def below(command: Any) -> dict[str, Any]:
    """Every command inside a command, by the words that call it: ``lock``, ``tables``, ``tables import csv``."""
    found = dict(getattr(command, "commands", {}))
    for name, inner in list(found.items()):
        found |= {f"{name} {rest}": deeper for rest, deeper in below(inner).items()}
    return found


def top_of(path: Path) -> str:
    """The text of a page; of the changelog the newest section alone, for older ones name what was there then."""
    text = path.read_text(encoding="utf-8")
    return "\n## ".join(text.split("\n## ")[:2]) if path.name == "CHANGELOG.md" else text


def spans_of(text: str) -> list[str]:
    """What stands in backticks in running text; a span may go on in the next line."""
    prose = re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL)
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose)]


def command_of(line: str, commands: dict[str, Any]) -> str:
    """The longest command that a line begins with, ``tables import csv`` for example."""
    return max((name for name in commands if f"{line} ".startswith(f"archlock {name} ")), key=len)


def flags_of(line: str) -> set[str]:
    """Every ``--flag`` of a command line."""
    return set(re.findall(r"(?<![^\s/|(])--[a-z][a-z-]*", line))


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_commands_and_their_options_exist(path: Path) -> None:
    import typer

    from archlock.cli.app import app

    commands = below(typer.main.get_command(app))
    options = {
        name: {word for p in command.params for word in (*p.opts, *p.secondary_opts)}
        for name, command in commands.items()
    }
    anywhere = set().union(*options.values()) | {"--constraint", "--help"}
    text, spans = path.read_text(encoding="utf-8"), spans_of(top_of(path))
    for line in ["\n".join(blocks(path, "sh")).replace("\\\n", " "), *spans]:
        for one in line.splitlines():
            if re.match("archlock [a-z]", one):
                name = command_of(one, commands)
                assert flags_of(one) <= options[name] | {"--help"}, one
    for name in re.findall(r"`archlock (\w+)", text):
        assert name in options
    others = ("python ", "pip ", "dask ")
    assert {flag for span in spans if not span.startswith(others) for flag in flags_of(span)} <= anywhere


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_commands_stand_in_blocks_that_are_checked(path: Path) -> None:
    unnamed = re.findall(r"^ *```\n(.*?)^ *```", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert not [text for text in unnamed if text.startswith(("archlock ", "$ archlock"))]


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_dotted_names_in_the_text_exist(path: Path) -> None:
    names = {name for span in spans_of(top_of(path)) for name in re.findall(r"\barchlock(?:\.[A-Za-z_]\w*)+", span)}
    assert not {name for name in names if not exists(name)}


def exists(name: str) -> bool:
    """Whether a dotted name is a module, or something in one."""
    found: Any = importlib.import_module("archlock")
    for part in name.split(".")[1:]:
        below = f"{found.__name__}.{part}" if inspect.ismodule(found) else ""
        if below and hasattr(found, "__path__") and importlib.util.find_spec(below) is not None:
            found = importlib.import_module(below)
        elif hasattr(found, part):
            found = getattr(found, part)
        else:
            return False
    return True


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_files_and_folders_of_ours_exist(path: Path) -> None:
    package = ROOT / "src" / "archlock"
    rooms = "|".join(
        [*(p.stem for p in package.iterdir() if p.is_dir()), "src", "tests", "docs", "examples", "benchmarks"]
    )
    ours = re.compile(rf"(?:{rooms})/[\w./-]*")
    spans = {span for span in spans_of(top_of(path)) if ours.fullmatch(span)}
    assert not {span for span in spans if not any((place / span).exists() for place in (ROOT, package, ROOT / "src"))}


def test_the_readers_of_pages_see_what_is_wrong() -> None:
    assert exists("archlock.recipes.engine.settings")
    assert exists("archlock.tables.open_pair")
    assert not exists("archlock.recipes.few_shot")
    assert not exists("archlock.tables.open_pairs")
    assert spans_of("a `b\n  c` d\n```sh\n`e`\n```\n`f`") == ["b c", "f"]
    assert flags_of("archlock lock --source a --floor 1/--arms none") == {"--source", "--floor", "--arms"}


def test_the_shares_of_a_budget_are_those_of_the_plan() -> None:
    from archlock.recipes.lock.allocation import ATTACK_SHARE, EVIDENCE_SHARE, FINALIST_SHARE

    page = (ROOT / "docs" / "how-to" / "resume-and-share.md").read_text(encoding="utf-8")
    said = re.search(r"(\d+) % go to short trainings, (\d+) % to full ones and (\d+) % to the attackers", page)
    assert said is not None
    assert [int(share) / 100 for share in said.groups()] == [EVIDENCE_SHARE, FINALIST_SHARE, ATTACK_SHARE]


def test_the_page_on_plug_ins_says_what_a_script_needs() -> None:
    page = (ROOT / "docs" / "how-to" / "plug-in.md").read_text(encoding="utf-8")
    assert "needs no `if __name__" in page  # tests/unit/execution/test_process_pool.py runs such a script


def test_the_make_targets_of_the_readme_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"make ([a-z]+)\b", "\n".join(blocks(ROOT / "README.md", "sh"))))
    assert {"demo", "test"} <= named <= targets


@pytest.mark.parametrize(
    ("name", "maker"),
    [
        ("results-schema.md", "schema_page"),
        ("evaluation-schema.md", "evaluation_page"),
        ("robustness-schema.md", "robustness_page"),
        ("compact-schema.md", "compact_page"),
        ("hardening-schema.md", "hardening_page"),
        ("peep-schema.md", "peep_page"),
        ("conceal-schema.md", "conceal_page"),
    ],
)
def test_the_schema_page_is_what_the_records_say(name: str, maker: str) -> None:
    page = (ROOT / "docs" / name).read_text(encoding="utf-8")
    made = runpy.run_path(str(ROOT / "docs" / "make_schema.py"))[maker]()
    assert page == made, "run: python docs/make_schema.py"


def test_the_tables_of_sources_are_what_the_code_says() -> None:
    page = (ROOT / "docs" / "how-to" / "own-data.md").read_text(encoding="utf-8")
    made = runpy.run_path(str(ROOT / "docs" / "make_sources.py"))["page"](page)
    assert page == made, "run: python docs/make_sources.py"
    outcomes = [line.split(" | ")[1].split(":")[0] for line in page.splitlines() if line.startswith("| ")]
    assert {"understood", "told", "refused"} <= set(outcomes)


def test_the_plug_ins_on_the_pages_work() -> None:
    simulator = next(text for text in blocks(ROOT / "README.md", "python") if "class Negative" in text)
    page = blocks(ROOT / "docs" / "how-to" / "plug-in.md", "python")
    attack = next(text for text in page if "class Patient" in text)
    proxy = next(text for text in page if "class Layers" in text)
    checks = """
from archlock.models import build
from archlock.spaces import SPACES
from archlock.testing.proxies import PROXY_CHECKS
from archlock.testing.small_tasks import small_digits
from archlock.training import Plan

source = small_digits()
target = SIMULATORS["negative"].simulate(source, seed=0)
assert (target.test.images + source.test.images == 255).all() and target.fingerprint != source.fingerprint
for check in PROXY_CHECKS:
    check(PROXIES["layers"])
model = build(SPACES["nasbench201"].architecture("421211"), source.signature, width=4, depth=1, seed=0)
outcome = ATTACKS["patient"].run(model, target, plan=Plan(1, shift=0.0), settings=(0.05,), seed=0)
print(outcome.attacker, outcome.test)
"""
    program = "\n".join([simulator, attack, proxy, checks])
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("patient 0.")


def test_the_method_page_has_the_numbers_of_the_engine() -> None:
    from archlock.recipes.engine.market import MOST_CANDIDATES, MOST_CHANGES
    from archlock.recipes.engine.settings import DEFAULTS

    page = " ".join((ROOT / "docs" / "method.md").read_text(encoding="utf-8").split())
    assert f"probability of at least {100 * DEFAULTS.sure:.0f} %" in page
    assert f"more than {MOST_CANDIDATES:,} architectures" in page
    assert f"at most {MOST_CHANGES} changes away from a sensible one" in page
    assert ("about a third of them at random" in page) == (0.28 <= DEFAULTS.full_start <= 0.38)
    assert ("a third of every early batch stays random" in page) == (0.28 <= DEFAULTS.explored <= 0.38)
    assert ("Half of them are random" in page) == (DEFAULTS.short_start == 0.5)
    assert ("the most promising fifth" in page) == (DEFAULTS.foretold == 0.2)
