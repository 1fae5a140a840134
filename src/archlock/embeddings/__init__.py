"""Embeddings: a task as a vector, how far two tasks lie apart, and vectors of tasks nobody has."""

from archlock.embeddings.distances import asymmetric_distance, distance
from archlock.embeddings.embedding import Embedding
from archlock.embeddings.simulated import simulate
from archlock.embeddings.task2vec import task2vec

__all__ = ["Embedding", "asymmetric_distance", "distance", "simulate", "task2vec"]
