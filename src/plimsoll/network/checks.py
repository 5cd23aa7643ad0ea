"""What is wrong with a network, as findings: what was found is named, left out, and the rest goes on."""

import polars as pl

from plimsoll.bom.structure import KEY
from plimsoll.domain.findings import Finding, Message, keys_of
from plimsoll.network.arcs import ALTERNATIVE, SOURCE

ROUNDS_NAMED = 3

CYCLE = Message(
    "network_cycle",
    "error",
    "lanes",
    "Goods go round in {rounds}: {named}.",
    "Demand passed up such a circle would never end, and no place in it would be the source of the others.",
    "{n} stocking point<|s> in a circle or fed through one <is|are> taken out of the network ({keys}) and "
    "planned alone; all others are planned together.",
    "Change one lane or one line of a bill of material in each circle.",
)
TIME_UNUSABLE = Message(
    "network_time_unusable",
    "error",
    "lead_time_estimate",
    "{n} stocking point<|s> <has|have> a lead time or review interval that is missing or negative ({keys}).",
    "No delay can be passed on through <it|them>.",
    "<It is|They are> taken out of the network and planned alone; what <it feeds|they feed> is planned as if "
    "<it|they> always delivered.",
    "Correct the time of the lane in force.",
)
TIME_ZERO = Message(
    "network_time_zero",
    "warning",
    "lead_time_estimate",
    "{n} stocking point<|s> <has|have> a lead time of zero that no receipt shows ({keys}).",
    "Zero typed into a master mostly stands for 'not known'; taken at its word nothing would be held for it.",
    "<It is|They are> taken out of the network and planned alone; what <it feeds|they feed> is planned as if "
    "<it|they> always delivered.",
    "Type the lead time of the lane in force, or import receipts that show it.",
)
UNREACHABLE = Message(
    "network_unreachable",
    "error",
    "lanes",
    "{n} stocking point<|s> with demand <is|are> replenished from a place of ours that neither keeps, makes "
    "nor gets the item ({keys}).",
    "Nobody plans what that place has to send, so the demand cannot be met.",
    "<It is|They are> planned as if that place always delivered.",
    "Give the place a lane for the item, or another source to the stocking point<|s>.",
)
LANES_TIED = Message(
    "network_lanes_tied",
    "warning",
    "lanes",
    "{n} stocking point<|s> <has|have> two or more lanes of the same first priority ({keys}).",
    "Which source feeds <it|them> is then an accident of names or receipts.",
    "The lane in force is used, the others are kept as alternatives.",
    "Give the lanes different priorities.",
)
LANES_BOTH_WAYS = Message(
    "network_lanes_both_ways",
    "warning",
    "lanes",
    "{n} pair<|s> of places <has|have> lanes for the same item in both directions ({keys}).",
    "Only one of the two places can be the source of the other in a plan.",
    "The direction in force is used, the other is left out.",
    "Delete the lane that is not meant; stock is moved back by rebalancing without a lane.",
)
ORPHAN = Message(
    "network_orphan",
    "warning",
    "planning_point",
    "{n} stocking point<|s> at places that feed others <is|are> drawn on by nobody and <has|have> no "
    "customers ({keys}).",
    "What is kept there serves no one; or the lanes that lead from there are missing.",
    "<It stays|They stay> in the plan with no demand.",
    "Give the places that should draw on <it|them> a lane, or mark the point as not to be stocked.",
)
COST_FALLS = Message(
    "network_cost_falls",
    "warning",
    "planning_point",
    "{n} stocking point<|s> <costs|cost> at least a tenth less than what goes into one unit ({keys}).",
    "Stock would seem cheaper the further it has come, and buffers would move to the wrong place.",
    "<Its|Their> added cost is taken as 0.",
    "Correct the cost of the lane or item, or the quantities in the bill of material.",
)
TIMES = (TIME_UNUSABLE.code, TIME_ZERO.code)
MESSAGES = (
    CYCLE,
    TIME_UNUSABLE,
    TIME_ZERO,
    UNREACHABLE,
    LANES_TIED,
    LANES_BOTH_WAYS,
    ORPHAN,
    COST_FALLS,
)


def found(message: Message, rows: pl.DataFrame, key: list[str] = KEY) -> list[Finding]:
    """Return the finding about these rows, none where there are none."""
    return [message.finding(rows.height, keys_of(rows, key))] if rows.height else []


