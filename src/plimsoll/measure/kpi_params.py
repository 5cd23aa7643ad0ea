"""Options of the key figures."""

from typing import Literal

from pydantic import Field, field_validator

from plimsoll.domain.errors import did_you_mean
from plimsoll.domain.kpis import KPIS
from plimsoll.domain.params import Params


class KpiParams(Params):
    """How key figures are counted, and the targets that they are held against."""

    period: Literal["month", "week"] = Field(
        default="month", description="Period of the ledger and of trends"
    )
    periods: int = Field(
        default=25, ge=1, le=530, description="Periods kept; two years, so that a year stands beside the last"
    )
    carry_days: int = Field(
        default=31, ge=1, description="days; a count of stock holds until the next one, at most so long"
    )
    volatile_lead_cv: float = Field(
        default=0.5, ge=0, description="Standard deviation over mean from which a lead time is volatile"
    )
    policy_change_share: float = Field(
        default=0.05, ge=0, description="Share by which a level must move to count as a change of policy"
    )
    targets: dict[str, float] = Field(
        default={},
        description="Targets by name of the key figure: money as money, shares as shares, days as days; in a "
        "section [kpi.targets]",
    )

    @field_validator("targets")
    @classmethod
    def _known(cls, targets: dict[str, float]) -> dict[str, float]:
        for name in targets:
            if name not in KPIS:
                what = f"names '{name}', which is no key figure. {did_you_mean(name, KPIS)}"
                raise ValueError(what)
        return targets
