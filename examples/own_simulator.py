"""A simulated target of your own: which half of the image was blacked out. A search under scheme TU can use it."""

import numpy as np

from archlock.seeding import rng_for
from archlock.tasks import SIMULATORS, Simulator, Split, Task, digits

SIDES = ("left", "right", "top", "bottom")


class Blackout(Simulator):
    name = "blackout"
    description = "which half of the image is black"

    def obstacle(self, source: Task, /) -> str:
        return "" if min(source.shape[1:]) >= 2 else "its images have a single row or column"

    def simulate(self, source: Task, *, seed: int) -> Task:
        def darkened(split: Split, name: str) -> Split:
            rng = rng_for(seed, self.name, source.fingerprint, name)
            images, sides = split.images.copy(), rng.integers(len(SIDES), size=len(split))
            _, height, width, _ = images.shape
            images[sides == 0, :, : width // 2] = 0
            images[sides == 1, :, width // 2 :] = 0
            images[sides == 2, : height // 2] = 0
            images[sides == 3, height // 2 :] = 0
            return Split(images, sides.astype(np.int64))

        splits = {name: darkened(getattr(source, name), name) for name in ("train", "validation", "test")}
        name = f"{self.name}({source.name})"
        return Task(name, "classification", SIDES, **splits, origin=f"simulated from {source.name}: {self.description}")


SIMULATORS.add(Blackout.name, Blackout())

if __name__ == "__main__":
    task = SIMULATORS["blackout"].simulate(digits(), seed=0)
    print(f"{task.name}: {len(task.train)} images to train, chance {task.chance:.1%}, fingerprint {task.fingerprint}")
