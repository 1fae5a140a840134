"""Preferences: evidence on a sample of architectures to a score of every architecture on every task."""

from archlock.catalog import Catalog
from archlock.preferences.binary_ranker import BinaryRanker, make_binary_ranker
from archlock.preferences.evidence_table import Column, EvidenceTable
from archlock.preferences.kriging import Estimate, Kriging, coordinates
from archlock.preferences.normal_scores import normal_scores
from archlock.preferences.population import Residuals, standing
from archlock.preferences.preference import Preference, PreferenceMaker
from archlock.preferences.ranker import Ranker, RankerReport
from archlock.preferences.ranker_training import MetaTraining, RankerPlan, train_ranker
from archlock.preferences.recorded_sources import RECORDED_SOURCES, SourceLesson, recorded_names, source_lesson
from archlock.preferences.ridge import Ridge, make_ridge
from archlock.preferences.saturating import NAME as SATURATING
from archlock.preferences.saturating import Curve, Saturating, fit_curve, make_saturating
from archlock.preferences.score_model import ScoreModel, make_score_model
from archlock.preferences.transferred import NAME as TRANSFERRED
from archlock.preferences.transferred import make_transferred, taught_by
from archlock.preferences.vote import Vote, copeland, make_vote, vote_margins

PREFERENCES: Catalog[PreferenceMaker] = Catalog(
    "preference",
    {
        "score_model": make_score_model,
        "ridge": make_ridge,
        "vote": make_vote,
        "binary_ranker": make_binary_ranker,
        SATURATING: make_saturating,
        TRANSFERRED: make_transferred,
    },
)

__all__ = [
    "PREFERENCES",
    "RECORDED_SOURCES",
    "SATURATING",
    "TRANSFERRED",
    "BinaryRanker",
    "Column",
    "Curve",
    "Estimate",
    "EvidenceTable",
    "Kriging",
    "MetaTraining",
    "Preference",
    "PreferenceMaker",
    "Ranker",
    "RankerPlan",
    "RankerReport",
    "Residuals",
    "Ridge",
    "Saturating",
    "ScoreModel",
    "SourceLesson",
    "Vote",
    "coordinates",
    "copeland",
    "fit_curve",
    "normal_scores",
    "recorded_names",
    "source_lesson",
    "standing",
    "taught_by",
    "train_ranker",
    "vote_margins",
]
