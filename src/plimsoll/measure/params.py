"""Options of the measures."""

from pydantic import Field

from plimsoll.domain.params import Params


class MeasureParams(Params):
    """What counts as slow and as dead stock."""

    slow_days: float = Field(
        default=365.0,
        gt=0,
        description="days; stock above the order-up-to level that needs longer than this is slow (one year: "
        "the usual horizon of an inventory reserve)",
    )
    dead_units_per_year: float = Field(
        default=0.1,
        ge=0,
        description="units per year; an item expected to move less is without demand (one unit in ten years)",
    )
