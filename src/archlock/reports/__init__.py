"""Room: reports. What a run found, as a record (``result.json``), and everything a person reads of it."""

from archlock.reports.attack_cost import Cost, cost_to_reach
from archlock.reports.attack_words import attack_headline, attack_table
from archlock.reports.card import render_card
from archlock.reports.evaluation import (
    ALL_PAIRS,
    EVALUATION_SCHEMA,
    EvaluationRecord,
    EvaluationRow,
    FloorPoint,
    FloorScale,
    ImportanceRecord,
    PairScale,
    PatternRecord,
    Queries,
    RecordedTask,
    TableRecord,
    evaluation_from_json,
    evaluation_to_json,
    pair_name,
)
from archlock.reports.evaluation_page import render_evaluation
from archlock.reports.evaluation_rows import rows_csv, write_rows_parquet
from archlock.reports.evaluation_statistics import EvaluationSummary, Interval, MethodSummary, summarise
from archlock.reports.evaluation_tables import evaluation_summary
from archlock.reports.html import render_html
from archlock.reports.measures import further_sentence
from archlock.reports.record import SCHEMA, AttackRecord, LockRecord, from_json, from_plain, to_json
from archlock.reports.record_parts import (
    ARMS,
    BudgetRecord,
    EvidenceRecord,
    FileRecord,
    FinalistRecord,
    FloorRecord,
    FurtherRecord,
    ModelRecord,
    OutcomeRecord,
    Role,
    TargetRecord,
    TaskRecord,
    TradeOffPoint,
)
from archlock.reports.slc_auc import slc_auc
from archlock.reports.tables import attack_summary
from archlock.reports.verdict import Verdict, verdict_of

__all__ = [
    "ALL_PAIRS",
    "ARMS",
    "EVALUATION_SCHEMA",
    "SCHEMA",
    "AttackRecord",
    "BudgetRecord",
    "Cost",
    "EvaluationRecord",
    "EvaluationRow",
    "EvaluationSummary",
    "EvidenceRecord",
    "FileRecord",
    "FinalistRecord",
    "FloorPoint",
    "FloorRecord",
    "FloorScale",
    "FurtherRecord",
    "ImportanceRecord",
    "Interval",
    "LockRecord",
    "MethodSummary",
    "ModelRecord",
    "OutcomeRecord",
    "PairScale",
    "PatternRecord",
    "Queries",
    "RecordedTask",
    "Role",
    "TableRecord",
    "TargetRecord",
    "TaskRecord",
    "TradeOffPoint",
    "Verdict",
    "attack_headline",
    "attack_summary",
    "attack_table",
    "cost_to_reach",
    "evaluation_from_json",
    "evaluation_summary",
    "evaluation_to_json",
    "from_json",
    "from_plain",
    "further_sentence",
    "pair_name",
    "render_card",
    "render_evaluation",
    "render_html",
    "rows_csv",
    "slc_auc",
    "summarise",
    "to_json",
    "verdict_of",
    "write_rows_parquet",
]
