"""What to do about stock that may never be asked for: the action that brings most money."""

from datetime import date, timedelta

import polars as pl

from plimsoll.lifecycle.params import LifecycleParams

KEY = ["item_id", "location_id"]
# In the order in which they are preferred at equal money.
ACTIONS = ("transfer", "return", "discount", "scrap", "stop_buying")


def with_action(
    state: pl.DataFrame, receipts: pl.DataFrame, params: LifecycleParams, *, as_of: date
) -> pl.DataFrame:
    """Return the warned points with the action that saves most against doing nothing, and a sentence.

    Of the u whole units that will probably be left over, at unit cost c, price r, expected units of a
    year e, places that want n units, and m units received within the supplier's days::

        transfer     min(u, n) (1 - transfer cost) c
        return       min(u, m) return share c
        discount     (1 - discount) r min(u, uplift e) - discount r min(e, x)    x units on the shelf
        scrap        u (scrap + storage * years until the write-off) c           grade over only
        stop buying  leftover units on order * c

    Parameters
    ----------
    state : points with grade, stock, leftover and expected units
    receipts : table `receipts`
    params : what each action costs and brings
    as_of : day of knowledge

    Returns
    -------
    pl.DataFrame
        The points with action, action_qty, action_to_location_id, action_value and sentence. Points
        without a warning have the action none; warned ones at least stop buying.
    """
    cost, price = pl.col("unit_cost_eff"), pl.col("unit_price_eff")
    year, left = pl.col("expected_year_qty"), pl.col("spare_qty")
    spare = state.with_columns(
        spare_qty=pl.when(pl.col("grade") != "none").then(pl.col("leftover_qty").floor()).otherwise(0.0)
    )
    moved = _with_transfer(_with_returnable(spare, receipts, params, as_of))
    years, is_over = params.writeoff_years, pl.col("grade") == "over"
    sold = pl.min_horizontal(left, params.discount_uplift * year)
    given_up = params.discount_share * price * pl.min_horizontal(year, "on_hand_qty")
    valued = moved.with_columns(
        transfer_qty=pl.col("move_qty"),
        return_qty=pl.min_horizontal(left, "returnable_qty"),
        discount_qty=sold.floor(),
        scrap_qty=pl.when(is_over).then(left).otherwise(0.0),
        stop_buying_qty=pl.col("leftover_order_qty").floor(),
    ).with_columns(
        transfer_value=pl.col("transfer_qty") * (1.0 - params.transfer_cost_share) * cost,
        return_value=pl.col("return_qty") * params.return_share * cost,
        discount_value=pl.when(pl.col("discount_qty") > 0)
        .then((1.0 - params.discount_share) * price * pl.col("discount_qty") - given_up)
        .otherwise(0.0),
        scrap_value=pl.col("scrap_qty") * (params.scrap_share + params.storage_share * years) * cost,
        stop_buying_value=pl.col("leftover_order_qty") * cost,
    )
    best = pl.max_horizontal(f"{action}_value" for action in ACTIONS)
    names = [pl.when(pl.col(f"{action}_value") == best).then(pl.lit(action)) for action in ACTIONS]
    chosen = (
        pl.when(pl.col("grade") == "none")
        .then(pl.lit("none"))
        .when(best > 0)
        .then(pl.coalesce(names))
        .otherwise(pl.lit("stop_buying"))
    )
    acted = valued.with_columns(action=chosen).with_columns(
        action_qty=_of_action("qty"),
        action_value=_of_action("value"),
        action_to_location_id=pl.when(pl.col("action") == "transfer")
        .then("move_to")
        .when(pl.col("action") == "return")
        .then("from_location_id"),
    )
    return acted.with_columns(sentence=_sentence(params))


def _of_action(figure: str) -> pl.Expr:
    picks = [pl.when(pl.col("action") == one).then(pl.col(f"{one}_{figure}")) for one in ACTIONS]
    return pl.coalesce(*picks, pl.lit(0.0)).clip(0.0)


