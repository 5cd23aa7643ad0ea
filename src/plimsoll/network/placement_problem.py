"""A connected network's placement as a problem in few shared times: who shares one, and between what.

All stages with the same suppliers wait for the same one, so they share an inbound time I_g. A stage
quotes S_i = min(I + T_i, s_i, m_i), m_i the earliest inbound time of its customers: the I_h of its only
group of customers, or a time M of its own, M <= I_h, one for each set of groups. With these, the cost of
a stage is c_i((I + T_i - min(s_i, m_i))^+), a table over two variables, and nothing else binds.

Times are counted in ticks, whole numbers, so that sums along different paths are equal or not, without
tolerance. Where all times share a decimal unit a tick is that; else it is 2^-40 of the longest path, and
the problem solved differs from the one given by no more than rounding the times to that.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from plimsoll.maths.kernels import placement_values as kernel
from plimsoll.maths.ragged import Floats, Ints, bounds_of
from plimsoll.network.bounds import Bound, NormalBound
from plimsoll.network.placement_trees import Stages, whole_times

Flags = NDArray[np.bool_]

NEVER = 1 << 42  # ticks; later than any time
NOBODY = -1
UNITS = (1.0, 0.5, 0.1, 0.05, 0.01, 0.005, 0.001, 0.0005, 0.0001, 0.00005, 0.00001, 0.000001)
ALL_STEPS = 1 << 40
SAME = 1e-12  # of the longest time; times this close are equal
FINE = 2.0**-40


@dataclass(frozen=True, slots=True)
class Problem:
    """One connected network in ticks.

    `tick` : unit of time of one tick
    `time` : (stages,) T, for stages without suppliers si + T
    `latest` : (stages,) s, NEVER without customers of its own; later than promised where it must be
    `holds` : (stages,) may hold stock
    `coef`, `tables`, `table_bounds` : cost of a net time, as in kernel `placement_tree`
    `into`, `meet` : (stages,) variables of the inbound time and of the customers' earliest; NOBODY
    `low`, `high` : (variables,) ticks; the first `n_groups` are inbound times, the rest earliest ones
    `under`, `over` : pairs of variables, value of `under` <= value of `over`
    `binds` : (stages,) whether net time 0 is worth anything
    """

    tick: float
    time: Ints
    latest: Ints
    holds: Flags
    coef: Floats
    tables: Floats
    table_bounds: Ints
    into: Ints
    meet: Ints
    low: Ints
    high: Ints
    n_groups: int
    under: Ints
    over: Ints

    @property
    def is_whole(self) -> bool:
        """Return whether costs are tables, so that every whole time is a candidate."""
        return len(self.tables) > 0

    @property
    def binds(self) -> Flags:
        """Return whether a net time of 0 is worth anything to the stage."""
        return (self.coef > 0.0) | (np.diff(self.table_bounds) > 0) | ~self.holds

    def table(self, stages: Ints, ins: Ints, outs: Ints, *, relaxed: bool = False) -> Floats:
        """Return the cost of some stages together over inbound times and customers' times, sorted."""
        out = np.zeros((len(ins), len(outs)))
        given = (out, ins, outs, stages, self.time, self.latest, self.holds)
        if not relaxed:
            kernel.add_costs(*given, self.coef, self.tables, self.table_bounds, self.tick)
        elif self.is_whole:
            kernel.add_step_costs(*given, self.tables, self.table_bounds, self.tick)
        else:
            kernel.add_relaxed_costs(*given, self.coef, self.tick)
        return out

    def cost(self, values: Ints) -> float:
        """Return the cost of all stages at values of the inbound times; the earliest ones follow."""
        some = np.append(self.completed(values), 0)
        inbound = np.where(self.into == NOBODY, 0, some[self.into])
        outbound = np.where(self.meet == NOBODY, NEVER, some[self.meet])
        net = inbound + self.time - np.minimum(self.latest, outbound)
        costs = kernel.costs_at(net, self.holds, self.coef, self.tables, self.table_bounds, self.tick)
        return float(costs.sum())

    def completed(self, values: Ints) -> Ints:
        """Return values with every earliest time set to the earliest of the inbound times it stands for."""
        out = values.copy()
        out[self.n_groups :] = NEVER
        np.minimum.at(out, self.under, out[self.over])
        return out


