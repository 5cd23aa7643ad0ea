"""Tables of a network to the arrays of the simulation kernel, and disruptions by period."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import stats

from plimsoll.domain.errors import InputError, SettingError, first_keys
from plimsoll.maths.kernels.network_simulation_draws import LAWS, NEGATIVE_BINOMIAL, POISSON, TABLE, Laws
from plimsoll.maths.kernels.network_simulation_state import ALLOCATIONS, FIRST_COME, Network, Trouble
from plimsoll.maths.kernels.replay import rules_of
from plimsoll.maths.ragged import Floats, Ints, bounds_of
from plimsoll.network.simulation_sites import RULES, Sites

_LONGEST_TABLE = 1_000_000
_LEFT_OUT = 1e-13  # probability beyond a table
NO_TROUBLE = Trouble(np.zeros((0, 0), np.bool_), np.zeros((0, 0)))


@dataclass(frozen=True, slots=True)
class Disruption:
    """Something that goes wrong over periods first..last.

    Parameters
    ----------
    kind : `no_supply`: the outside supplier of a stage sends nothing, or its own work starts nothing;
        `no_shipment`: nothing leaves a stage for another, or for any; orders wait;
        `surge`: the demand of a stage's customers is multiplied
    stage : name
    first, last : periods, both included, counted from 0 before the warm-up
    to_stage : of `no_shipment`; all stages below when left out
    factor : of `surge`
    """

    kind: Literal["no_supply", "no_shipment", "surge"]
    stage: str
    first: int
    last: int
    to_stage: str | None = None
    factor: float = 1.0


def network_arrays(sites: Sites) -> Network:
    """Return the structure and rules of a network as the kernel reads them."""
    stages, arcs = sites.stages, sites.arcs
    source, target = _ints(arcs["from_index"]), _ints(arcs["to_index"])
    n = stages.height
    in_arc = np.argsort(target, kind="stable").astype(np.int64)
    allocation = _coded(stages["allocation"], ALLOCATIONS)
    is_complete = stages["is_complete"].to_numpy()
    claim_start, claim = _claims(sites)
    rules = rules_of(
        _coded(stages["rule"], RULES),
        stages["reorder"].to_numpy(),
        stages["up_to"].to_numpy(),
        minimum=stages["minimum"].to_numpy(),
        multiple=stages["multiple"].to_numpy(),
        every=stages["review_periods"].to_numpy(),
        phase=stages["phase"].to_numpy(),
        is_lost=stages["is_lost"].to_numpy(),
    )
    return Network(
        out_start=bounds_of(np.bincount(source, minlength=n)),
        arc_from=source,
        arc_to=target,
        quantity=_floats(arcs["quantity"]),
        in_start=bounds_of(np.bincount(target, minlength=n)),
        in_arc=in_arc,
        claim_start=claim_start,
        claim=claim,
        allocation=allocation,
        keeps_queue=(allocation == FIRST_COME) & ((np.diff(claim_start) > 1) | is_complete),
        is_complete=is_complete.copy(),
        rules=rules,
        every=_ints(stages["review_periods"]),
        phase=_ints(stages["phase"]),
        is_plain=stages.select(
            (pl.col("rule") == "base_stock") & (pl.col("minimum") == 0) & (pl.col("multiple") == 0)
        )["rule"]
        .to_numpy()
        .copy(),
        is_echelon=stages["is_echelon"].to_numpy().copy(),
        unit=_floats(stages["unit"]),
        opening=opening_stock(sites),
    )


def opening_stock(sites: Sites) -> Floats:
    """Return the stock of every stage before period 0: as given, or every place at its order-up-to level.

    The level of an echelon rule counts what stands below, so that is taken off first.

    Examples
    --------
    >>> from plimsoll.network.simulation_sites import sites
    >>> two = sites({"stage": ["plant", "shop"], "up_to": [9, 5], "is_echelon": [True, False]},
    ...             {"from_stage": ["plant"], "to_stage": ["shop"], "quantity": [1]})
    >>> opening_stock(two).tolist()
    [4.0, 5.0]
    """
    level, is_echelon = sites.stages["up_to"].to_numpy(), sites.stages["is_echelon"].to_numpy()
    below = np.zeros(len(level))
    arcs = list(sites.arcs.select("from_index", "to_index", "quantity").iter_rows())
    for source, target, quantity in reversed(arcs):  # arcs start upstream first
        below[source] += quantity * (level[target] if is_echelon[target] else level[target] + below[target])
    stock = np.maximum(np.where(is_echelon, level - below, level), 0.0)
    unit = sites.stages["unit"].to_numpy()
    whole = np.where(unit > 0, np.floor(stock / np.where(unit > 0, unit, 1.0) + 1e-9) * unit, stock)
    given = sites.stages["on_hand"].fill_null(np.nan).to_numpy()
    return np.where(np.isnan(given), whole, given)


def law_arrays(sites: Sites, level: Floats | None = None) -> Laws:
    """Return the laws of demand and lead times; tables are long enough for the highest level.

    Raises
    ------
    SettingError
        If a table would be longer than a million entries.
    """
    stages = sites.stages
    kind = _coded(stages["demand"], LAWS)
    mean, sd = _floats(stages["demand_mean"]), stages["demand_sd"].fill_null(0.0).to_numpy()
    is_poisson, is_nb, is_table = kind == POISSON, kind == NEGATIVE_BINOMIAL, kind == TABLE
    spread = sd.copy()
    spread[is_nb] = mean[is_nb] ** 2 / (sd[is_nb] ** 2 - mean[is_nb])
    highest = mean * (1.0 if level is None else np.maximum(level.max(axis=0), 1.0))
    lengths = np.zeros(len(kind))
    lengths[is_poisson] = stats.poisson.isf(_LEFT_OUT, highest[is_poisson]) + 2
    size = spread[is_nb]
    lengths[is_nb] = stats.nbinom.isf(_LEFT_OUT, size, size / (size + highest[is_nb])) + 2
    lengths[is_table] = stages["demand_pmf"].list.len().fill_null(0).to_numpy()[is_table]
    long = stages["stage"].filter(pl.Series(lengths > _LONGEST_TABLE)).to_list()
    if long:
        what = f"Demand of {first_keys(long)} is too large to be counted one by one ({len(long)} in all)."
        raise SettingError(what, remedy="Use demand = normal, or count in larger units.")
    start = bounds_of(np.maximum(lengths, 1).astype(np.int64))
    cdf = np.full(start[-1], 2.0)
    for i in np.flatnonzero(is_table):
        cdf[start[i] : start[i + 1]] = np.cumsum(stages["demand_pmf"][int(i)].to_numpy())
    names = [f"demand\x1f{name}" for name in sites.names]
    return Laws(
        kind, mean, spread, _floats(stages["unit"]),
        np.where(kind == TABLE, stages["demand_step"].to_numpy(), 1.0),
        start, cdf, _keys(names), *_lead_laws(sites),
    )  # fmt: skip


def trouble_arrays(sites: Sites, periods: int, disruptions: Sequence[Disruption]) -> Trouble:
    """Return disruptions period by period.

    Raises
    ------
    InputError
        If a disruption names a stage or arc that is not there, or periods that do not follow each other.
    """
    if not disruptions:
        return NO_TROUBLE
    index = {name: at for at, name in enumerate(sites.names)}
    ends = list(sites.arcs.select("from_stage", "to_stage").iter_rows())
    is_down = np.zeros((len(ends) + len(index), periods), np.bool_)
    surge = np.ones((len(index), periods))
    for one in disruptions:
        during = slice(one.first, one.last + 1)
        if one.stage not in index or not 0 <= one.first <= one.last or not 0 <= one.factor < np.inf:
            what = (
                f"No disruption '{one.kind}' can be made of {one.stage}, periods {one.first} to {one.last}."
            )
            raise InputError(what, remedy="Name a stage of the network, and 0 <= first <= last, factor >= 0.")
        if one.kind == "surge":
            surge[index[one.stage], during] *= one.factor
        elif one.kind == "no_supply":
            is_down[len(ends) + index[one.stage], during] = True
        else:
            hit = [
                at for at, (source, target) in enumerate(ends)
                if source == one.stage and one.to_stage in (None, target)
            ]  # fmt: skip
            if not hit:
                what = f"Nothing is shipped from {one.stage} to {one.to_stage or 'another stage'}."
                raise InputError(what, remedy="Name an arc of the network.")
            is_down[hit, during] = True
    return Trouble(is_down, surge)


def _floats(column: pl.Series) -> Floats:
    return np.array(column.to_numpy(), dtype=np.float64)


def _ints(column: pl.Series) -> Ints:
    """Return a writable copy: a kernel is compiled anew for arrays that are only to be read."""
    return np.array(column.to_numpy(), dtype=np.int64)


def _coded(column: pl.Series, codes: dict[str, int]) -> Ints:
    return _ints(column.replace_strict(codes, return_dtype=pl.Int64))


def _keys(names: list[str]) -> NDArray[np.uint64]:
    """Return the identity of each stream: a name's, so that neither order nor neighbours change its draws."""
    digests = (blake2b(name.encode(), digest_size=8).digest() for name in names)
    return np.frombuffer(b"".join(digests), dtype=np.uint64).copy()


