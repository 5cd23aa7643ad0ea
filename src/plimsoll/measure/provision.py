"""What is set aside for stock that may never pay: by its age and its cover, today and month by month."""

from collections.abc import Sequence
from datetime import date
from itertools import pairwise

import polars as pl

from plimsoll.domain.calendar import DAYS_PER_YEAR
from plimsoll.domain.tables import table
from plimsoll.measure.capital_params import CapitalParams
from plimsoll.measure.health import KEY
from plimsoll.measure.release import months_ahead

MONTH_DAYS = DAYS_PER_YEAR / 12


def bucket(age: pl.Expr, limits: Sequence[float]) -> pl.Expr:
    """Return the bucket of an age in months, as text; unknown stays unknown.

    Examples
    --------
    >>> pl.DataFrame({"a": [7.0, 12.0, None]}).select(b=bucket(pl.col("a"), (6.0, 12.0)))["b"].to_list()
    ['6 to 12', '12 and more', None]
    """
    ends = [f"{limit:g}" for limit in limits]
    names = [f"under {ends[0]}", *(f"{a} to {b}" for a, b in pairwise(ends))]
    steps = [pl.when(age < limit).then(pl.lit(name)) for limit, name in zip(limits, names, strict=True)]
    return pl.coalesce(*steps, pl.when(age.is_not_null()).then(pl.lit(f"{ends[-1]} and more")))


def provision(units: str, params: CapitalParams) -> pl.Expr:
    """Return what must be set aside for the units of each row, in money.

    The larger of two rules on E units at cost c with demand μ a day and months a since the last one::

        age     c E share(a)
        cover   c Σᵢ (share of cover bucket i − share of the one before) max(E − μ Tᵢ, 0)

    with Tᵢ the limits of the buckets of cover: the units that need longer than Tᵢ.

    Parameters
    ----------
    units : name of the column E; the frame also needs cost, rate and age_months
    params : buckets and shares
    """
    count, age, shares = pl.col(units), pl.col("age_months"), params.age_shares
    by_age = pl.coalesce(
        *(pl.when(age < limit).then(share) for limit, share in zip(params.age_months, shares, strict=False)),
        pl.when(age.is_not_null()).then(shares[-1]),
        pl.lit(shares[0]),
    )
    by_cover = params.cover_shares[0] * count
    for limit, before, after in zip(
        params.cover_months, params.cover_shares, params.cover_shares[1:], strict=False
    ):
        longer = (count - pl.col("rate") * limit * MONTH_DAYS).clip(0.0)
        by_cover = by_cover + (after - before) * longer
    return pl.col("cost") * pl.max_horizontal(by_age * count, by_cover)


def with_age(route: pl.DataFrame, obsolescence: pl.DataFrame) -> pl.DataFrame:
    """Return the routes with the months since the last demand; where none is known those of history."""
    ages = obsolescence.select(
        *KEY,
        age_months=pl.coalesce("months_since_demand", "months_seen").cast(pl.Float64),
    )
    return route.join(ages, on=KEY, how="left", maintain_order="left")


def provision_forecast(
    aged: pl.DataFrame, release: pl.DataFrame, params: CapitalParams, *, as_of: date
) -> pl.DataFrame:
    """Return provision month by month and bucket of age: if demand alone works, and by the release plan.

    Demand alone leaves max(E − μ d, 0) units after d days. A point grows older by the month until it is
    expected to be asked for one unit; from then its age is at most the days between two units.

    Parameters
    ----------
    aged : as of `with_age`
    release : table `release`
    params : buckets, shares and months
    as_of : day of knowledge

    Returns
    -------
    pl.DataFrame
        Table `provision`; month 0 is today. Points of unknown age are in the bucket `unknown`.
    """
    today = pl.DataFrame({"month": [0], "until": [as_of], "days": [0.0]})
    rate = pl.col("rate")
    between = pl.when(rate > 0).then(1.0 / rate / MONTH_DAYS)
    tables = []
    for month, until, days in pl.concat([today, months_ahead(as_of, params.release_months)]).iter_rows():
        released = release.filter(pl.col("month") <= month).group_by(KEY).agg(out=pl.col("quantity").sum())
        older = pl.col("age_months") + month
        state = aged.join(released, on=KEY, how="left", maintain_order="left").with_columns(
            alone_qty=(pl.col("extra_qty") - rate * days).clip(0.0),
            planned_qty=(pl.col("extra_qty") - pl.col("out").fill_null(0.0)).clip(0.0),
            age_months=pl.when(rate * days >= 1).then(pl.min_horizontal(older, between)).otherwise(older),
        )
        tables.append(
            state.with_columns(
                month=pl.lit(month, pl.Int64),
                until=pl.lit(until),
                bucket=bucket(pl.col("age_months"), params.age_months).fill_null("unknown"),
                alone=provision("alone_qty", params),
                planned=provision("planned_qty", params),
            )
            .group_by("month", "until", "bucket", maintain_order=True)
            .agg(
                n_points=(pl.col("alone_qty") > 0).sum().cast(pl.Int64),
                stranded_value=(pl.col("alone_qty") * pl.col("cost")).sum(),
                provision_value=pl.col("alone").sum(),
                planned_stranded_value=(pl.col("planned_qty") * pl.col("cost")).sum(),
                planned_provision_value=pl.col("planned").sum(),
            )
        )
    return table("provision").conform(pl.concat(tables))
