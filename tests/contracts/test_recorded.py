import pytest

from archlock.recipes import METHODS
from archlock.tables import Allowance
from archlock.testing.recorded import check_recorded_method
from made_up_tables import made_up_table
from second_process import printed

FEW_SHOT = Allowance(40, 20)
TABLES = {short: made_up_table(codes=300, short=short) for short in (False, True)}
ELSEWHERE = """
from archlock.recipes import METHODS
from archlock.tables import Allowance, open_pair
from made_up_tables import made_up_table

for name, entry in METHODS.items():
    allowance = Allowance(0, 20) if entry.evidence == "zero_cost" else Allowance(40, 20)
    table = made_up_table(codes=300)
    feasible = table.architectures[: entry.known_feasible]
    evidence, _ = open_pair(table, "t0", "t1", scheme="tu", allowance=allowance, known_feasible=feasible)
    print(name, entry.method(evidence, floor=0.9, seed=3).code)
"""


@pytest.fixture(scope="module")
def elsewhere():
    return dict(line.split() for line in printed(ELSEWHERE).splitlines())


@pytest.mark.parametrize("name", list(METHODS))
def test_contract(name, elsewhere):
    entry = METHODS[name]
    allowance = Allowance(0, 20) if entry.evidence == "zero_cost" else FEW_SHOT
    chosen = check_recorded_method(
        entry.method, TABLES[False], schemes=entry.schemes, allowance=allowance, known_feasible=entry.known_feasible
    )
    assert chosen["tu"].code == elsewhere[name], "a second process gives the same answer"


@pytest.mark.parametrize("name", [name for name, entry in METHODS.items() if entry.evidence == "few_shot"])
def test_contract_where_short_trainings_are_recorded(name):
    check_recorded_method(METHODS[name].method, TABLES[True], schemes=("tk", "tu"), allowance=FEW_SHOT)
