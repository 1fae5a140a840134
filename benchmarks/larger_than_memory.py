"""A folder of photographs that fits in no memory: made up, opened, killed on the way, opened again.

    python benchmarks/larger_than_memory.py make FOLDER --images 20000
    python benchmarks/larger_than_memory.py open FOLDER --cache DIR [--size 224]
    python benchmarks/larger_than_memory.py work FOLDER --cache DIR [--size 224] [--width 16] [--examples 64]

``open`` prints the seconds of opening and of an epoch of batches, and the largest memory of this process and of any of
its children, as the system counts it. ``work`` does once what a lock does with such data: evidence at a small size, a
simulated target, some training steps of a heavy cell and an evaluation; it prints the processor time of fetching and
augmenting an image beside that of training on it. The photographs are smooth colours, some of which belong to their
class.

Seen with 20,000 of them (2.8 GiB decoded) on two cores that did much else at a higher priority, so seconds say little:
decoding 543 s by the clock, largest memory 0.60 GiB, of a decoding process 0.30; killed after 4,884 images it went on
with the next; from a whole cache 3.3 to 4.0 processor seconds. The heaviest cell of NAS-Bench-201 at width 16: fetching
and augmenting 2.6 to 3.3 ms of processor time an image, training 320, so that whoever trains waits for 1 % at most; two
workers that train at once, with their parent, 2.6 GiB. A whole lock of them
(``archlock lock --source FOLDER --image-size 224 --width 4 --budget 20min --epochs 1 --simulate rotation --floor 20
--attacker linear_probe --attack-seeds 1 --fractions 100 --arms none --audit neu_defects.npz``, two workers): 2.33 GiB
at most over all processes (proportional set size; 2.64 GiB with what they share counted for each).
"""

import argparse
import resource
import time
from pathlib import Path

import numpy as np
from PIL import Image

CLASSES, SMALLEST, LARGEST = 50, 224, 300


def make(folder: Path, images: int) -> None:
    """JPEGs of 224 to 300 pixels in 50 class folders; those that are there stay."""
    for number in range(images):
        label, rng = number % CLASSES, np.random.default_rng(number)
        path = folder / f"class_{label:02d}" / f"{number:06d}.jpg"
        if path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        tile = np.random.default_rng(10_000 + label).integers(0, 256, (6, 6, 3))
        mixed = (0.6 * tile + 0.4 * rng.integers(0, 256, (6, 6, 3))).astype(np.uint8)
        width, height = rng.integers(SMALLEST, LARGEST + 1, 2).tolist()
        temporary = path.with_suffix(".part")
        Image.fromarray(mixed).resize((width, height), Image.Resampling.BICUBIC).save(temporary, "JPEG", quality=85)
        temporary.replace(path)


def open_and_read(folder: Path, cache: Path, size: int) -> None:
    """Open the folder as a task and go through its training split once."""
    from archlock.tasks import image_folder
    from archlock.training import batches

    def told(done: int, images: int) -> None:
        print(f"{time.perf_counter() - began:7.1f} s  {done:,} of {images:,}", flush=True)

    began = time.perf_counter()
    task = image_folder(folder, image_size=size, cache=cache, progress=told)
    opened = time.perf_counter()
    for _ in batches(task.train, 16, seed=0):
        pass
    read = time.perf_counter()
    own, others = (
        resource.getrusage(who).ru_maxrss / 2**20 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    print(f"opened {sum(map(len, (task.train, task.validation, task.test))):,} images in {opened - began:.1f} s")
    print(f"read {len(task.train):,} in batches: {1e3 * (read - opened) / len(task.train):.2f} ms an image")
    print(f"largest memory: {own:.2f} GiB, of a child {others:.2f} GiB; fingerprint {task.fingerprint}")


def work(folder: Path, cache: Path, size: int, width: int, examples: int) -> None:
    """What a lock does with the task, once."""
    import torch

    from archlock.models import build
    from archlock.spaces import SPACES
    from archlock.tasks import SIMULATORS, conform, image_folder, share_of, subsample
    from archlock.training import Plan, evaluate, fit, for_photographs, sized_for
    from archlock.training.augmentation import augmented

    torch.set_num_threads(1)

    def say(words: str, began: float) -> None:
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(f"{words}: {time.process_time() - began:.1f} processor seconds, {own:.2f} GiB so far", flush=True)

    began = time.process_time()
    task = image_folder(folder, image_size=size, cache=cache)
    say(f"opened {len(task.train):,} to train", began)
    began = time.process_time()
    small = conform(subsample(task, 3000, seed=0), (3, 32, 32))
    say(f"{len(small.train):,} to train at 32 pixels", began)
    began = time.process_time()
    target = SIMULATORS["rotation"].simulate(task, seed=0)
    say(f"{target.name}, {len(target.train):,} to train", began)
    few = share_of(task, examples, seed=0)
    plan = for_photographs(sized_for(Plan(1), (size, size)), (size, size))
    began = time.process_time()
    for _ in augmented(few.train, plan, 0):
        pass
    fetching = time.process_time() - began
    space = SPACES["nasbench201"]
    heaviest = max(space.enumerate(), key=lambda one: space.relative_cost((one,))[0])
    model = build(heaviest, few.signature, width=width, depth=1, seed=0)
    began = time.process_time()
    trained = fit(model, few, plan, seed=0)
    spent = time.process_time() - began
    say(f"{len(few.train)} trained on in batches of {plan.batch_size}, {len(few.validation)} looked at", began)
    began = time.process_time()
    evaluate(trained.model, task.validation.take(range(64)))
    say("64 looked at", began)
    print(f"fetching {1e3 * fetching / len(few.train):.1f} ms an image, of all {1e3 * spent / len(few.train):.1f} ms")


def main() -> None:
    """See the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verb", choices=("make", "open", "work"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--examples", type=int, default=64)
    asked = parser.parse_args()
    if asked.verb == "make":
        make(asked.folder, asked.images)
    elif asked.verb == "work":
        work(asked.folder, asked.cache, asked.size, asked.width, asked.examples)
    else:
        open_and_read(asked.folder, asked.cache, asked.size)


if __name__ == "__main__":
    main()
