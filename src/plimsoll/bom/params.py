"""Options of dependent demand."""

from typing import Literal

from pydantic import Field

from plimsoll.domain.params import Params


class BomParams(Params):
    """How the demand for components follows from that for their parents; the section `[bom]`."""

    dependent_demand: Literal["auto", "issues", "explode"] = Field(
        default="auto",
        description="Where demand for components comes from: recorded issues, the explosion of bills, or "
        "auto: issues where some were recorded within `issue_days`, else the explosion; never both",
    )
    issue_days: int = Field(
        default=365, ge=1, description="Days within which an issue shows that issues are recorded; a year"
    )
    weeks: int = Field(
        default=26,
        ge=1,
        le=260,
        description="Weeks ahead that are exploded; half a year covers most lead times",
    )
    coefficients_most: float = Field(
        default=4e9,
        gt=0,
        description="Most coefficients (lines x offsets x periods, over all parents) of the exact variance; "
        "about four seconds on two cores. Above it dated lines enter the spread with their average share",
    )
    parents_named: int = Field(default=3, ge=1, le=50, description="Parents named beside each component")
