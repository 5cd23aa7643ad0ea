"""How far the figures behind a line may be believed: a grade from the evidence, and why."""

from dataclasses import dataclass

import polars as pl

from plimsoll.domain.reasons import fill
from plimsoll.replenish.position import KEY

GRADES = ("A", "B", "C", "D", "-")
SAID = 2  # reasons in the sentence, the gravest first
# Least periods with demand for grades A, B and C: the steps that grades of forecasts have, too.
DEMANDS = (10, 5, 2)
SOUND = "demand and lead time are measured, and nothing speaks against the data"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of the points that lines are about.

    `points`: table `planning_point`; `target`, `lead_times`, `demand`: tables `target`,
    `lead_time_estimate`, `demand_estimate`; `readiness`: that table, or none before the audit; `trust`:
    that table, or none before forecasts were held against what came.
    """

    points: pl.DataFrame
    target: pl.DataFrame
    lead_times: pl.DataFrame
    demand: pl.DataFrame
    readiness: pl.DataFrame | None = None
    trust: pl.DataFrame | None = None


@dataclass(frozen=True, slots=True)
class Cap:
    """What lowers a grade, to which, and the words that say so."""

    code: str
    grade: str
    words: str


# The worst cap that applies is the grade; within a grade the first is said first.
CAPS = (
    Cap("left_out", "-", "the data leave it out of automatic planning"),
    Cap("never_asked", "-", "nobody has asked for it yet"),
    Cap("trust_none", "-", "{trust}"),
    Cap("trust_low", "D", "{trust}"),
    Cap("hardly_any_demand", "D", "it had {demands} with demand"),
    Cap("lead_time_assumed", "D", "its lead time is assumed"),
    Cap("trust_fair", "C", "{trust}"),
    Cap("little_demand", "C", "it had {demands} with demand"),
    Cap("lead_time_typed", "C", "its lead time is typed, not measured"),
    Cap("lead_time_of_others", "C", "its lead time is that of other suppliers"),
    Cap("trust_good", "B", "{trust}"),
    Cap("some_demand", "B", "it had {demands} with demand"),
    Cap("lead_time_of_kin", "B", "its lead time is that of other items from there"),
    Cap("needs_care", "B", "its data need care"),
)


def confidence(evidence: Evidence) -> pl.DataFrame:
    """Return the grade of every stocking point and why.

    The grade is the worst of what the audit says of the data (care caps at B; left out: no grade), of
    where the lead time comes from (the item's own receipts A; other items of the lane or supplier B;
    typed, or of other suppliers C; assumed D), and of the demand seen (10 periods with demand A, 5 B,
    2 C, 1 D, none: no grade). Where forecasts were held against what came, their grade takes the place
    of the count of demands.

    Parameters
    ----------
    evidence : tables of the plan; rows of points that are not there count for nothing

    Returns
    -------
    pl.DataFrame
        item_id, location_id, confidence (A to D, or - where nothing can be said), confidence_why,
        readiness (verdict of the audit, null without it).
    """
    rows = _gathered(evidence)
    said, applies = _values(), _applies()
    flagged = rows.with_columns(applies[cap.code].fill_null(value=False).alias(cap.code) for cap in CAPS)
    grade: pl.Expr = pl.lit(GRADES[0])
    for worse in GRADES[1:]:
        codes = [cap.code for cap in CAPS if cap.grade == worse]
        grade = pl.when(pl.any_horizontal(codes)).then(pl.lit(worse)).otherwise(grade)
    words = [pl.when(cap.code).then(fill(cap.words, said)) for cap in CAPS]
    why = pl.concat_list(words).list.drop_nulls().list.head(SAID).list.join("; ")
    opening = (
        pl.when(pl.col("confidence") == "-")
        .then(pl.lit("No grade: "))
        .otherwise("Grade " + pl.col("confidence") + ": ")
    )
    body = pl.when(pl.col("said") == "").then(pl.lit(SOUND)).otherwise("said")
    graded = flagged.with_columns(confidence=grade, said=why)
    return graded.select(*KEY, "confidence", confidence_why=opening + body + ".", readiness="verdict")


def _gathered(evidence: Evidence) -> pl.DataFrame:
    """Return one row a point with what the caps look at."""
    lanes = evidence.lead_times.select(
        "item_id", "from_location_id", location_id="to_location_id", lead_method="method_used"
    )
    rows = (
        evidence.points.select(*KEY, "from_location_id", "planned")
        .join(lanes, on=[*KEY, "from_location_id"], how="left", maintain_order="left")
        .join(evidence.demand.select(*KEY, "n_demand_periods"), on=KEY, how="left", maintain_order="left")
    )
    unknown = pl.lit(None, dtype=pl.String)
    if evidence.readiness is None:
        rows = rows.with_columns(verdict=unknown)
    else:
        verdict = evidence.readiness.select(*KEY, "verdict")
        rows = rows.join(verdict, on=KEY, how="left", maintain_order="left")
    if evidence.trust is None:
        return rows.with_columns(trust_grade=unknown, trust_why=unknown)
    trust = evidence.trust.select(*KEY, trust_grade="grade", trust_why="why")
    return rows.join(trust, on=KEY, how="left", maintain_order="left")


def _applies() -> dict[str, pl.Expr]:
    """Return when each cap applies; what is not known applies to nothing."""
    method, trust = pl.col("lead_method"), pl.col("trust_grade")
    demands = pl.when(trust.is_null()).then(pl.col("n_demand_periods").fill_null(0))
    best, good, least = DEMANDS
    left_out = ~pl.col("planned") | (pl.col("verdict") == "left_out").fill_null(value=False)
    return {
        "left_out": left_out,
        "never_asked": (demands == 0) & ~left_out,
        "trust_none": (trust == "-") & ~left_out,
        "trust_low": trust == "D",
        "hardly_any_demand": (demands > 0) & (demands < least),
        "lead_time_assumed": method.fill_null("default") == "default",
        "trust_fair": trust == "C",
        "little_demand": (demands >= least) & (demands < good),
        "lead_time_typed": method == "typed",
        "lead_time_of_others": method.is_in(["mode", "company"]),
        "trust_good": trust == "B",
        "some_demand": (demands >= good) & (demands < best),
        "lead_time_of_kin": method.is_in(["lane", "supplier"]),
        "needs_care": pl.col("verdict") == "care",
    }


def _values() -> dict[str, pl.Expr]:
    """Return the values that the words of caps need."""
    n = pl.col("n_demand_periods")
    plural = pl.when(n == 1).then(pl.lit("")).otherwise(pl.lit("s"))
    told = pl.col("trust_why").str.replace(r"^[^:]*: ", "").str.strip_chars_end(".")
    return {"demands": pl.format("{} period{}", n, plural), "trust": told}
