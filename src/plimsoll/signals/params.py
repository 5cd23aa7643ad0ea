"""Options of accuracy and alarms."""

from pydantic import Field

from plimsoll.domain.params import Params


class SignalParams(Params):
    """How forecasts are checked and when a change is an alarm; the section `[signals]`."""

    origins: int = Field(
        default=6,
        ge=1,
        le=60,
        description="Past moments at which the forecast is made again; each costs one estimate",
    )
    spacing_periods: int = Field(
        default=0,
        ge=0,
        description="Periods between two such moments; 0 means the median interval, so that few overlap",
    )
    history_days: int = Field(
        default=180, ge=14, description="Least days of history before a moment; less makes no fair forecast"
    )
    window_days: int = Field(
        default=730, ge=60, description="Days in which changes are looked for; two years hold two seasons"
    )
    periods_min: int = Field(
        default=24, ge=12, description="Least periods in which a change can be told from chance"
    )
    season_days: int = Field(
        default=545,
        ge=400,
        description="Days from which a yearly wave is taken off before changes are looked for",
    )
    false_discovery_rate: float = Field(
        default=0.05,
        gt=0,
        lt=1,
        description="Expected share of false alarms among those raised, by level and kind; "
        "Benjamini & Hochberg 1995",
    )
