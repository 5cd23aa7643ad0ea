"""Checks on typed lead times: not known, round, one for all, and contradicted by receipts."""

import polars as pl

from plimsoll.audit.belief import cost_of_belief
from plimsoll.audit.company import Company
from plimsoll.audit.params import AuditParams
from plimsoll.audit.registry import check
from plimsoll.audit.rows import LANE, Repair, doubtful, figure

ROUND = (7.0, 14.0, 21.0, 28.0, 30.0, 45.0, 60.0, 75.0, 90.0, 100.0, 120.0, 150.0, 180.0, 365.0)
MEASURED = ("item", "lane", "supplier")
TYPED, MEAN = pl.col("lead_time_days_set"), pl.col("mean_days_est")


def _lanes(company: Company) -> pl.DataFrame:
    """Return lanes with the lead time measured, null where receipts say nothing; see `MEASURED`."""
    of_level = [pl.when(method_used=level).then(f"n_receipts_{level}") for level in MEASURED]
    found = company.result("lead_time_estimate").select(
        *LANE, "mean_days_est", "sd_days_est", "method_used", "change_date", n=pl.coalesce(of_level)
    )
    found = found.filter(pl.col("method_used").is_in(MEASURED) & (pl.col("n") > 0))
    own = company.known["locations"].filter(pl.col("kind").is_in(["plant", "dc", "branch"]))["location_id"]
    return (
        company.known["lanes"]
        .join(found, on=LANE, how="left", maintain_order="left")
        .with_columns(bought=~pl.col("from_location_id").is_in(own.implode()))
    )


def _with_own(company: Company, lanes: pl.DataFrame) -> pl.DataFrame:
    """Return the lanes with the mean lead time of their own orders, null without, and how sure it is.

    Were the typed value t the mean, n own orders of spread s t / m would have a mean within a few

        error = s t / (m sqrt(n))

    of it, m and s being the estimated mean and spread: lead times spread in proportion. An item without own
    orders is as uncertain as a single order, error = s max(t / m, 1). Orders from before a step of the
    supplier's lead times do not count.
    """
    key = [*LANE, "order_id"]
    dated = company.known["receipts"].filter(pl.col("received_date") >= pl.col("ordered_date"))
    orders = dated.group_by(key).agg(pl.col("ordered_date", "received_date").min())
    recent = orders.join(lanes.select(*LANE, "change_date"), on=LANE).filter(
        pl.col("change_date").is_null() | (pl.col("ordered_date") >= pl.col("change_date"))
    )
    days = (pl.col("received_date") - pl.col("ordered_date")).dt.total_days()
    own = recent.group_by(LANE).agg(own_days=days.sum() / pl.len(), own_orders=pl.len())
    scale = pl.col("sd_days_est") * TYPED / MEAN
    error = pl.coalesce(scale / pl.col("own_orders").sqrt(), pl.max_horizontal(scale, "sd_days_est"))
    return lanes.join(own, on=LANE, how="left", maintain_order="left").with_columns(error=error)


def _is_placeholder(params: AuditParams) -> pl.Expr:
    long = params.lead_placeholder_days <= TYPED
    short = (TYPED == 0) & (pl.col("from_location_id") != pl.col("to_location_id"))
    return long | short | ((TYPED == 1) & pl.col("bought") & (MEAN.is_null() | (MEAN > 2)))


def _measured(otherwise: str) -> pl.Expr:
    noun = pl.when(pl.col("n") == 1).then(pl.lit("receipt")).otherwise(pl.lit("receipts"))
    whose = pl.col("method_used").replace_strict(
        {"lane": " on that way", "supplier": " of the supplier"}, default=""
    )
    shows = pl.when(pl.col("n") == 1).then(pl.lit("shows")).otherwise(pl.lit("show"))
    text = pl.format("{} {}{} {} {} days", "n", noun, whose, shows, figure(MEAN.round(1)))
    return pl.when(MEAN.is_not_null()).then(text).otherwise(pl.lit(otherwise))


