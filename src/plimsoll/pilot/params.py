"""Options of a pilot: all that has to be fixed before it begins."""

from typing import Literal, Self

from pydantic import Field, model_validator

from plimsoll.domain.params import Params


class PilotParams(Params):
    """What a pilot is and by what rule it is judged; the section `[pilot]` of the settings.

    They are frozen with the fence when a pilot starts: a later change of the settings does not reach it.
    """

    size: int = Field(
        default=600, ge=10, le=5000, description="Items in the fence, and as many in the control group"
    )
    least_size: int = Field(
        default=100, ge=10, description="Fewest items in the fence for which a pilot is proposed"
    )
    history_weeks: int = Field(
        default=52, ge=13, description="Weeks of history by which items are matched and power is estimated"
    )
    balance_goal: float = Field(
        default=0.1, gt=0, description="Standardised difference up to which the two groups count as alike"
    )
    balance_limit: float = Field(
        default=0.25,
        gt=0,
        description="Largest standardised difference of any measure: pairs are left out, the worst first, "
        "until it is kept",
    )
    audit_weeks: int = Field(default=2, ge=0, description="Weeks in which data are put right")
    shadow_weeks: int = Field(
        default=2, ge=1, description="Weeks in which recommendations are made and nothing is sent"
    )
    recommend_weeks: int = Field(
        default=8, ge=4, description="Weeks in which planners decide on recommendations"
    )
    measure_weeks: int = Field(
        default=1, ge=0, description="Last weeks, in which planners go on and the figures are closed"
    )
    baseline_weeks: int = Field(
        default=26,
        ge=4,
        description="Weeks before the first recommendation is sent, with which the pilot is compared; audit "
        "and shadow weeks are among them",
    )
    stock_weeks: int = Field(
        default=4, ge=1, description="Last weeks by which the inventory at the end is judged"
    )
    resamples: int = Field(default=2000, ge=200, description="Bootstrap resamples behind the intervals")
    false_alarm: float = Field(
        default=0.05, gt=0, lt=0.5, description="Chance of a false alarm, both sides, of effects and power"
    )
    power: float = Field(
        default=0.8, gt=0.5, lt=1, description="Chance with which an effect of the size named would be seen"
    )
    least_fall: float = Field(
        default=0.03,
        ge=0,
        lt=1,
        description="Fall of the inventory that would be worth a roll-out, share: where even this can be "
        "ruled out, the verdict is to stop",
    )
    service_figure: Literal["perfect_order_rate", "fill_rate"] = Field(
        default="perfect_order_rate",
        description="By which service is judged and watched: share of orders (less noisy) or of value (a few "
        "dear order lines decide); share of value where the records do not tell of orders",
    )
    service_margin: float = Field(
        default=0.025, gt=0, lt=1, description="Fall of that share which still counts as not worse"
    )
    guard_false_alarm: float = Field(
        default=0.05,
        gt=0,
        lt=0.5,
        description="Chance that the weekly watch of service stops a pilot without cause, over all looks",
    )
    guard_spending: Literal["pocock", "obrien_fleming"] = Field(
        default="pocock",
        description="How that chance is spent over the looks: alike from the first (pocock), or late",
    )
    guard_margin: float = Field(
        default=0.01, ge=0, lt=1, description="Fall of that share which the weekly watch lets pass"
    )
    override_limit: float = Field(
        default=0.75,
        gt=0,
        le=1,
        description="Share of recommendations overridden above which the rule is not what is tried",
    )
    override_weeks: int = Field(
        default=3, ge=1, description="Weeks in a row above that limit after which a pilot stops"
    )
    override_least: int = Field(
        default=20, ge=1, description="Fewest decisions of a week by which overriding is judged"
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.least_size > self.size:
            what = f"least_size ({self.least_size}) is above size ({self.size})"
            raise ValueError(what)
        if self.stock_weeks > self.treated_weeks:
            what = f"stock_weeks ({self.stock_weeks}) are more than recommend_weeks and measure_weeks"
            raise ValueError(what)
        return self

    @property
    def treated_weeks(self) -> int:
        """Weeks in which recommendations are sent."""
        return self.recommend_weeks + self.measure_weeks

    @property
    def weeks(self) -> int:
        """Weeks of the whole pilot."""
        return self.audit_weeks + self.shadow_weeks + self.treated_weeks
