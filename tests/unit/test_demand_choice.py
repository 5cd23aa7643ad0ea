"""Classes, pooled rates, held-out origins and the choice of a method."""

import numpy as np
import polars as pl
import pytest

from plimsoll.demand import DemandParams
from plimsoll.demand.classify import CLASSES, classify
from plimsoll.demand.pool import Kin, gamma_prior, kin_of, pooled_states
from plimsoll.demand.score import Scores, marks_of, window_sums
from plimsoll.demand.select import choose, shrunk_loss, simplest_of_best
from plimsoll.demand.shelf import SeriesFacts, methods
from plimsoll.maths.kernels import demand_fit as fit

PARAMS = DemandParams(evidence_origins=8)


def facts(n, k, size=4.0, variance=4.0):
    return [n, k, 0.0, 0.0, size, variance, 1.0, 0.0]


def kin(category, item=None, log_cost=0.0):
    n = len(category)
    return Kin(np.arange(n) if item is None else item, category, np.full(n, log_cost))


@pytest.mark.parametrize(
    ("n", "k", "cv2", "kind"),
    [
        (131, 100, 0.48, "smooth"),
        (132, 100, 0.48, "intermittent"),
        (131, 100, 0.49, "erratic"),
        (132, 100, 0.49, "lumpy"),
        (50, 1, 0.0, "intermittent"),
        (50, 0, 0.0, "none"),
        (0, 0, 0.0, "none"),
    ],
)
def test_cuts_of_the_classes(n, k, cv2, kind):
    found, adi, seen = classify(np.array([facts(n, k, 10.0, 100 * cv2)]), PARAMS)
    assert CLASSES[found[0]] == kind
    assert np.isnan(adi[0]) == (k == 0)
    assert np.isnan(seen[0]) == (k < 2)


def test_every_method_states_itself():
    shelf = methods()
    assert len({method.code for method in shelf}) == len({method.name for method in shelf}) == fit.N_METHODS
    assert [method.rank for method in shelf] == list(range(fit.N_METHODS))
    assert all(method.formula and method.source and method.when for method in shelf)


def test_held_out_origins():
    marks = marks_of(np.array([104, 104, 11, 5, 0]), np.array([6, 21, 2, 1, 1]), DemandParams())
    assert marks[0].tolist() == [63, 68, 73, 78, 83, 88, 93, 98, 104]
    assert (marks[1, 0], marks[1, -2], marks[1, -1]) == (63, 83, 104)
    assert marks[2].tolist() == [7, 8, 9, 11, 11, 11, 11, 11, 11]
    assert (marks[3] == 5).all()
    assert (marks[4] == 0).all()


def test_windows_with_an_unobserved_period_are_left_out():
    values = np.array([1.0, 2, 3, 4, 10, np.nan, 30, 40])
    sums = window_sums(values, np.array([0, 4, 8]), np.array([[0, 2, 3], [0, 2, 4]]), np.array([2, 2]))
    assert np.array_equal(sums, [[3, 7, np.nan], [np.nan, 70, np.nan]], equal_nan=True)


def test_gamma_prior_recovers_a_population():
    rng = np.random.default_rng(1)
    exposure = rng.integers(20, 200, 20_000).astype(float)
    events = rng.poisson(rng.gamma(0.8, 1 / 20.0, 20_000) * exposure).astype(float)
    a, b = gamma_prior(events, exposure)
    assert (a, b) == (pytest.approx(0.8, rel=0.06), pytest.approx(20.0, rel=0.06))


def test_pooled_rate_is_small_but_never_zero():
    rng = np.random.default_rng(2)
    table = np.array(
        [facts(100, k) for k in rng.poisson(rng.gamma(0.5, 10.0, 200))]
        + [facts(100, 0, 0.0), facts(100, 1, 9.0), facts(5, 0, 0.0)]
    )
    group = np.r_[np.zeros(200, int), 0, 1, 0]
    wanted = np.r_[np.zeros(200, bool), True, True, True]
    never, once, new = pooled_states(table, kin(group), wanted, 52, PARAMS)[200:, 0]
    a, b = gamma_prior(table[group == 0, 1], table[group == 0, 0])
    assert never == pytest.approx(4.0 * a / (b + 100))
    assert 0 < never < new < 4.0 * a / b
    assert once == pytest.approx(9.0 * (1 + a) / (b + 100), rel=0.05)


def test_without_any_demand_half_an_event_a_year_is_expected():
    state = pooled_states(np.array([facts(0, 0, 0.0)]), kin(np.zeros(1, int)), np.ones(1, bool), 52, PARAMS)
    assert state[0, 0] == pytest.approx(0.5 / 52)
    assert np.isfinite(state).all()


