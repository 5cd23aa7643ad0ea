"""Checks on costs and prices: missing, out of line by a factor, below cost."""

import polars as pl

from plimsoll.audit.company import Company
from plimsoll.audit.facts import nearest_factor, newest_counts, yearly_use
from plimsoll.audit.params import AuditParams
from plimsoll.audit.registry import check
from plimsoll.audit.rows import LANE, Repair, doubtful, figure


def _on_hand(company: Company) -> pl.DataFrame:
    counts = newest_counts(company).sort("item_id", "location_id")
    return counts.group_by("item_id").agg(pl.col("on_hand").clip(0).sum())


def _of_item(use: pl.DataFrame) -> pl.DataFrame:
    return use.sort("item_id", "location_id").group_by("item_id").agg(pl.col("use").sum())


def _compared(company: Company) -> pl.DataFrame:
    """Return items with cost, price, median lane price, stock, and the company's usual markup.

    Lanes in another currency than most of the company's are no measure of a cost.
    """
    lanes = company.known["lanes"].filter(pl.col("unit_cost") > 0)
    usual = lanes["currency"].drop_nulls().mode().sort().head(1).implode()
    lanes = lanes.filter(pl.col("currency").is_null() | pl.col("currency").is_in(usual))
    paid = lanes.group_by("item_id").agg(pl.col("unit_cost").median().alias("paid"))
    items = company.known["items"].join(paid, on="item_id", how="left", maintain_order="left")
    cost = pl.coalesce("paid", pl.when(pl.col("unit_cost") > 0).then("unit_cost"))
    markup = pl.when(pl.col("unit_price") > 0).then(pl.col("unit_price") / cost).median()
    return items.with_columns(markup=markup).join(
        _on_hand(company), on="item_id", how="left", maintain_order="left"
    )


