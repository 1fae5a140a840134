"""One numerical thread for every test process, as in a worker: tests run beside each other (``pytest -n auto``)."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
