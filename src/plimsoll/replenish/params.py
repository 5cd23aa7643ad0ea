"""Options of today's list."""

from typing import Literal

from pydantic import Field

from plimsoll.domain.params import Params


class ReplenishParams(Params):
    """How today's orders are made and which reasons are mentioned."""

    order_owed_when_not_held: bool = Field(
        default=True,
        description="whether units owed to customers are ordered at a place that does not hold the item; "
        "never for items that are ended or engineered to order",
    )
    lost_sales_rule: Literal["look_ahead", "projected", "order_up_to"] = Field(
        default="look_ahead",
        description="how much is ordered where unmet demand is lost and holding is weighed against shortage: "
        "stock projected to the interval an order serves, with or without a look at those after it, or the "
        "position filled up to a level",
    )
    look_ahead_reviews: int = Field(
        default=3,
        ge=1,
        le=52,
        description="review intervals after the one served in which a unit left over may still be used; a "
        "longer look changes no order of note",
    )
    horizon_days: int = Field(
        default=730,
        ge=1,
        description="days; a next order expected later than this gets no date (two years: beyond any plan)",
    )
    mention_share: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="share of the buffer from which a cause of it is named (a tenth)",
    )
    stale_share: float = Field(
        default=0.2,
        ge=0,
        description="share of the measured mean by which a typed lead time may differ before it is called "
        "stale (a fifth)",
    )
    stale_days: float = Field(
        default=2.0, ge=0, description="days by which a typed lead time may differ in any case (two)"
    )
    rebalance_between: Literal["linked", "any", "none"] = Field(
        default="linked",
        description="between which places of an item stock may move: linked are places with the same source, "
        "and back from a place to its source; any two places; or none",
    )
    excess_days: float = Field(
        default=90.0,
        ge=0,
        description="days of demand above the order-up-to level that a place keeps before its stock may move "
        "(a quarter, so that stock does not travel to and fro)",
    )
    move_days: float = Field(
        default=5.0, ge=0, description="days that a move between places of ours takes (a working week)"
    )
    move_cost: float = Field(
        default=25.0,
        ge=0,
        description="money for each move of an item, whatever the quantity (picking, booking and receiving)",
    )
    move_cost_share: float = Field(
        default=0.02, ge=0, description="transport of a move as a share of the value moved (two hundredths)"
    )
    change_cost: float = Field(
        default=15.0,
        ge=0,
        description="money for each open order that is put off or cancelled (calling and booking)",
    )
    change_min_net: float = Field(
        default=25.0,
        ge=0,
        description="money that a change of an open order must bring beyond its cost to be proposed",
    )
    change_notice_share: float = Field(
        default=0.3,
        ge=0,
        le=1,
        description="share of the lead time before the due date in which an order is on its way and cannot "
        "be put off or cancelled (three tenths)",
    )
    change_risk: float = Field(
        default=0.01,
        gt=0,
        lt=0.5,
        description="most that the probability of running out before an order comes may be once put off",
    )
    postpone_max_days: float = Field(
        default=182.0, ge=0, description="days by which an order is put off at most (half a year)"
    )
    cancel_days: float = Field(
        default=365.0,
        ge=0,
        description="days; an order that is not needed for longer may be cancelled (a year)",
    )
    cancel_cost_share: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="what a supplier charges for a cancelled order as a share of its value (a tenth)",
    )
    cancel_new_days: float = Field(
        default=365.0,
        ge=0,
        description="days after its launch in which orders of an item are not cancelled (a year)",
    )
    pull_days: float = Field(
        default=30.0,
        ge=0,
        description="days by which a line is ordered early at most to reach a supplier's minimum or fill a "
        "container (a month)",
    )
    container_full_share: float = Field(
        default=0.9,
        gt=0,
        le=1,
        description="share from which a container counts as full (nine tenths)",
    )
