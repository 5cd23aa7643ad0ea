"""What each connected place promises, waits for and holds, and why: table `network_service`."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll.domain.tables import table
from plimsoll.maths.ragged import Floats
from plimsoll.network.links import KEY, Links, is_decided


@dataclass(frozen=True, slots=True)
class Passed:
    """What sizing from the sources down has found, a row a point of the network.

    `waiting_mean`, `waiting_sd` : (n,) units that its source owes it
    `owed_mean`, `owed_sd` : (n,) units that it owes to all it serves; 0 where it feeds none
    """

    policies: pl.DataFrame
    waiting_mean: Floats
    waiting_sd: Floats
    owed_mean: Floats
    owed_sd: Floats

    @property
    def quantities(self) -> tuple[Floats, Floats, Floats, Floats]:
        """The four arrays in the order of their declaration."""
        return self.waiting_mean, self.waiting_sd, self.owed_mean, self.owed_sd


def cheaper(tree: Links, chosen: Passed, separate: Passed) -> tuple[Passed, NDArray[np.bool_]]:
    """Return, tree by tree, what holds less stock at cost, and which points are as chosen.

    Parameters
    ----------
    tree : the points and how they hang together
    chosen, separate : with targets chosen together, and with those that each place would have alone
    """
    values = [
        np.bincount(tree.root, found.policies["on_hand_mean_value"].to_numpy(), len(tree.root))
        for found in (chosen, separate)
    ]
    is_chosen = (values[0] <= values[1])[tree.root]
    rows = np.arange(len(is_chosen))
    both = pl.concat([chosen.policies, separate.policies])
    policies = both[np.where(is_chosen, rows, rows + len(rows))]
    of_each = (
        np.where(is_chosen, *pair) for pair in zip(chosen.quantities, separate.quantities, strict=True)
    )
    return Passed(policies, *of_each), is_chosen


def service_table(tree: Links, alone: pl.DataFrame, separate: pl.DataFrame, passed: Passed) -> pl.DataFrame:
    """Return what each point promises, waits for and holds.

        expected wait = E[B_i] / demand rate

    with B_i what its source still owes it when shortages come (`plimsoll.network.delays.owed`).

    Parameters
    ----------
    tree : the points and how they hang together
    alone, separate : rows of the table `policy` in its order: each place alone as if its source always
        delivered, and with the same targets but waits for sources covered
    passed : policies in the network, and what they wait for and owe

    Returns
    -------
    Table `network_service`; the fill rate promised holds for own customers and claimants alike.
    """
    has_source, has_own = pl.Series(tree.source >= 0), pl.Series(tree.own > 0.0)
    feeds = pl.Series(tree.feeds)
    rate = tree.points["mean_per_day_est"].to_numpy()
    days = np.divide(passed.waiting_mean, rate, out=np.zeros(len(rate)), where=rate > 0.0)
    role = pl.when(~feeds).then(pl.lit("customers")).when(has_own).then(pl.lit("both"))
    policies = passed.policies
    rows = policies.select(
        *KEY,
        "target_kind_eff",
        "target_service_eff",
        "fill_rate_est",
        source_location_id=pl.when(has_source).then(tree.points["from_location_id"]),
        depth=tree.points["depth"],
        n_downstream=pl.Series(tree.below),
        role=role.otherwise(pl.lit("feeds")),
        own_share=pl.Series(tree.own),
        demand_share=pl.Series(tree.share),
        fill_alone_est=alone["fill_rate_est"],
        fill_rate_own_est=pl.when(~feeds | has_own).then("fill_rate_est"),
        wait_days_est=pl.Series(days),
        waiting_mean_qty=pl.Series(passed.waiting_mean),
        waiting_sd_qty=pl.Series(passed.waiting_sd),
        owed_mean_qty=pl.Series(passed.owed_mean),
        owed_sd_qty=pl.Series(passed.owed_sd),
        level_alone_qty=_level(alone),
        level_network_qty=_level(policies),
        on_hand_alone_value=alone["on_hand_mean_value"],
        on_hand_separate_value=separate["on_hand_mean_value"],
        on_hand_network_value="on_hand_mean_value",
    )
    reasoned = rows.with_columns(reason=_reason(is_decided(tree.points)))
    return table("network_service").conform(reasoned)


def _level(policies: pl.DataFrame) -> pl.Series:
    is_base = pl.col("policy") == "base_stock"
    return policies.select(
        pl.when(is_base).then("order_up_to_qty").otherwise("reorder_point_qty")
    ).to_series()


def _reason(is_set: pl.Series) -> pl.Expr:
    """Return the code of the reason for what is held in the network."""
    more = pl.col("level_network_qty") > pl.col("level_alone_qty")
    less = pl.col("level_network_qty") < pl.col("level_alone_qty")
    covers = pl.when(more).then(pl.lit("covers_source_shortages")).otherwise(pl.lit("source_rarely_short"))
    chosen = pl.col("fill_rate_own_est").is_null() | (pl.col("target_kind_eff") == "fill")
    return (
        pl.when(pl.col("role") == "customers").then(covers)
        .when(is_set).then(pl.lit("target_set"))
        .when((pl.col("role") == "both") & (~chosen | ~more)).then(pl.lit("holds_for_own_customers"))
        .when(more).then(pl.lit("holds_more_for_branches"))
        .when(less).then(pl.lit("holds_less_branches_cover"))
        .otherwise(pl.lit("holds_as_alone"))
    )  # fmt: skip
