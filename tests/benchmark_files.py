"""Small files of the structure that the official benchmark files are documented to have."""

from pathlib import Path
from typing import Any

import numpy as np

from archlock.spaces import SPACES

SPACE = SPACES["nasbench201"]


def official(code: str) -> str:
    """Official string of a cell of NAS-Bench-201."""
    return SPACE.official_string(SPACE.architecture(code))


def run(splits: dict[str, float], epochs: int, *, latency: float = 0.01) -> dict[str, Any]:
    """One training: the accuracy on each split after the last epoch, and 0 before."""
    accuracies = {f"{split}@{epoch}": 0.0 for split in splits for epoch in range(epochs - 1)}
    accuracies |= {f"{split}@{epochs - 1}": value for split, value in splits.items()}
    return {
        "epochs": epochs,
        "eval_acc1es": accuracies,
        "params": np.float64(0.5),
        "flop": 20.0,
        "latency": [np.float64(latency)],
        "train_times": dict.fromkeys(range(epochs), 2.0),
        "net_state_dict": None,
    }


def schedule(epochs: int, top: float, seeds: tuple[int, ...]) -> dict[str, Any]:
    """The runs of one schedule; seed number i is i points above ``top``."""
    results = {}
    for plus, seed in enumerate(seeds):
        value = top + plus
        results["cifar10-valid", seed] = run({"x-valid": value, "ori-test": value - 1}, epochs)
        results["cifar10", seed] = run({"ori-test": value + 2}, epochs, latency=-1.0)
        for dataset in ("cifar100", "ImageNet16-120"):
            results[dataset, seed] = run({"x-valid": value - 20, "x-test": value - 21, "ori-test": value - 22}, epochs)
    return {"all_results": results}


def transnas_metrics(recorded: str, validation: list[float], test: list[float], word: str = "valid") -> dict[str, Any]:
    """What the file has of one architecture and task."""
    return {
        "metrics": {f"{word}_{recorded}": validation, f"test_{recorded}": test, "time_elapsed": [1.0] * len(test)},
        "model_info": {"inference_time": 0.004, "model_params": 1.5, "model_FLOPs": 90.0, "encoder_params": 1.0},
        "total_epochs": len(test),
    }


def write_hw(path: Path, content: Any) -> Path:
    """A pickle as the benchmark's."""
    import pickle

    path.write_bytes(pickle.dumps(content, 4))
    return path
