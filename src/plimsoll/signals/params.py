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
    promise_levels: tuple[float, ...] = Field(
        default=(0.8, 0.9, 0.95, 0.98),
        min_length=1,
        description="Shares of service at which promises are held against what came",
    )
    short_by: float = Field(
        default=0.05, gt=0, lt=1, description="Share of service by which a stocking point counts as short"
    )
    trust_level: float = Field(
        default=0.95, gt=0, lt=1, description="Promise that grades rest on where no target is known"
    )
    trust_gaps: tuple[float, float, float] = Field(
        default=(0.015, 0.03, 0.05),
        description="Shares of service by which promises to a group may be off for grades A, B and C",
    )
    trust_spread: float = Field(
        default=0.03,
        gt=0,
        description="Spread of true gaps between groups, as a share; by it and its error a gap is drawn to 0",
    )
    trust_error_max: float = Field(
        default=0.02,
        gt=0,
        description="Standard error, as a share, within which a group can tell that promises are kept",
    )
    trust_demands: tuple[int, int, int] = Field(
        default=(10, 5, 2), description="Least periods with demand for grades A, B and C"
    )
    trust_windows_min: int = Field(
        default=3, ge=1, description="Least past forecasts of a point for grades A and B"
    )
    trust_chance: float = Field(
        default=0.01,
        gt=0,
        lt=1,
        description="Chance, were the law right, below which a point's own record counts against it",
    )
