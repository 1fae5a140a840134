"""How far tasks lie apart: Task2Vec with the probe that is in the package, on tasks made from one data set."""

from archlock.embeddings import asymmetric_distance, distance, task2vec
from archlock.models import open_probe
from archlock.tasks import SIMULATORS, digits

if __name__ == "__main__":
    source = digits()
    tasks = [source, *(SIMULATORS[name].simulate(source, seed=0) for name in ("rotation", "grey", "textures"))]
    probe = open_probe("embedded")
    embeddings = [task2vec(task, probe, examples=150, layers="last", seed=0) for task in tasks]
    for task, embedding in zip(tasks, embeddings, strict=True):
        there, transfer = distance(embeddings[0], embedding), asymmetric_distance(embeddings[0], embedding)
        print(f"{source.name} to {task.name:18} distance {there:.3f}, for transfer {transfer:+.3f}")
