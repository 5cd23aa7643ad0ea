"""The exceptions of a day: causes found, money shared out, ranked and put into words."""

from dataclasses import dataclass

import polars as pl

from plimsoll.audit import AuditParams
from plimsoll.demand import DemandParams
from plimsoll.domain.exceptions import KINDS, PRIOR_WEIGHT, WORDS
from plimsoll.domain.params import Params
from plimsoll.domain.tables import table
from plimsoll.exceptions import doubts, shortages
from plimsoll.exceptions.changes import plan_changes
from plimsoll.exceptions.evidence import POINT, Evidence, state_of
from plimsoll.exceptions.params import ExceptionParams
from plimsoll.exceptions.parts import by_order
from plimsoll.exceptions.sentences import with_words
from plimsoll.policy import PolicyParams
from plimsoll.signals import SignalParams
from plimsoll.supply import SupplyParams

ID = ["cause", "subject"]


class Options(Params):
    """Options of the stages whose questions are asked again here."""

    exceptions: ExceptionParams = ExceptionParams()
    supply: SupplyParams = SupplyParams()
    demand: DemandParams = DemandParams()
    signals: SignalParams = SignalParams()
    audit: AuditParams = AuditParams()
    policy: PolicyParams = PolicyParams()


@dataclass(frozen=True, slots=True)
class Found:
    """Tables `exception`, `exception_part` and `plan_change`.

    `shortage`: what waiting loses at every point by cause (item_id, location_id, cause, subject, money),
    those not listed included.
    """

    exception: pl.DataFrame
    part: pl.DataFrame
    change: pl.DataFrame
    shortage: pl.DataFrame


def find(evidence: Evidence, options: Options, *, currency: str = "") -> Found:
    """Return what needs a person today: one row a cause, ranked by the money that waiting loses.

        score = money lost if nobody acts before the next review x probability that it proves right
        probability = (w prior + right) / (w + right + wrong)        (mean of a Beta law)

    with the closed exceptions of the kind, and the house prior of `domain.exceptions` counting as w = 8.

    Money of each kind: demand at price that is lost by acting at the next review instead of today
    (`waiting.lost_by_waiting`, shared out by `shortages.shared_out`: each unit in one exception); what is on
    order and not needed, carried or written off (`doubts.excess_coming`); a level that jumped
    (`doubts.jumps`); orders that rest on doubted data (`doubts.doubtful_data`), or are out of proportion
    (`doubts.out_of_proportion`). Of a count that does not add up it is the demand that it hides or feigns,
    and today's order as far as it comes of it.

    Parameters
    ----------
    evidence : facts, plans and feedback
    options : options of the stages
    currency : written behind money

    Returns
    -------
    Found
        Equal evidence gives equal tables. Exceptions below `least_share` of all money and beyond `most` are
        left out.
    """
    params = options.exceptions
    state = state_of(evidence, params)
    causes = [
        shortages.sources_late(evidence, state, params, options.supply),
        shortages.demand_changed(evidence, state, params, options.signals, options.demand),
        shortages.counts_wrong(evidence, state, options.audit),
    ]
    causes.append(shortages.orders_overdue(evidence, causes[0].found))
    told = shortages.Causes([each.found for each in causes], [each.blame for each in causes])
    short = shortages.shared_out(told, state)
    changes = plan_changes(evidence.before, evidence.plan, options.policy)
    explained = short.filter(~pl.col("cause").is_in(["stockout", "overdue_orders"]))
    money = [
        short,
        doubts.ordered_by_count(told.blame, state),
        doubts.unasked(told.blame, state),
        doubts.excess_coming(evidence, state),
        doubts.jumps(changes.join(explained, on=POINT, how="anti"), state, params),
        doubts.doubtful_data(evidence, state),
        doubts.out_of_proportion(evidence, state, params),
    ]
    every = pl.concat(money, how="diagonal").filter(pl.col("money") > 0)
    listed = _ranked(every, evidence.precision, params)
    rows = every.join(listed.select(*ID, "exception_id", "rank"), on=ID).sort("rank", *POINT)
    parts = by_order(rows, evidence)
    exceptions = with_words(listed, rows, parts, told.found, state, currency=currency)
    return Found(
        exceptions,
        table("exception_part").conform(parts.select(table("exception_part").names)),
        changes,
        short,
    )


def probabilities(precision: pl.DataFrame | None) -> pl.DataFrame:
    """Return how often exceptions of each kind prove right: the mean of a Beta law, prior and record.

    Parameters
    ----------
    precision : kind, n_closed_right, n_closed_wrong; None where nobody has closed any

    Examples
    --------
    >>> seen = pl.DataFrame({"kind": ["stockout"], "n_closed_right": [2], "n_closed_wrong": [10]})
    >>> probabilities(seen).row(0)
    ('stockout', 0.38)
    """
    house = pl.DataFrame({"kind": list(KINDS), "prior": [kind.prior for kind in KINDS.values()]})
    if precision is None:
        return house.rename({"prior": "probability"})
    right, wrong = (pl.col(f"n_closed_{word}").fill_null(0) for word in ("right", "wrong"))
    mean = (PRIOR_WEIGHT * pl.col("prior") + right) / (PRIOR_WEIGHT + right + wrong)
    joined = house.join(precision, on="kind", how="left", maintain_order="left")
    return joined.select("kind", probability=mean)


def _ranked(every: pl.DataFrame, precision: pl.DataFrame | None, params: ExceptionParams) -> pl.DataFrame:
    """Return one row a cause with id, money, probability, score and rank; the list is cut at its end."""
    kinds = pl.DataFrame(
        {
            "cause": list(WORDS),
            "kind": [words.kind for words in WORDS.values()],
            "subject_kind": [words.subject_kind for words in WORDS.values()],
        }
    )
    # Sums of floats in one order, whatever the order of the rows.
    sums = every.group_by(ID).agg(money_lost=pl.col("money").sort().sum()).sort(ID)
    named = sums.join(kinds, on="cause").join(probabilities(precision), on="kind")
    named = named.with_columns(
        exception_id=pl.format("{}:{}:{}", "kind", "subject_kind", "subject"),
        score=pl.col("money_lost") * pl.col("probability"),
    )
    least = params.least_share * float(named["money_lost"].sort().sum())
    best = named.sort("score", "exception_id", "cause", descending=[True, False, False])
    once = best.unique("exception_id", keep="first", maintain_order=True)
    return once.filter(pl.col("money_lost") >= least).head(params.most).with_row_index("rank", offset=1)
