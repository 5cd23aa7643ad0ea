"""Options of the audit."""

from pydantic import Field

from plimsoll.domain.params import Params


class AuditParams(Params):
    """When a fact is doubted; the section `[audit]` of the settings."""

    stock_stale_days: int = Field(
        default=90, ge=1, description="A count so much older than the newest is stale; days; a quarter"
    )
    stock_tolerance: float = Field(
        default=0.1, ge=0,
        description="Share of opening stock and movements by which two counts may disagree; unrecorded scrap"
        " and late postings stay below it",
    )  # fmt: skip
    stock_least_difference: float = Field(
        default=5.0, ge=0, description="... and units; single units are miscounted all the time"
    )
    item_cost_factor: float = Field(
        default=3.0, gt=1,
        description="Cost against price paid, or markup against the company's: beyond this factor one of them"
        " is wrong; discounts and inflation stay below it",
    )  # fmt: skip
    item_markup_factor: float = Field(
        default=8.0, gt=1,
        description="The same where only the selling price can be compared, which says less; markups of 10 to"
        " 400 % are real",
    )  # fmt: skip
    item_after_end_days: int = Field(
        default=30, ge=0, description="Demand so long after the end date contradicts it; days; late bookings"
    )
    item_twin_similarity: float = Field(
        default=0.85, gt=0, le=1,
        description="Share of three-letter pieces in common from which two descriptions with equal numbers"
        " are near-duplicates; one letter mistyped in 30 keeps 0.85 (Jaccard 1912)",
    )  # fmt: skip
    item_twin_block: int = Field(
        default=30, ge=2, description="Words in more items than this (with equal numbers) are too common to"
        " compare by; items",
    )  # fmt: skip
    lane_moq_factor: float = Field(
        default=2.0, gt=1,
        description="A minimum that no order ever reached and so many times the usual order is doubted;"
        " buyers now and then agree on less",
    )  # fmt: skip
    lane_moq_years: float = Field(
        default=3.0, gt=0, description="A minimum that covers so many years of use ties up cash; years"
    )
    lane_gross: float = Field(
        default=100.0,
        gt=1,
        description="A minimum of so many order multiples is doubted; a case of cases ...",
    )
    lane_peers_factor: float = Field(
        default=30.0, gt=1, description="... if that is so many times what is usual in the company; factor"
    )
    unit_factors: tuple[float, ...] = Field(
        default=(6.0, 10.0, 12.0, 20.0, 24.0, 48.0, 100.0, 144.0, 500.0, 1000.0),
        description="Usual contents of packs, cases, gross and thousands, of which the nearest is suggested",
    )
    lead_placeholder_days: float = Field(
        default=900.0, gt=0, description="Typed lead times from this up stand for 'not known'; days; 999"
    )
    lead_off_share: float = Field(
        default=0.4,
        gt=0,
        description="Measured off typed by this share of the shorter contradicts it; below, few buffers move",
    )
    lead_off_days: float = Field(
        default=5.0, ge=0, description="... and by this many days; less hardly moves a buffer of weeks"
    )
    lead_off_errors: float = Field(
        default=3.0, ge=0,
        description="... and by so many standard errors of the mean of the item's own orders; 0.3 % false"
        " alarms by the normal law",
    )  # fmt: skip
    lead_one_for_all_lanes: int = Field(
        default=5, ge=2, description="Lanes of a supplier from which one value for all is remarkable"
    )
    calendar_window: int = Field(
        default=27, ge=7, description="Periods around one that say what is usual there; half a year of weeks"
    )
    calendar_hole_share: float = Field(
        default=0.25, gt=0, lt=1,
        description="A period with less than this share of the usual rows is a hole; less than a working day"
        " and a half of five",
    )  # fmt: skip
    calendar_least_rows: float = Field(
        default=30.0, gt=0,
        description="Rows a period from which a place or the company can have holes; with so many, fewer than"
        " a quarter are no chance",
    )  # fmt: skip
    calendar_cut_share: float = Field(
        default=0.5,
        gt=0,
        lt=1,
        description="Periods at the ends below this share of the usual rows are cut off",
    )
    calendar_cut_periods: int = Field(
        default=4, ge=1, description="... if they are no more than so many; periods; a longer fall is real"
    )
    calendar_low_z: float = Field(
        default=3.0, gt=0, description="Robust standard deviations below the usual from which a total is low"
    )
    calendar_low_share: float = Field(
        default=0.85, gt=0, lt=1, description="... and below this share of the usual; less is no news"
    )
    calendar_short_years: float = Field(
        default=2.5, gt=0, description="A history below this is short: two years for a season, half for trial"
    )
    extent_items: int = Field(
        default=100, ge=2, description="Items from which an extract is judged as a whole; items"
    )
    extent_active_share: float = Field(
        default=0.4, gt=0, lt=1,
        description="If every item is asked for in this share of periods, slow items were left out",
    )  # fmt: skip
    extent_falling_share: float = Field(
        default=0.8,
        gt=0,
        lt=1,
        description="Last year against first year below which the total falls for good",
    )
    demand_spike_factor: float = Field(
        default=20.0, gt=1, description="A spike is at least so many times the usual size; factor"
    )
    demand_spike_gap: float = Field(
        default=4.0, gt=1,
        description="... and so many times the largest size below that: large orders that belong to an item"
        " lead up to each other",
    )  # fmt: skip
    demand_spike_z: float = Field(
        default=5.0,
        gt=0,
        description="... and so many robust standard deviations of log size above the median",
    )
    demand_spike_rows: int = Field(
        default=5, ge=3, description="Rows from which a point, or else its item, has a usual size"
    )
    demand_gap_chance: float = Field(
        default=1e-6, gt=0, lt=1,
        description="Chance below which a silence is doubted; one false alarm in a million points by its own"
        " rate, more where demand comes in bursts",
    )  # fmt: skip
    demand_gap_ratio: float = Field(
        default=3.0, gt=1, description="... and so many times the next longest silence; a season comes back"
    )
    demand_gap_side: int = Field(
        default=3, ge=1, description="Periods with demand needed before and after a silence"
    )
    demand_least_cases: int = Field(
        default=100, ge=10, description="Rows from which a share or ratio of the whole company is told"
    )
    demand_cut_ratio: float = Field(
        default=0.25, gt=0, description="Sales before a stock-out so far from the usual are told; share of it"
    )
    demand_dominant_item: float = Field(
        default=0.1, gt=0, lt=1, description="An item with this share of all units dominates totals"
    )
    demand_dominant_row: float = Field(
        default=0.03, gt=0, lt=1, description="A single demand with this share of all units is remarkable"
    )
    receipt_cases: int = Field(
        default=10, ge=3, description="Receipts from which a supplier is judged by itself"
    )
    receipt_long_z: float = Field(
        default=4.0, gt=0, description="Robust standard deviations of log lead time that are implausible"
    )
    receipt_long_days: float = Field(
        default=365.0,
        gt=0,
        description="... and beyond this; days; sea freight with customs stays below a year",
    )
    receipt_promise_share: float = Field(
        default=0.3, gt=0, lt=1,
        description="Promises met to the day from which they were rewritten; with a spread of 2 days chance"
        " gives 0.2",
    )  # fmt: skip
    receipt_year_factor: float = Field(
        default=1.5,
        gt=1,
        description="Longest against shortest yearly mean of lead times that is told; factor",
    )
    order_overdue_days: int = Field(
        default=120, ge=1, description="An order overdue by more than this, and by twice the lane's longest"
        " delay, is doubted; days; four months",
    )  # fmt: skip
    bom_quantity_factor: float = Field(
        default=20.0, gt=1, description="A quantity per unit so many times the usual is doubted; factor"
    )
    bom_quantity_gap: float = Field(
        default=4.0, gt=1, description="... if so many times the largest below that; factor"
    )
    bom_least_lines: int = Field(default=5, ge=2, description="Lines or bookings that say what is usual")
    bom_use_factor: float = Field(
        default=2.0,
        gt=1,
        description="Real use beyond this factor of the bill of material is a contradiction",
    )
    unit_tolerance: float = Field(
        default=1e-6,
        gt=0,
        description="Units that a quantity may be off a whole number; rounding of decimals",
    )
    unit_fraction_share: float = Field(
        default=0.2, gt=0, lt=1,
        description="Items with fractions in no more than this share of rows are counted; others measured",
    )  # fmt: skip
    unit_same_rows: int = Field(
        default=50, ge=5, description="Rows from which one value for all is remarkable"
    )
    unit_value_share: float = Field(
        default=0.01,
        gt=0,
        description="Share by which a line's value may be off quantity times price; rounding",
    )
    ready_automatic: float = Field(
        default=0.8, ge=0, le=1, description="Readiness from which a point is planned automatically"
    )
    ready_left_out: float = Field(
        default=0.3, ge=0, le=1, description="Readiness below which a point is left out"
    )
