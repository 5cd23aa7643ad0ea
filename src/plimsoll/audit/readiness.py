"""How far the data of each stocking point carry a decision: automatic, with care, or left out, and why."""

from functools import cache
from importlib.resources import files
from io import StringIO

import polars as pl

from plimsoll.audit.company import Company
from plimsoll.audit.params import AuditParams
from plimsoll.audit.rows import POINT
from plimsoll.domain.tables import table

SAID = 3  # reasons in the sentence; all are in `reasons`
OPENING = {
    "automatic": "May be planned automatically",
    "care": "Needs care",
    "left_out": "Left out of automatic planning",
}
LEFT_OUT = {
    "do_not_stock": "it is marked as not to be stocked",
    "engineered": "it is engineered to order",
    "ended": "its end date has passed",
    "superseded": "another item has taken over",
}
COUNTS = ("automatic", "care", "left_out")


@cache
def weights() -> pl.DataFrame:
    """Return the share of readiness that a fault takes, by code of check or else by severity.

    Examples
    --------
    >>> weights().filter(code="error")["loss"].item()
    0.8
    """
    text = files("plimsoll.audit").joinpath("weights.csv").read_text(encoding="utf-8")
    return pl.read_csv(StringIO(text))


def readiness(company: Company, rows: pl.DataFrame, params: AuditParams) -> pl.DataFrame:
    """Return how ready each stocking point is to be planned.

        score = product over the kinds of fault at the point of (1 - loss)

    Each kind counts once, with the worst of its rows, so a further fault never raises a score, and the
    order of faults does not matter. The losses are data (`weights.csv`), by code or else by severity.

    Parameters
    ----------
    company : with `planning_point` among its results
    rows : `audit_row`; a row without a place counts at every place of its item, one without an item at
        every item of its place, one without both nowhere
    params : the scores that part automatic, care and left out

    Returns
    -------
    pl.DataFrame
        Table `readiness`, one row a stocking point. A point that the plan leaves out, for its reason, is
        left out here too, whatever its score.
    """
    points = company.result("planning_point").select(*POINT, "category", "planned", "left_out_reason")
    faults = _weighed(_at_points(points, pl.concat([rows, _not_given(company)], how="diagonal")))
    by_point = faults.group_by(POINT, maintain_order=True).agg(
        (1.0 - pl.col("loss")).product().alias("score"),
        pl.col("code").str.join("|").alias("reasons"),
        pl.col("detail").head(SAID).str.join("; ").alias("said"),
        pl.when(pl.col("money").is_not_null().any()).then(pl.col("money").sum()).alias("money_at_risk"),
    )
    scored = points.join(by_point, on=POINT, how="left", maintain_order="left").with_columns(
        pl.col("score").fill_null(1.0), pl.col("reasons").fill_null("")
    )
    verdict = (
        pl.when(~pl.col("planned") | (pl.col("score") < params.ready_left_out))
        .then(pl.lit("left_out"))
        .when(pl.col("score") < params.ready_automatic)
        .then(pl.lit("care"))
        .otherwise(pl.lit("automatic"))
    )
    why = pl.concat_str(
        pl.col("verdict").replace_strict(OPENING),
        pl.col("left_out_reason").replace_strict(LEFT_OUT, default=None),
        "said",
        separator=": ",
        ignore_nulls=True,
    )
    reasons = (
        pl.concat_list(pl.col("left_out_reason").fill_null(""), pl.col("reasons"))
        .list.filter(pl.element() != "")
        .list.join("|")
    )
    result = scored.with_columns(verdict=verdict).with_columns(why=why + ".", reasons=reasons)
    return table("readiness").conform(result.select(table("readiness").names))


def _not_given(company: Company) -> pl.DataFrame:
    """Return what no check can call wrong because nobody gave it: stock of any point, a lead time of some."""
    points = company.result("planning_point").select(*POINT, "from_location_id")
    assumed = company.result("lead_time_estimate").filter(method_used="default")
    assumed = assumed.select("item_id", "from_location_id", location_id="to_location_id")
    uncounted = points if company.known["stock"].is_empty() else points.clear()
    said = (
        (uncounted, "stock_not_given", "no stock is recorded anywhere"),
        (
            points.join(assumed, on=points.columns, how="semi"),
            "lead_time_assumed",
            "its lead time is assumed",
        ),
    )
    return pl.concat(
        frame.select(
            POINT,
            severity=pl.lit("warning"),
            code=pl.lit(code),
            detail=pl.lit(detail),
            money_at_risk=pl.lit(None, dtype=pl.Float64),
        )
        for frame, code, detail in said
    )


