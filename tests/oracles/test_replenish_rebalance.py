"""Scarce stock and moves against exhaustive search, a mixed-integer program and figures by hand."""

from datetime import date
from itertools import product

import numpy as np
import pytest
from scipy.stats import nbinom

from plimsoll.maths.kernels.allocation import ration, shortages
from plimsoll.maths.kernels.charged_flow import best_flows
from plimsoll.replenish import ReplenishParams, moves_flow, recommend
from plimsoll.replenish.moves_flow import Flow, best_moves
from plimsoll.replenish.own_customers import own_laws, promised

AS_OF = date(2026, 11, 21)


def law(rng, size):
    weights = rng.random(size) ** 3
    return weights / weights.sum()


def risk(pmf, step, level, weight):
    return weight * sum(p * max(k * step - level, 0.0) for k, p in enumerate(pmf))


@pytest.mark.parametrize("lot", [1.0, 4.0])
def test_scarce_stock_goes_where_it_leaves_least_money_at_risk(lot):
    rng = np.random.default_rng(11)
    for _ in range(40):
        n = int(rng.integers(2, 4))
        pmfs = [law(rng, int(rng.integers(2, 9))) for _ in range(n)]
        step = rng.choice([1.0, 2.0, 2.5], n)
        level, weight = rng.integers(-3, 6, n).astype(float), rng.choice([0.5, 1.0, 7.0], n)
        wanted = lot * rng.integers(1, 6, n)
        available = float(rng.integers(0, int(wanted.sum()) + 2))
        cuts = np.cumsum([0, *map(len, pmfs)])
        given = ration(
            np.array([0, n]), np.array([available]), wanted, np.full(n, lot), level, weight, step,
            np.concatenate(pmfs), cuts,
        )  # fmt: skip

        def left(units, place=(pmfs, step, level, weight)):
            claims = zip(*place, units, strict=True)
            return sum(risk(pmf, h, y + x, w) for pmf, h, y, w, x in claims)

        choices = product(*[np.arange(0, most + lot / 2, lot) for most in wanted])
        least = min(left(units) for units in choices if sum(units) <= available)
        assert sum(given) <= available
        assert (given <= wanted).all()
        assert (given % lot == 0).all()
        assert left(given) == pytest.approx(least, abs=1e-9)


def test_many_lots_given_in_bundles_come_close_to_one_by_one():
    rng = np.random.default_rng(3)
    pmfs = [law(rng, 60) for _ in range(3)]
    step = np.array([1_000.0, 2_500.0, 700.0])
    wanted = np.array([40_000.0, 90_000.0, 20_000.0])
    given = ration(
        np.array([0, 3]), np.array([75_001.0]), wanted, np.ones(3), np.zeros(3), np.ones(3), step,
        np.concatenate(pmfs), np.array([0, 60, 120, 180]),
    )  # fmt: skip
    assert given.sum() == 75_001.0
    level = np.minimum(given[:, None] + np.array([-100.0, 0.0, 100.0]), wanted[:, None])
    short = shortages(np.concatenate(pmfs), np.array([0, 60, 120, 180]), step, level)
    more, less = short[:, 1] - short[:, 2], short[:, 0] - short[:, 1]
    open_ended = given < wanted - 100.0
    # Where one more is not out of reach it is worth no more than what any other has just got.
    assert more[open_ended].max() <= less[given > 100.0].min() + 0.05


