"""The one door between list columns of tables and ragged arrays."""

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def bounds_of(lengths: NDArray[Any]) -> Ints:
    """Return the n + 1 boundaries of entries with these lengths.

    Examples
    --------
    >>> bounds_of(np.array([2, 0, 3])).tolist()
    [0, 2, 2, 5]
    """
    bounds = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=bounds[1:])
    return bounds


def from_lists(column: pl.Series) -> tuple[Floats, Ints]:
    """Return a list column as (values, bounds); the order of rows is the caller's.

    Examples
    --------
    >>> values, bounds = from_lists(pl.Series([[1.0, 2.0], [], [3.0]]))
    >>> values.tolist(), bounds.tolist()
    ([1.0, 2.0, 3.0], [0, 2, 2, 3])
    """
    lengths = column.list.len().to_numpy()
    flat = column.filter(column.list.len() > 0).list.explode()
    return flat.to_numpy().astype(np.float64, copy=False), bounds_of(lengths)


def to_lists(values: Floats, bounds: Ints) -> pl.Series:
    """Return ragged arrays as a list column, one row an entry; the inverse of `from_lists`.

    Examples
    --------
    >>> to_lists(np.array([1.0, 2.0, 3.0]), np.array([0, 2, 2, 3])).to_list()
    [[1.0, 2.0], [], [3.0]]
    """
    lengths = np.diff(bounds)
    entry = np.repeat(np.arange(len(lengths)), lengths)
    filled = (
        pl.DataFrame({"entry": entry, "values": values}, schema={"entry": pl.Int64, "values": pl.Float64})
        .set_sorted("entry")
        .group_by("entry", maintain_order=True)
        .agg("values")
    )
    if filled.height == len(lengths):
        return filled["values"]
    every = pl.DataFrame({"entry": np.arange(len(lengths))}, schema={"entry": pl.Int64})
    joined = every.join(filled, on="entry", how="left", maintain_order="left")
    return joined["values"].fill_null(pl.Series([[]], dtype=pl.List(pl.Float64)))
