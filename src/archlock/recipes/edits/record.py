"""What ``archlock edits`` says of a model, and how it says it in lines."""

from dataclasses import dataclass

from archlock.models import TAPPED, Structure

NONE = "-"


@dataclass(frozen=True, slots=True)
class GroupRecord:
    """Units that can be removed one by one."""

    name: str
    kind: str
    """``channels``, or ``heads`` of an attention."""
    units: int
    exact: bool
    """Whether units that are zero can be removed and the answers stay; tried."""
    why: str
    """Why it is not exact."""
    parameters: int
    """That go with one unit."""
    macs: int
    frozen: bool
    """Whether a parameter of it requires no gradient."""
    layers: tuple[str, ...]
    """That make its channels."""
    influence: float | None
    """Mean over units: by how much the source's loss would change without one, to first order; None: no source."""


@dataclass(frozen=True, slots=True)
class BlockRecord:
    """A block that can be left out."""

    name: str
    exact: bool
    why: str
    parameters: int
    macs: int
    influence: float | None
    """1 - mean cosine between what goes in and what comes out, on the source; None: no source."""


@dataclass(frozen=True, slots=True)
class FixedRecord:
    """Channels of a layer, or a block (0 of 0), that stay."""

    name: str
    channels: int
    of: int
    why: str


@dataclass(frozen=True, slots=True)
class EditsRecord:
    """What of a model can go, and what cannot."""

    name: str
    origin: str
    shape: tuple[int, int, int]
    """Of its images: channels, height, width."""
    parameters: int
    macs: int
    """Multiply-adds of convolutions and linear layers for one image."""
    groups: tuple[GroupRecord, ...]
    blocks: tuple[BlockRecord, ...]
    fixed: tuple[FixedRecord, ...]
    source: str = ""
    images: int = 0
    """Of the source, on which the influence was measured."""

    @property
    def units(self) -> int:
        """Of all groups."""
        return sum(group.units for group in self.groups)


def shown_name(name: str) -> str:
    """The name of a module as its owner knows it, without what was put around the model."""
    return name.removeprefix(TAPPED)


def record_of(
    structure: Structure,
    *,
    name: str,
    origin: str,
    shape: tuple[int, int, int],
    influences: dict[str, float] | None = None,
    source: str = "",
    images: int = 0,
) -> EditsRecord:
    """The record of a structure; ``influences`` are by the names of groups and blocks."""
    known = influences or {}
    groups = tuple(
        GroupRecord(
            shown_name(one.name),
            one.kind,
            one.units,
            bool(one.exact),
            one.why.replace(TAPPED, ""),
            one.parameters,
            one.macs,
            one.frozen,
            tuple(map(shown_name, one.layers)),
            known.get(f"group {one.name}"),
        )
        for one in structure.groups
    )
    blocks = tuple(
        BlockRecord(
            shown_name(one.name),
            bool(one.exact),
            one.why.replace(TAPPED, ""),
            one.parameters,
            one.macs,
            known.get(f"block {one.name}"),
        )
        for one in structure.blocks
    )
    fixed = tuple(
        FixedRecord(shown_name(one.layer), one.channels, one.of, one.why.replace(TAPPED, "")) for one in structure.fixed
    )
    return EditsRecord(name, origin, shape, structure.parameters, structure.macs, groups, blocks, fixed, source, images)


def edits_lines(record: EditsRecord) -> list[str]:
    """The record for a terminal: groups, blocks, what stays and why."""
    channels, height, width = record.shape
    lines = [
        f"{record.name}: {record.parameters:,} parameters, {record.macs:,} MACs for one image of {channels} x {height} "
        f"x {width}"
    ]
    if record.groups:
        lines += ["", f"{len(record.groups)} groups of {record.units:,} units"]
        lines += _table(
            ("made by", "units", "exact", "parameters", "MACs", "influence"),
            [
                (
                    one.name + (" (heads)" if one.kind == "heads" else "") + (" (frozen)" if one.frozen else ""),
                    f"{one.units:,}",
                    "yes" if one.exact else "no",
                    f"{one.parameters:,}",
                    f"{one.macs:,}",
                    NONE if one.influence is None else f"{one.influence:.2g}",
                )
                for one in record.groups
            ],
        )
        lines.append("parameters, MACs and influence are those of one unit")
    else:
        lines += ["", "no channels of it can be removed"]
    if record.blocks:
        lines += ["", f"{len(record.blocks)} blocks that can be left out"]
        lines += _table(
            ("block", "exact", "parameters", "MACs", "influence"),
            [
                (
                    one.name,
                    "yes" if one.exact else "no",
                    f"{one.parameters:,}",
                    f"{one.macs:,}",
                    NONE if one.influence is None else f"{one.influence:.2g}",
                )
                for one in record.blocks
            ],
        )
    both: list[GroupRecord | BlockRecord] = [*record.groups, *record.blocks]
    inexact = [one for one in both if not one.exact]
    if inexact:
        lines += ["", "not exact (what is zero cannot be removed without a change of the answers)"]
        lines += [f"  {one.name}: {one.why}" for one in inexact]
    if record.fixed:
        lines += ["", "stays"]
        lines += [
            f"  {one.name}: {one.why}"
            if one.of in {0, one.channels}
            else f"  {one.name}, {one.channels} of {one.of} channels: {one.why}"
            for one in record.fixed
        ]
    if record.source:
        lines += ["", f"influence measured on {record.images} images of {record.source}"]
    return lines


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    """Columns, the first to the left."""
    widths = [max(len(row[place]) for row in (head, *rows)) for place in range(len(head))]
    return [
        "  "
        + row[0].ljust(widths[0])
        + "".join(f"  {cell:>{size}}" for cell, size in zip(row[1:], widths[1:], strict=True))
        for row in (head, *rows)
    ]
