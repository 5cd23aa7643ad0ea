"""How far the promises made for each stocking point may be believed: a grade, and why."""

from functools import cache, reduce
from importlib.resources import files
from io import StringIO

import numpy as np
import polars as pl

from plimsoll.demand.panel import KEY
from plimsoll.domain.reasons import fill
from plimsoll.domain.tables import table
from plimsoll.signals.calibration import Promise, grouped, promises_of, records, summed
from plimsoll.signals.params import SignalParams

GRADES = ("A", "B", "C", "D", "-")
SAID = 3  # reasons in the sentence; all are in `reasons`
OPENING = {"A": "Grade A: ", "B": "Grade B: ", "C": "Grade C: ", "D": "Grade D: ", "-": "No grade: "}
NOTHING = "promises to items like it were kept, and nothing speaks against it"
# group of kin -> how its members are called
KIN = {
    "all": "all items",
    "class": "{value} items",
    "evidence": "items with {value} periods with demand",
    "interval": "items covered for {value}",
    "method": "items forecast by {value}",
}
CHANGES = ("shift", "drift")
OWN = ("promised", "achieved", "chance")


@cache
def trust_rules() -> pl.DataFrame:
    """Return what lowers a grade and to which, worst first: code, grade, words of the sentence, why.

    Examples
    --------
    >>> trust_rules().filter(code="changing")["grade"].item()
    'C'
    """
    text = files("plimsoll.signals").joinpath("trust_rules.csv").read_text(encoding="utf-8")
    return pl.read_csv(StringIO(text))


