"""The truth behind the demo company's files, as tables that estimates can be checked against."""

import numpy as np
import polars as pl

from plimsoll.examples.catalogue import ARCHETYPES
from plimsoll.examples.demand import WEEKS_PER_YEAR, Lines, Rates
from plimsoll.examples.faults import LANES_FILE, STOCK_FILE
from plimsoll.examples.shape import NEVER, Items, Points, Span
from plimsoll.examples.sources import Names, days, words
from plimsoll.examples.stock import POSTURES, Stock
from plimsoll.examples.supply import DISTRIBUTIONS, Lanes

NEW_DAYS = 91


def true_points(items: Items, points: Points, rates: Rates, names: Names, span: Span) -> pl.DataFrame:
    """Return the true demand of each stocking point; units a week by its own customers unless said."""
    item = points.item
    return pl.DataFrame(
        {
            "item_id": names.point_item,
            "location_id": names.point_place,
            "demand_type": words(tuple(archetype.name for archetype in ARCHETYPES), items.kind[item]),
            "rate_per_week_now": rates.now,
            "sd_per_week_now": rates.now_sd,
            "rate_with_downstream_now": points.with_downstream(rates.now),
            "line_rate_per_week": points.line_rate,
            "mean_line_qty": points.line_qty,
            "window_mean_qty": rates.window_mean,
            "window_sd_qty": rates.window_sd,
            "season_amplitude": items.amplitude[item],
            "season_peak_week": items.peak_week[item] % WEEKS_PER_YEAR,
            "trend_per_year": items.trend[item],
            "launch_date": days(span, items.launch_week * 7, items.launch_week > 0).gather(item),
            "end_date": days(span, items.end_week * 7 + 6, items.end_week < NEVER).gather(item),
            "stopped_date": days(span, items.stop_week * 7, items.stop_week < NEVER).gather(item),
        }
    )


def true_lanes(lanes: Lanes, names: Names) -> pl.DataFrame:
    """Return the true lead time of each lane, order to first receipt, in whole days."""
    return pl.DataFrame(
        {
            "item_id": names.point_item,
            "to_location_id": names.point_place,
            "from_location_id": names.point_source,
            "distribution": words(DISTRIBUTIONS, lanes.distribution),
            "mean_days": lanes.mean_days,
            "sd_days": lanes.sd_days,
            "late_share": lanes.late_share,
            "late_days": lanes.late_days,
            "typed_days": lanes.typed_days,
        }
    )


def true_stock(stock: Stock, names: Names) -> pl.DataFrame:
    """Return why each stock is as it is."""
    return pl.DataFrame(
        {
            "item_id": names.point_item,
            "location_id": names.point_place,
            "abc": words(("A", "B", "C"), stock.abc),
            "posture": words(POSTURES, stock.posture),
            "sensible_reorder_point_qty": stock.sensible_reorder_point,
        }
    )


def standing_faults(
    items: Items, points: Points, lines: Lines, lanes: Lanes, stock: Stock, names: Names, span: Span
) -> pl.DataFrame:  # fmt: skip
    """Return the faults by construction: stock never sold, 30 days typed everywhere, stale lead times.

    An item launched in the last quarter may still wait for its first customer.
    """
    new = items.launch_week * 7 > span.n_days - NEW_DAYS
    idle = ~new[points.item] & ~np.isin(points.item, points.item[lines.point])
    rows = pl.DataFrame(
        {"item_id": names.point_item, "location_id": names.point_place, "from": names.point_source}
    )
    place, lane = ["item_id", "location_id"], ["item_id", "location_id", "from"]
    kinds = (
        ("stock_without_demand", STOCK_FILE, "stock", place, idle & (stock.on_hand > 0)),
        ("one_lead_time_for_all", LANES_FILE, "lanes", lane, lanes.one_for_all),
        ("stale_lead_time", LANES_FILE, "lanes", lane, lanes.stale),
    )
    return pl.concat(
        rows.filter(pl.Series(mask)).select(
            pl.lit(code).alias("code"),
            pl.lit(file).alias("file"),
            pl.lit(table).alias("table"),
            "item_id",
            "location_id",
            pl.concat_str(key, separator=" @ ").alias("keys"),
        )
        for code, file, table, key, mask in kinds
    )
