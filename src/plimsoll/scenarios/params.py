"""Options of scenarios and stress tests."""

from pydantic import Field

from plimsoll.domain.params import Params


class ScenarioParams(Params):
    """What a stress test assumes and how far a scenario looks; the section `[scenarios]` of the settings."""

    cash_weeks: int = Field(
        default=13, ge=1, le=104, description="Weeks over which the cash that purchases need is added up"
    )
    horizon_days: int = Field(
        default=364, ge=28, le=1095, description="Days that a stress test looks ahead; a year"
    )
    outage_days: float = Field(
        default=28.0,
        gt=0,
        description="Days for which each supplier is out in the default disruptions; a month, as after a "
        "fire or a strike",
    )
    outage_per_year: float = Field(
        default=0.03,
        ge=0,
        le=1,
        description="Probability a year of such an outage of a supplier; an assumption, to be replaced by "
        "your own",
    )
    slow_factor: float = Field(
        default=2.0,
        gt=1,
        description="Times as long that orders on a lane take in the default disruptions",
    )
    slow_per_year: float = Field(
        default=0.1, ge=0, le=1, description="Probability a year that a lane becomes so slow; an assumption"
    )
    surge_factor: float = Field(
        default=2.0,
        gt=1,
        description="Times as much that a large customer asks for in the default disruptions",
    )
    surge_days: float = Field(default=56.0, gt=0, description="Days for which a customer does; two months")
    surge_per_year: float = Field(
        default=0.1, ge=0, le=1, description="Probability a year that one does; an assumption"
    )
    top_customers: int = Field(
        default=10,
        ge=0,
        description="Largest customers, by what they bought in the last year, that are doubled",
    )
