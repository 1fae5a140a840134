"""A cell as a module: four nodes, an operation on each edge that is built."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from archlock.models.operations import operation, wants_rectified
from archlock.spaces import Edge

OUTPUT = 3


class Cell(nn.Module):
    """Node 0 is the input, node 3 the output, a node is the sum of its incoming edges.

    Edges out of the input change channels and resolution, the others keep them. ``operations`` holds the module of
    edge i-j under the name ``i-j``, ``rectifiers`` the ReLU of node i under ``i``. Only the given edges are built: a
    node without incoming edges is zero, so a cell whose output nothing reaches is the constant zero.
    """

    def __init__(self, edges: Sequence[Edge], channels_in: int, channels_out: int, stride: int = 1) -> None:
        super().__init__()
        self.edges = tuple((edge.tail, edge.head) for edge in sorted(edges, key=lambda edge: (edge.head, edge.tail)))
        self.channels_in, self.channels_out, self.stride = channels_in, channels_out, stride
        self.operations = nn.ModuleDict()
        self.rectifiers = nn.ModuleDict()
        for edge in edges:
            from_input = edge.tail == 0
            module = operation(
                edge.operation, channels_in if from_input else channels_out, channels_out, stride if from_input else 1
            )
            self.operations[f"{edge.tail}-{edge.head}"] = module
            if wants_rectified(module):
                self.rectifiers[str(edge.tail)] = nn.ReLU()

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d y x"]:
        """Feature maps of ``channels_out`` channels, ``stride`` times smaller (rounded up)."""
        nodes: dict[int, Tensor] = {0: images}
        rectified: dict[int, Tensor] = {}
        own: set[int] = set()  # nodes whose tensor is a sum made here: nobody else holds it, so it may grow in place
        for tail, head in self.edges:
            module = self.operations[f"{tail}-{head}"]
            if tail not in nodes:
                nodes[tail] = self._zero(images)
            source = nodes[tail]
            if wants_rectified(module):
                if tail not in rectified:
                    rectified[tail] = self.rectifiers[str(tail)](source)
                source = rectified[tail]
            arriving = module(source)
            if head not in nodes:
                nodes[head] = arriving
            elif head in own:
                nodes[head] += arriving
            else:
                nodes[head] = nodes[head] + arriving
                own.add(head)
        return nodes[OUTPUT] if OUTPUT in nodes else self._zero(images)

    def _zero(self, images: Tensor) -> Tensor:
        # a product, not fresh zeros: gradients of what came before are then zero and not missing, as in the benchmarks
        thin = images[:, :1, :: self.stride, :: self.stride] * 0
        return thin.expand(-1, self.channels_out, -1, -1)