@check(
    severity="warning",
    table="lanes",
    what="{n} typed lead time<|s> stand<s|> for 'not known' ({keys}).",
    why="A value such as 0, 1 or 999 days taken at its word orders far too late or far too early.",
    remedy="Type what receipts show, or leave it blank.",
)
def lead_time_placeholder(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return lanes typed 0, 1 (from a supplier) or 900 days and more; money by `belief.cost_of_belief`."""
    found = _lanes(company).filter(_is_placeholder(params))
    rows = found.join(cost_of_belief(company, found), on=LANE, how="left", maintain_order="left")
    detail = pl.format("{} days typed; {}", figure(TYPED), _measured("no receipts to measure it by"))
    return doubtful(
        rows,
        LANE,
        detail,
        money=pl.max_horizontal("cash", "shortage_per_year"),
        repair=Repair("set", "lead_time_days_set", MEAN.round(1)),
    )


@check(
    severity="warning",
    table="lanes",
    what="{n} lane<|s> <has|have> no lead time typed ({keys}).",
    why="Where receipts do not tell it either, a general default decides when to order.",
    remedy="Ask the supplier; what receipts show is suggested.",
)
def lead_time_missing(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return listed lanes without a lead time; where receipts show it, it is worth knowing only (info)."""
    listed = company.given.get("lanes", company.known["lanes"].clear()).select(LANE)
    bare = _lanes(company).filter(TYPED.is_null()).join(listed, on=LANE, how="semi", maintain_order="left")
    known = MEAN.is_not_null()
    return doubtful(
        bare,
        LANE,
        pl.concat_str(pl.lit("no lead time typed; "), _measured("nothing was received to measure it by")),
        repair=Repair("set", "lead_time_days_set", MEAN.round(1)),
        severity=pl.when(known).then(pl.lit("info")).otherwise(pl.lit("warning")),
    )


@check(
    severity="info",
    table="lanes",
    what="{n} typed lead time<|s> <is a round number|are round numbers> that no receipt confirms ({keys}).",
    why="30, 60 or 90 days is mostly a guess that was never looked at again.",
    remedy="Confirm <it|them> with the supplier.",
)
def lead_time_round(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return round typed lead times of suppliers from whom nothing was received that could confirm them."""
    found = _lanes(company).filter(
        TYPED.is_in(ROUND) & pl.col("bought") & MEAN.is_null() & ~_is_placeholder(params)
    )
    return doubtful(found, LANE, pl.format("{} days typed, no receipts to measure it by", figure(TYPED)))


@check(
    severity="info",
    table="lanes",
    what="{n} lane<|s> of suppliers with one lead time typed for everything ({keys}).",
    why="One value for all of a supplier's items was typed once and is true for none of them in particular.",
    remedy="Use what receipts show for each item.",
)
def one_lead_time_for_all(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return the lanes of suppliers whose known typed lead times are all the same.

    Only suppliers with at least `lead_one_for_all_lanes` lanes; placeholders do not count as known.
    """
    lanes = _lanes(company).filter(pl.col("bought") & TYPED.is_not_null() & ~_is_placeholder(params))
    supplier = "from_location_id"
    same = (TYPED.n_unique().over(supplier) == 1) & (pl.len().over(supplier) >= params.lead_one_for_all_lanes)
    found = lanes.with_columns(many=pl.len().over(supplier)).filter(same)
    detail = pl.format(
        "{} days typed, as for all {} lanes of {}; {}",
        figure(TYPED), "many", supplier, _measured("no receipts to measure it by"),
    )  # fmt: skip
    return doubtful(found, LANE, detail)


@check(
    severity="warning",
    table="lanes",
    what="{n} typed lead time<|s> <is|are> contradicted by receipts ({keys}).",
    why="Too long ties up cash in a buffer that nobody needs; too short runs out before the order arrives.",
    remedy="Type what receipts show; the plan already uses it.",
)
def lead_time_contradicted(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return lanes whose typed lead time is off the measured mean, with what believing it costs.

    Off means by `lead_off_share` of the shorter of both and by `lead_off_days`, and that the item's own
    orders, where it has some, are on the same side by `lead_off_errors` standard errors, see `_with_own`.
    The money is the cash held too much (typed too long) or the yearly shortage at price (typed too short),
    see `belief.cost_of_belief`.
    """
    off = MEAN - TYPED
    limit = pl.max_horizontal(
        pl.min_horizontal(TYPED, MEAN) * params.lead_off_share, pl.lit(params.lead_off_days)
    )
    far = _lanes(company).filter(TYPED.is_not_null() & ~_is_placeholder(params) & (off.abs() >= limit))
    sure = (pl.coalesce("own_days", MEAN) - TYPED) * off.sign() >= params.lead_off_errors * pl.col("error")
    found = _with_own(company, far).filter(sure)
    rows = found.join(cost_of_belief(company, found), on=LANE, how="left", maintain_order="left")
    return doubtful(
        rows,
        LANE,
        pl.concat_str(
            pl.format("{} days typed, {}", figure(TYPED), _measured("")),
            pl.col("words").fill_null(""),
        ),
        money=pl.when(off < 0).then("cash").otherwise("shortage_per_year"),
        repair=Repair("set", "lead_time_days_set", MEAN.round(1)),
    )