def _claims(sites: Sites) -> tuple[Ints, Ints]:
    """Return who is served from each stage, in turn: by priority, then customers, then arcs as listed."""
    stages = sites.stages.select(
        pl.int_range(pl.len()).alias("from_index"), "priority", pl.lit(-1, pl.Int64).alias("claim")
    )
    arcs = sites.arcs.select("from_index", "priority", pl.int_range(pl.len()).cast(pl.Int64).alias("claim"))
    turns = pl.concat([stages, arcs]).sort("from_index", "priority", "claim")
    counts = np.bincount(turns["from_index"].to_numpy(), minlength=sites.stages.height)
    return bounds_of(counts), _ints(turns["claim"])


def _lead_columns(sites: Sites) -> tuple[Ints, list[Any]]:
    both = [table.select("lead_time", "lead_pmf") for table in (sites.arcs, sites.stages)]
    lines = pl.concat(both)
    return _ints(lines["lead_time"]), lines["lead_pmf"].to_list()


def _lead_laws(sites: Sites) -> tuple[Ints, Floats, NDArray[np.uint64]]:
    """Return track, lead_cdf and lead_key of `Laws`; rings are as wide as a power of two."""
    least, pmfs = _lead_columns(sites)
    longest = np.array(
        [first if pmf is None else len(pmf) - 1 for first, pmf in zip(least, pmfs, strict=True)]
    )
    tables = []
    for at, pmf in enumerate(pmfs):
        if pmf is None:
            tables.append(np.array([2.0]))
            continue
        possible = np.flatnonzero(np.asarray(pmf) > 0)
        least[at] = possible[0]
        tables.append(np.cumsum(pmf)[possible[0] : possible[-1] + 1])
    width = 2 ** np.ceil(np.log2(longest + 2)).astype(np.int64)
    bounds = bounds_of(np.array([len(table) for table in tables]))
    track = np.stack([bounds_of(width)[:-1], width - 1, least, bounds[:-1], bounds[1:] - 1], axis=1)
    ends = sites.arcs.select("from_stage", "to_stage").iter_rows()
    names = [f"lead\x1f{source}\x1f{target}" for source, target in ends]
    names += [f"lead\x1f{name}" for name in sites.names]
    return np.ascontiguousarray(track), np.concatenate(tables), _keys(names)
