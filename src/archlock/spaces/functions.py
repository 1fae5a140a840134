"""What a cell computes, as a normal form: two cells have the same one exactly when they are the same function.

The same function means: the same set of functions over all weights, and the same distribution of them where the weights
are random alike. A cell is a sum of terms. A term is the input, or what an edge with weights makes of another such sum,
average pooled any number of times. What is used: a sum knows no order; a skip changes nothing; average pooling is
linear, so pool(a) + pool(b) = pool(a + b); a node that receives nothing is zero, and nothing comes of zero; what does
not reach the output does not matter; nodes and weights have no names. What is *not* taken for equal: two edges with
weights from the same node (two independent sets of weights) and one such edge used twice (one set). Nor are cells that
differ only in the scale of what a convolution reads: batch normalisation removes the scale but for its epsilon, and not
in evaluation.

A convolution of zero is zero in ``archlock.models``, because pruned networks do not build it. Unpruned, its batch
normalisation makes zero of zero as well, in training and in evaluation, until its bias is trained.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations

from archlock.spaces.cell import EDGES

INPUT = -1
NONE, SKIP, POOL = "none", "skip", "pool"

Sum = Counter[tuple[int, int]]
"""How often each term occurs: (the input or the edge whose weights made it, how often it is pooled)."""


def normal_form(operations: Sequence[str]) -> str:
    """The normal form of a cell, from what its six edges hold: none, skip, pool, or the name of something with weights.

    >>> normal_form(["none", "none", "none", "conv", "none", "none"])
    'conv(x)'
    >>> normal_form(["conv", "conv", "none", "none", "skip", "skip"])  # two convolutions
    'conv(x) + conv(x)'
    >>> normal_form(["conv", "none", "skip", "none", "skip", "skip"])  # one of them, twice
    '2 conv(x)'
    >>> normal_form(["none", "none", "conv", "none", "none", "pool"])
    ''
    """
    nodes: list[Sum] = [Counter({(INPUT, 0): 1}), Counter(), Counter(), Counter()]
    reads: dict[int, Sum] = {}
    for edge, (operation, (tail, head)) in enumerate(zip(operations, EDGES, strict=True)):
        if operation == NONE or not nodes[tail]:
            continue
        if operation == SKIP:
            nodes[head].update(nodes[tail])
        elif operation == POOL:
            nodes[head].update({(made, pooled + 1): count for (made, pooled), count in nodes[tail].items()})
        else:
            reads[edge] = nodes[tail]
            nodes[head][edge, 0] += 1
    places = Counter(_places(nodes[-1], reads))
    shared = [edge for edge, count in places.items() if count > 1]
    return min(
        _write(nodes[-1], operations, reads, dict(zip(shared, order, strict=True)))
        for order in permutations([f"#{number}" for number in range(len(shared))])
    )


def _places(terms: Sum, reads: Mapping[int, Sum]) -> Iterator[int]:
    """Every edge with weights, once for each term (of the output, or of what an edge that matters reads) it makes."""
    waiting, known = [terms], set[int]()
    while waiting:
        for made, _ in waiting.pop():
            if made == INPUT:
                continue
            yield made
            if made not in known:
                known.add(made)
                waiting.append(reads[made])


def _write(terms: Sum, operations: Sequence[str], reads: Mapping[int, Sum], names: Mapping[int, str]) -> str:
    """The sum written out; what has weights and occurs in several places carries a number that tells it from others."""
    written = []
    for (made, pooled), count in terms.items():
        text = "x"
        if made != INPUT:
            text = f"{operations[made]}{names.get(made, '')}({_write(reads[made], operations, reads, names)})"
        for _ in range(pooled):
            text = f"pool({text})"
        written.append(text if count == 1 else f"{count} {text}")
    return " + ".join(sorted(written))