@dataclass(frozen=True, slots=True)
class Ties:
    """Values that a best vertex may take: anchors, and equalities that lead from one variable to another.

    Costs are concave between the kinks, so a best solution exists where kinks tie every variable to an
    anchor: si, s_i - T_i, T_i of a stage without suppliers, s_i; the ties are I_g + T_i = m_i and M = I_h.

    `low`, `high` : (variables,) ticks
    `anchor_var`, `anchor_value` : variables and values
    `bounds`, `to`, `by` : ties from variable v are bounds[v]..bounds[v + 1], to a variable, by ticks
    """

    low: Ints
    high: Ints
    anchor_var: Ints
    anchor_value: Ints
    bounds: Ints
    to: Ints
    by: Ints

    def closed(self, most: int) -> list[Ints]:
        """Return the candidate values of every variable, sorted; empty lists if more than `most` in all."""
        return self._reached(self.anchor_var, self.anchor_value, ALL_STEPS, most)

    def near(self, values: Ints, steps: int) -> list[Ints]:
        """Return values that at most so many ties lead to from one value of every variable."""
        return self._reached(np.arange(len(values)), values, steps, ALL_STEPS)

    def anchored(self) -> list[Ints]:
        """Return the values of every variable that rest on no other."""
        return self._reached(self.anchor_var, self.anchor_value, 0, ALL_STEPS)

    def _reached(self, var: Ints, value: Ints, steps: int, most: int) -> list[Ints]:
        spans = np.arange(len(self.bounds)), self.low, self.high
        found, values = kernel.closure(var, value, self.bounds, self.to, self.by, *spans, steps, most)
        return np.split(values, np.searchsorted(found, np.arange(1, len(self.low))))


def ties_of(problem: Problem) -> Ties:
    """Return anchors and ties of a problem."""
    p, on = problem, problem.binds
    fed, led = on & (p.into != NOBODY), on & (p.meet != NOBODY)
    own = on & (p.latest < NEVER)
    source, through = led & (p.into == NOBODY), fed & led
    variables = np.arange(len(p.low))
    var = [variables, variables, p.into[fed & own], p.meet[led & own], p.meet[source]]
    value = [p.low, p.high, (p.latest - p.time)[fed & own], p.latest[led & own], p.time[source]]
    begin = np.concatenate([p.into[through], p.meet[through], p.under, p.over])
    end = np.concatenate([p.meet[through], p.into[through], p.over, p.under])
    by = np.concatenate([p.time[through], -p.time[through], 0 * p.under, 0 * p.over])
    rows = np.unique(np.stack([begin, end, by], axis=1), axis=0)
    return Ties(
        p.low,
        p.high,
        np.concatenate(var),
        np.concatenate(value),
        bounds_of(np.bincount(rows[:, 0], minlength=len(p.low))),
        rows[:, 1].copy(),
        rows[:, 2].copy(),
    )


def tick_of(times: Floats, longest: float) -> float:
    """Return the largest common unit of times, or a fine one where they share none.

    Examples
    --------
    >>> tick_of(np.array([2.0, 0.75, 1.5]), 9.0), tick_of(np.array([1.0, np.pi]), 8.0) == 2.0**-37
    (0.05, True)
    """
    for unit in UNITS:
        if (
            np.all(np.abs(times - unit * np.rint(times / unit)) <= SAME * longest)
            and longest < NEVER * unit / 4
        ):
            return unit
    return longest * FINE


def problem_of(network: Stages, bound: Bound) -> Problem:
    """Return the problem of a connected network whose stages stand in flow order, without double arcs.

    Parameters
    ----------
    network : stages and arcs; every supplier stands before its customers
    bound : demand bounds of the stages
    """
    suppliers: list[list[int]] = [[] for _ in network.time]
    for up, down in zip(network.up.tolist(), network.down.tolist(), strict=True):
        suppliers[down].append(up)
    time, start, last = network.time, network.inbound, network.latest
    is_own = np.isfinite(last)
    ready = start + time
    for k, own in enumerate(suppliers):
        ready[k] = max((ready[supplier] for supplier in own), default=0.0) + time[k] if own else ready[k]
        ready[k] = max(ready[k], start[k] + time[k])
    span = max(float(ready.max(initial=0.0)), 1.0)
    if isinstance(bound, NormalBound):
        tick = tick_of(np.concatenate([time, start, last[is_own & (last < span)]]), span)
    else:
        tick, (time, start) = 1.0, whole_times(network)
    ticks, first = (np.rint(row / tick).astype(np.int64) for row in (time, start))
    promise = np.full(len(time), NEVER)
    promise[is_own] = np.floor(np.minimum(last[is_own], span) / tick + SAME * span / tick).astype(np.int64)
    groups, into = _groups(suppliers, first)
    meet, sets = _meets(suppliers, into)
    holds = np.asarray(network.may_hold, dtype=bool)
    low, high, promise = _ranges(groups, into, (ticks, first, promise), holds)
    low = np.append(low, [min(low[h] for h in members) for members in sets]).astype(np.int64)
    high = np.append(high, [min(high[h] for h in members) for members in sets]).astype(np.int64)
    pairs = [(len(groups) + k, h) for k, members in enumerate(sets) for h in members]
    under, over = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    ticks = ticks + np.where(into == NOBODY, first, 0)
    costs = _costs(bound, ticks + np.where(into == NOBODY, 0, np.append(high, 0)[into]), tick)
    return Problem(
        tick, ticks, promise, holds, *costs, into, meet, low, high, len(groups), under.copy(), over.copy()
    )


