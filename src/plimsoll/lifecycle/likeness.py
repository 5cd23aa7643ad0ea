"""How alike two items are: category, cost, words of the description, source of supply, and places."""

import polars as pl

from plimsoll.lifecycle.params import LifecycleParams

# Items further apart in cost than this factor are hardly alike: two standard deviations.
COST_SD = 0.7
CANDIDATES = 400  # older items of a category that a new one is compared with, drawn by hash
WEIGHTS = {"cost": 3.0, "words": 1.0, "source": 1.0, "places": 1.0}


def likenesses(
    new: pl.DataFrame,
    mature: pl.DataFrame,
    items: pl.DataFrame,
    points: pl.DataFrame,
    params: LifecycleParams,
) -> pl.DataFrame:
    """Return the analogs of each new item with their likeness, best first, `analogs_max` at most.

    An analog named in the item master is taken alone. Else, among older items of the same category::

        likeness = (3 exp(-d2 / 2) + words + source + places) / 6,   d = log(cost / cost') / 0.7

    words and places are shares in common of all (Jaccard 1912), source is 1 for the same one; what is
    not known on either side is left out, weight and all. If the best likeness is below
    `analog_confidence_min`, all items of the category count alike.

    Parameters
    ----------
    new, mature : stocking points of new and of older items
    items : table `items`
    points : table `planning_point`, for cost, source and places
    params : how many analogs, how much confidence

    Returns
    -------
    item_id, analog, likeness, source (given, proposed, category)
    """
    facts = _facts(items, points)
    fresh = facts.join(new.select("item_id").unique(), on="item_id", how="semi")
    older = facts.join(mature.select("item_id").unique(), on="item_id", how="semi")
    given = (
        items.select("item_id", analog="analog_item_id")
        .filter(pl.col("analog") != pl.col("item_id"))
        .join(fresh.select("item_id"), on="item_id", how="semi")
        .join(older.select("item_id"), left_on="analog", right_on="item_id", how="semi")
        .with_columns(likeness=pl.lit(1.0), source=pl.lit("given"))
    )
    asked = fresh.join(given, on="item_id", how="anti")
    drawn = (
        older.with_columns(turn=pl.col("item_id").hash(0))
        .sort("category", "turn", "item_id")
        .filter(pl.int_range(pl.len()).over("category") < CANDIDATES)
    )
    pairs = asked.join(drawn, on="category", suffix="_older").with_columns(likeness=_likeness())
    ranked = pairs.select("item_id", analog="item_id_older", likeness="likeness").sort(
        "item_id", "likeness", "analog", descending=[False, True, False]
    )
    best = pl.col("likeness").max().over("item_id")
    unlike = best < params.analog_confidence_min
    place = pl.int_range(pl.len()).over("item_id")
    proposed = ranked.filter((place < params.analogs_max) | unlike).with_columns(
        source=pl.when(unlike).then(pl.lit("category")).otherwise(pl.lit("proposed"))
    )
    found = pl.concat([given, proposed.select(given.columns)])
    return found.with_columns(likeness=pl.col("likeness").clip(1e-6)).sort(
        "item_id", "likeness", "analog", descending=[False, True, False]
    )


def _facts(items: pl.DataFrame, points: pl.DataFrame) -> pl.DataFrame:
    """Return what is compared of each item: log cost, words, sources and places."""
    kept = (
        points.sort("item_id", "location_id")
        .group_by("item_id", maintain_order=True)
        .agg(
            cost=pl.col("unit_cost_eff").max(),
            sources=pl.col("from_location_id").filter(pl.col("supply_kind") != "transfer").unique().sort(),
            places=pl.col("location_id"),
        )
    )
    words = pl.col("description").fill_null("").str.to_lowercase().str.extract_all(r"[a-z0-9]{2,}")
    return (
        items.select("item_id", pl.col("category").fill_null("?"), words=words.list.unique())
        .join(kept, on="item_id")
        .with_columns(log_cost=pl.when(pl.col("cost") > 0).then(pl.col("cost").log()))
        .sort("item_id")
    )


def _likeness() -> pl.Expr:
    """Return the likeness of the two items of a row."""
    apart = (pl.col("log_cost") - pl.col("log_cost_older")) / COST_SD
    parts = {
        "cost": (-(apart**2) / 2).exp(),
        "words": _in_common("words"),
        "source": (pl.col("sources").list.set_intersection("sources_older").list.len() > 0).cast(pl.Float64),
        "places": _in_common("places"),
    }
    parts["source"] = pl.when(pl.col("sources").list.len() > 0).then(parts["source"])
    total = pl.sum_horizontal(WEIGHTS[name] * part.fill_null(0.0) for name, part in parts.items())
    weight = pl.sum_horizontal(
        pl.when(part.is_not_null()).then(WEIGHTS[name]).otherwise(0.0) for name, part in parts.items()
    )
    return pl.when(weight > 0).then(total / weight).otherwise(0.0)


def _in_common(column: str) -> pl.Expr:
    """Return the share of two lists that is in both; null where both are empty."""
    both = pl.col(column).list.set_intersection(f"{column}_older").list.len()
    either = pl.col(column).list.set_union(f"{column}_older").list.len()
    return pl.when(either > 0).then(both / either)
