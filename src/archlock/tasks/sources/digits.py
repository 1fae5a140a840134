"""The handwritten digits that come with scikit-learn: 1,797 grey images of 8 x 8, ten classes, no download."""

import numpy as np

from archlock.tasks.splitting import classification_task
from archlock.tasks.task import Split, Task


def digits(*, seed: int = 0) -> Task:
    """Task ``digits``; grey levels 0 to 16 become 0 to 255. Alpaydin and Kaynak (1998), UCI test set."""
    from sklearn.datasets import load_digits

    loaded = load_digits()
    images = np.rint(loaded.images * (255 / 16)).astype(np.uint8)[..., None]
    train = Split(images, loaded.target.astype(np.int64))
    origin = "scikit-learn digits: 1,797 handwritten digits, 8 x 8, grey (UCI, Alpaydin and Kaynak 1998)"
    classes = tuple(str(digit) for digit in range(10))
    return classification_task("digits", classes, train, None, None, where="digits", origin=origin, seed=seed)
