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
        default=3.0,
        ge=0,
        description="Standard errors by which recent demand must be below the average to count as fading",
    )
    rising_errors: float = Field(
        default=3.0,
        ge=0,
        description="Standard errors by which recent demand must exceed the average for a trend to be tried",
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
        default=100, ge=0, description="Origins that weigh as much as the average over the series' class"
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
    contenders: tuple[str, ...] = Field(
        default=("compound", "fading_counts", "damped_trend", "learned", "learned_blend"),
        min_length=1,
        description="Methods that may be used, by name; the others keep their promises less well",
    )
    season_active_min: float = Field(
        default=0.5,
        ge=0,
        description="Share of periods with demand below which a category has no season",
    )
    level_half_lives_days: tuple[float, ...] = Field(
        default=(160.0, 270.0, 540.0, 1080.0),
        min_length=1,
        description="Days after which evidence of how often somebody asks counts half: those tried",
    )
    usual_sizes: float = Field(
        default=3.0, gt=0, description="Sizes that weigh as much as the usual size of such items, at first"
    )
    chance_gaps: float = Field(
        default=5.0, gt=0, description="Gaps between demands that weigh as much as those of pure chance"
    )
    level_spread: float = Field(
        default=0.1,
        ge=0,
        description="Squared coefficient of variation of levels beyond what the evidence explains, before "
        "held-out windows are heard",
    )
    level_drift: float = Field(
        default=0.05,
        ge=0,
        description="The same where most periods have demand, as a share of the squared coefficient of "
        "variation of a period",
    )
    spread_blocks: float = Field(
        default=12.0,
        gt=0,
        description="Held-out windows in a row that weigh as much as level_spread",
    )
    prior_windows_min: int = Field(
        default=200,
        ge=1,
        description="Held-out windows below which all series together teach nothing",
    )
    prior_windows_max: int = Field(
        default=4000, ge=100, description="Most held-out windows on which what series share is learned"
    )
    learned: Literal["auto", "off"] = Field(
        default="auto", description="Whether one model of all series competes with those of single series"
    )
    learned_windows_min: int = Field(
        default=8000,
        ge=100,
        description="Windows before the first held-out origin below which nothing is learned from all series",
    )
    learned_rows_max: int = Field(
        default=100_000, ge=1000, description="Most windows that a model of all series is trained on"
    )
    learned_unseen_max: float = Field(
        default=0.01,
        ge=0,
        le=1,
        description="Share of periods not observed above which it learns the relation of series only",
    )
    learned_folds: int = Field(
        default=2, ge=1, le=8, description="Times that it is trained again within the held-out share"
    )
    segment_origins: float = Field(
        default=200,
        ge=0,
        description="Origins that weigh as much as all segments together where the global model is judged",
    )
    paths: int = Field(default=1000, ge=50, description="Bootstrap paths; Willemain et al. 2004")
    paths_scored: int = Field(default=128, ge=50, description="Bootstrap paths of a held-out origin")
    lattice_cells: int = Field(default=512, ge=32, description="Most cells of a distribution")
