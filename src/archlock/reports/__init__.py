"""Room: reports. What a run found, as a record (``result.json``), and everything a person reads of it."""

from archlock.reports.amounts import amount_in_words, bytes_in_words, count_in_words, time_in_words
from archlock.reports.attack_cost import Cost, cost_to_reach
from archlock.reports.attack_words import attack_headline, attack_table
from archlock.reports.before_after import (
    BeforeAfterRecord,
    Change,
    before_after_cells,
    before_after_lines,
    before_after_sentences,
    changes,
    headline_changes,
)
from archlock.reports.card import render_card
from archlock.reports.compact import (
    COMPACT_SCHEMA,
    CompactRecord,
    CompactSize,
    CurvePoint,
    NarrowedGroup,
    PathPoint,
    TrialRecord,
    compact_from_json,
    compact_to_json,
)
from archlock.reports.compact_page import render_compact
from archlock.reports.compact_words import compact_lines, compact_remarks, render_compact_card
from archlock.reports.cost_parts import (
    CostRecord,
    LatencyKind,
    LimitRecord,
    LimitsPriceRecord,
    ModelCostRecord,
)
from archlock.reports.evaluation import (
    EVALUATION_SCHEMA,
    EvaluationRecord,
    evaluation_from_json,
    evaluation_to_json,
)
from archlock.reports.evaluation_intervals import Interval
from archlock.reports.evaluation_page import render_evaluation
from archlock.reports.evaluation_parts import (
    ALL_PAIRS,
    TRUTH_AGAIN,
    EvaluationRow,
    FloorPoint,
    FloorScale,
    FloorValue,
    ImportanceRecord,
    PairScale,
    PatternRecord,
    ProxyAgreement,
    Queries,
    RecordedTask,
    TableRecord,
    TwinAgreement,
    kept_from,
    pair_name,
    run_keeps_floor,
)
from archlock.reports.evaluation_proxies import ProxyGroup, proxy_groups
from archlock.reports.evaluation_rows import rows_csv, write_rows_parquet
from archlock.reports.evaluation_statistics import EvaluationSummary, MethodSummary, summarise
from archlock.reports.evaluation_tables import evaluation_summary, lock_score_text
from archlock.reports.evaluation_verdict import between, share_kept
from archlock.reports.friction import FORMS, FRICTION_SCHEMA, Form, FrictionRecord, FrictionTrial, Panel
from archlock.reports.friction_card import friction_lines, render_friction_card
from archlock.reports.hardening import (
    HARDENING_SCHEMA,
    HardeningRecord,
    ImmunityRecord,
    LayerRecord,
    LayerState,
    SizeRecord,
    SmoothnessRecord,
    hardening_from_json,
    hardening_to_json,
)
from archlock.reports.hardening_page import render_hardening
from archlock.reports.hardening_words import hardening_lines, hardening_warnings
from archlock.reports.html import render_html
from archlock.reports.measures import further_sentence
from archlock.reports.nontransferable_parts import NontransferableRecord, PlainModelRecord
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
from archlock.reports.robustness import (
    ROBUSTNESS_SCHEMA,
    AdversaryRecord,
    ExampleRecord,
    RobustnessRecord,
    SignRecord,
    robustness_from_json,
    robustness_to_json,
)
from archlock.reports.robustness_page import render_robustness
from archlock.reports.robustness_words import robustness_lines, robustness_verdict, robustness_warnings
from archlock.reports.shares import Share, wilson
from archlock.reports.slc_auc import slc_auc
from archlock.reports.tables import attack_summary
from archlock.reports.two_by_two import two_by_two_said
from archlock.reports.verdict import Verdict, verdict_of
from archlock.reports.warnings import warnings_of
from archlock.reports.wording import score as score_in_words

__all__ = [
    "ALL_PAIRS",
    "ARMS",
    "COMPACT_SCHEMA",
    "EVALUATION_SCHEMA",
    "FORMS",
    "FRICTION_SCHEMA",
    "HARDENING_SCHEMA",
    "ROBUSTNESS_SCHEMA",
    "SCHEMA",
    "TRUTH_AGAIN",
    "AdversaryRecord",
    "AttackRecord",
    "BeforeAfterRecord",
    "BudgetRecord",
    "Change",
    "CompactRecord",
    "CompactSize",
    "Cost",
    "CostRecord",
    "CurvePoint",
    "EvaluationRecord",
    "EvaluationRow",
    "EvaluationSummary",
    "EvidenceRecord",
    "ExampleRecord",
    "FileRecord",
    "FinalistRecord",
    "FloorPoint",
    "FloorRecord",
    "FloorScale",
    "FloorValue",
    "Form",
    "FrictionRecord",
    "FrictionTrial",
    "FurtherRecord",
    "HardeningRecord",
    "ImmunityRecord",
    "ImportanceRecord",
    "Interval",
    "LatencyKind",
    "LayerRecord",
    "LayerState",
    "LimitRecord",
    "LimitsPriceRecord",
    "LockRecord",
    "MethodSummary",
    "ModelCostRecord",
    "ModelRecord",
    "NarrowedGroup",
    "NontransferableRecord",
    "OutcomeRecord",
    "PairScale",
    "Panel",
    "PathPoint",
    "PatternRecord",
    "PlainModelRecord",
    "ProxyAgreement",
    "ProxyGroup",
    "Queries",
    "RecordedTask",
    "RobustnessRecord",
    "Role",
    "Share",
    "SignRecord",
    "SizeRecord",
    "SmoothnessRecord",
    "TableRecord",
    "TargetRecord",
    "TaskRecord",
    "TradeOffPoint",
    "TrialRecord",
    "TwinAgreement",
    "Verdict",
    "amount_in_words",
    "attack_headline",
    "attack_summary",
    "attack_table",
    "before_after_cells",
    "before_after_lines",
    "before_after_sentences",
    "between",
    "bytes_in_words",
    "changes",
    "compact_from_json",
    "compact_lines",
    "compact_remarks",
    "compact_to_json",
    "cost_to_reach",
    "count_in_words",
    "evaluation_from_json",
    "evaluation_summary",
    "evaluation_to_json",
    "friction_lines",
    "from_json",
    "from_plain",
    "further_sentence",
    "hardening_from_json",
    "hardening_lines",
    "hardening_to_json",
    "hardening_warnings",
    "headline_changes",
    "kept_from",
    "lock_score_text",
    "pair_name",
    "proxy_groups",
    "render_card",
    "render_compact",
    "render_compact_card",
    "render_evaluation",
    "render_friction_card",
    "render_hardening",
    "render_html",
    "render_robustness",
    "robustness_from_json",
    "robustness_lines",
    "robustness_to_json",
    "robustness_verdict",
    "robustness_warnings",
    "rows_csv",
    "run_keeps_floor",
    "score_in_words",
    "share_kept",
    "slc_auc",
    "summarise",
    "time_in_words",
    "to_json",
    "two_by_two_said",
    "verdict_of",
    "warnings_of",
    "wilson",
    "write_rows_parquet",
]
