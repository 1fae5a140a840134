"""Recordings of random networks, made once on a machine for a size of images, and kept.

A folder for each machine, and in it one for each size and seed; a file for each network and part: what it asks for, how
long its operators take, how long calls take. Parts that are there are not made again, so a recording that was stopped
goes on, and more networks are added to what there is.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from archlock.decoding import decode
from archlock.errors import RunError, UnsupportedError
from archlock.execution import executor_for
from archlock.leaks import (
    Operator,
    Policy,
    Recording,
    in_disguise,
    training_network,
    watch_calls,
    watch_sizes,
    watch_times,
)
from archlock.progress import Progress
from archlock.recipes.limits.runtimes import here
from archlock.records import fingerprint, read_json, write_json
from archlock.seeding import rng_for

RECORDED: Final = 3
"""Number of the way of recording, and of making the networks: recordings of another are never mixed with these."""
VARIABLE: Final = "ARCHLOCK_RECORDINGS"
MACHINE: Final = "machine.json"
NOISY: Final = 0.10
"""A network of which halves of the passes disagree by more than this share was recorded on a busy machine."""
ROUNDS: Final = 5
ROUND_SECONDS: Final = 0.3
"""One model is timed in so many rounds, with calls for so many seconds in each: moments at which all of a machine is
slow last up to a second, and one recording of eight was half as slow again when all of it took half a second."""
Part = Literal["sizes", "times", "calls"]
Shape = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Machine:
    """Where recordings were made; times of another machine mean nothing here."""

    fingerprint: str
    words: str
    recorded: int = RECORDED


@dataclass(frozen=True, slots=True)
class Asked:
    """Sizes of a network, and what it is."""

    family: str
    sizes: tuple[int, ...]
    held: tuple[int, ...]
    operators: tuple[Operator, ...]


@dataclass(frozen=True, slots=True)
class Timed:
    """Times of a network."""

    seconds: tuple[float, ...]
    spread: float


@dataclass(frozen=True, slots=True)
class Called:
    """Times of whole calls."""

    seconds: tuple[float, ...]


_RECORDS: Final[dict[Part, type[Asked] | type[Timed] | type[Called]]] = {
    "sizes": Asked,
    "times": Timed,
    "calls": Called,
}


@dataclass(frozen=True, slots=True)
class Recorded:
    """One random network, recorded."""

    family: str
    operators: tuple[Operator, ...]
    recording: Recording
    spread: float


def this_machine() -> Machine:
    """The machine, the library that computes, and one thread."""
    place = here("torch")
    return Machine(fingerprint([place.machine, place.version, "one thread", RECORDED]), place.words)


def recordings_folder() -> Path:
    """Where recordings of this machine lie unless another place is named; it need not exist."""
    chosen, cache = os.environ.get(VARIABLE), os.environ.get("XDG_CACHE_HOME")
    if chosen:
        return Path(chosen).expanduser()
    home = Path(cache) if cache else Path.home() / ".cache"
    return home / "archlock" / "peep" / this_machine().fingerprint


def check_machine(folder: Path, machine: Machine) -> None:
    """Write down whose recordings the folder holds; RunError where they are of another machine."""
    path = folder / MACHINE
    if path.exists():
        found = decode(Machine, read_json(path), where=str(path))
        if found.fingerprint != machine.fingerprint:
            raise RunError(
                f"{folder} holds recordings of another machine ({found.words}), and this is {machine.words}; times of "
                "one say nothing of the other: name another folder with --recordings-in, or delete this one"
            )
    elif folder.is_dir() and any(folder.iterdir()):
        raise RunError(f"{folder} is not empty and holds no recordings of ours; name another with --recordings-in")
    else:
        write_json(path, machine)


def recorded_networks(
    folder: Path,
    shape: Shape,
    parts: Sequence[Part],
    *,
    networks: int,
    seed: int,
    workers: int,
    progress: Progress,
    policy: Policy | None = None,
) -> tuple[Recorded, ...]:
    """The first so many random networks for images of that shape, recorded here or before.

    With a ``policy`` they are disguised by it; they lie in a folder of its own, and their operators are those that they
    had before, and decoys.
    """
    check_machine(folder, this_machine())
    hidden = f"-hidden-{policy.fingerprint}" if policy is not None else ""
    place = folder / f"{'x'.join(map(str, shape))}-seed{seed}{hidden}"
    needed: tuple[Part, ...] = tuple(dict.fromkeys(("sizes", *parts)))
    jobs = [(n, tuple(p for p in needed if not _path(place, p, n).exists())) for n in range(networks)]
    waiting = [job for job in jobs if job[1]]
    done = "random networks, recorded in disguise" if policy is not None else "random networks, recorded"
    progress.begin(done, networks, networks - len(waiting))
    for index, made in executor_for(workers).run(_record, (shape, seed, policy), waiting):
        for part, record in made.items():
            write_json(_path(place, part, waiting[index][0]), record)
        progress.advance(1)
    return tuple(_read(place, needed, number) for number in range(networks))


def record_module(module: Any, shape: Shape, parts: Sequence[Part], *, rounds: int = ROUNDS) -> Recording:
    """The numbers of one model now and here: of every time the least of so many rounds."""
    asked = watch_sizes(module, shape)
    times, calls = [], []
    for _ in range(rounds):
        times.append(watch_times(module, shape).seconds if "times" in parts else ())
        calls.append(watch_calls(module, shape, for_seconds=ROUND_SECONDS) if "calls" in parts else ())
    return Recording(asked.sizes, asked.held, _least(times), _least(calls))


def _least(rounds: Sequence[Sequence[float]]) -> tuple[float, ...]:
    if len({len(one) for one in rounds}) > 1:
        raise UnsupportedError(f"rounds have {sorted({len(one) for one in rounds})} times; expected always as many")
    return tuple(min(times) for times in zip(*rounds, strict=True))


def _record(shared: tuple[Shape, int, Policy | None], job: tuple[int, tuple[Part, ...]]) -> dict[Part, Any]:
    """The missing parts of one network, in a worker."""
    (shape, seed, policy), (number, parts) = shared, job
    family, network = training_network(number, shape, seed=seed)
    if policy is not None:
        network = in_disguise(network, policy, shape, rng_for(seed, "disguise", number))
    made: dict[Part, Any] = {}
    for part in parts:
        if part == "sizes":
            asked = watch_sizes(network, shape, true=True)
            made[part] = Asked(family, asked.sizes, asked.held, asked.operators)
        elif part == "times":
            timed = watch_times(network, shape)
            made[part] = Timed(timed.seconds, timed.spread)
        else:
            made[part] = Called(watch_calls(network, shape))
    return made


def _path(place: Path, part: Part, number: int) -> Path:
    return place / f"{part}-{number:05d}.json"


def _read(place: Path, parts: tuple[Part, ...], number: int) -> Recorded:
    found: dict[str, Any] = {
        part: decode(_RECORDS[part], read_json(_path(place, part, number)), where=str(_path(place, part, number)))
        for part in parts
    }
    asked = found["sizes"]
    seconds = found["times"].seconds if "times" in found else ()
    if seconds and len(seconds) != len(asked.sizes):
        raise RunError(
            f"{_path(place, 'times', number)} has times of {len(seconds)} operators, but the network has "
            f"{len(asked.sizes)}; delete {place} to have it recorded again"
        )
    calls = found["calls"].seconds if "calls" in found else ()
    spread = found["times"].spread if "times" in found else 0.0
    return Recorded(asked.family, asked.operators, Recording(asked.sizes, asked.held, seconds, calls), spread)
