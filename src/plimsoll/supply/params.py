"""Options of the lead-time estimate."""

from typing import Self

from pydantic import Field, model_validator

from plimsoll.domain.params import Params


class SupplyParams(Params):
    """How lead times are estimated from receipts; the section `[supply]` of the settings."""

    typed_cv: float = Field(
        default=0.3,
        ge=0,
        le=3,
        description="Assumed standard deviation of a lead time without receipts, as a share of its mean; "
        "a stated assumption, to be replaced by the company's own experience",
    )
    default_lead_time_days: float = Field(
        default=30.0,
        ge=0,
        le=3650,
        description="Assumed lead time in days where neither receipts nor a typed value exist",
    )
    usable_share: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="A line received in parts counts as received on the day this share of it had arrived",
    )
    use_expedited: bool = Field(
        default=False, description="Whether expedited receipts count as evidence of the normal lead time"
    )
    max_lead_time_days: float = Field(
        default=1095.0,
        gt=0,
        description="Longer lead times, in days, are taken for typing errors and left out",
    )
    k_default: float = Field(
        default=5.0,
        gt=0,
        description="Receipts at which own evidence weighs half, where the data are too few to tell",
    )
    k_min: float = Field(
        default=0.05, gt=0, description="Least such number of receipts accepted from the data"
    )
    k_max: float = Field(
        default=50.0, gt=0, description="Largest such number of receipts accepted from the data"
    )
    k_min_freedom: int = Field(
        default=5,
        ge=1,
        description="Degrees of freedom between and within groups from which the data decide the weights",
    )
    spread_full_receipts: int = Field(
        default=5, ge=2, description="Receipts of a supplier from which the assumed spread has no weight left"
    )
    shape_min_receipts: int = Field(
        default=30,
        ge=2,
        description="Receipts from which a lane or supplier has its own shape instead of a gamma",
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.k_min > self.k_max:
            message = "k_min must not be above k_max"
            raise ValueError(message)
        return self
