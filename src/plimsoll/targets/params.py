"""Options of segments and service targets."""

from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from plimsoll.domain.params import Params

Kind = Literal["cycle", "fill", "economic"]
Metric = Literal["units", "lines", "value", "margin"]
Share = Annotated[float, Field(gt=0, lt=1, description="Service target of the class, share")]
ClassKind = Annotated[Kind | None, Field(description="Kind of target of the class; not set: that of `kind`")]

Floor = Annotated[
    float | None, Field(gt=0, lt=1, description="Least fill rate of the ABC class, share; not set: none")
]


class Service(Params):
    """Service target of each class; the section `[targets.service]` of the settings.

    Defaults follow general practice: the valuable, steady items 98-99 %, the tail 90-92 %.
    """

    AX: Share = 0.99
    AY: Share = 0.985
    AZ: Share = 0.98
    BX: Share = 0.96
    BY: Share = 0.955
    BZ: Share = 0.95
    CX: Share = 0.92
    CY: Share = 0.91
    CZ: Share = 0.90


class Kinds(Params):
    """Kind of target of each class; the section `[targets.kinds]` of the settings."""

    AX: ClassKind = None
    AY: ClassKind = None
    AZ: ClassKind = None
    BX: ClassKind = None
    BY: ClassKind = None
    BZ: ClassKind = None
    CX: ClassKind = None
    CY: ClassKind = None
    CZ: ClassKind = None


class Floors(Params):
    """Least fill rate of points in a portfolio; the section `[targets.floors]` of the settings."""

    A: Floor = None
    B: Floor = None
    C: Floor = None
    priority: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="Least fill rate where customers with priority ask for much of the demand, share; not "
        "set: none",
    )
    priority_at_most: int = Field(
        default=1, ge=0, description="Customers up to this priority have it; lower is served first"
    )
    priority_share: float = Field(
        default=0.5, gt=0, le=1, description="Share of a point's demand that has to be theirs"
    )


class TargetParams(Params):
    """How items are classed and what service each class gets; the section `[targets]` of the settings."""

    abc_cuts: tuple[float, float] = Field(
        default=(0.80, 0.95),
        description="Cumulative shares of yearly value at which class A and class B end; Pareto's rule",
    )
    abc_scope: Literal["company", "location"] = Field(
        default="company",
        description="Whether value is ranked over the whole company or within each location",
    )
    xyz_cuts: tuple[float, float] = Field(
        default=(0.5, 1.0),
        description="Coefficients of variation of period demand at which X and Y end; general practice",
    )
    kind: Kind = Field(
        default="cycle",
        description="Kind of target: cycle service, fill rate, or economic (holding against shortage cost)",
    )
    kinds: Kinds = Field(default=Kinds(), description="Other kinds for single classes")
    service: Service = Field(default=Service(), description="Service target of each class")
    vital_min: float = Field(default=0.995, gt=0, lt=1, description="Least service of vital items, share")
    high_plus: float = Field(
        default=0.01, ge=0, lt=1, description="Raise for items of high criticality, share"
    )
    high_max: float = Field(
        default=0.995, gt=0, lt=1, description="Service to which that raise goes at most, share"
    )
    low_max: float = Field(
        default=0.90, gt=0, lt=1, description="Most service of items of low criticality, share"
    )
    economic_min: float = Field(
        default=0.50, gt=0, lt=1, description="Least economic service accepted, share"
    )
    economic_max: float = Field(
        default=0.999,
        gt=0,
        lt=1,
        description="Most economic service accepted, share; free stock would ask for 1",
    )
    portfolio_goal: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="Share of the whole company's demand to be served from stock, at the least inventory "
        "value; not set: targets by class",
    )
    portfolio_budget: float | None = Field(
        default=None,
        gt=0,
        description="Money that expected stock at unit cost may tie up, spent for the most service, instead "
        "of a goal; not set: none",
    )
    portfolio_metric: Metric = Field(
        default="units",
        description="What that share counts: units, lines (reviews with demand), units at cost (value), or "
        "units at price less cost (margin)",
    )
    portfolio_floors: bool = Field(
        default=True,
        description="Whether items of high and vital criticality keep at least the target of their class "
        "and criticality under a portfolio goal",
    )
    floors: Floors = Field(
        default=Floors(), description="Least service by class and customer priority under a portfolio goal"
    )

    @property
    def has_portfolio(self) -> bool:
        """Whether a goal or a budget of the whole portfolio decides the targets."""
        return self.portfolio_goal is not None or self.portfolio_budget is not None

    @property
    def by_class(self) -> Self:
        """The same options with targets by class, not for the whole portfolio."""
        return self.model_copy(update={"portfolio_goal": None, "portfolio_budget": None})

    @field_validator("abc_cuts", "xyz_cuts")
    @classmethod
    def _rising(cls, cuts: tuple[float, float], info: ValidationInfo) -> tuple[float, float]:
        highest = 1.0 if info.field_name == "abc_cuts" else float("inf")
        if not 0.0 <= cuts[0] <= cuts[1] <= highest:
            message = f"two rising numbers from 0 to {highest:g} are needed"
            raise ValueError(message)
        return cuts

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.economic_min > self.economic_max:
            message = "economic_min must not be above economic_max"
            raise ValueError(message)
        if self.portfolio_goal is not None and self.portfolio_budget is not None:
            message = "portfolio_goal and portfolio_budget exclude each other"
            raise ValueError(message)
        return self
