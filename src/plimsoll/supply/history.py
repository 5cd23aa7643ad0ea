"""What the history of orders says about lead times over time: steps, fading evidence, seasons."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from plimsoll.maths.ragged import Floats, Ints
from plimsoll.supply.drift import last_changes
from plimsoll.supply.levels import Levels, Sample, Samples, Tree
from plimsoll.supply.observations import Observed
from plimsoll.supply.params import SupplyParams
from plimsoll.supply.recency import RIPE, half_life
from plimsoll.supply.season import month_factors


@dataclass(frozen=True, slots=True)
class History:
    """Last step of each supplier, half-life of evidence (None: no fading), factors of months of order."""

    changes: pl.DataFrame
    half_life_days: float | None
    season: Floats


def plain_samples(seen: Observed) -> Samples:
    """Return the observations as they are, each with weight 1 and open orders aside."""
    none = Sample(np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0))
    parts = (_sample(seen.items, "node"), _sample(seen.deliveries, "lane"))
    return Samples(*parts, none, none)


def _sample(frame: pl.DataFrame, group: str) -> Sample:
    return Sample(frame[group].to_numpy(), frame["lead_days"].to_numpy(), np.ones(frame.height))


def read_history(seen: Observed, levels: Levels, tree: Tree, params: SupplyParams, *, as_of: date) -> History:
    """Return what orders, one observation each, say about changes of lead times.

    Parameters
    ----------
    seen : observations
    levels : the estimate without weights; lead times are cleared of its differences between a supplier's
        items and lanes, so that a change of what is ordered does not pass for a change of the supplier
    tree : the groups
    params : options
    as_of : day of knowledge
    """
    node, supplier = seen.items["node"].to_numpy(), seen.items["supplier"].to_numpy()
    normal, whole = np.maximum(levels.of_item.mean, 1e-9), levels.by_supplier.mean[supplier]
    lead = seen.items["lead_days"].to_numpy()
    orders = (
        seen.items.select(
            "order_id",
            "supplier",
            "ordered_date",
            "received_date",
            "lead_days",
            shifted=pl.Series(lead - normal[node] + whole),
            ratio=pl.Series(lead / normal[node]),
        )
        .group_by("order_id", "supplier", maintain_order=True)  # sums in the order of items
        .agg(
            pl.col("lead_days", "shifted", "ratio").mean(),
            pl.col("ordered_date").min(),
            pl.col("received_date").max(),
        )
        .sort("supplier", "ordered_date", "received_date", "ratio")
    )
    mean = pl.Series("scale", np.maximum(levels.by_supplier.mean, 1e-9)[orders["supplier"].to_numpy()])
    orders = orders.with_columns(mean)
    age = (pl.lit(as_of) - pl.col("ordered_date")).dt.total_days()
    ripe = orders.filter(age >= pl.col("lead_days").quantile(RIPE).over("supplier"))
    return History(
        last_changes(orders.with_columns(pl.col("shifted").alias("value")), params, as_of=as_of),
        half_life(
            orders.with_columns(pl.col("ratio") * pl.col("scale")).rename({"ratio": "value"}),
            params,
            as_of=as_of,
        ),
        month_factors(ripe, tree.mode.size, params, as_of=as_of),
    )


def weighted_samples(seen: Observed, history: History, params: SupplyParams, *, as_of: date) -> Samples:
    """Return the observations cleared of seasons and weighted by what they say about today.

        w = 2^(-age / half-life), times `change_keep` for orders placed before their supplier's last step

    Age runs from the order where open orders are known, else from the receipt: weights by the day of the
    order would favour, among recent orders, the short ones.
    """
    known = seen.open_items.height > 0
    made = (
        (seen.items, "node"),
        (seen.deliveries, "lane"),
        (seen.open_items, "node"),
        (seen.open_lanes, "lane"),
    )
    return Samples(*(_weighted(frame, group, history, params, as_of, known) for frame, group in made))


def _weighted(
    frame: pl.DataFrame, group: str, history: History, params: SupplyParams, as_of: date, known: bool
) -> Sample:
    since = "ordered_date" if known or "received_date" not in frame.columns else "received_date"
    age = (pl.lit(as_of) - pl.col(since)).dt.total_days()
    life = history.half_life_days
    fading = pl.lit(1.0) if life is None else (-np.log(2.0) / life * age).exp()
    rows = frame.join(history.changes, on="supplier", how="left", maintain_order="left")
    old = (pl.col("ordered_date") < pl.col("change_date")).fill_null(False)
    weight = rows.select(pl.when(old).then(params.change_keep).otherwise(1.0) * fading).to_series()
    return Sample(
        frame[group].to_numpy(), cleared(frame, history.season), weight.to_numpy().astype(np.float64)
    )


def cleared(frame: pl.DataFrame, season: Floats) -> Floats:
    """Return lead times as they would be in a month like all others."""
    month = frame["ordered_date"].dt.month().cast(pl.Int64).to_numpy() - 1
    days: Floats = frame["lead_days"].to_numpy() / season[frame["supplier"].to_numpy(), month]
    return days


def factor_today(season: Floats, supplier: Ints, as_of: date) -> Floats:
    """Return the factor of orders placed on that day with each supplier."""
    factor: Floats = season[supplier, as_of.month - 1]
    return factor
