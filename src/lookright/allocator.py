"""Keep freed memory for the next step: a large share of a training step's time on CPUs.

By default glibc returns every large block to the system when it is freed and asks for it again,
zeroed page by page, at the next step. `benchmarks/allocator.py`
measures what this saves.
"""

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # from malloc.h
_NEVER = 2**31 - 1


def keep_freed_memory() -> None:
    """Tell glibc's malloc to keep what is freed; other systems are left alone."""
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        mallopt(_M_MMAP_THRESHOLD, _NEVER)
        mallopt(_M_TRIM_THRESHOLD, _NEVER)
