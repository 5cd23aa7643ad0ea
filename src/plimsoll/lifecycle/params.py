"""Options of life cycles."""

from pydantic import Field

from plimsoll.domain.params import Params


class LifecycleParams(Params):
    """What counts as new, as ending and as over, and what leftover stock is worth."""

    horizon_months: int = Field(
        default=12,
        ge=1,
        le=60,
        description="months without demand that a warning foretells (a year: every season has passed)",
    )
    origin_step_months: int = Field(
        default=3, ge=1, description="months between two past moments that warnings are learned from"
    )
    origins_max: int = Field(
        default=10, ge=1, description="most such moments; older ones tell of another market"
    )
    history_months_min: int = Field(
        default=6, ge=2, description="months of history before a point may be warned of or learned from"
    )
    events_min: int = Field(
        default=50,
        ge=1,
        description="least past endings, and as many survivals, to learn from (five for each thing learned)",
    )
    sample_points: int = Field(
        default=20_000, ge=100, description="most stocking points that warnings are learned from"
    )
    watch_recall_weight: float = Field(
        default=2.0,
        gt=0,
        description="how much more a missed ending weighs than a false alarm in the early grade `watch` "
        "(F-beta, van Rijsbergen 1979); the grade `over` weighs them alike",
    )
    over_probability: float = Field(
        default=0.5, gt=0, lt=1, description="share; cut of the grade `over` where nothing can be learned"
    )
    watch_probability: float = Field(
        default=0.25, gt=0, lt=1, description="share; cut of the grade `watch` where nothing can be learned"
    )
    fading_errors: float = Field(
        default=3.0,
        gt=0,
        description="standard errors by which the last half year must be below the same half year before "
        "(three: about 7 false alarms in 1,000)",
    )
    fading_share: float = Field(
        default=0.35, gt=0, lt=1, description="least share of demand lost to be called fading (over a third)"
    )
    writeoff_years: int = Field(
        default=3,
        ge=1,
        le=20,
        description="years; what is left then is written off (a usual reserve rule)",
    )
    transfer_cost_share: float = Field(
        default=0.05,
        ge=0,
        description="share of cost that moving a unit elsewhere costs (a twentieth)",
    )
    return_days: float = Field(
        default=180.0,
        ge=0,
        description="days after receipt in which a supplier takes back (half a year)",
    )
    return_share: float = Field(
        default=0.8, ge=0, le=1, description="share of cost that a supplier pays back (a fifth is withheld)"
    )
    discount_share: float = Field(
        default=0.4, ge=0, le=1, description="share of the price given up to clear stock (two fifths)"
    )
    discount_uplift: float = Field(
        default=2.0, ge=0, description="how much more is sold at that discount (twice as much on top)"
    )
    scrap_share: float = Field(default=0.02, ge=0, le=1, description="share of cost that scrap brings")
    storage_share: float = Field(
        default=0.05, ge=0, description="share of cost a year for room and handling of what nobody buys"
    )
    new_months: int = Field(
        default=12, ge=1, description="months since launch in which an item counts as new (a year of seasons)"
    )
    analogs_max: int = Field(default=10, ge=1, description="most older items that one new item is likened to")
    analog_confidence_min: float = Field(
        default=0.2, ge=0, le=1, description="least confidence of an analog that is proposed"
    )
    own_weight_enough: float = Field(
        default=0.9,
        gt=0,
        le=1,
        description="share; own data's weight from which they are used alone (nine tenths)",
    )
    launches_min: int = Field(
        default=8, ge=1, description="launches that weigh as much as no launch curve at all"
    )
    launch_points_min: int = Field(
        default=3, ge=1, description="least launches of a category that form a curve of their own"
    )
    last_order_days: float = Field(
        default=30.0, ge=0, description="days before the last order day in which a last buy is due (a month)"
    )
    tail_years: float = Field(
        default=5.0,
        ge=0,
        description="years of demand that a last buy covers if no end of demand is given",
    )
    engineered_orders_min: int = Field(
        default=8, ge=2, description="least orders of an item called engineered (fewer differ by chance)"
    )
    engineered_share: float = Field(
        default=0.9,
        ge=0,
        le=1,
        description="least share of orders of an engineered item that come from a customer of their own",
    )