def random_flow(rng, n_has, n_wants, whole):
    n = int(rng.integers(1, n_has * n_wants + 1))
    pairs = rng.choice(n_has * n_wants, n, replace=False)

    def falling(rows):
        return -np.sort(-rng.normal(0.5, 2.0, (rows, 3)), axis=1)

    def units(rows):
        return rng.integers(0, 4, (rows, 3)).astype(float) if whole else rng.random((rows, 3))

    return Flow(
        (pairs // n_wants).astype(np.int64), (pairs % n_wants).astype(np.int64), rng.random(n),
        rng.choice([0.0, 1.0, 4.0], n), units(n_has), falling(n_has), units(n_wants), falling(n_wants),
    )  # fmt: skip


def money(flow, units):
    total = -(flow.unit_cost * units).sum() - flow.fixed_cost[units > 0].sum()
    for of, room, value in (
        (flow.origin, flow.has, flow.has_value),
        (flow.target, flow.wants, flow.wants_value),
    ):
        moved = np.bincount(of, units, len(room))
        assert (moved <= room.sum(axis=1) + 1e-9).all()
        used = np.clip(moved[:, None] - np.cumsum(room, axis=1) + room, 0.0, room)
        total += (used * value).sum()
    return total


def test_small_flows_are_as_good_as_the_mixed_integer_program(monkeypatch):
    rng = np.random.default_rng(8)
    flows = [random_flow(rng, *shape, whole=True) for shape in [(1, 1), (1, 4), (3, 1), (2, 3), (3, 3)] * 12]
    small = [best_moves(flow) for flow in flows]
    monkeypatch.setattr(moves_flow, "MOST_PAIRS", 0)
    large = [best_moves(flow) for flow in flows]
    gains = [money(flow, units) for flow, units in zip(flows, small, strict=True)]
    assert gains == pytest.approx([money(flow, units) for flow, units in zip(flows, large, strict=True)])
    assert sum(gain > 0 for gain in gains) > 20
    assert all((units == np.rint(units)).all() for units in [*small, *large])


def test_small_flows_are_as_good_as_any_whole_flow():
    rng = np.random.default_rng(21)
    for _ in range(25):
        flow = random_flow(rng, 2, 2, whole=True)
        found = money(flow, best_moves(flow))
        most = np.minimum(flow.has.sum(axis=1)[flow.origin], flow.wants.sum(axis=1)[flow.target]).astype(int)
        for units in product(*[range(top + 1) for top in most]):
            moved = np.array(units, dtype=float)
            over = [
                (np.bincount(of, moved, len(room)) > room.sum(axis=1)).any()
                for of, room in ((flow.origin, flow.has), (flow.target, flow.wants))
            ]
            assert any(over) or money(flow, moved) <= found + 1e-9


def test_parts_are_solved_apart():
    rng = np.random.default_rng(4)
    flows = [random_flow(rng, 2, 2, whole=True) for _ in range(70)]
    together = Flow(
        np.concatenate([flow.origin + 2 * n for n, flow in enumerate(flows)]),
        np.concatenate([flow.target + 2 * n for n, flow in enumerate(flows)]),
        *[
            np.concatenate([getattr(flow, name) for flow in flows])
            for name in ("unit_cost", "fixed_cost", "has", "has_value", "wants", "wants_value")
        ],
    )
    alone = np.concatenate([best_moves(flow) for flow in flows])
    assert np.array_equal(best_moves(together), alone)
    assert len(best_flows(np.zeros(1, dtype=np.int64), *[together.origin[:0]] * 2, *[np.zeros(0)] * 2,
                          *[together.has] * 4)) == 0  # fmt: skip


def test_own_customers_keep_what_their_target_asks_for():
    mean, variance = np.array([0.3, 8.0, 60.0, 900.0]), np.array([0.6, 9.0, 240.0, 9_000.0])
    pmf, step = own_laws(mean, variance)
    theirs = nbinom(mean / (variance / mean - 1.0), mean / variance)
    for target in (0.8, 0.95, 0.995):
        kept = promised(pmf, step, np.full(4, target))
        assert (np.abs(kept - theirs.ppf(target)) <= step - 1.0).all()
    assert (pmf @ np.arange(pmf.shape[1]) * step)[:3] == pytest.approx(mean[:3], rel=0.01)


def two_branches(company, **given):
    idle = {"at": "BR1", "source": "Acme", "stock": (500.0, 0.0, 0.0), "rate": 0.5, "s": 30.0}
    busy = {"at": "BR2", "source": "Acme", "stock": (0.0, 0.0, 0.0)}
    tables = company(idle | given, busy)
    return {name: frame for name, frame in tables.items() if name != "target"}


def test_one_move_by_hand(company):
    tables = two_branches(company)
    options = {"move_cost": 7.0, "move_cost_share": 0.01, "excess_days": 40.0, "move_days": 2.0}
    move = recommend(**tables, params=ReplenishParams(**options), as_of=AS_OF).move.row(0, named=True)
    # S = 50 and 40 days at half a unit are kept; BR2 orders up to 50 from nothing.
    assert (move["excess_qty"], move["quantity"], move["kind"]) == (430.0, 50.0, "transshipment")
    assert move["cost"] == pytest.approx(7.0 + 0.01 * 50 * 10.0)
    # The first of four tranches of 108, 107, 108 and 107 units leaves: its middle is at 500 - 54.
    days = (500 - 54) / 0.5
    assert move["holding_saved"] == pytest.approx(50 * 10.0 * 0.2 * days / 365.25)
    # Demand of the lead time is 0 or 20 alike: the first 20 units avoid a half each, at a price of 20,
    # times the share of the 14 days that the move is sooner; tranches of 13, 12, 13 and 12 units.
    assert move["shortage_avoided"] == pytest.approx(0.5 * 20 * 20.0 * (1 - 2.0 / 14.0))
    assert move["net"] == pytest.approx(move["holding_saved"] + move["shortage_avoided"] - move["cost"])
    assert move["sentence"] == (
        "Move 50 from BR1 to BR2: BR1 has 430 more than it needs, the last of which would be used there in "
        "1,000 days, and BR2 would order 50 from Acme today; it saves 244 of buying and holding and avoids "
        "171 of expected shortage for 12 of transport."
    )


def test_a_unit_that_nobody_asks_for_saves_its_cost_and_no_more(company):
    tables = two_branches(company, rate=0.0)
    move = recommend(**tables, params=ReplenishParams(), as_of=AS_OF).move.row(0, named=True)
    assert move["holding_saved"] == pytest.approx(50 * 10.0)
    assert move["excess_days"] is None
    assert "no demand for them" in move["sentence"]


def test_no_move_below_its_cost(company):
    tables = two_branches(company, rate=0.0)
    gain = recommend(**tables, params=ReplenishParams(), as_of=AS_OF).move["gain"].item()
    for cost, moves in ((gain - 25.0, 1), (gain + 1.0, 0)):
        params = ReplenishParams(move_cost=cost, move_cost_share=0.0)
        assert recommend(**tables, params=params, as_of=AS_OF).move.height == moves


def test_laws_at_many_levels_by_their_sum():
    rng = np.random.default_rng(2)
    pmfs = [law(rng, size) for size in (1, 5, 30)]
    step, level = np.array([1.0, 0.5, 12.0]), rng.normal(40.0, 90.0, (3, 7))
    found = shortages(np.concatenate(pmfs), np.array([0, 1, 6, 36]), step, level)
    expected = [[risk(pmf, h, x, 1.0) for x in row] for pmf, h, row in zip(pmfs, step, level, strict=True)]
    assert found == pytest.approx(np.array(expected))
