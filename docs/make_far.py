"""Write the tables of docs/far-targets.md: ``python docs/make_far.py --table far``.

The table is one of NAS-Bench-201 with the NinaPro column (see docs/how-to/tables.md), by its name or path. Everything
is read from truth, so it describes what is possible; no method sees it.
"""

import argparse
from pathlib import Path

from archlock.recipes.evaluate.proxy_agreement import proxy_agreements
from archlock.recipes.evaluate.scales import pair_scales
from archlock.reports import PairScale
from archlock.tables import Table, open_by_name_or_path

PAGE = Path(__file__).parent / "far-targets.md"
BEGIN, END = "<!-- made by docs/make_far.py -->", "<!-- end -->"
FLOOR = 0.97
FAR = "ninapro"


def main() -> None:
    """Write the tables; the rest of the page stays as it is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", required=True, help="name or path of the imported table")
    table = open_by_name_or_path(parser.parse_args().table)
    head, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, tail = rest.partition(END)
    PAGE.write_text(f"{head}{BEGIN}\n\n{said(table)}\n\n{END}{tail}", encoding="utf-8")


def said(table: Table) -> str:
    """What is possible on every pair, and what size says on every task."""
    scales = sorted(pair_scales(table, table.pairs, FLOOR), key=lambda one: (FAR in one.pair, one.source == FAR))
    heads = ["pair", "random feasible", "best on the source", "lowest", "twins", "agreement", "five lowest", "again"]
    lines = [_row(heads), _row(["---"] * len(heads)), *(_scale(one) for one in scales), ""]
    lines += [_row(["task", "parameters, all", "parameters, top 5 %", "architectures"]), _row(["---"] * 4)]
    for one in proxy_agreements(table, table.tasks):
        if one.proxy == "params":
            lines.append(_row([one.task, _number(one.whole), _number(one.top), f"{one.architectures:,}"]))
    return "\n".join(lines)


def _scale(one: PairScale) -> str:
    levels = [f"{value:.1f}" for value in (one.random_feasible, one.best_source, one.tk_floor)]
    twins = one.twins
    found = ["-"] * 4
    if twins is not None:
        found = [str(twins.functions), _number(twins.agreement), f"{twins.lowest:.1f}", f"{twins.again:.1f}"]
    return _row([f"{one.source} → {one.target}", *levels, *found])


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