def trust(
    calibration: pl.DataFrame,
    hindcasts: pl.DataFrame,
    points: pl.DataFrame,
    alarms: pl.DataFrame,
    params: SignalParams,
    *,
    readiness: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return the trust grade of every stocking point with its reasons.

    The rules are data (`trust_rules.csv`): each that applies caps the grade, and the worst cap is the grade.
    Looked at are the promises of lines to its kin (all items, its class, evidence, interval and method)
    at its own target, or at `trust_level` where none is known; how often it was asked for and
    checked; its own record; alarms; and the audit. Gaps are judged by their credible part,

        off = |gap| s2 / (s2 + error2),    s = `trust_spread`        (Buhlmann & Gisler 2005, section 3.2)

    so that a large gap of a few items counts for less than that of many. Where no group has an error within
    `trust_error_max`, nobody can say that promises are kept.

    Parameters
    ----------
    calibration : table `calibration`
    hindcasts : of `hindcast`
    points : table `planning_point`
    alarms : table `alarm`
    params : options that the hindcasts were made with
    readiness : table `readiness`; without it the audit caps nothing

    Returns
    -------
    Table `trust`, one row a stocking point. Where all laws are right, a point's own record counts against
    it with a chance of `trust_chance` at most.
    """
    latest = grouped(hindcasts).sort(*KEY, "origin").group_by(KEY, maintain_order=True).last()
    checked = hindcasts.group_by(KEY).agg(n_windows=pl.len())
    rows = (
        points.select(*KEY, "planned")
        .join(latest.select(*KEY, "n_demand_periods", "own_target", *KIN), on=KEY, how="left")
        .join(checked, on=KEY, how="left")
        .join(_own(hindcasts, params), on=KEY, how="left")
        .join(_raised(alarms), on=KEY, how="left")
        .with_columns(pl.col("n_windows", "n_own").fill_null(0))
        .sort(KEY)
    )
    rows = rows.join(_of_kin(rows, calibration, params), on=KEY, how="left", maintain_order="left")
    if readiness is not None:
        verdict = readiness.select(*KEY, "verdict")
        rows = rows.join(verdict, on=KEY, how="left", maintain_order="left")
    else:
        rows = rows.with_columns(verdict=pl.lit(None, dtype=pl.String))
    return table("trust").conform(_graded(rows, params).select(table("trust").names))


def _level(params: SignalParams) -> float:
    """Return the level of the promises held nearest to that of grades."""
    return min(params.promise_levels, key=lambda level: (abs(level - params.trust_level), level))


def _own(hindcasts: pl.DataFrame, params: SignalParams) -> pl.DataFrame:
    """Return each point's own record of lines, and the chance of so few served were the law right."""
    rows = grouped(hindcasts)
    has_target = pl.col("own_target").is_not_null()
    found = []
    for promise in _lines(params):
        mine = rows.filter(has_target if promise.level is None else ~has_target)
        own = records(summed(mine, promise))
        if not own.points.height:
            continue
        upto = np.minimum(np.cumsum(own.law, axis=1), 1.0)
        chance = upto[np.arange(len(upto)), np.rint(own.served).astype(np.int64)]
        found.append(
            own.points.select(
                *KEY,
                n_own=pl.Series(own.windows),
                promised=pl.Series(own.promised / own.windows),
                achieved=pl.Series(own.served / own.windows),
                chance=pl.Series(chance),
            )
        )
    schema = {**dict.fromkeys(KEY, pl.String()), "n_own": pl.Int64(), **dict.fromkeys(OWN, pl.Float64())}
    return pl.concat([pl.DataFrame(schema=schema), *found])


def _lines(params: SignalParams) -> list[Promise]:
    """Return the promises of lines that grades rest on: at the own target and at the usual level."""
    wanted = (None, _level(params))
    return [one for one in promises_of(params) if one.service == "lines" and one.level in wanted]


def _raised(alarms: pl.DataFrame) -> pl.DataFrame:
    """Return which points have an alarm of change, and which of bias."""
    kind = pl.col("kind")
    return (
        alarms.filter(level="point")
        .group_by(KEY)
        .agg(changes=kind.is_in(CHANGES).any(), bias=(kind == "bias").any())
    )


def _of_kin(rows: pl.DataFrame, calibration: pl.DataFrame, params: SignalParams) -> pl.DataFrame:
    """Return of each point the group like it with the largest credible gap."""
    gap, error, spread = pl.col("gap"), pl.col("error"), params.trust_spread
    told = calibration.filter(
        pl.col("service") == "lines",
        error.is_not_null(),
        pl.col("level").is_null() | (pl.col("level") == _level(params)),
    ).select("group", "value", "gap", "error", is_own=pl.col("level").is_null())
    kin = (
        rows.select(*KEY, *KIN, is_own=pl.col("own_target").is_not_null())
        .unpivot(list(KIN), index=[*KEY, "is_own"], variable_name="group", value_name="value")
        .join(told, on=["group", "value", "is_own"])
        .with_columns(
            off=gap.abs() * spread**2 / (spread**2 + error**2),
            is_told=(error.min() <= params.trust_error_max).over(KEY),
        )
    )
    order = pl.col("group").replace_strict({name: k for k, name in enumerate(KIN)}, return_dtype=pl.Int64)
    worst = kin.sort(*KEY, pl.col("off").neg(), order).group_by(KEY, maintain_order=True).first()
    return worst.select(
        *KEY, "gap", "off", "is_told", gap_group="group", gap_value="value", gap_error="error"
    )


def _graded(rows: pl.DataFrame, params: SignalParams) -> pl.DataFrame:
    """Return the rows with grade, reasons and sentence."""
    rules, said = trust_rules(), _said()
    applies = _applies(params)
    is_silent = reduce(lambda a, b: a | b, [applies[code] for code in _codes(rules, "-")])
    rows = rows.with_columns(
        # what says that nothing can be said leaves room for no other reason
        (applies[code] & (~is_silent if grade != "-" else True)).fill_null(value=False).alias(code)
        for code, grade in rules.select("code", "grade").rows()
    )
    grade: pl.Expr = pl.lit("A")
    for one in ("B", "C", "D", "-"):
        grade = pl.when(pl.any_horizontal(_codes(rules, one))).then(pl.lit(one)).otherwise(grade)
    codes = [pl.when(code).then(pl.lit(code)) for code in rules["code"]]
    words = [pl.when(code).then(fill(text, said)) for code, text in rules.select("code", "words").rows()]
    joined = pl.concat_list(words).list.drop_nulls().list.head(SAID).list.join("; ")
    return rows.with_columns(
        grade=grade,
        reasons=pl.concat_list(codes).list.drop_nulls().list.join("|"),
        said=joined,
    ).with_columns(
        why=pl.col("grade").replace_strict(OPENING)
        + pl.when(pl.col("said") == "").then(pl.lit(NOTHING)).otherwise("said")
        + "."
    )


def _codes(rules: pl.DataFrame, grade: str) -> list[str]:
    return rules.filter(grade=grade)["code"].to_list()


def _applies(params: SignalParams) -> dict[str, pl.Expr]:
    """Return when each rule applies; what is not known applies to nothing."""
    off, demands = pl.col("off"), pl.col("n_demand_periods")
    (for_a, for_b, for_c), (best, good, least) = params.trust_gaps, params.trust_demands
    return {
        "left_out": ~pl.col("planned") | (pl.col("verdict") == "left_out").fill_null(value=False),
        "never_checked": pl.col("n_windows") == 0,
        "never_asked": (demands == 0).fill_null(value=False),
        "promise_far_off": off > for_c,
        "hardly_any_demand": demands < least,
        "promise_off": (off > for_b) & (off <= for_c),
        "own_record": (pl.col("chance") <= params.trust_chance) & (pl.col("achieved") < pl.col("promised")),
        "little_demand": (demands >= least) & (demands < good),
        "changing": pl.col("changes"),
        "biased": pl.col("bias"),
        "needs_care": pl.col("verdict") == "care",
        "few_windows": pl.col("n_windows") < params.trust_windows_min,
        "kin_untold": ~pl.col("is_told").fill_null(value=False),
        "promise_nearly": (off > for_a) & (off <= for_b),
        "some_demand": (demands >= good) & (demands < best),
    }


def _said() -> dict[str, pl.Expr]:
    """Return the values that the words of rules need."""
    kin: pl.Expr = pl.lit("")
    for group, words in KIN.items():
        value = pl.col("gap_value").str.replace_all("_", " ")
        named = fill(words, {"value": value}).str.replace(" 1 periods", " 1 period")
        kin = pl.when(pl.col("gap_group") == group).then(named).otherwise(kin)
    own = pl.col("n_own")
    return {
        "kin": kin,
        "gap": (100.0 * pl.col("gap")).abs().round(1).cast(pl.String),
        "side": pl.when(pl.col("gap") < 0).then(pl.lit("less")).otherwise(pl.lit("more")),
        "demands": _counted(pl.col("n_demand_periods"), "period"),
        "windows": _counted(pl.col("n_windows"), "time"),
        "own": own.cast(pl.String),
        "served": (pl.col("achieved") * own).round().cast(pl.Int64).cast(pl.String),
        "promised": (pl.col("promised") * own).round(1).cast(pl.String),
    }


def _counted(n: pl.Expr, noun: str) -> pl.Expr:
    """Return a count with its noun."""
    plural = pl.when(n == 1).then(pl.lit("")).otherwise(pl.lit("s"))
    return pl.format("{} {}{}", n, pl.lit(noun), plural)
