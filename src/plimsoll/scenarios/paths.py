"""What a unit at one place takes of every place and item above it, along lanes and bills of material."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.sparse import csr_array, eye_array

from plimsoll.demand.upstream import replenished
from plimsoll.maths.ragged import Floats

KEY = ["item_id", "location_id"]


@dataclass(frozen=True, slots=True)
class Paths:
    """Stocking points (KEY, in order) and the units of point u in one unit at point d, paths added up.

    `use` : (n, n) sparse, rows u, columns d; 1 on the diagonal
    """

    points: pl.DataFrame
    use: csr_array

    def up(self, quantity: Floats) -> Floats:
        """Return what quantities (n,) at points come to at all points above them, their own included."""
        return np.asarray(self.use @ quantity)


def paths(points: pl.DataFrame, arcs: pl.DataFrame) -> Paths:
    """Return the paths of a company.

    Parameters
    ----------
    points : table `planning_point`, whose lanes in force count
    arcs : table `network_arc`, whose bills of material in force count

    Examples
    --------
    >>> from plimsoll.domain.tables import table
    >>> points = pl.DataFrame({"item_id": ["A", "A"], "location_id": ["BR", "DC"],
    ...     "from_location_id": ["DC", "Acme"]})
    >>> paths(points, table("network_arc").empty()).up(np.array([3.0, 2.0])).tolist()
    [3.0, 5.0]
    """
    keys = points.select(KEY).sort(KEY).with_row_index("row")
    lanes = replenished(points).select(
        *KEY, up_item="item_id", up_location="from_location_id", quantity=pl.lit(1.0)
    )
    bills = arcs.filter("in_force", pl.col("kind") == "bill").select(
        *KEY, "quantity", up_item="from_item_id", up_location="from_location_id"
    )
    edges = (
        pl.concat([lanes, bills], how="diagonal")
        .join(keys.rename({"row": "down"}), on=KEY)
        .join(keys.rename({"row": "up"}), left_on=["up_item", "up_location"], right_on=KEY)
        .group_by("up", "down")
        .agg(pl.col("quantity").sum())
        .sort("up", "down")
    )
    n = keys.height
    ends = (edges["up"].cast(pl.Int64).to_numpy(), edges["down"].cast(pl.Int64).to_numpy())
    step = csr_array((edges["quantity"].to_numpy(), ends), shape=(n, n))
    use, power = csr_array(eye_array(n)), step
    for _ in range(n):
        if not power.nnz:
            break
        use, power = use + power, power @ step
    return Paths(keys.select(KEY), csr_array(use))


def column(paths_: Paths, tables: Mapping[str, pl.DataFrame], name: str, of: str) -> Floats:
    """Return a column of a table of points in the order of the paths; 0 where there is no row."""
    found = paths_.points.join(tables[name].select(*KEY, of), on=KEY, how="left", maintain_order="left")
    return found[of].fill_null(0.0).to_numpy()
