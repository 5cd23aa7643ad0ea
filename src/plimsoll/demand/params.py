"""Options of the demand stage."""

from typing import Literal

from pydantic import Field

from plimsoll.domain.params import Params


class DemandParams(Params):
    """How demand is counted, smoothed, scored and laid on a lattice."""

    bucket: Literal["auto", "week", "month"] = Field(
        default="auto", description="Period; auto means month if every demand date is the first of a month"
    )
    adi_cut: float = Field(default=1.32, ge=1, description="Periods; Syntetos, Boylan & Croston 2005")
    cv2_cut: float = Field(default=0.49, ge=0, description="Share; Syntetos, Boylan & Croston 2005")
    half_life_days: float = Field(
        default=270, gt=0, description="Days after which an observation counts half in moments of counts"
    )
    size_smoothing: float = Field(
        default=0.1, gt=0, le=1, description="Croston, SBA, TSB sizes and intervals; Syntetos & Boylan 2005"
    )
    probability_smoothing: float = Field(
        default=0.05,
        gt=0,
        le=1,
        description="TSB demand probability, and what counts as recent; Teunter, Syntetos & Babai 2011",
    )
    fading_smoothing: float = Field(
        default=0.1, gt=0, le=1, description="Moments of counts that fade; the most reactive usual weight"
    )
    fading_errors: float = Field(
        default=2.0,
        ge=0,
        description="Standard errors by which recent demand must be below the average to count as fading",
    )
    holdout_share: float = Field(
        default=0.4, gt=0, lt=1, description="Last share of a history in which methods are scored"
    )
    origins_max: int = Field(default=8, ge=1, le=60, description="Most held-out origins of a series")
    train_periods_min: int = Field(default=6, ge=2, description="Least periods before the first origin")
    quantile_levels: tuple[float, ...] = Field(
        default=(0.5, 0.8, 0.9, 0.95, 0.98), min_length=1, description="Ascending levels of the pinball loss"
    )
    evidence_origins: float = Field(
        default=20, ge=0, description="Origins that weigh as much as the average over the series' class"
    )
    tie_tolerance: float = Field(
        default=0.005, ge=0, description="Share of loss by which a simpler method may be worse and still win"
    )
    pool_points_min: int = Field(
        default=20, ge=1, description="Least points of a category that are pooled by themselves"
    )
    stockouts: Literal["inferred", "given", "ignored"] = Field(
        default="inferred",
        description="Where stock-outs that hid demand are taken from: availability flags alone, or stock "
        "records too where unmet demand is lost",
    )
    flag_days: Literal["auto", "day", "week", "month", "period"] = Field(
        default="auto", description="Time that an availability flag covers; auto reads it from the dates"
    )
    level_half_life_days: float = Field(
        default=182,
        gt=0,
        description="Days at which a period weighs half in the level around a stock-out; half a year "
        "follows trends and keeps enough periods",
    )
    seen_periods_min: float = Field(
        default=4, ge=1, description="Least periods seen in full for hidden demand to be put back"
    )
    stock_tolerance: float = Field(
        default=0.02,
        ge=0,
        lt=1,
        description="Share of the units moved by which stock records and movements may disagree",
    )
    outliers: Literal["kept", "capped"] = Field(
        default="kept", description="What is done with spikes in the history that estimates rest on"
    )
    outlier_factor: float = Field(
        default=4.0,
        gt=1,
        description="Times the next largest demand that a spike must be; 4 is rare by chance",
    )
    outlier_errors: float = Field(
        default=5.0,
        gt=0,
        description="Robust standard deviations of log sizes by which a spike stands out",
    )
    outlier_demands_min: int = Field(
        default=6, ge=3, description="Periods with demand below which nothing is called a spike"
    )
    net_events: bool = Field(
        default=True, description="Take what past events explain out of the history; false keeps it in"
    )
    uplift_cv: float = Field(
        default=0.3,
        ge=0,
        description="Uncertainty of an uplift without quantity_sd, as a share of what it adds",
    )
    consume_bookings: bool = Field(
        default=True, description="Let customer orders on the books take the place of forecast demand"
    )
    booking_lines_min: int = Field(
        default=20, ge=1, description="Lines that weigh as much as those of the location in booking leads"
    )
    book_complete_min: float = Field(
        default=0.25,
        ge=0,
        le=1,
        description="Share of the bookings to be expected below which the order book counts as missing; "
        "weekends leave half of short leads",
    )
    paths: int = Field(default=1000, ge=50, description="Bootstrap paths; Willemain et al. 2004")
    paths_scored: int = Field(default=128, ge=50, description="Bootstrap paths of a held-out origin")
    lattice_cells: int = Field(default=512, ge=32, description="Most cells of a distribution")
