"""Room: models."""

from archlock.models.probes import PROBES, Probe, open_probe

__all__ = ["PROBES", "Probe", "open_probe"]
