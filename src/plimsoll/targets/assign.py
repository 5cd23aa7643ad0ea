"""The service target of every stocking point."""

import polars as pl

from plimsoll.domain.calendar import DAYS_PER_YEAR
from plimsoll.domain.tables import table
from plimsoll.targets.params import TargetParams
from plimsoll.targets.segment import segment


def assign(points: pl.DataFrame, demand_estimate: pl.DataFrame, params: TargetParams) -> pl.DataFrame:
    """Return class and service target of every point, the rule's figure beside a person's.

    Parameters
    ----------
    points : table `planning_point`
    demand_estimate : table `demand_estimate`; points without a row count as without demand
    params : options

    Returns
    -------
    Table `target`, one row a point: `target_service_opt` by the rule of its class or by economics,
    `target_service_set` by a person, `target_service_eff` in force (see `in_force`).

    Examples
    --------
    >>> assign(table("planning_point").empty(), table("demand_estimate").empty(), TargetParams()).height
    0
    """
    rated = segment(points, demand_estimate, params).with_columns(
        pl.concat_str("abc", "xyz").alias("class"), pl.col("criticality_eff").alias("criticality")
    )
    decided = in_force(rated.with_columns(_kind(params)).with_columns(_service(params)), params)
    return table("target").conform(decided.select(table("target").names))


def critical_ratio() -> pl.Expr:
    """Return the service at which holding one more unit over a review interval costs what it saves.

        b / (b + h),   h = unit_cost holding_rate max(review_days, 1) / 365.25

    (the newsvendor's critical ratio, Arrow, Harris & Marschak 1951; Snyder & Shen 2019, section 4.3),
    b the cost of one unit short. A shortage that costs nothing asks for no service.

    Examples
    --------
    Cost 100, holding 25 % a year, review every 14.61 days: h = 1; one unit short costs 19.

    >>> cost = {"unit_cost_eff": 100.0, "holding_rate_eff": 0.25, "shortage_cost": 19.0}
    >>> round(pl.select(**cost, review_days_eff=14.61).select(critical_ratio()).item(), 12)
    0.95
    """
    short = pl.col("shortage_cost")
    days = pl.col("review_days_eff").clip(lower_bound=1.0)
    held = pl.col("unit_cost_eff").fill_null(0.0) * pl.col("holding_rate_eff") * days / DAYS_PER_YEAR
    return pl.when(short > 0).then(short / (short + held)).otherwise(0.0)


def _kind(params: TargetParams) -> list[pl.Expr]:
    """Return the kind of target in force and why it is not the wanted one.

    A person's kind wins over the class's. A person's service figure without a kind is a promise
    to customers: it makes an economic class cycle service. Economics need a shortage cost.
    """
    plain = "cycle" if params.kind == "economic" else params.kind
    kinds = {name: kind or params.kind for name, kind in params.kinds.model_dump().items()}
    by_class = pl.col("class").replace_strict(kinds, return_dtype=pl.String)
    promised = pl.col("target_service_set").is_not_null() & (by_class == "economic")
    wanted = pl.coalesce("target_kind_set", pl.when(promised).then(pl.lit(plain)).otherwise(by_class))
    impossible = (wanted == "economic") & pl.col("shortage_cost").is_null()
    return [
        pl.when(impossible).then(pl.lit(plain)).otherwise(wanted).alias("target_kind_eff"),
        pl.when(impossible)
        .then(pl.lit("no shortage cost is known for an economic target; the class's service target is used"))
        .alias("fallback_reason"),
    ]


def _service(params: TargetParams) -> pl.Expr:
    """Return the service target by rule: of economics where that kind is in force, or else of the class."""
    by_class = pl.col("class").replace_strict(params.service.model_dump(), return_dtype=pl.Float64)
    economic = critical_ratio().clip(params.economic_min, params.economic_max)
    return (
        pl.when(pl.col("target_kind_eff") == "economic")
        .then(economic)
        .otherwise(by_class)
        .alias("target_service_opt")
    )


def in_force(rated: pl.DataFrame, params: TargetParams) -> pl.DataFrame:
    """Return the rows with the target in force and what decided it: person, criticality or segment.

    | first that applies | target_service_eff | target_source |
    |---|---|---|
    | a person fixed the service | the person's | person |
    | vital, rule below `vital_min` | `vital_min` | criticality |
    | high, rule below `high_max` | rule + `high_plus`, at most `high_max` | criticality |
    | low, rule above `low_max` | `low_max` | criticality |
    | otherwise | rule | segment |

    Where a person fixed the kind only, the service follows the lower rows and the source is person.

    Parameters
    ----------
    rated : rows with `target_service_opt`, `target_service_set`, `target_kind_set`, `criticality`
    params : options
    """
    rule, fixed = pl.col("target_service_opt"), pl.col("target_service_set")
    critical = (
        pl.when(pl.col("criticality") == "vital")
        .then(rule.clip(lower_bound=params.vital_min))
        .when((pl.col("criticality") == "high") & (rule < params.high_max))
        .then((rule + params.high_plus).clip(upper_bound=params.high_max))
        .when(pl.col("criticality") == "low")
        .then(rule.clip(upper_bound=params.low_max))
        .otherwise(rule)
    )
    by_person = fixed.is_not_null() | pl.col("target_kind_set").is_not_null()
    return rated.with_columns(
        pl.coalesce(fixed, critical).alias("target_service_eff"),
        pl.when(by_person)
        .then(pl.lit("person"))
        .when(critical != rule)
        .then(pl.lit("criticality"))
        .otherwise(pl.lit("segment"))
        .alias("target_source"),
    )
