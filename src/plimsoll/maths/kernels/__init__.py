"""Compiled kernels: arrays in, arrays out; the only home of numba.

Conventions: a ragged panel is a flat array of values and an int64 array of n + 1 bounds; entry i is
values[bounds[i]:bounds[i + 1]]. Kernels receive draws, they never draw. Work for one entry never
depends on its neighbours, so results are the same for any number of threads.
"""