def _at_points(points: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Return the faults with the points that each concerns."""
    said = rows.select("item_id", "location_id", "code", "severity", "detail", money="money_at_risk")
    item, place = pl.col("item_id").is_not_null(), pl.col("location_id").is_not_null()
    keys = points.select(POINT)
    here = said.filter(item & place).join(keys, on=POINT, how="semi")
    n_places = keys.group_by("item_id").agg(shared=pl.len())
    of_item = (
        said.filter(item & ~place).drop("location_id").join(keys, on="item_id").join(n_places, on="item_id")
    )
    # The money of an item is shared by its places, so that sums stay sums; that of a place is not shared.
    of_item = of_item.with_columns(pl.col("money") / pl.col("shared"))
    of_place = said.filter(~item & place).drop("item_id").join(keys, on="location_id")
    of_place = of_place.with_columns(money=pl.lit(None, dtype=pl.Float64))
    return pl.concat([frame.select(said.columns) for frame in (here, of_item, of_place)])


def _weighed(faults: pl.DataFrame) -> pl.DataFrame:
    """Return one row a point and kind of fault, with its loss; the worst first."""
    loss = weights().select("code", "loss")
    by_severity = loss.rename({"code": "severity", "loss": "usual"})
    weighed = faults.join(by_severity, on="severity", how="left").join(loss, on="code", how="left")
    # A check's own loss is that of a warning of its kind; a row that is only worth knowing costs as little.
    own = pl.when(pl.col("severity") == "info").then(pl.min_horizontal("loss", "usual")).otherwise("loss")
    weighed = weighed.with_columns(loss=pl.coalesce(own, "usual"))
    ranked = weighed.sort(
        *POINT, pl.col("loss").neg(), "code", pl.col("money").neg(), "detail", nulls_last=True
    )
    kinds = ranked.group_by(*POINT, "code", maintain_order=True).agg(
        pl.col("loss", "detail").first(),
        money=pl.when(pl.col("money").is_not_null().any()).then(pl.col("money").sum()),
    )
    return kinds.sort(*POINT, pl.col("loss").neg(), "code")


def rolled_up(ready: pl.DataFrame, points: pl.DataFrame, by: str | None) -> pl.DataFrame:
    """Return readiness by item or category, or of the whole company.

    Parameters
    ----------
    ready : table `readiness`
    points : table `planning_point`; demand value is last year's customer demand at cost
    by : item_id, category, location_id, or None for one row over all

    Returns
    -------
    pl.DataFrame
        The group; n_points; points `automatic`, `care`, `left_out`; their shares of points
        (`share_…`) and of demand value (`value_share_…`, null where there is none); score (mean weighted by
        demand value, or plain where there is none); money_at_risk. Least ready first.
    """
    value = (pl.col("demand_last_year_qty") * pl.col("unit_cost_eff")).clip(0.0)
    rows = ready.join(points.select(*POINT, value=value), on=POINT, how="left", maintain_order="left").sort(
        POINT
    )
    group = pl.lit("all") if by is None else pl.col(by)
    total = pl.col("value").sum()
    weighted = pl.when(total > 0).then((pl.col("score") * pl.col("value")).sum() / total)
    figures = [pl.len().alias("n_points")]
    for verdict in COUNTS:
        of = pl.col("verdict") == verdict
        figures += [
            of.sum().alias(verdict),
            of.mean().alias(f"share_{verdict}"),
            pl.when(total > 0).then(pl.col("value").filter(of).sum() / total).alias(f"value_share_{verdict}"),
        ]
    grouped = rows.group_by(group.alias(by or "group"), maintain_order=True).agg(
        *figures,
        score=pl.coalesce(weighted, pl.col("score").mean()),
        money_at_risk=pl.col("money_at_risk").sum(),
    )
    return grouped.sort("score", by or "group", nulls_last=True)
