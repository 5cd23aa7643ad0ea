"""People's targets and policy settings merged into the planning points."""

import polars as pl

from plimsoll.domain.overridden import KEY, values_by_field

NUMBERS = {
    "review_days": "review_days_eff",
    "min_order": "min_order_qty_eff",
    "order_multiple": "order_multiple_eff",
    "service": "target_service_set",
}
LEVELS = {
    "reorder_point": "reorder_point_set",
    "order_up_to": "order_up_to_set",
    "lot": "lot_qty_set",
}
STOPPED = "do_not_stock"


def with_settings(points: pl.DataFrame, targets: pl.DataFrame, policies: pl.DataFrame) -> pl.DataFrame:
    """Return the planning points with the targets and policy settings that people set over them.

    | field | column in force |
    |---|---|
    | service, kind | target_service_set, target_kind_set: before what the data give |
    | review_days, min_order, order_multiple | the same with `_eff` |
    | reorder_point, order_up_to, lot | reorder_point_set, order_up_to_set, lot_qty_set, for `policy.size` |
    | do_not_stock | planned: true leaves the point out, false takes back that the data leave it out |

    A point that is left out for another reason (engineered, ended, superseded) stays out.

    Parameters
    ----------
    points : table `planning_point`
    targets, policies : overrides that count, as of `domain.overridden.winners`

    Examples
    --------
    >>> from plimsoll.domain.tables import table
    >>> points = table("planning_point").empty()
    >>> with_settings(points, *[pl.DataFrame(schema=dict.fromkeys(
    ...     [*KEY, "field", "value_text"], pl.String) | {"value": pl.Float64})] * 2).height
    0
    """
    if not (targets.height or policies.height):
        return points
    said = values_by_field(targets, "target").join(
        values_by_field(policies, "policy"), on=KEY, how="full", coalesce=True
    )
    merged = points.join(said, on=KEY, how="left", maintain_order="left", validate="1:1")
    stops, stocks = pl.col(STOPPED) == "true", pl.col(STOPPED) == "false"
    was_stopped = pl.col("left_out_reason") == STOPPED
    released = (stocks & was_stopped).fill_null(value=False)
    stopped = (stops & pl.col("planned")).fill_null(value=False)
    return merged.with_columns(
        **{column: pl.coalesce(field, column) for field, column in NUMBERS.items()},
        **{column: pl.col(field) for field, column in LEVELS.items()},
        target_kind_set=pl.coalesce("kind", "target_kind_set"),
        planned=(pl.col("planned") & ~stopped) | released,
        left_out_reason=pl.when(stopped)
        .then(pl.lit(STOPPED))
        .when(released)
        .then(None)
        .otherwise("left_out_reason"),
    ).select(points.columns)
