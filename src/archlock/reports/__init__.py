"""Room: reports. What a run found, as a record (``result.json``), and everything a person reads of it."""

from archlock.reports.card import render_card
from archlock.reports.html import render_html
from archlock.reports.record import (
    SCHEMA,
    AttackRecord,
    BudgetRecord,
    EvidenceRecord,
    FileRecord,
    FinalistRecord,
    FloorRecord,
    LockRecord,
    ModelRecord,
    OutcomeRecord,
    Role,
    TargetRecord,
    TaskRecord,
    TradeOffPoint,
    from_json,
    from_plain,
    to_json,
)
from archlock.reports.tables import attack_summary
from archlock.reports.verdict import Verdict, verdict_of

__all__ = [
    "SCHEMA",
    "AttackRecord",
    "BudgetRecord",
    "EvidenceRecord",
    "FileRecord",
    "FinalistRecord",
    "FloorRecord",
    "LockRecord",
    "ModelRecord",
    "OutcomeRecord",
    "Role",
    "TargetRecord",
    "TaskRecord",
    "TradeOffPoint",
    "Verdict",
    "attack_summary",
    "from_json",
    "from_plain",
    "render_card",
    "render_html",
    "to_json",
    "verdict_of",
]
