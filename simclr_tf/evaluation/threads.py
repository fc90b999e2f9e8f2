"""How many threads small products of matrices get."""

import contextlib
import functools

import threadpoolctl

SINGLE_THREAD_CELLS = 4_000_000
"""Matrices of up to so many cells are multiplied by one thread: threads that
wait for each other after every product of a few ms cost more than they save,
on a busy machine fifty times as much."""


def limited_for(cells):
    """A context in which numpy's products have the threads their size needs.

    Args:
        cells: of the largest matrix.
    """
    if cells > SINGLE_THREAD_CELLS:
        return contextlib.nullcontext()
    return _blas().limit(limits=1, user_api="blas")


@functools.cache
def _blas():
    return threadpoolctl.ThreadpoolController()
