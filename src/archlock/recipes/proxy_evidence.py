"""Proxies of untrained networks as evidence: one architecture on every task, in the size that a setting says.

Values depend on the architecture, the task, the setting, the seed and the kind of device alone, so what one recipe has
bought another finds in the store. A proxy that fails, or that has no meaning for a task, is a measurement that says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from archlock.errors import ConfigurationError
from archlock.evidence import Key, Measurement, fidelity_name
from archlock.execution import float64_device, kind_of
from archlock.identity import tag_of
from archlock.models import build
from archlock.proxies import PROXIES, PUBLISHED_SEVEN, Proxy, measure_together
from archlock.recipes.checking import check_whole
from archlock.seeding import derive_seed
from archlock.spaces import Architecture
from archlock.tasks import Signature, Task, conform, reduced_size
from archlock.training import Batch, batches

BATCHES = 2
"""Mini-batches of a task; no proxy wants more."""


@dataclass(frozen=True, slots=True)
class ProxySettings:
    """Which proxies, on networks and images of which size.

    The default size keeps the ranks of the full setting (width 16, depth 5, batch 64, side 32) at a small share of its
    cost: width and images may shrink, depth may not (see docs/fidelity.md).
    """

    proxies: tuple[str, ...] = PUBLISHED_SEVEN
    width: int = 8
    """Channels after the stem."""
    depth: int = 5
    """Cells in a row at one size."""
    batch: int = 16
    """Images in a mini-batch."""
    side: int = 16
    """Height and width of the images; smaller ones stay as they are."""

    def __post_init__(self) -> None:
        if not self.proxies:
            raise ConfigurationError(f"no proxy is asked for; known: {', '.join(PROXIES)}")
        if repeated := {name for name in self.proxies if self.proxies.count(name) > 1}:
            raise ConfigurationError(f"proxies are asked for twice: {', '.join(sorted(repeated))}")
        for name in self.proxies:
            _ = PROXIES[name]
        check_whole(1, width=self.width, depth=self.depth, batch=self.batch, side=self.side)
        sizes = {"width": self.width, "depth": self.depth, "batch": self.batch - 1, "side": self.side}
        if min(sizes.values()) < 1:
            raise ConfigurationError(
                f"proxies need a width, depth and side of at least 1 and a batch of at least 2; got width "
                f"{self.width}, depth {self.depth}, side {self.side}, batch {self.batch}"
            )

    @property
    def size(self) -> str:
        """Name of this size."""
        return f"c{self.width}-n{self.depth}-b{self.batch}-s{self.side}"

    def fidelity(self, *, device: str) -> str:
        """Name of this size in the evidence store, for values from that kind of device.

        Proxies need double precision; where a device has none they are computed on the processor.
        """
        return fidelity_name("proxies", self.size, computed=kind_of(float64_device(device)))


@dataclass(frozen=True, slots=True, eq=False)
class ProxyTask:
    """What proxies see of a task: its signature and two mini-batches."""

    fingerprint: str
    """Of the task at the size of the setting."""
    signature: Signature
    batches: tuple[Batch, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ProxyWork:
    """All that a worker needs to measure an architecture; as small as two mini-batches of every task."""

    tasks: dict[str, ProxyTask]
    settings: ProxySettings
    seed: int
    device: str
    proxies: dict[str, Proxy]
    """Those of the settings, by name. They travel with the work: a worker does not run the script that added one."""

    @classmethod
    def on(cls, tasks: Mapping[str, Task], settings: ProxySettings, *, seed: int, device: str) -> "ProxyWork":
        """The tasks, by name, at proxy size; fewer training images than two batches raise ConfigurationError."""
        small = {name: _proxy_task(name, task, settings, seed) for name, task in tasks.items()}
        return cls(small, settings, seed, device, {name: PROXIES[name] for name in settings.proxies})

    @property
    def fidelity(self) -> str:
        """Name of the size in the evidence store."""
        return self.settings.fidelity(device=self.device)

    def keys(self, architecture: Architecture) -> list[Key]:
        """Where the values are in the store: tasks in order, the proxies of each."""
        return [
            Key(str(architecture), task.fingerprint, _stored_name(name, proxy), "train", self.fidelity, self.seed)
            for task in self.tasks.values()
            for name, proxy in self.proxies.items()
        ]


def measure_name(proxy: str) -> str:
    """What a proxy is called in the evidence store; a plug-in with the fingerprint of its code."""
    return _stored_name(proxy, PROXIES[proxy])


def _stored_name(name: str, proxy: Proxy) -> str:
    return f"proxy.{name}{tag_of(proxy, base=Proxy)}"


def measure_proxies(work: ProxyWork, architecture: Architecture) -> tuple[Measurement, ...]:
    """Every proxy of one architecture on every task, in the order of :meth:`ProxyWork.keys`."""
    seed = derive_seed(work.seed, "proxies", str(architecture))
    settings, values = work.settings, []
    for task in work.tasks.values():
        model = build(architecture, task.signature, width=settings.width, depth=settings.depth, seed=seed)
        model = model.to(float64_device(work.device))
        found = measure_together(model, task.batches, work.proxies.values(), seed=seed)
        values += [found[proxy.name] for proxy in work.proxies.values()]
    return tuple(
        Measurement(key, value.value, "proxy", value.seconds, value.status, value.note)
        for key, value in zip(work.keys(architecture), values, strict=True)
    )


def _proxy_task(name: str, task: Task, settings: ProxySettings, seed: int) -> ProxyTask:
    small = conform(task, reduced_size(task.form, task.shape, settings.side))
    taken = []
    for batch in batches(small.train, settings.batch, seed=seed):
        taken.append(batch)
        if len(taken) == BATCHES:
            break
    if len(taken) < BATCHES or len(taken[-1]) < 2:
        raise ConfigurationError(
            f"proxies need {BATCHES} mini-batches of {settings.batch} images, and {name} has {len(small.train)} "
            "training images; make the batch smaller"
        )
    return ProxyTask(small.fingerprint, small.signature, tuple(taken))
