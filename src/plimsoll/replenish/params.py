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
