"""Options of learning from decisions."""

from typing import Literal

from pydantic import Field

from plimsoll.domain.params import Params


class LearningParams(Params):
    """How decisions are judged and what is drawn from them; the section `[learning]` of the settings."""

    shortage: Literal["margin", "price"] = Field(
        default="margin",
        description="What one unit short costs where no shortage cost is given: price less cost, or price",
    )
    match_days: int = Field(
        default=7,
        ge=0,
        description="An order placed on the same lane up to so many days after a plan is taken to be the one "
        "decided on, where no reference tells",
    )
    lane_days: int = Field(
        default=45,
        ge=0,
        description="A receipt on the lane ordered at most so many days before or after stands for the lead "
        "time of an order that was never placed",
    )
    tail_days: float = Field(
        default=365.0, ge=0, description="Longest time for which what stands at the end is taken to lie"
    )
    least_cases: int = Field(default=8, ge=2, description="Least decisions behind a verdict or a suggestion")
    least_items: int = Field(default=4, ge=2, description="Least items behind a verdict")
    least_share: float = Field(
        default=0.8, gt=0.5, le=1, description="Least share of the decisions that went the same way"
    )
    confidence: float = Field(default=0.95, gt=0.5, lt=1, description="Confidence of the intervals of values")
    false_alarms: float = Field(
        default=0.1, gt=0, lt=1, description="Share of suggestions that may be chance (Benjamini-Hochberg)"
    )
