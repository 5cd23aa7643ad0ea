"""Options of the release of stranded cash and of the provision for it."""

from itertools import pairwise
from typing import Self

from pydantic import Field, model_validator

from plimsoll.domain.params import Params


class CapitalParams(Params):
    """How soon each way of release brings its money, and what is set aside for stock that stays."""

    release_months: int = Field(
        default=12, ge=1, le=60, description="months that the release plan covers (a budget year)"
    )
    transfer_month: int = Field(default=1, ge=1, description="Month in which a transfer has its effect")
    return_month: int = Field(default=2, ge=1, description="Month in which a supplier has paid a return")
    discount_month: int = Field(
        default=6,
        ge=1,
        description="Month by which a clearance has sold (half a year)",
    )
    scrap_month: int = Field(default=3, ge=1, description="Month in which scrap is gone (a quarter)")
    age_months: tuple[float, ...] = Field(
        default=(6.0, 12.0, 24.0),
        min_length=1,
        description="months since the last demand at which a new bucket begins",
    )
    age_shares: tuple[float, ...] = Field(
        default=(0.0, 0.25, 0.5, 1.0),
        description="share of stranded stock set aside in each bucket of age",
    )
    cover_months: tuple[float, ...] = Field(
        default=(12.0, 24.0, 36.0), description="months until stock has left at which a new bucket begins"
    )
    cover_shares: tuple[float, ...] = Field(
        default=(0.0, 0.25, 0.5, 1.0), description="share of stranded stock set aside in each bucket of cover"
    )

    @model_validator(mode="after")
    def _fit(self) -> Self:
        for name in ("age", "cover"):
            limits, shares = getattr(self, f"{name}_months"), getattr(self, f"{name}_shares")
            if len(shares) != len(limits) + 1:
                what = f"{name}_shares needs one share more than {name}_months has limits"
                raise ValueError(what)
            if any(left >= right for left, right in pairwise(limits)):
                what = f"{name}_months must ascend"
                raise ValueError(what)
            if min(shares) < 0 or max(shares) > 1 or any(left > right for left, right in pairwise(shares)):
                what = f"{name}_shares must lie between 0 and 1 and not fall"
                raise ValueError(what)
        months = (self.transfer_month, self.return_month, self.discount_month, self.scrap_month)
        if max(months) > self.release_months:
            what = f"release_months must be at least {max(months)}, the latest month of a route"
            raise ValueError(what)
        return self
