"""The vectorised lead-time estimate against plain loops, and atoms against numerical integration."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from scipy import integrate, stats

from plimsoll import supply
from plimsoll.domain.tables import table
from plimsoll.supply import atoms
from plimsoll.supply.credibility import evidence_ratio, moments

AS_OF = date(2026, 11, 21)


def ratio_in_loops(groups, params):
    """`groups` maps parent -> list of lists of observations."""
    squares = within_freedom = parents = children = 0
    between = scale = 0.0
    for members in groups.values():
        everything = [value for member in members for value in member]
        parents += 1
        scale += len(everything) - sum(len(member) ** 2 for member in members) / len(everything)
        for member in members:
            children += 1
            within_freedom += len(member) - 1
            squares += sum((value - np.mean(member)) ** 2 for value in member)
            between += len(member) * (np.mean(member) - np.mean(everything)) ** 2
    sigma2 = squares / within_freedom
    tau2 = (between - (children - parents) * sigma2) / scale
    return params.k_max if tau2 <= 0 else min(max(sigma2 / tau2, params.k_min), params.k_max)


def test_evidence_ratio_equals_loops():
    rng = np.random.default_rng(5)
    groups = {
        parent: [rng.normal(10 * parent + rng.normal(0, 4), 6, rng.integers(1, 9)).tolist() for _ in range(6)]
        for parent in range(5)
    }
    flat = [member for members in groups.values() for member in members]
    group = np.repeat(np.arange(len(flat)), [len(member) for member in flat])
    found = moments(group, np.concatenate(flat), len(flat))
    parent = np.repeat(np.arange(5), 6)
    expected = ratio_in_loops(groups, supply.SupplyParams())
    assert supply.SupplyParams().k_min < expected < supply.SupplyParams().k_max
    assert evidence_ratio(found, parent, supply.SupplyParams()) == pytest.approx(expected, rel=1e-10)


def test_evidence_ratio_recovers_the_variances_it_was_made_from():
    # k = 36 / 9 = 4. With 3,000 groups of 6 the relative standard error of tau2 is about
    # sqrt(2 / 3000) (9 + 6) / 9 = 4.3 %; five of them are 22 % (false alarm 6e-7).
    rng = np.random.default_rng(6)
    truth = np.repeat(rng.normal(0, 3, 3000), 6)
    found = moments(np.repeat(np.arange(3000), 6), truth + rng.normal(0, 6, truth.size), 3000)
    k = evidence_ratio(found, np.arange(3000) % 3, supply.SupplyParams())
    assert k == pytest.approx(4.0, rel=0.22)
    known = evidence_ratio(found, np.arange(3000), supply.SupplyParams(), known=np.zeros(3000))
    assert known == pytest.approx(4.0, rel=0.22)


def test_groups_that_differ_by_chance_only_get_no_weight_of_their_own():
    rng = np.random.default_rng(7)
    values = rng.permuted(np.arange(6.0) + np.zeros((400, 1)), axis=1).ravel()  # every group mean is 2.5
    found = moments(np.repeat(np.arange(400), 6), values, 400)
    assert (
        evidence_ratio(found, np.zeros(400, dtype=int), supply.SupplyParams()) == supply.SupplyParams().k_max
    )


def test_mean_estimates_equal_loops():
    rng = np.random.default_rng(8)
    leads, rows = {}, []
    for s in range(4):
        for d in range(3):
            for i in range(4):
                drawn = rng.gamma(9, (20 + 10 * s + 3 * d + i) / 9, rng.integers(1, 12)).round().astype(int)
                leads[f"S{s}", f"D{d}", f"I{i}"] = drawn.tolist()
    for (source, to, item), drawn in leads.items():
        for n, days in enumerate(drawn):
            ordered = date(2026, 1, 1) + timedelta(days=n)
            rows.append(
                (f"{source}{to}{item}{n}", item, to, source, ordered, ordered + timedelta(int(days)), 1.0)
            )
    names = [
        "order_id",
        "item_id",
        "to_location_id",
        "from_location_id",
        "ordered_date",
        "received_date",
        "quantity",
    ]
    received = table("receipts").conform(pl.DataFrame(rows, schema=names, orient="row"))
    on = received.select("item_id", "to_location_id", "from_location_id").unique()
    params = supply.SupplyParams()
    found = supply.estimate(received, table("lanes").conform(on), params, as_of=AS_OF)

    def of(**key):
        names = ("s", "d", "i")
        return [x for k, v in leads.items() if all(k[names.index(n)] == w for n, w in key.items()) for x in v]

    relative = {key: [x / np.mean(of(s=key[0])) for x in drawn] for key, drawn in leads.items()}
    by_lane, by_supplier = {}, {}
    for (s, d, _), drawn in relative.items():
        by_lane.setdefault((s, d), []).append(drawn)
    for (s, _), members in by_lane.items():
        by_supplier.setdefault(s, []).append([x for member in members for x in member])
    k_item, k_lane = ratio_in_loops(by_lane, params), ratio_in_loops(by_supplier, params)
    for row in found.iter_rows(named=True):
        s, d, i = row["from_location_id"], row["to_location_id"], row["item_id"]
        lane, own = of(s=s, d=d), leads[s, d, i]
        z_lane, z_item = len(lane) / (len(lane) + k_lane), len(own) / (len(own) + k_item)
        expected = z_lane * np.mean(lane) + (1 - z_lane) * np.mean(of(s=s))
        expected = z_item * np.mean(own) + (1 - z_item) * expected
        assert row["mean_days_est"] == pytest.approx(expected, rel=1e-9)


def test_bins_equal_loops():
    rng = np.random.default_rng(9)
    sizes = [1, 5, 24, 25, 100]
    group = np.repeat(np.arange(5), sizes)
    value = rng.normal(size=group.size)
    found, share = atoms.bin_means(group, value, np.ones(value.size), 5)
    for g, n in enumerate(sizes):
        ordered, bins = np.sort(value[group == g]), [[] for _ in range(24)]
        for rank, x in enumerate(ordered):
            bins[rank * 24 // n].append(x)
        assert share[g].tolist() == pytest.approx([len(b) / n for b in bins])
        assert found[g].tolist() == pytest.approx([np.mean(b) if b else 0.0 for b in bins])
        assert (found[g] * share[g]).sum() == pytest.approx(ordered.mean(), rel=1e-12)


@pytest.mark.parametrize("cv", [0.05, 0.3, 1.0, 2.5])
def test_gamma_atoms_equal_integration(cv):
    gamma = stats.gamma(1 / cv**2, scale=cv**2)
    found, _ = atoms.gamma_atoms(np.array([cv]))
    for j in (0, 11, 23):
        low, high = gamma.ppf(j / 24), gamma.ppf((j + 1) / 24)
        high = gamma.ppf(1 - 1e-13) if np.isinf(high) else high
        expected = 24 * integrate.quad(lambda x: x * gamma.pdf(x), low, high, epsabs=1e-12, limit=200)[0]
        assert found[0, j] == pytest.approx(expected, rel=1e-5, abs=1e-9)


def test_stretched_atoms_have_the_wanted_mean_and_spread_and_are_not_negative():
    rng = np.random.default_rng(10)
    raw = np.sort(rng.normal(size=(500, 24)), axis=1)
    share = np.full((500, 24), 1 / 24)
    mean, cv = rng.uniform(0.5, 100, 500), rng.uniform(0.0, 1.5, 500)
    days = atoms.stretch(mean, cv * mean, atoms.standardise(raw, share), share)
    found_mean, found_sd = atoms.moments_of(days, share)
    assert days.min() >= 0
    assert (np.diff(days, axis=1) >= 0).all()
    np.testing.assert_allclose(found_mean, mean, rtol=1e-12)
    np.testing.assert_allclose(found_sd, cv * mean, rtol=1e-4)
