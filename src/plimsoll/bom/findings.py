"""What is doubtful about bills and what is taken from them, as findings."""

import polars as pl

from plimsoll.domain.findings import Finding, Message, keys_of

KEY = ["item_id", "location_id"]
LIKE = (0.5, 2.0)

UNUSABLE = Message(
    "bom_line_unusable",
    "warning",
    "bom",
    "{n} line<|s> of bills need<s|> nothing of a component or lose<s|> it all ({keys}).",
    "No demand for the component can be computed from <it|them>.",
    "<It is|They are> left out of the explosion.",
    "Correct the quantity or the scrap rate.",
)
UNPLANNED = Message(
    "component_not_stocked",
    "warning",
    "bom",
    "{n} component<|s> <is|are> needed where <it is|they are> not kept ({keys}).",
    "Nobody orders what production will take there.",
    "The need is shown, but nothing is planned for it.",
    "List the component as stocking point of that place, with a lane.",
)
IN_BOTH = Message(
    "component_demand_twice",
    "warning",
    "demand",
    "{n} component<|s> sell<s|> about as much where parents are made as production takes of <it|them> "
    "({keys}).",
    "If those sales are what production took, the same demand is counted twice.",
    "Both are counted: sales as spare parts, and the need of the parents.",
    "Mark demand that production orders took as kind 'issue'.",
)
CYCLE = Message(
    "bom_cycle",
    "error",
    "bom",
    "Bills of material go round in {cycles}: {named}.",
    "An item that contains itself would need itself without end.",
    "{n} item<|s> on or above a cycle <is|are> not exploded ({keys}); all others are.",
    "Correct one line of each cycle.",
)
MESSAGES = (UNUSABLE, UNPLANNED, IN_BOTH, CYCLE)


def unusable(bom: pl.DataFrame) -> list[Finding]:
    """Return the finding of lines from which no need can be computed."""
    bad = bom.filter((pl.col("quantity_per") <= 0) | (pl.col("scrap_rate") >= 1))
    return _found(UNUSABLE, bad.sort("parent_item_id", "component_item_id", "valid_from"), bom.columns[:2])


def unplanned(demand: pl.DataFrame, points: pl.DataFrame) -> list[Finding]:
    """Return the finding of components needed where they are no stocking point."""
    needed = demand.select(KEY).unique(maintain_order=True)
    return _found(UNPLANNED, needed.join(points.select(KEY), on=KEY, how="anti").sort(KEY), KEY)


def in_both(rates: pl.DataFrame, estimates: pl.DataFrame, components: pl.DataFrame) -> list[Finding]:
    """Return the finding of components whose history looks like what production took.

    That is a history without a kind whose rate is between half and twice that of the explosion.
    """
    own = estimates.select(*KEY, "mean_per_day_est", "n_demand_periods").join(components, on=KEY, how="semi")
    ratio = pl.col("mean_per_day_est") / pl.col("mean_per_day")
    rows = rates.join(own, on=KEY).filter(pl.col("n_demand_periods") > 0, ratio.is_between(*LIKE)).sort(KEY)
    return _found(IN_BOTH, rows, KEY)


def _found(message: Message, rows: pl.DataFrame, key: list[str]) -> list[Finding]:
    return [message.finding(rows.height, keys_of(rows, key))] if rows.height else []
