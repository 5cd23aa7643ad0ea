"""Options of policy sizing."""

from pydantic import Field

from plimsoll.domain.params import Params


class PolicyParams(Params):
    """How policies are sized; the section `[policy]` of the settings."""

    max_lot_days: float = Field(
        default=365.0,
        gt=0,
        description="Longest that an economic lot may last, in days of expected demand; "
        "a year, beyond which the item's own future is the larger risk",
    )
    min_yearly_demand: float = Field(
        default=0.1,
        ge=0,
        description="Expected yearly demand, in units, below which nothing is held unless a person "
        "set a target; one unit in ten years",
    )
    no_demand_days: float = Field(
        default=364.0,
        gt=0,
        description="Days without any demand after which nothing is held unless a person set a target; a "
        "full year, so that every season has been seen",
    )
    lost_sales_periods: int = Field(
        default=30_000,
        ge=0,
        le=10_000_000,
        description="Periods simulated for a point with lost sales and orders under way; 30,000 leave a "
        "standard error of about 0.1 points of service. 0 keeps the approximation",
    )
    classic_service_min: float = Field(
        default=0.5,
        gt=0,
        lt=1,
        description="Least service, a share, for which the classic comparison takes z",
    )
    classic_service_max: float = Field(
        default=0.9999,
        gt=0,
        lt=1,
        description="Largest service, a share, for which it takes z (z of 1 is infinite)",
    )