def _with_returnable(
    state: pl.DataFrame, receipts: pl.DataFrame, params: LifecycleParams, as_of: date
) -> pl.DataFrame:
    """Return the points with the units that a supplier would still take back."""
    since = as_of - timedelta(days=params.return_days)
    recent = (
        receipts.filter((pl.col("received_date") <= as_of) & (pl.col("received_date") >= since))
        .sort("order_id", "line")
        .group_by("item_id", "from_location_id", location_id="to_location_id", maintain_order=True)
        .agg(returnable_qty=pl.col("quantity").sum().floor())
    )
    joined = state.join(recent, on=[*KEY, "from_location_id"], how="left", maintain_order="left")
    bought = pl.when(pl.col("supply_kind") == "purchase").then(pl.col("returnable_qty").fill_null(0.0))
    return joined.with_columns(returnable_qty=bought.otherwise(0.0))


def _with_transfer(state: pl.DataFrame) -> pl.DataFrame:
    """Return the points with what another place of the item would take (move_qty, move_to).

    Spare units of an item are laid end to end, and so is what its places want in the coming year; a
    place's spare units go to the place whose wants begin where its own begin. So nothing is promised twice.
    """
    wants = (pl.col("expected_year_qty") - pl.col("on_hand_qty") - pl.col("on_order_qty")).floor()
    wanting = state.filter((pl.col("grade") != "over") & (wants > 0) & pl.col("planned")).select(
        "item_id", pl.col("location_id").alias("move_to"), wants.alias("wanted")
    )
    wanting = wanting.sort("item_id", "wanted", "move_to", descending=[False, True, False]).with_columns(
        upto=pl.col("wanted").cum_sum().over("item_id")
    )
    giving = (
        state.filter(pl.col("spare_qty") > 0)
        .select(*KEY, "spare_qty")
        .sort("item_id", "spare_qty", "location_id", descending=[False, True, False])
        .with_columns(start=pl.col("spare_qty").cum_sum().over("item_id") - pl.col("spare_qty"))
    )
    matched = (
        giving.join(wanting, on="item_id")
        .filter((pl.col("upto") > pl.col("start")) & (pl.col("move_to") != pl.col("location_id")))
        .sort(*KEY, "upto")
        .unique(KEY, keep="first", maintain_order=True)
        .select(
            *KEY,
            "move_to",
            move_qty=pl.min_horizontal(
                "spare_qty", pl.col("upto") - pl.max_horizontal("start", pl.col("upto") - pl.col("wanted"))
            ),
        )
    )
    joined = state.join(matched, on=KEY, how="left", maintain_order="left")
    return joined.with_columns(pl.col("move_qty").fill_null(0.0))


def _sentence(params: LifecycleParams) -> pl.Expr:
    """Return the warning and the action in words."""
    percent = (100 * pl.col("no_demand_probability")).round(0).cast(pl.Int64).cast(pl.String)
    silence = (
        pl.when(pl.col("months_since_demand").is_null())
        .then(pl.lit("nobody has asked in the history"))
        .when(pl.col("months_since_demand") == 0)
        .then(pl.lit("asked for in the last month"))
        .when(pl.col("months_since_demand") == 1)
        .then(pl.lit("last asked for 1 month ago"))
        .otherwise(pl.format("last asked for {} months ago", "months_since_demand"))
    )
    change = (100 * pl.col("velocity_change")).round(0).cast(pl.Int64).cast(pl.String)
    velocity = (
        pl.when(pl.col("velocity_change") < 0)
        .then(pl.format(", the last half year {} % on the year before", change))
        .otherwise(pl.lit(""))
    )
    units, place = (
        pl.col("action_qty").round(0).cast(pl.Int64).cast(pl.String),
        pl.col("action_to_location_id"),
    )
    words = {
        "transfer": pl.format("Move {} to {}, where it still sells", units, place),
        "return": pl.format("Return {} to {}", units, place),
        "discount": pl.format("Sell {} at a discount", units),
        "scrap": pl.format("Scrap {}", units),
    }
    stop = pl.when(pl.col("action_qty") > 0).then(pl.format("Stop buying and cancel {} on order", units))
    said = pl.coalesce(
        *(pl.when(pl.col("action") == one).then(text) for one, text in words.items()),
        pl.when(pl.col("action") == "stop_buying").then(stop.otherwise(pl.lit("Stop buying"))),
        pl.lit("Nothing to do"),
    )
    chance = (
        pl.when(pl.col("method_used") == "announced")
        .then(pl.lit("its announced end has come"))
        .otherwise(
            pl.format("{} % chance that nobody asks in {} months", percent, pl.lit(params.horizon_months))
        )
    )
    return pl.format("{}: {}; {}{}.", said, chance, silence, velocity)
