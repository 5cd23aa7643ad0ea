"""Go, extend or stop: the rule that was written down before the pilot began, and what it rests on."""

from dataclasses import dataclass
from math import ceil, log1p

import polars as pl
from scipy.stats import norm

from plimsoll.domain.figures import MINUS
from plimsoll.domain.tables import table
from plimsoll.pilot.params import PilotParams
from plimsoll.pilot.power import factor

RUNNING, GO, EXTEND, STOP = "running", "go", "extend", "stop"
LONGEST = 26  # weeks by which a pilot is extended at most


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rule says, in one sentence, and the checks behind it.

    `verdict`: running, go, extend or stop; `more_weeks`: by which an extension would be likely to show the
    effect seen so far; `checks`: table `pilot_check`.
    """

    verdict: str
    sentence: str
    more_weeks: int | None
    checks: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Check:
    """One question of the rule: what was seen, the limit, and whether it is passed (None: cannot be said)."""

    check: str
    is_passed: bool | None
    value: float | None
    low: float | None
    high: float | None
    limit: float
    sentence: str


def judged(
    effects: pl.DataFrame,
    looks: pl.DataFrame,
    overrides: pl.DataFrame,
    params: PilotParams,
    *,
    n_weeks: int,
) -> Verdict:
    """Return the verdict by the rule fixed beforehand.

    1. Stop where a rail was crossed (service by week, overriding), or the fall of service is proven to be
       beyond the margin.
    2. Before all weeks have passed there is no other verdict.
    3. Go where inventory fell (95 % interval below 0) and service is not worse (90 % interval above minus
       the margin: one-sided at 5 %, as non-inferiority is tested).
    4. Stop where a fall of inventory worth a roll-out is ruled out by the 95 % interval.
    5. Else extend.

    Without any effect rule 3 says go in 2.5 of 100 pilots at most, whatever service does.

    Parameters
    ----------
    effects : table `pilot_effect`; its baseline rows count
    looks : table `pilot_look`
    overrides : table `pilot_override`
    params : as frozen with the fence
    n_weeks : whole weeks of recommendations that have passed
    """
    stock, service = (_effect(effects, name) for name in ("inventory_value", params.service_figure))
    checks = [
        _guard(looks), _overriding(overrides, params), _service(service, params), _stock(stock),
        _worth(stock, params),
    ]  # fmt: skip
    passed = {check.check: check.is_passed for check in checks}
    worst, more = service.get("high_90"), None
    harm = worst is not None and worst < -params.service_margin
    if passed["guard"] is False or passed["overrides"] is False or (harm and n_weeks >= params.treated_weeks):
        failed = [check for check in checks if check.is_passed is False and check.check in _RAILS]
        code, why = STOP, " ".join(check.sentence for check in failed)
    elif n_weeks < params.treated_weeks:
        code = RUNNING
        passed_by = f"{n_weeks} of {params.treated_weeks} weeks of recommendations have passed"
        why = f"{passed_by}, and no rail is crossed."
    elif passed["inventory"] and passed["service"]:
        code, why = GO, f"{checks[3].sentence} {checks[2].sentence}"
    elif passed["worth"] is False:
        code, why = STOP, checks[4].sentence
    else:
        code = EXTEND
        why = " ".join(check.sentence for check in checks[2:4] if not check.is_passed)
        more = _more_weeks(stock, service, passed, params)
        if more is not None:
            weeks = "week" if more == 1 else "weeks"
            why += f" {more} more {weeks} would be likely to tell, if things go on as so far."
    rows = [{name: getattr(check, name) for name in Check.__slots__} for check in checks]
    frame = pl.DataFrame(rows, schema=table("pilot_check").schema)
    return Verdict(code, why, more, table("pilot_check").conform(frame))


SERVICE = {"perfect_order_rate": "perfect-order rate", "fill_rate": "fill rate"}
_RAILS = ("guard", "overrides", "service")


def _effect(effects: pl.DataFrame, name: str) -> dict[str, float | None]:
    rows = effects.filter(figure=name, against="baseline")
    return rows.row(0, named=True) if rows.height else {}


def _guard(looks: pl.DataFrame) -> Check:
    crossed = looks.filter("is_crossed")
    if crossed.height:
        row = crossed.row(0, named=True)
        said = (
            f"Service in the fence fell by {_points(-row['effect'])} against the control group by the week "
            f"of {row['week']}: more than the weekly watch lets pass."
        )
        return Check("guard", False, row["z"], None, None, row["boundary"], said)
    if not looks.height or looks["z"].null_count() == looks.height:
        limit = looks["boundary"].min() if looks.height else 0.0
        return Check("guard", None, None, None, None, float(limit or 0.0), "No week could be looked at yet.")  # type: ignore[arg-type]
    last = looks.drop_nulls("z").row(-1, named=True)
    said = f"The weekly watch of service has not stopped the pilot in {looks.height} looks."
    return Check("guard", True, last["z"], None, None, last["boundary"], said)


def _overriding(overrides: pl.DataFrame, params: PilotParams) -> Check:
    limit = params.override_limit
    total, high = int(overrides["decided"].sum()), int(overrides["overridden"].sum())
    if overrides["is_crossed"].any():
        week = overrides.filter("is_crossed")["week"][0]
        said = (
            f"More than {_share(limit)} of the recommendations were overridden in {params.override_weeks} "
            f"weeks in a row, up to that of {week}: what was tried is not the rule."
        )
        return Check("overrides", False, high / total, None, None, limit, said)
    if not total:
        return Check("overrides", None, None, None, None, limit, "Nothing has been decided yet.")
    said = f"{_share(high / total)} of the recommendations were overridden."
    if high / total > limit:
        said += f" That is above {_share(limit)}, but not in {params.override_weeks} weeks in a row."
    return Check("overrides", True, high / total, None, None, limit, said)


def _service(row: dict[str, float | None], params: PilotParams) -> Check:
    margin, low, high, effect = (
        params.service_margin, row.get("low_90"), row.get("high_90"), row.get("effect"),
    )  # fmt: skip
    if low is None or high is None or effect is None:
        said = f"The {SERVICE[params.service_figure]} of a group is not known."
        return Check("service", None, effect, low, high, -margin, said)
    name, least = SERVICE[params.service_figure], _points(-margin, sign=True)
    found = f"{_points(effect, sign=True)} ({_points(low, sign=True)} to {_points(high, sign=True)})"
    if low > -margin:
        return Check(
            "service", True, effect, low, high, -margin,
            f"Service is not worse: {name} {found}, above the margin of {least}.",
        )  # fmt: skip
    proven = high < -margin
    words = "Service is worse" if proven else "Whether service is worse cannot be told"
    said = f"{words}: {name} {found}, margin {least}."
    return Check("service", False if proven else None, effect, low, high, -margin, said)


def _stock(row: dict[str, float | None]) -> Check:
    low, high, effect = row.get("low_95"), row.get("high_95"), row.get("effect")
    if low is None or high is None or effect is None:
        return Check("inventory", None, effect, low, high, 0.0, "The inventory of both groups is not known.")
    found = f"{_share(effect, sign=True)} ({_share(low, sign=True)} to {_share(high, sign=True)})"
    if high < 0:
        return Check("inventory", True, effect, low, high, 0.0, f"Inventory fell: {found}.")
    said = f"A fall of the inventory is not proven: {found}."
    return Check("inventory", False if low > 0 else None, effect, low, high, 0.0, said)


def _worth(row: dict[str, float | None], params: PilotParams) -> Check:
    low, high, effect = row.get("low_95"), row.get("high_95"), row.get("effect")
    limit = -params.least_fall
    if low is None:
        return Check("worth", None, effect, low, high, limit, "The inventory of both groups is not known.")
    if low > limit:
        said = f"A fall of the inventory by {_share(params.least_fall)} or more is ruled out."
        return Check("worth", False, effect, low, high, limit, said)
    said = f"A fall of the inventory by {_share(params.least_fall)} or more is possible."
    return Check("worth", True, effect, low, high, limit, said)


def _more_weeks(
    stock: dict[str, float | None],
    service: dict[str, float | None],
    passed: dict[str, bool | None],
    params: PilotParams,
) -> int | None:
    """Return the weeks by which what is open would be told, None where more of the same would not help.

    The error falls with the root of the weeks. Inventory: until its effect is as many errors below 0 as the
    power wants; service: until it is as far above minus the margin.
    """
    times = 0.0
    if not passed["inventory"]:
        effect, se = stock.get("effect"), stock.get("se")
        if effect is None or se is None or effect >= 0:
            return None
        times = (factor(params) * se / log1p(effect)) ** 2
    if not passed["service"]:
        effect, se = service.get("effect"), service.get("se")
        if effect is None or se is None or effect <= -params.service_margin:
            return None
        wanted = norm.ppf(1 - params.false_alarm) + norm.ppf(params.power)
        times = max(times, (wanted * se / (effect + params.service_margin)) ** 2)
    return max(min(ceil(params.treated_weeks * (times - 1)), LONGEST), 1)


def _share(value: float, *, sign: bool = False) -> str:
    return f"{100 * value:+.1f} %".replace("-", MINUS) if sign else f"{100 * value:.0f} %"


def _points(value: float, *, sign: bool = False) -> str:
    return f"{100 * value:+.1f} points".replace("-", MINUS) if sign else f"{100 * value:.1f} points"
