"""Options of the network."""

from typing import Literal

from pydantic import Field

from plimsoll.domain.params import Params


class NetworkParams(Params):
    """How connected places are sized; the section `[network]` of the settings."""

    model: Literal["stochastic", "alone"] = Field(
        default="stochastic",
        description="How the buffers of connected places are sized: stochastic (together: a place short of "
        "stock delays those it feeds, by the law of its shortage), or alone (each as if its source always "
        "delivered). Together, since only then can the promise to customers be kept at the least cost",
    )
    max_service_days: float = Field(
        default=0.0,
        ge=0,
        le=3650,
        description="Longest that customers may wait at a place, in days, where the place says nothing; 0, "
        "since customers are served from stock unless they agreed to wait",
    )
    correlation: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Correlation between the demands of different places and items, from which the spread at "
        "a place that feeds several follows; 0 is the pooling of independent demands, 1 is none",
    )
    correlation_from: Literal["setting", "history"] = Field(
        default="setting",
        description="Whether that correlation is the one set, or the median of what the histories of feeding "
        "places say; the one set, since the histories of few places say little",
    )
