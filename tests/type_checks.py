"""The type checker of the tests at run time: jaxtyping shapes, and (as for mypy) an int where a float may be."""

from beartype import BeartypeConf, beartype

checked = beartype(conf=BeartypeConf(is_pep484_tower=True))
