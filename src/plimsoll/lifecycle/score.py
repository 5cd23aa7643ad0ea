"""How good warnings are: hits and false alarms, honesty of the chances, months before the last sale."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll.maths.ragged import Floats, Ints

Bools = NDArray[np.bool_]
NEVER = -10_000


def judged(warned: Bools, happened: Bools) -> dict[str, float]:
    """Return precision, recall and how often the event and the warning occur.

    Parameters
    ----------
    warned, happened : (n,) of the same cases

    Examples
    --------
    >>> judged(np.array([True, True, False, False]), np.array([True, False, True, False]))
    {'cases': 4, 'base rate': 0.5, 'warned': 0.5, 'precision': 0.5, 'recall': 0.5, 'F1': 0.5}
    """
    hits, n_warned, n_events = (warned & happened).sum(), warned.sum(), happened.sum()
    return {
        "cases": len(happened),
        "base rate": float(happened.mean()),
        "warned": float(warned.mean()),
        "precision": float(hits / n_warned) if n_warned else float("nan"),
        "recall": float(hits / n_events) if n_events else float("nan"),
        "F1": float(2 * hits / max(n_warned + n_events, 1)),
    }


def reliability(chance: Floats, happened: Bools, n_groups: int = 10) -> pl.DataFrame:
    """Return, for groups of equal size by foretold chance, what was foretold and what came.

    Examples
    --------
    >>> reliability(np.array([0.1, 0.2, 0.8, 0.9]), np.array([False, False, True, True]), 2).rows()
    [(1, 2, 0.15000000000000002, 0.0), (2, 2, 0.8500000000000001, 1.0)]
    """
    order = np.argsort(chance, kind="stable")
    group = np.empty(len(chance), dtype=np.int64)
    group[order] = np.arange(len(chance)) * n_groups // len(chance) + 1
    return (
        pl.DataFrame({"group": group, "foretold": chance, "came": happened.astype(np.float64)})
        .group_by("group")
        .agg(pl.len().alias("cases"), pl.col("foretold").mean(), pl.col("came").mean())
        .sort("group")
    )


def lead_months(warned: Bools, moments: Ints, last: Ints) -> Ints:
    """Return how many months before its last demand each warning began that stood until the end.

    Parameters
    ----------
    warned : (n, J) at each moment
    moments : (J,) months known at each moment, ascending
    last : (n,) number of the month with the last demand, counted from 1

    Returns
    -------
    (n,) last - months known at the first warning of the unbroken run: 3 means that the warning came when
    demand went on for three more months, -6 that it came after six silent ones; `NEVER` without any.

    Examples
    --------
    >>> warned = np.array([[True, False, True, True]])
    >>> lead_months(warned, np.array([10, 11, 12, 13]), np.array([14])).tolist()
    [2]
    """
    stands = np.cumprod(warned[:, ::-1], axis=1)[:, ::-1].astype(np.bool_)
    first = moments[np.argmax(stands, axis=1)]
    return np.where(stands.any(axis=1), last - first, NEVER)
