"""The usual rules that Plimsoll is measured against, from their formulas: order-up-to levels by goal.

Every peer orders up to S whenever its position is below S, with S from demand over the protection
interval of H = lead + 1 periods. Its history counts from the first period of the data.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from plimsoll.maths.ragged import Floats
from plimsoll.maths.rng import rng_for
from plimsoll.workflows.benchmarks.game import Game, Levels

ALPHA = 0.1  # weight of sizes and intervals, and of the probability of demand
WEIGHT = 0.05  # of the exponentially weighted moments
PATHS = 1000  # of the bootstrap: Willemain, Smart & Schwarz 2004
SEED = 1
CHUNK = 256  # items whose paths are drawn at a time
Estimate = tuple[Floats, Floats]  # mean and variance of demand over the protection interval, each (n,)
QUANTILES = tuple(float(1.0 - tail) for tail in 0.5 ** np.arange(1.0, 28.0))


@dataclass(frozen=True, slots=True)
class Peer:
    """A rule: its name, the goals it is tried with, and its levels (G, n) for a history (n, t) and goals."""

    name: str
    goals: tuple[float, ...]
    targets: Callable[[Game, int, tuple[float, ...]], Floats]
    is_service: bool = True

    def levels(self, game: Game, goals: tuple[float, ...]) -> list[Levels]:
        """Return the levels through the game for each goal."""
        by_epoch = np.stack([self.targets(game, t, goals) for t in game.epochs], axis=1)
        return [Levels.base_stock(targets) for targets in by_epoch]


def moments(history: Floats, horizon: Floats) -> Estimate:
    """Return mean and variance over the horizon of independent periods like all of the history."""
    return horizon * history.mean(axis=1), horizon * history.var(axis=1, ddof=1)


def weighted_moments(history: Floats, horizon: Floats) -> Estimate:
    """Return the same from moments in which a period weighs 1 - `WEIGHT` of the one after it."""
    weights = (1.0 - WEIGHT) ** np.arange(history.shape[1])[::-1]
    weights /= weights.sum()
    mean = history @ weights
    variance = ((history - mean[:, None]) ** 2) @ weights / (1.0 - weights @ weights)
    return horizon * mean, np.asarray(horizon * variance)


def croston_sba(history: Floats, horizon: Floats) -> Estimate:
    """Return Croston's rate less its bias, (1 - a/2) z / p (Syntetos & Boylan 2005), and its errors.

    Sizes z and intervals p are smoothed with a = `ALPHA` when there is demand. The variance of a period
    is the mean of squared one-period errors from the first demand on; that of the horizon is H times it.
    """
    n = len(history)
    size, interval, gap, squares, count = np.zeros(n), np.ones(n), np.ones(n), np.zeros(n), np.zeros(n)
    for y in history.T:
        is_first, active = count == 0.0, y > 0.0
        squares += np.where(is_first, 0.0, (y - (1.0 - 0.5 * ALPHA) * size / interval) ** 2)
        size = np.where(active, np.where(is_first, y, size + ALPHA * (y - size)), size)
        interval = np.where(active, np.where(is_first, gap, interval + ALPHA * (gap - interval)), interval)
        gap = np.where(active, 1.0, gap + 1.0)
        count += ~is_first | active
    variance = np.where(count > 1.0, squares / np.maximum(count - 1.0, 1.0), history.var(axis=1))
    return horizon * (1.0 - 0.5 * ALPHA) * size / interval, horizon * variance


def tsb(history: Floats, horizon: Floats) -> Estimate:
    """Return the rate p z of Teunter, Syntetos & Babai 2011, and the mean of squared one-period errors.

    The probability p is smoothed in every period, the size z when there is demand, both with `ALPHA` and
    from the averages of the history.
    """
    active = history > 0.0
    chance = active.mean(axis=1)
    size = np.where(active, history, 0.0).sum(axis=1) / np.maximum(active.sum(axis=1), 1)
    squares = np.zeros(len(history))
    for y, is_active in zip(history.T, active.T, strict=True):
        squares += (y - chance * size) ** 2
        chance += ALPHA * (is_active - chance)
        size += np.where(is_active, ALPHA * (y - size), 0.0)
    return horizon * chance * size, np.asarray(horizon * squares / history.shape[1])


def normal_quantile(estimate: Estimate, shares: Floats) -> Floats:
    """Return mean + z sd for shares (G, 1) or (G, n)."""
    mean, variance = estimate
    return np.asarray(mean + stats.norm.ppf(shares) * np.sqrt(variance))


def negative_binomial_quantile(estimate: Estimate, shares: Floats) -> Floats:
    """Return quantiles of the negative binomial with these moments, of a Poisson where it is not wider."""
    mean, variance = np.maximum(estimate[0], 1e-9), estimate[1]
    wider = np.maximum(variance, 1.001 * mean)
    share = mean / wider
    level = stats.nbinom.ppf(shares, mean * share / (1.0 - share), share)
    return np.asarray(np.maximum(level, 0.0))


def bootstrap_quantile(history: Floats, horizon: Floats, shares: Floats, seed_key: str) -> Floats:
    """Return quantiles of paths of demand (Willemain, Smart & Schwarz 2004).

    Whether a period has demand follows a two-state Markov chain from the last period's state; a size x
    is drawn from those seen and jittered, 1 + int(x + sqrt(x) z), or x where that is below 1.
    """
    active = history > 0.0
    now, after = active[:, :-1], active[:, 1:]
    share = active.mean(axis=1)
    stays = ((now & after).sum(axis=1) + share) / (now.sum(axis=1) + 1.0)
    begins = ((~now & after).sum(axis=1) + share) / ((~now).sum(axis=1) + 1.0)
    count = active.sum(axis=1)
    sizes = np.take_along_axis(history, np.argsort(~active, axis=1, kind="stable"), axis=1)
    out: Floats = np.empty((len(shares), len(history)))
    for lo in range(0, len(history), CHUNK):
        part = slice(lo, lo + CHUNK)
        rng = rng_for(SEED, "benchmark", "bootstrap", seed_key, str(lo))
        shape = (len(count[part]), PATHS)
        state, total = np.repeat(active[part, -1:], PATHS, axis=1), np.zeros(shape, dtype=np.float32)
        for ahead in range(int(horizon[part].max())):
            chance = np.where(state, stays[part, None], begins[part, None])
            state = rng.random(shape, dtype=np.float32) < chance
            drawn = (rng.random(shape, dtype=np.float32) * count[part, None]).astype(np.int64)
            size = np.take_along_axis(sizes[part], np.minimum(drawn, count[part, None] - 1), axis=1)
            jittered = 1.0 + np.floor(size + np.sqrt(size) * rng.standard_normal(shape, dtype=np.float32))
            size = np.where(jittered < 1.0, size, jittered)
            total += np.where(state & (ahead < horizon[part, None]), size, 0.0)
        out[:, part] = np.quantile(total, shares[:, 0], axis=1, method="inverted_cdf")
    return out


def _known(game: Game, t: int) -> tuple[Floats, Floats]:
    return game.demand[:, :t], np.asarray(game.lead + 1.0, dtype=np.float64)


def _with(
    estimate: Callable[[Floats, Floats], Estimate],
    quantile: Callable[[Estimate, Floats], Floats],
    *,
    is_costed: bool = False,
) -> Callable[[Game, int, tuple[float, ...]], Floats]:
    """Return the levels at quantiles that are the goals, or 1 - goal x unit cost."""

    def targets(game: Game, t: int, goals: tuple[float, ...]) -> Floats:
        shares = np.array(goals)[:, None]
        if is_costed:
            shares = np.clip(1.0 - shares * game.cost, 0.0, 1.0 - 1e-9)
        return quantile(estimate(*_known(game, t)), shares)

    return targets


def _cover(game: Game, t: int, goals: tuple[float, ...]) -> Floats:
    return np.asarray(np.array(goals)[:, None] * game.demand[:, :t].mean(axis=1))


def _bootstrap(game: Game, t: int, goals: tuple[float, ...]) -> Floats:
    return bootstrap_quantile(*_known(game, t), np.array(goals)[:, None], f"{game.name} {t}")


def peers(game: Game) -> tuple[Peer, ...]:
    """Return the usual rules, with goals that reach from low service to high in this game."""
    covers = tuple(float(game.lead.max() + 1) * 1.25**k for k in range(-4, 12))
    prices = tuple(2.0**k / float(np.median(game.cost)) for k in range(-14, 3))
    plain, count = normal_quantile, negative_binomial_quantile
    return (
        Peer("flat cover", covers, _cover, is_service=False),
        Peer("normal", QUANTILES, _with(moments, plain)),
        Peer("Croston-SBA, normal", QUANTILES, _with(croston_sba, plain)),
        Peer("TSB, normal", QUANTILES, _with(tsb, plain)),
        Peer("bootstrap", QUANTILES, _bootstrap),
        Peer("negative binomial", QUANTILES, _with(moments, count)),
        Peer("negative binomial by cost", prices, _with(moments, count, is_costed=True), is_service=False),
        Peer(
            "weighted negative binomial by cost",
            prices,
            _with(weighted_moments, count, is_costed=True),
            is_service=False,
        ),
    )