def cycle_finding(stages: pl.DataFrame, caught: pl.DataFrame, walks: list[list[int]], n: int) -> Finding:
    """Return the finding that names circles of goods.

    Parameters
    ----------
    stages : KEY, rows as in `walks`
    caught : KEY of all that is taken out
    walks : rows of the stages of the first circles, in the direction of goods
    n : how many circles there are
    """
    names = stages.select(pl.format("{} @ {}", *KEY)).to_series()
    named = "; ".join(" -> ".join(names.gather(walk).to_list()) for walk in walks)
    named += "; …" if n > len(walks) else ""
    rounds = "a circle" if n == 1 else f"{n:,} circles"
    return CYCLE.finding(caught.height, keys_of(caught, KEY), rounds=rounds, named=named)


def bad_times(stages: pl.DataFrame) -> pl.Series:
    """Return the code of what is wrong with the times of each stage, null where nothing is.

    Parameters
    ----------
    stages : stage_days, review_days, n_receipts (units: days, orders)
    """
    unusable = ~(pl.col("stage_days").is_finite() & (pl.col("stage_days") >= 0))
    review = ~(pl.col("review_days").is_finite() & (pl.col("review_days") >= 0))
    unseen = (pl.col("stage_days") == 0) & (pl.col("n_receipts").fill_null(0) == 0)
    return stages.select(
        pl.when(unusable.fill_null(value=True) | review.fill_null(value=True))
        .then(pl.lit(TIME_UNUSABLE.code))
        .when(unseen)
        .then(pl.lit(TIME_ZERO.code))
    ).to_series()


def unreachable(stages: pl.DataFrame, arcs: pl.DataFrame, lanes: pl.DataFrame) -> pl.DataFrame:
    """Return KEY and from_location_id of stages whose source is ours, but has no way to get the item.

    The source is no stocking point of the item, no lane leads to it, and nothing of a bill of material
    goes into what it sends.

    Parameters
    ----------
    stages : KEY, from_location_id, supply_kind
    arcs : as of `arcs_of`
    lanes : table `lanes`
    """
    outside = arcs.filter("in_force", pl.col("kind") == "outside").select(*KEY, "from_location_id")
    return (
        stages.filter(pl.col("supply_kind") == "transfer")
        .select(*KEY, "from_location_id")
        .join(outside, on=[*KEY, "from_location_id"], how="semi")
        .join(arcs.filter(pl.col("kind") == "bill"), on=KEY, how="anti")
        .join(
            lanes.select("item_id", from_location_id="to_location_id"),
            on=["item_id", "from_location_id"],
            how="anti",
        )
        .sort(KEY)
    )


def contradictions(stages: pl.DataFrame, arcs: pl.DataFrame, lanes: pl.DataFrame) -> list[Finding]:
    """Return the findings of lanes of the same first priority, and of lanes in both directions.

    Both directions chosen are a circle, which another finding names.
    """
    known = lanes.filter(pl.col("priority").is_not_null()).select(
        "item_id", "priority", "from_location_id", location_id="to_location_id"
    )
    first = known.filter(pl.col("priority") == pl.col("priority").min().over(KEY))
    tied = (
        first.group_by(KEY)
        .agg(n=pl.col("from_location_id").n_unique())
        .filter(pl.col("n") > 1)
        .join(stages.select(KEY), on=KEY, how="semi")
        .sort(KEY)
    )
    pair = ["item_id", "location_id", "from_location_id"]
    between = arcs.filter(pl.col("kind") == "lane").select(*pair, chosen=pl.col("reason") != ALTERNATIVE)
    back = between.rename({"location_id": "from_location_id", "from_location_id": "location_id"})
    both = (
        between.join(back, on=pair, suffix="_back")
        .filter(pl.col("location_id") < pl.col("from_location_id"))
        .filter(~(pl.col("chosen") & pl.col("chosen_back")))
        .sort(pair)
    )
    return [*found(LANES_TIED, tied), *found(LANES_BOTH_WAYS, both, pair)]


def orphans(stages: pl.DataFrame, arcs: pl.DataFrame) -> pl.DataFrame:
    """Return KEY of stages that may hold at places that feed others, without draws and without demand.

    Parameters
    ----------
    stages : KEY, n_downstream, may_hold, refused_reason, mean_per_day, mean_per_day_est
    arcs : as of `arcs_of`
    """
    drawn = arcs.filter(pl.col("reason") != ALTERNATIVE, pl.col("kind") != "outside")
    feeding = drawn.select(location_id="from_location_id").unique()
    return (
        stages.filter(
            pl.col("n_downstream") == 0,
            pl.col("may_hold"),
            pl.col("refused_reason").is_null(),
            pl.col("mean_per_day") <= 0,
            pl.col("mean_per_day_est").fill_null(0.0) <= 0,
        )
        .join(feeding, on="location_id", how="semi")
        .join(drawn, left_on=KEY, right_on=SOURCE, how="anti")
        .select(KEY)
        .sort(KEY)
    )
