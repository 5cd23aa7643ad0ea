"""Checks on lanes: minimum and multiple missing, typed in another unit, or beyond years of use."""

import polars as pl

from plimsoll.audit.company import Company
from plimsoll.audit.facts import costs, nearest_factor, order_sizes, yearly_use
from plimsoll.audit.params import AuditParams
from plimsoll.audit.registry import check
from plimsoll.audit.rows import LANE, Repair, doubtful, figure

FEW = 2  # orders from which there is a usual size
MOST = 0.5  # share of lanes from which a minimum is usual
PEERS = 20  # lanes with a multiple from which there is a usual number of multiples


def _with_orders(company: Company) -> pl.DataFrame:
    """Return lanes with the usual order, yearly use at the receiving point, and cost."""
    use = yearly_use(company).rename({"location_id": "to_location_id"})
    return (
        company.known["lanes"]
        .join(order_sizes(company), on=LANE, how="left", maintain_order="left")
        .join(use, on=LANE[:2], how="left", maintain_order="left")
        .join(costs(company), on="item_id", how="left", maintain_order="left")
        .with_columns(pl.col("use", "n_orders").fill_null(0), years=pl.col("min_order_qty") / pl.col("use"))
    )


def _in_another_unit(lanes: pl.DataFrame, params: AuditParams) -> pl.DataFrame:
    """Return lanes whose minimum was typed in another unit, with the minimum that is plausible.

    Either no order ever reached the minimum and the usual one was far below it, or the minimum is a
    hundred order multiples and far more of them than is usual in the company. The plausible minimum is
    the usual count of multiples, or where too few lanes have one the usual order.
    """
    minimum, multiple = pl.col("min_order_qty"), pl.col("order_multiple")
    against_orders = (
        (pl.col("n_orders") >= FEW)
        & (pl.col("largest_qty") < minimum)
        & (minimum >= pl.col("typical_qty") * params.lane_moq_factor)
    )
    ratio = pl.when((multiple > 0) & (minimum > 0)).then(minimum / multiple)
    usual = pl.max_horizontal(ratio.median(), pl.lit(1.0))
    many = ratio.count() >= PEERS
    against_peers = many & (
        ratio >= pl.max_horizontal(pl.lit(params.lane_gross), usual * params.lane_peers_factor)
    )
    plausible = pl.coalesce(pl.when((multiple > 0) & many).then(multiple * usual), "typical_qty")
    doubted = (against_orders | against_peers).fill_null(value=False)
    found = lanes.with_columns(plausible=plausible, doubted=doubted).filter("doubted")
    return found.with_columns(factor=minimum / pl.min_horizontal("plausible", minimum))


@check(
    severity="warning",
    table="lanes",
    what="{n} minimum order<|s> look<s|> typed in another unit ({keys}).",
    why="A minimum in pieces where the item is counted in cases or gross forces orders of years of demand.",
    remedy="Correct the minimum; dividing by the nearest usual pack size is suggested.",
)
def moq_out_of_line(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return minimum orders that no order reached, or of far more multiples than is usual.

    The money is what one order would bring in beyond need: (minimum - plausible) x cost. The factor
    suggested is the usual pack size nearest to minimum / plausible.
    """
    found = _in_another_unit(_with_orders(company), params)
    factor = nearest_factor(pl.col("factor"), params.unit_factors)
    usual = pl.when(pl.col("n_orders") >= FEW).then(
        pl.format("{} orders were of about {}", "n_orders", figure(pl.col("typical_qty")))
    )
    multiple = pl.format("the multiple is {}", figure(pl.col("order_multiple")))
    return doubtful(
        found,
        LANE,
        pl.concat_str(
            pl.format("minimum order {}, but ", figure(pl.col("min_order_qty"))),
            usual.otherwise(multiple),
            pl.when(pl.col("use") > 0)
            .then(pl.format("; it covers {} years of use", figure(pl.col("years").round(1))))
            .otherwise(pl.lit("; nothing was used in a year")),
        ),
        money=(pl.col("min_order_qty") - pl.col("plausible")) * pl.col("cost"),
        repair=Repair("convert", "min_order_qty", 1 / factor),
    )


@check(
    severity="info",
    table="lanes",
    what="{n} minimum order<|s> cover<s|> years of use ({keys}).",
    why="Every order brings in stock for years: cash that a smaller minimum would set free.",
    remedy="Negotiate the minimum, or order for several items at once.",
)
def moq_covers_years(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return minimum orders of at least `lane_moq_years` of use that are not a matter of units.

    The money is what lies longer than a year: (minimum - yearly use) x cost.
    """
    lanes = _with_orders(company)
    units = _in_another_unit(lanes, params)
    long = lanes.filter((pl.col("use") > 0) & (pl.col("years") >= params.lane_moq_years))
    return doubtful(
        long.join(units, on=LANE, how="anti", maintain_order="left"),
        LANE,
        pl.format(
            "minimum order {} for a use of {} a year: {} years",
            *(figure(pl.col(name)) for name in ("min_order_qty", "use")),
            figure(pl.col("years").round(1)),
        ),
        money=(pl.col("min_order_qty") - pl.col("use")) * pl.col("cost"),
    )


@check(
    severity="warning",
    table="lanes",
    what="{n} order multiple<|s> look<s|> typed in another unit ({keys}).",
    why="Orders are rounded up to the multiple, so one in the wrong unit orders many times the need.",
    remedy="Correct the multiple; the nearest usual pack size is suggested as factor.",
)
def multiple_out_of_line(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return order multiples many times the usual order; the money is the excess of one order at cost."""
    lanes = _with_orders(company).filter(pl.col("n_orders") >= FEW)
    found = lanes.filter(pl.col("order_multiple") >= pl.col("typical_qty") * params.lane_moq_factor)
    factor = nearest_factor(pl.col("order_multiple") / pl.col("typical_qty"), params.unit_factors)
    return doubtful(
        found,
        LANE,
        pl.format(
            "multiple {}, but {} orders were of about {}",
            figure(pl.col("order_multiple")), "n_orders", figure(pl.col("typical_qty")),
        ),
        money=(pl.col("order_multiple") - pl.col("typical_qty")) * pl.col("cost"),
        repair=Repair("convert", "order_multiple", 1 / factor),
    )  # fmt: skip


@check(
    severity="info",
    table="lanes",
    what="{n} lane<|s> <has|have> no minimum order, where other lanes of the kind do ({keys}).",
    why="The plan then orders single units that the source may not accept.",
    remedy="Ask for the minimum; 1 says that any quantity is accepted.",
)
def moq_missing(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return listed lanes without a minimum where most purchases (or transfers, or productions) have one."""
    lanes = company.given.get("lanes", company.known["lanes"])
    source, here = pl.col("from_location_id"), pl.col("to_location_id")
    kind = pl.when(source == here).then(0).when(source.is_in(lanes["to_location_id"].implode())).then(1)
    usual = pl.col("min_order_qty").is_not_null().mean().over(kind.otherwise(2)) >= MOST
    return doubtful(lanes.filter(usual & pl.col("min_order_qty").is_null()), LANE, pl.lit("no minimum order"))
