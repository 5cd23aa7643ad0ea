"""Options of a replay."""

from typing import Annotated, Literal

from pydantic import Field

from plimsoll.domain.params import Params


class ReplayParams(Params):
    """How a rule is run over history; the section `[replay]` of the settings."""

    periods: int = Field(
        default=0,
        ge=0,
        description="Last periods of history that are replayed; 0 means a year, or a third if less is known",
    )
    every: int | None = Field(
        default=None,
        ge=1,
        description="Periods between two estimates by a rule that is revised; by default a quarter of a "
        "year. More often serves the rule better and takes longer",
    )
    with_curve: bool = Field(
        default=True,
        description="Whether the plan is also replayed at goals for the whole portfolio, for a comparison at "
        "equal service and at equal stock",
    )
    goals: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = Field(
        default=(),
        description="Those goals, shares of demand; by default five around the fill rate of the rule "
        "that is compared with",
    )
    warm_up: int | None = Field(
        default=None,
        ge=0,
        description="First periods that are run and not counted; by default none where most stock is "
        "recorded at the start, else a quarter",
    )
    history_periods: int = Field(
        default=26, ge=4, description="Least periods of history before the replay; half a year of weeks"
    )
    point_periods: int = Field(
        default=8, ge=1, description="Least periods of history of a stocking point before the replay"
    )
    observed_share: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="Least share of the replayed periods in which demand was observed",
    )
    lead_times: Literal["actual", "sampled", "mean"] = Field(
        default="actual",
        description="Lead time of an order: that of the receipt ordered nearest in time on its lane, "
        "drawn from the estimate of the first day, or its mean",
    )
    start: Literal["recorded", "nearest", "first_target"] = Field(
        default="recorded",
        description="Stock at the start: as counted, else each rule's own first target; of the nearest later "
        "count where there is none before; or the first target everywhere",
    )
    goal_metric: Literal["units", "lines", "value", "margin"] = Field(
        default="lines",
        description="What those goals count, as portfolio_metric of [targets]: units at cost (value), units "
        "at price less cost (margin), units, or reviews with demand (lines)",
    )
    stock_age_days: int = Field(
        default=45, ge=0, description="Oldest count, in days, that still tells of the stock at the start"
    )
    notice_days: int = Field(
        default=90,
        ge=0,
        description="Days ahead at which an end that the item master names is taken to have been known",
    )
    expedite_cost: float | None = Field(
        default=None,
        ge=0,
        description="Extra cost of one expedited order, in money, where the lane names none; or unknown",
    )
    safety_days: float | None = Field(
        default=None,
        ge=0,
        description="Days of average demand that the static rule holds as safety stock; by default the "
        "textbook formula with the typed lead time",
    )
    resamples: int = Field(default=1000, ge=100, description="Bootstrap resamples behind the intervals")