def test_never_sold_here_takes_its_size_from_elsewhere():
    """By hand: w = 0.81 at the sparse place, 0 at the busy one; log z = (0.81 log 2 + category) / 1.81."""
    table = [facts(100, 10, 2.0), facts(100, 100, 900.0), *[facts(100, 10, 8.0)] * 40, facts(100, 0, 0.0)]
    item = np.array([0, 0, *range(1, 41), 0])
    wanted = np.arange(len(table)) == len(table) - 1
    state = pooled_states(np.array(table), kin(np.zeros(len(table), int), item), wanted, 52, PARAMS)[-1]
    events = [row[1] for row in table]
    a, b = gamma_prior(np.array(events, float), np.full(len(table), 100.0))
    category = (40 * np.log(8.0) + np.log(2.0)) / 41
    size = np.exp((0.81 * np.log(2.0) + category) / 1.81)
    assert state[0] == pytest.approx(a / (b + 100) * size, rel=1e-5)
    assert state[1] == pytest.approx(a / (b + 100) * (size**2 + size * (size - 1)), rel=1e-5)


def test_the_category_asks_for_less_of_what_is_dear():
    rng = np.random.default_rng(3)
    log_cost = rng.normal(2.0, 1.0, 201)
    size = np.exp(4.0 - 0.7 * log_cost + rng.normal(0.0, 0.2, 201))
    table = np.array([facts(100, 10, z) for z in size[:-1]] + [facts(100, 0, 0.0)])
    wanted = np.arange(201) == 200
    found = []
    for cost in (0.0, 3.0):
        log_cost[-1] = cost
        kinship = Kin(np.arange(201), np.zeros(201, int), log_cost)
        found.append(pooled_states(table, kinship, wanted, 52, PARAMS)[-1, 0])
    assert found[0] / found[1] == pytest.approx(np.exp(3 * 0.7), rel=0.1)


def test_a_cost_that_is_not_known_counts_as_the_average():
    points = pl.DataFrame(
        {
            "item_id": ["A", "B", "A", "C"],
            "category": ["x", None, "x", "y"],
            "unit_cost_eff": [1.0, 0.0, 1.0, 8.0],
        }
    )
    kinship = kin_of(points)
    assert kinship.item.tolist() == [1, 2, 1, 3]
    assert len(set(kinship.category.tolist())) == 3
    assert kinship.log_cost == pytest.approx(np.log([1.0, 2.0, 1.0, 8.0]))
    assert kin_of(points.with_columns(unit_cost_eff=0.0)).log_cost.tolist() == [0.0] * 4


def scores(losses, origins):
    losses = np.asarray(losses, float)
    state = np.ones((len(losses), fit.N_METHODS, fit.WIDTH))
    index, origins = np.ones((len(losses), fit.SEASONS)), np.asarray(origins)
    return Scores(losses, origins, state, index, losses, origins // 2)


def losses(**given):
    row = np.full(fit.N_METHODS, np.inf)
    for name, loss in given.items():
        row[getattr(fit, name)] = loss
    return row


def test_loss_is_shrunk_by_evidence():
    rows = [losses(SES=1.0, NB=3.0)] + [losses(SES=2.0, NB=2.0)] * 3
    shrunk, average = shrunk_loss(scores(rows, [8, 8, 8, 8]), np.zeros(4, int), PARAMS)
    size = 2**0.5  # of a period: mean and variance 1
    assert average[0, [fit.SES, fit.NB]] == pytest.approx([7 / 4 / size, 9 / 4 / size])
    assert shrunk[0, fit.SES] == pytest.approx((1.0 + 7 / 4) / 2 / size)
    assert np.isinf(shrunk[0, fit.TSB])


def test_ties_go_to_the_simpler():
    ranks = np.array([2, 0, 1])
    assert simplest_of_best(
        np.array([[1.0, 1.004, 1.2], [1.0, 1.006, 1.001], [np.inf] * 3]), ranks, 0.005
    ).tolist() == [1, 2, -1]


def series(n, k, year=52):
    n, k = np.asarray(n, float), np.asarray(k, float)
    return SeriesFacts(
        n,
        k,
        np.full(len(n), 20.0),
        np.full(len(n), 5.0),
        np.zeros(len(n), bool),
        np.zeros(len(n), bool),
        year,
    )


def eligible_of(known):
    out = np.zeros((len(known.mean), fit.N_METHODS), bool)
    for method in methods():
        out[:, method.code] = method.applies(known)
    return out


def test_fallbacks_are_named():
    known = series([80, 104, 8, 90, 90, 104], [70, 90, 5, 1, 0, 90])
    none = losses()
    rows = [losses(NORMAL=2.0, SES=2.0, SEASONAL=1.0)] * 2 + [none] * 3 + [losses(SES=1.0, NB=2.0)]
    given = scores(rows, [8, 8, 0, 0, 0, 8])
    given.state[5, fit.SES] = np.nan
    kind = np.array([0, 0, 0, 2, 4, 0])
    choice = choose(given, kind, known, eligible_of(known), PARAMS)
    names = {method.code: method.name for method in methods()}
    assert [
        (names[w], names[u], r) for w, u, r in zip(choice.wanted, choice.used, choice.reason, strict=True)
    ] == [
        ("seasonal", "ses", "seasonal_needs_two_years"),
        ("seasonal", "seasonal", ""),
        ("seasonal", "compound", "history_too_short"),
        ("compound", "compound", ""),
        ("compound", "pooled_rate", "no_demand"),
        ("ses", "negative_binomial", "not_finite"),
    ]
