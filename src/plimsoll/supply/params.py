"""Options of the lead-time estimate."""

from typing import Self

from pydantic import Field, model_validator

from plimsoll.domain.params import Params


class SupplyParams(Params):
    """How lead times are estimated from receipts; the section `[supply]` of the settings."""

    typed_cv: float = Field(
        default=0.3,
        ge=0,
        le=3,
        description="Assumed standard deviation of a lead time without receipts, as a share of its mean; "
        "a stated assumption, to be replaced by the company's own experience",
    )
    default_lead_time_days: float = Field(
        default=30.0,
        ge=0,
        le=3650,
        description="Assumed lead time in days where neither receipts nor a typed value exist",
    )
    usable_share: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="A line received in parts counts as received on the day this share of it had arrived",
    )
    use_expedited: bool = Field(
        default=False, description="Whether expedited receipts count as evidence of the normal lead time"
    )
    max_lead_time_days: float = Field(
        default=1095.0,
        gt=0,
        description="Longer lead times, in days, are taken for typing errors and left out",
    )
    k_default: float = Field(
        default=5.0,
        gt=0,
        description="Receipts at which own evidence weighs half, where the data are too few to tell",
    )
    k_min: float = Field(
        default=0.05, gt=0, description="Least such number of receipts accepted from the data"
    )
    k_max: float = Field(
        default=50.0, gt=0, description="Largest such number of receipts accepted from the data"
    )
    k_min_freedom: int = Field(
        default=5,
        ge=1,
        description="Degrees of freedom between and within groups from which the data decide the weights",
    )
    spread_full_receipts: int = Field(
        default=5, ge=2, description="Receipts of a supplier from which the assumed spread has no weight left"
    )
    shape_min_receipts: int = Field(
        default=30,
        ge=2,
        description="Receipts from which a lane or supplier has its own shape instead of a gamma",
    )
    scorecard_days: int = Field(
        default=730,
        ge=30,
        description="Deliveries of the last so many days are judged in the scorecard; two years hold enough "
        "of them and are still news",
    )
    scorecard_min_deliveries: int = Field(
        default=8,
        ge=2,
        description="Fewer deliveries than this are listed and not ranked: below 8 the 95 % interval of an "
        "on-time share is some 60 points wide",
    )
    on_time_tolerance_days: int = Field(
        default=0,
        ge=0,
        description="Days after its promise that a delivery still counts as on time; a promise is a promise",
    )
    early_tolerance_days: int = Field(
        default=7,
        ge=0,
        description="Days before its promise from which a delivery counts as early; a week ties up little",
    )
    replanned_share: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="Promises that equal the delivery to the day more often than this were moved along the "
        "way, and are not judged by; honest dates are rarely hit so well",
    )
    trend_days: int = Field(
        default=90,
        ge=7,
        description="The short span of recent deliveries that is compared with those before; a quarter",
    )
    trend_long_days: int = Field(
        default=180,
        ge=7,
        description="The long span that is compared with those before; half a year",
    )
    tail_min_late: int = Field(
        default=50,
        ge=10,
        description="Very late receipts from which their tail is fitted; with fewer, the chance to arrive on "
        "the next day stays the same from day to day",
    )
    tail_min_share: float = Field(
        default=0.05,
        gt=0,
        le=1,
        description="Least mean wait for an order later than all seen, as a share of the lead time: "
        "being late is no sign that it comes today",
    )
    chase_probability: float = Field(
        default=0.8,
        ge=0,
        le=1,
        description="An open order less likely than this to arrive before it is needed is to be chased",
    )
    vanished_share: float = Field(
        default=0.01,
        gt=0,
        lt=1,
        description="An open order that has taken longer than all but this share do is to be confirmed: it "
        "may no longer exist",
    )

    stale_open_factor: float = Field(
        default=2.0,
        gt=1,
        description="An open order older than this many times the longest lead time received from its "
        "supplier (or the typed one, if longer) is taken for forgotten, not for late",
    )
    half_lives_days: tuple[float, ...] = Field(
        default=(1460.0, 730.0, 365.0, 180.0),
        description="Half-lives of evidence that are tried against no fading, in days",
    )
    fading_false_alarm: float = Field(
        default=0.01,
        gt=0,
        lt=1,
        description="Chance that evidence is made to fade though lead times do not drift; "
        "small, for fading costs receipts",
    )
    fading_min_gain: float = Field(
        default=0.005,
        ge=0,
        lt=1,
        description="Least share of the prediction error that fading must save; "
        "less is not worth the receipts",
    )
    change_false_alarm: float = Field(
        default=0.05,
        gt=0,
        lt=1,
        description="Chance that a change of lead time is reported though no supplier changed, over all "
        "suppliers; at most, for with few orders the test is stricter",
    )
    change_min_orders: int = Field(
        default=8, ge=3, description="Least number of orders before and after a change"
    )
    change_min_share: float = Field(
        default=0.1,
        ge=0,
        description="Smaller changes, as a share of the mean, are passed over: to forget what was before "
        "would cost more than they do",
    )
    change_keep: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Weight that orders placed before a change of their supplier's lead time keep",
    )
    season_false_alarm: float = Field(
        default=0.01,
        gt=0,
        lt=1,
        description="Chance that months of order are told apart though no supplier has a season",
    )
    season_min_years: int = Field(
        default=3,
        ge=2,
        description="Whole years with orders in every month from which a season is looked for",
    )
    pool_min_suppliers: int = Field(
        default=5,
        ge=2,
        description="Suppliers with receipts from which their experience stands in for that of a new one",
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.k_min > self.k_max:
            message = "k_min must not be above k_max"
            raise ValueError(message)
        return self
