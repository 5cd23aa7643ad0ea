"""The points and orders behind one exception, as far as a person may see them."""

from pathlib import Path

import polars as pl

from plimsoll.domain.people import Person, require, scoped
from plimsoll.domain.tables import table
from plimsoll.store.workspace import Workspace

POINT = ["item_id", "location_id"]


def exception_parts(folder: Path, exception_id: str, who: Person) -> pl.DataFrame:
    """Return the rows of table `exception_part` of one exception in force, most money first.

    An exception that is unknown, or has no part in the person's scope, has none.
    """
    require(who, "view")
    with Workspace.open(folder) as workspace:
        run = workspace.latest_run("exceptions")
        if run is None:
            return table("exception_part").empty()
        own = pl.col("exception_id") == exception_id
        parts = workspace.result_rows("exception_part", run.id, table("exception_part").names, own)
        if parts.height and (who.locations is not None or who.categories is not None):
            here = pl.col("item_id").is_in(parts["item_id"].unique().implode())
            plan = run.manifest["parameters"]["plan"]
            points = workspace.result_rows("planning_point", plan, [*POINT, "category"], here)
            parts = scoped(parts.join(points, on=POINT, how="left", maintain_order="left"), who)
            parts = parts.drop("category")
    return parts.sort("money_lost", descending=True, nulls_last=True, maintain_order=True)
