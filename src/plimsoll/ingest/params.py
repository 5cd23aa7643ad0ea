"""Options of the import: defaults for what the data leave open, and limits of what is plausible."""

from datetime import date

from pydantic import Field

from plimsoll.domain.params import Params
from plimsoll.domain.reasons import UNKNOWN_SOURCE


class IngestParams(Params):
    """Options of reading and completing, frozen."""

    absurd_factor: float = Field(
        default=250.0,
        gt=1,
        description="Demand at or above this multiple of its item's median is set aside; factor; house rule,"
        " beyond the largest of 200 seen on a real manufacturer's clean history",
    )
    absurd_gap: float = Field(
        default=5.0,
        ge=1,
        description="... and this multiple of the item's largest demand below that; factor; house rule:"
        " large orders that belong to an item lead up to each other",
    )
    absurd_min_rows: int = Field(
        default=5,
        ge=1,
        description="Demand rows from which an item has a usual size at all; rows; house rule",
    )
    impossible_quantity: float = Field(
        default=1e10,
        gt=0,
        description="A quantity above this is quarantined; units; house rule",
    )
    earliest_date: date = Field(
        default=date(1970, 1, 1), description="Earlier dates are quarantined; day; house rule"
    )
    latest_date: date = Field(
        default=date(2100, 12, 31), description="Later dates are quarantined; day; house rule"
    )
    default_location: str = Field(
        default="MAIN", min_length=1, description="Location of tables that name none; code; house rule"
    )
    unknown_supplier: str = Field(
        default=UNKNOWN_SOURCE,
        min_length=1,
        description="Where an item comes from when no lane or receipt says it; code; house rule",
    )
    review_days: float = Field(
        default=7,
        gt=0,
        le=366,
        description="Review interval where none is given; days; one review a week is the common cycle of"
        " periodic review (Silver, Pyke and Thomas 2017, ch. 6)",
    )
    holding_rate: float = Field(
        default=0.2,
        ge=0,
        le=5,
        description="Holding rate where none is given; share per year; within the 0.15 to 0.35 usual in"
        " industry (Silver, Pyke and Thomas 2017, ch. 1)",
    )
    order_cost: float = Field(
        default=25,
        ge=0,
        description="Fixed cost of an order line where none is given; money per order; house rule, to be"
        " replaced by the company's own",
    )
    unmet_demand: str = Field(
        default="backlog",
        pattern="^(backlog|lost)$",
        description="What happens to demand that meets no stock where nothing is given; backlog or lost;"
        " orders between companies usually wait",
    )
