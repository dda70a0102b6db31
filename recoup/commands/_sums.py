"""Small matrices are summed fastest by one thread."""

from __future__ import annotations

import os


def one_thread_for_sums() -> None:
    """Have numpy use one thread; said before it is imported, for it reads that once."""
    for library in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(library, "1")
