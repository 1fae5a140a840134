"""Preferences: evidence on a sample of architectures to a score of every architecture on every task."""

from archlock.preferences.evidence_table import Column, EvidenceTable
from archlock.preferences.preference import Preference, PreferenceMaker
from archlock.preferences.score_model import ScoreModel, score_model

__all__ = ["Column", "EvidenceTable", "Preference", "PreferenceMaker", "ScoreModel", "score_model"]
