"""Options of the exceptions."""

from pydantic import Field

from plimsoll.domain.params import Params


class ExceptionParams(Params):
    """When something is an exception; the section `[exceptions]` of the settings."""

    window_days: int = Field(
        default=91,
        ge=28,
        le=365,
        description="Days in which suppliers and customers are compared with how they were before; a quarter "
        "holds enough orders to tell, and is still news",
    )
    false_alarm: float = Field(
        default=0.05,
        gt=0,
        lt=1,
        description="Chance of any false alarm in a run about all suppliers and lanes together where nothing "
        "changed, and likewise about all customers",
    )
    slow_share: float = Field(
        default=0.8,
        gt=0,
        le=1,
        description="Orders come for those expected below which a supplier or lane is late enough to be told",
    )
    change_share: float = Field(
        default=0.25,
        gt=0,
        description="Least change of a customer's or item's demand, as a share of what it was",
    )
    help_days: float = Field(
        default=7.0,
        ge=0,
        le=365,
        description="Days until an express delivery or a move between places arrives if asked for today, "
        "where the lane has no express lead time; a week is usual",
    )
    jump_share: float = Field(
        default=0.5, gt=0, description="Change of a level, as a share of it, from which it is a jump"
    )
    order_limit_value: float = Field(
        default=0.0, ge=0, description="Value from which every order is an exception; 0 for no such limit"
    )
    order_limit_times: float = Field(
        default=5.0,
        gt=1,
        description="Times the largest order so far of the point from which an order is an exception",
    )
    least_share: float = Field(
        default=1e-4,
        ge=0,
        lt=1,
        description="Exceptions below this share of all money at risk are left out of the list",
    )
    most: int = Field(default=500, ge=20, description="Most exceptions that are kept of a run")