def settled(problem: Problem, values: Ints, start: Floats) -> Floats:
    """Return SI, S, net time and cost of every stage, free of needless waits, in the unit of the times.

    In flow order SI_k = max(si_k, S of its suppliers) and S_k = min(SI_k + T_k, s_k, I of its customers).
    Neither raises a cost.

    Parameters
    ----------
    values : (variables,) ticks
    start : (stages,) si
    """
    p, n = problem, len(problem.time)
    found, inbound = p.completed(values), p.low.copy()
    behind: dict[int, list[int]] = {v: [v] for v in range(p.n_groups)}
    for under, over in zip(p.under.tolist(), p.over.tolist(), strict=True):
        behind.setdefault(under, []).append(over)
    ready, quoted = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    for k in range(n):
        ready[k] = p.time[k] + (0 if p.into[k] == NOBODY else inbound[p.into[k]])
        most = NEVER if p.meet[k] == NOBODY else found[p.meet[k]]
        quoted[k] = min(ready[k], p.latest[k], most) if p.holds[k] else ready[k]
        for group in behind.get(int(p.meet[k]), []):
            inbound[group] = max(inbound[group], quoted[k])
    net = ready - quoted
    cost = kernel.costs_at(net, p.holds, p.coef, p.tables, p.table_bounds, p.tick)
    waits = np.where(p.into == NOBODY, start, np.append(inbound, 0)[p.into] * p.tick)
    return np.array([waits, quoted * p.tick, net * p.tick, cost])


def _groups(suppliers: list[list[int]], start: Ints) -> tuple[list[tuple[tuple[int, ...], int]], Ints]:
    """Return suppliers and external time of every group, and the group of each stage."""
    number: dict[tuple[tuple[int, ...], int], int] = {}
    into = np.full(len(suppliers), NOBODY)
    for k, own in enumerate(suppliers):
        if own:
            into[k] = number.setdefault((tuple(sorted(own)), int(start[k])), len(number))
    return list(number), into


def _meets(suppliers: list[list[int]], into: Ints) -> tuple[Ints, list[tuple[int, ...]]]:
    """Return the variable of each stage's earliest customer, and the groups behind those that are new."""
    groups: list[set[int]] = [set() for _ in suppliers]
    for k, own in enumerate(suppliers):
        for supplier in own:
            groups[supplier].add(int(into[k]))
    n = int(into.max(initial=NOBODY)) + 1
    number: dict[tuple[int, ...], int] = {}
    meet = np.full(len(suppliers), NOBODY)
    for k, fed in enumerate(groups):
        if len(fed) == 1:
            meet[k] = min(fed)
        elif fed:
            meet[k] = n + number.setdefault(tuple(sorted(fed)), len(number))
    return meet, list(number)


def _ranges(
    groups: list[tuple[tuple[int, ...], int]], into: Ints, times: tuple[Ints, Ints, Ints], holds: Flags
) -> tuple[Ints, Ints, Ints]:
    """Return the earliest and latest inbound time of every group, and promises that can be kept.

    A stage that may not hold stock passes on what it waits for: where even the earliest is later than it
    promises, the promise is moved there.
    """
    time, start, promise = times[0], times[1], times[2].copy()
    low, high = np.full(len(groups), NOBODY), np.full(len(groups), NOBODY)
    out = np.zeros((2, len(into)), dtype=np.int64)
    for k, g in enumerate(into):
        first = last = start[k]
        if g != NOBODY:
            if low[g] == NOBODY:
                own = list(groups[g][0])
                low[g] = max(start[k], out[0, own].max())
                high[g] = max(low[g], out[1, own].max())
            first, last = low[g], high[g]
        out[0, k] = 0 if holds[k] else first + time[k]
        promise[k] = max(promise[k], out[0, k])
        out[1, k] = min(last + time[k], promise[k])
    return low, high, promise


def _costs(bound: Bound, longest: Ints, tick: float) -> tuple[Floats, Floats, Ints]:
    """Return coefficients of the square root, or tables of costs at whole times up to the longest."""
    if isinstance(bound, NormalBound):
        none = np.zeros(len(longest) + 1, dtype=np.int64)
        return np.broadcast_to(bound.coefficient, longest.shape).copy(), np.empty(0), none
    safety, bounds = bound.tables(np.arange(len(longest)), longest.astype(np.float64))
    return np.zeros(len(longest)), safety * np.repeat(bound.holding_cost, np.diff(bounds)), bounds