@check(
    severity="warning",
    table="items",
    what="{n} item<|s> <has|have> no cost, or a cost of 0 ({keys}).",
    why="<Its|Their> stock and orders count as nothing in every list of money.",
    remedy="Give <its|their> cost; where a supplier's price is known it is suggested.",
    covers=("cost_unknown",),
)
def cost_missing(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return items in use without a cost; the money is their stock at the price paid to suppliers.

    Items that are not in the master are found by `item_not_in_master`.
    """
    bare = _compared(company).filter(pl.col("unit_cost").fill_null(0.0) == 0.0)
    if "items" in company.given:
        bare = bare.join(company.given["items"], on="item_id", how="semi", maintain_order="left")
    words = pl.when(pl.col("unit_cost").is_null()).then(pl.lit("no cost")).otherwise(pl.lit("a cost of 0"))
    lane = pl.when(pl.col("paid").is_not_null()).then(pl.format("; suppliers ask {}", figure(pl.col("paid"))))
    return doubtful(
        bare,
        ["item_id"],
        pl.concat_str(words, lane.otherwise(pl.lit("; no supplier's price either"))),
        money=pl.col("on_hand") * pl.col("paid"),
        repair=Repair("set", "unit_cost", pl.col("paid")),
    )


def _suspects(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return items whose cost disagrees with the price paid or with the selling price, and who is wrong.

    expected cost: the price paid; without one, the selling price over the company's usual markup. Where
    cost and price paid disagree, the one that the selling price contradicts is wrong (`guilty`).
    """
    by_price = pl.when(pl.col("unit_price") > 0).then(pl.col("unit_price") / pl.col("markup"))
    off = (pl.col("unit_cost") / pl.col("expected")).log().abs()
    compared = _compared(company).filter(pl.col("unit_cost") > 0).with_columns(by_price=by_price)
    compared = compared.with_columns(expected=pl.coalesce("paid", "by_price"))
    limit = (
        pl.when(pl.col("paid").is_not_null())
        .then(pl.lit(params.item_cost_factor))
        .otherwise(pl.lit(params.item_markup_factor))
    )
    wrong = compared.filter(off >= limit.log())
    far_paid = (pl.col("paid") / pl.col("by_price")).log().abs()
    far_cost = (pl.col("unit_cost") / pl.col("by_price")).log().abs()
    return wrong.with_columns(
        guilty=pl.when(far_paid > far_cost).then(pl.lit("paid")).otherwise(pl.lit("cost")),
        factor=pl.max_horizontal(
            pl.col("unit_cost") / pl.col("expected"), pl.col("expected") / pl.col("unit_cost")
        ),
    )


@check(
    severity="warning",
    table="items",
    what="{n} item<|s> <has|have> a cost out of line with what is paid or asked for <it|them> ({keys}).",
    why="A cost in another unit (piece or case) or with a shifted decimal misvalues stock and orders.",
    remedy="Correct the cost; the price paid, or the nearest usual factor, is suggested.",
)
def cost_out_of_line(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return items whose cost is off the price paid, or off the selling price at the usual markup.

    The money is the stock times the difference between cost and expected cost: so much it is misvalued.
    """
    wrong = _suspects(company, params).filter(guilty="cost")
    measure = (
        pl.when(pl.col("paid").is_not_null())
        .then(pl.format("suppliers ask {}", figure(pl.col("paid"))))
        .otherwise(pl.format("it sells at {}", figure(pl.col("unit_price"))))
    )
    factor = nearest_factor(pl.col("factor"), params.unit_factors)
    up = pl.col("unit_cost") > pl.col("expected")
    return doubtful(
        wrong,
        ["item_id"],
        pl.concat_str(
            pl.format("cost {}, but ", figure(pl.col("unit_cost"))),
            measure,
            pl.format("; off by {}, nearest usual factor {}", figure(pl.col("factor")), figure(factor)),
        ),
        money=pl.col("on_hand") * (pl.col("unit_cost") - pl.col("expected")).abs(),
        repair=Repair("convert", "unit_cost", pl.when(up).then(1 / factor).otherwise(factor)),
    )


@check(
    severity="warning",
    table="lanes",
    what="{n} lane price<|s> <is|are> out of line with the item's cost and selling price ({keys}).",
    why="A price for another unit (piece or case) turns every order value on the lane into fiction.",
    remedy="Correct the price; the nearest usual factor is suggested.",
)
def lane_price_out_of_line(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return lanes whose price the item's cost and selling price agree to contradict.

    The money is the yearly use at the difference.
    """
    wrong = _suspects(company, params).filter(guilty="paid")
    lanes = company.known["lanes"].filter(pl.col("unit_cost") > 0).rename({"unit_cost": "lane_price"})
    ratio = pl.max_horizontal(
        pl.col("lane_price") / pl.col("unit_cost"), pl.col("unit_cost") / pl.col("lane_price")
    )
    found = (
        lanes.join(wrong.select("item_id", "unit_cost", "unit_price"), on="item_id", maintain_order="left")
        .with_columns(factor=ratio)
        .filter(pl.col("factor") >= params.item_cost_factor)
        .join(_of_item(yearly_use(company)), on="item_id", how="left", maintain_order="left")
    )
    factor = nearest_factor(pl.col("factor"), params.unit_factors)
    up = pl.col("lane_price") > pl.col("unit_cost")
    return doubtful(
        found,
        LANE,
        pl.format(
            "price {}, but the item costs {} and sells at {}; nearest usual factor {}",
            *(figure(pl.col(name)) for name in ("lane_price", "unit_cost", "unit_price")),
            figure(factor),
        ),
        money=pl.col("use") * (pl.col("lane_price") - pl.col("unit_cost")).abs(),
        repair=Repair("convert", "unit_cost", pl.when(up).then(1 / factor).otherwise(factor)),
    )


@check(
    severity="warning",
    table="items",
    what="{n} item<|s> sell<s|> below cost ({keys}).",
    why="Either every sale loses money, or price or cost is wrong; money at risk is counted at price.",
    remedy="Check price and cost; mark a deliberate sell-off with an end date.",
)
def price_below_cost(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return items priced below cost whose cost is in line with what is paid.

    The money is the loss per unit times the yearly use, or the stock where nothing was used. An item past
    its end date may be sold off.
    """
    out = _suspects(company, params).select("item_id")
    below = (
        _compared(company)
        .filter(pl.col("unit_price") < pl.coalesce("paid", "unit_cost") * 0.98)
        .filter(pl.col("end_date").is_null() | (pl.col("end_date") > company.as_of))
        .join(out, on="item_id", how="anti", maintain_order="left")
        .join(_of_item(yearly_use(company)), on="item_id", how="left", maintain_order="left")
    )
    cost = pl.coalesce("paid", "unit_cost")
    return doubtful(
        below,
        ["item_id"],
        pl.format("sells at {}, costs {}", figure(pl.col("unit_price")), figure(cost)),
        money=pl.coalesce("use", "on_hand") * (cost - pl.col("unit_price")),
    )
