"""Chunks of entries on as many threads as numba may use; the kernels release the interpreter's lock."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from numba import get_num_threads

Part = TypeVar("Part")


def in_chunks(work: Callable[[int, int], Part], begin: int, end: int, size: int) -> list[Part]:
    """Return work(lo, hi) of consecutive chunks of begin..end, in their order.

    Chunks do not depend on the number of threads, so neither do results. Threads, and not a
    parallel loop inside the kernel, because such a loop compiles the whole kernel several times over.

    Examples
    --------
    >>> in_chunks(lambda lo, hi: hi - lo, 0, 5, 2)
    [2, 2, 1]
    """
    with ThreadPoolExecutor(get_num_threads()) as pool:
        return list(pool.map(lambda lo: work(lo, min(lo + size, end)), range(begin, end, size)))
