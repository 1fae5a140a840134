"""The catalog of readers."""

from typing import Final

from archlock.catalog import Catalog
from archlock.leaks.reader import Reader
from archlock.leaks.recurrent import Recurrent
from archlock.leaks.windowed_trees import WindowedTrees

READERS: Final[Catalog[Reader]] = Catalog("reader", {one.name: one for one in (WindowedTrees(), Recurrent())})
