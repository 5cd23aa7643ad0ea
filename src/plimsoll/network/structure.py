"""Arcs as numbers: order from the sources down, circles, depth, connected networks."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from plimsoll.bom.structure import KEY
from plimsoll.maths.kernels.bom import children_first, cycles_of, longest
from plimsoll.maths.ragged import Floats, Ints

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Arrays:
    """Stages numbered so that every arc leads to a higher number, each network in one run of numbers.

    `row` : (n,) row of each stage in the table that it was made of
    `starts` : (networks + 1,) first number of each network, the last being n
    `depth` : (n,) arcs on the longest way from a stage without upstream
    `up`, `down` : (m,) ends of each arc, sorted by `down`, then `up`
    `quantity` : (m,) units of `up` in one unit of `down`
    `arc` : (m,) row of each arc in what was given
    """

    row: Ints
    starts: Ints
    depth: Ints
    up: Ints
    down: Ints
    quantity: Floats
    arc: Ints

    @property
    def n(self) -> int:
        """How many stages there are."""
        return len(self.row)


def circular(n: int, up: Ints, down: Ints) -> tuple[Ints, Bools, Bools]:
    """Return a circle or more in each knot of arcs, the stages in a knot, and those in or fed through one.

    A knot is a strongly connected set of stages (or a stage that feeds itself): each of its stages
    feeds every other over some way. Other stages get -1 as number of their circle.

    Parameters
    ----------
    n : how many stages there are
    up, down : (m,) ends of each arc

    Examples
    --------
    >>> circle, inside, caught = circular(5, np.array([0, 1, 2, 1]), np.array([1, 2, 1, 3]))
    >>> circle.tolist(), inside.tolist(), caught.tolist()
    ([-1, 0, 0, -1, -1], [False, True, True, False, False], [False, True, True, True, False])
    """
    bounds, feeds = _rows(n, down, up)
    order, done = children_first(bounds, feeds)
    caught = np.zeros(n, dtype=np.bool_)
    caught[order[done:]] = True
    inside = np.zeros(n, dtype=np.bool_)
    follower = np.full(n, -1, dtype=np.int64)
    if not caught.any():
        return follower, inside, caught
    _, knot = connected_components(_graph(n, up, down), directed=True, connection="strong")
    inside = np.bincount(knot, minlength=n)[knot] > 1
    inside[up[up == down]] = True
    within = np.flatnonzero(knot[up] == knot[down])[::-1]
    # The walk stays in its knot, so that it ends in a circle; of several ways the first is taken.
    follower[down[within]] = up[within]
    return cycles_of(follower), inside, caught


def rounds(circle: Ints, up: Ints, down: Ints, most: int) -> list[list[int]]:
    """Return the stages of the first circles of `circular`, the way goods go, the first one again last.

    Parameters
    ----------
    circle : (n,) number of the circle of each stage, -1 without
    up, down : (m,) ends of each arc
    most : circles wanted

    Examples
    --------
    >>> rounds(np.array([-1, 0, 0]), np.array([0, 1, 2]), np.array([1, 2, 1]), 3)
    [[1, 2, 1]]
    """
    found = []
    for number in range(min(int(circle.max(initial=-1)) + 1, most)):
        at = np.flatnonzero((circle[up] == number) & (circle[down] == number))
        following = dict(zip(up[at][::-1].tolist(), down[at][::-1].tolist(), strict=True))
        walk = [int(np.flatnonzero(circle == number)[0])]
        while following[walk[-1]] not in walk:
            walk.append(following[walk[-1]])
        begin = walk.index(following[walk[-1]])
        found.append([*walk[begin:], walk[begin]])
    return found


def circles(points: pl.DataFrame) -> pl.DataFrame:
    """Return the stocking points on a circle of lanes in force, or fed through one: KEY, sorted.

    No demand can be passed up from them without end; a plan drops their lanes and sizes them alone.

    Parameters
    ----------
    points : columns item_id, location_id, from_location_id

    Examples
    --------
    >>> points = pl.DataFrame({"item_id": ["A"] * 4, "location_id": ["X", "Y", "Z", "W"],
    ...     "from_location_id": ["Y", "X", "X", "S"]})
    >>> circles(points)["location_id"].to_list()
    ['X', 'Y', 'Z']
    """
    stages = points.select(*KEY, "from_location_id").sort(KEY)
    arcs = stages.filter(pl.col("from_location_id") != pl.col("location_id")).with_columns(
        from_item_id="item_id"
    )
    up, down, _ = ends(stages, arcs)
    return stages.select(KEY).filter(pl.Series(circular(stages.height, up, down)[2]))


def ends(stages: pl.DataFrame, arcs: pl.DataFrame) -> tuple[Ints, Ints, Ints]:
    """Return the rows of stages that each arc leads from and to, and the rows of arcs that have both.

    Parameters
    ----------
    stages : KEY
    arcs : KEY of the downstream stage, from_item_id, from_location_id
    """
    numbered = stages.select(KEY).with_row_index("at").with_columns(pl.col("at").cast(pl.Int64))
    found = (
        arcs.select(*KEY, "from_item_id", "from_location_id")
        .with_row_index("arc")
        .join(numbered.rename({"at": "down"}), on=KEY, how="left", maintain_order="left")
        .join(
            numbered.rename({"at": "up"}),
            left_on=["from_item_id", "from_location_id"],
            right_on=KEY,
            how="left",
            maintain_order="left",
        )
        .drop_nulls(["up", "down"])
    )
    return found["up"].to_numpy(), found["down"].to_numpy(), found["arc"].cast(pl.Int64).to_numpy()


def numbered(n: int, up: Ints, down: Ints, quantity: Floats) -> Arrays:
    """Return the stages in an order in which goods go: by network, depth and row.

    Parameters
    ----------
    n : how many stages there are; networks are numbered by their first row
    up, down : (m,) rows of stages; without circles
    quantity : (m,) units of `up` in one unit of `down`

    Examples
    --------
    >>> arrays = numbered(4, np.array([3, 3]), np.array([0, 2]), np.ones(2))
    >>> arrays.row.tolist(), arrays.starts.tolist(), arrays.up.tolist(), arrays.down.tolist()
    ([3, 0, 2, 1], [0, 3, 4], [0, 0], [1, 2])
    """
    _, label = connected_components(_graph(n, up, down), directed=False)
    _, first, network = np.unique(label, return_index=True, return_inverse=True)
    network = np.argsort(np.argsort(first))[network]
    order, _ = children_first(*_rows(n, down, up))
    place = np.empty(n, dtype=np.int64)
    place[order] = np.arange(n)
    depth = longest_to(n, place[up], place[down], np.ones(len(up)))[place].astype(np.int64)
    row = np.lexsort((np.arange(n), depth, network)).astype(np.int64)
    place[row] = np.arange(n)
    arc = np.lexsort((place[up], place[down])).astype(np.int64)
    starts = np.searchsorted(network[row], np.arange(len(first) + 1)).astype(np.int64)
    return Arrays(row, starts, depth[row], place[up[arc]], place[down[arc]], quantity[arc], arc)


def longest_to(n: int, up: Ints, down: Ints, length: Floats) -> Floats:
    """Return the length of the longest way to each stage, 0 where none leads; arcs lead to higher numbers."""
    at = np.argsort(up, kind="stable")
    return longest(np.searchsorted(up[at], np.arange(n + 1)).astype(np.int64), down[at], length[at])


def _rows(n: int, of: Ints, to: Ints) -> tuple[Ints, Ints]:
    """Return arcs in compressed rows by their end `of`: bounds, and the other ends."""
    at = np.argsort(of, kind="stable")
    return np.searchsorted(of[at], np.arange(n + 1)).astype(np.int64), to[at]


def _graph(n: int, up: Ints, down: Ints) -> coo_array:
    return coo_array((np.ones(len(up)), (up, down)), shape=(n, n))
