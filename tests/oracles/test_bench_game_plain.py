"""The ordering game against a plain twin that moves boxes one by one."""

from datetime import date

import numpy as np
import pytest

from plimsoll.workflows.benchmarks.game import SLACK, Game, Levels, play


def plain(game: Game, levels: Levels):
    """Receive what was ordered a lead time ago, review, demand, count; item by item and in whole orders."""
    demand = game.demand[:, game.train :]
    out = {name: np.zeros(demand.shape) for name in ("on_hand", "served", "clear", "in_full", "position")}
    for i in range(len(demand)):
        net, orders = max(levels.first[0, i], 0.0), []
        for t, asked in enumerate(demand[i]):
            epoch = t // game.every
            net += sum(quantity for due, quantity in orders if due == t)
            position = net + sum(quantity for due, quantity in orders if due > t)
            if position <= levels.reorder[epoch, i]:
                wanted = max(levels.up_to[epoch, i] - position, game.moq[i])
                order = float(np.ceil(wanted - SLACK))
                orders.append((t + game.lead[i], order))
                position += order
            out["position"][i, t] = position
            stock = max(net, 0.0)
            out["served"][i, t] = min(stock, asked)
            out["in_full"][i, t] = stock >= asked - SLACK
            net -= asked
            out["on_hand"][i, t], out["clear"][i, t] = max(net, 0.0), net >= -SLACK
    return out


@pytest.mark.parametrize("seed", range(6))
def test_the_kernel_and_the_plain_twin_agree(seed):
    rng = np.random.default_rng(seed)
    n, periods, train, every = 40, 70, 10, (1, 4, 7)[seed % 3]
    demand = (
        rng.poisson(3.0, (n, periods)) * (rng.random((n, periods)) < 0.4) * rng.choice([1.0, 0.25], (n, 1))
    )
    game = Game(
        "twin", "week", date(2024, 1, 1), tuple(f"{i:02}" for i in range(n)), demand,
        rng.integers(1, 12, n), rng.choice([0.0, 0.02, 1.0, 7.5, 30.0], n), np.ones(n), train, every,
    )  # fmt: skip
    shape = (len(game.epochs), n)
    if seed % 2:
        levels = Levels.base_stock(rng.uniform(0.0, 30.0, shape))
    else:
        reorder = rng.integers(-1, 20, shape) * 0.25
        levels = Levels(reorder, reorder + rng.integers(1, 40, shape), reorder + 0.25)
    found, twin = play(game, levels, is_detailed=True), plain(game, levels)
    assert found.on_hand == pytest.approx(twin["on_hand"].mean(axis=1), abs=1e-6)
    assert found.served == pytest.approx(twin["served"].sum(axis=1), abs=1e-6)
    assert found.position == pytest.approx(twin["position"], abs=1e-3)
    assert (found.clear == twin["clear"]).all()
    assert (found.in_full == twin["in_full"]).all()
    short = play(game, levels)
    assert (short.on_hand == found.on_hand).all()
    assert short.position.size == 0
