"""Connected places sized together: what is a network, whose target counts, and the laws handed down."""

import numpy as np
import polars as pl
import pytest
from scipy import stats

from plimsoll.domain.reasons import NETWORK_REASONS
from plimsoll.domain.tables import table
from plimsoll.maths.kernels.network_claims import claimed_laws, seen_laws
from plimsoll.maths.kernels.network_laws import added_laws, law_moments, owed_laws, widened_laws
from plimsoll.measure.totals import buffer_totals
from plimsoll.network.size import least_cost_fills, size
from plimsoll.policy import PolicyParams
from plimsoll.policy import size as size_alone

KEY = ["item_id", "location_id"]


def poisson(mean):
    """{units: share} of a Poisson demand."""
    units = np.arange(int(stats.poisson.ppf(1 - 1e-11, mean)) + 2) if mean else np.zeros(1)
    shares = stats.poisson.pmf(units, mean) if mean else np.ones(1)
    return dict(zip(units.tolist(), (shares / shares.sum()).tolist(), strict=True))


def place(at, source, rate, lead=1, **given):
    """A point with Poisson demand of `rate` a week, all below it included."""
    laws = {"review": poisson(rate), "lead": poisson(rate * lead), "protection": poisson(rate * (lead + 1))}
    own = {"at": at, "source": source, "kind": "transfer" if source in ("P", "W") else "purchase"}
    times = {"mean_days_est": 7.0 * lead, "protection_days_mean": 7.0 * (lead + 1), "rate": rate / 7.0}
    target = {"target_kind_eff": "fill", "target_service_eff": 0.95}
    return {"step_qty": 1.0} | own | laws | times | target | given


W = place("W", "Acme", 6.0, lead=3)
BRANCHES = [place(f"B{i}", "W", 2.0) for i in range(3)]


@pytest.fixture
def sized(company):
    """Size places with a fill rate at the feeding ones; `sold` is customers' demand a week by place."""

    def build(*places, fill=0.7, sold=None, points=None, target=None, refused=()):
        tables = company(*places)
        own = {given["at"]: 0.0 if given["at"] in ("P", "W") else given["rate"] * 7 for given in places}
        year = pl.col("location_id").replace_strict(own | (sold or {}), return_dtype=pl.Float64) / 7 * 365.25
        given = tables["points"].with_columns(demand_last_year_qty=year, **(points or {}))
        aim = tables["target"].with_columns(**(target or {}))
        rest = (tables["demand_estimate"], aim, tables["lead_times"], PolicyParams())
        why = pl.when(pl.col("location_id").is_in(list(refused))).then(pl.lit("network_time_zero"))
        stages = given.select(*KEY, refused_reason=why)
        found = size(given, *rest, lambda known: np.full(known.height, fill), ship_days=7.0, stages=stages)
        alone = size_alone(given, rest[0], aim, rest[3], rest[2])
        assert found.policies.schema == table("policy").schema
        assert found.service.schema == table("network_service").schema
        assert set(found.service["reason"]) <= set(NETWORK_REASONS)
        return found, alone

    return build


def at(frame, location):
    return frame.row(by_predicate=pl.col("location_id") == location, named=True)


def test_places_without_source_or_claimants_are_sized_as_alone_to_the_bit(sized):
    other = place("X", "Acme", 1.0)
    found, alone = sized(W, *BRANCHES, other, place("Y", "Y", 1.0, kind="production"))
    assert set(found.service["location_id"]) == {"W", "B0", "B1", "B2"}
    rest = pl.col("location_id").is_in(["X", "Y"])
    assert found.policies.filter(rest).equals(alone.filter(rest))
    lonely, alone = sized(other)
    assert lonely.policies.equals(alone)
    assert (lonely.service.height, lonely.findings) == (0, ())


def test_what_a_finding_took_out_of_the_network_is_sized_alone(sized):
    found, alone = sized(W, *BRANCHES, refused=["B1"])
    assert set(found.service["location_id"]) == {"W", "B0", "B2"}
    assert at(found.policies, "B1") == at(alone, "B1")
    found, alone = sized(W, *BRANCHES, refused=["W"])
    assert found.policies.equals(alone)  # what it feeds is sized as if it always delivered


def test_branches_cover_what_the_source_owes(sized):
    found, alone = sized(W, *BRANCHES)
    source, branch = at(found.service, "W"), at(found.service, "B1")
    assert (source["role"], source["n_downstream"], source["depth"], source["own_share"]) == (
        "feeds",
        3,
        0,
        0.0,
    )
    assert (branch["role"], branch["depth"], branch["source_location_id"]) == ("customers", 1, "W")
    assert source["reason"] == "holds_less_branches_cover"
    assert branch["reason"] == "covers_source_shortages"
    assert source["fill_rate_own_est"] is None
    assert source["fill_rate_est"] >= 0.7
    assert branch["fill_rate_est"] == branch["fill_rate_own_est"] >= 0.95
    assert branch["level_network_qty"] > branch["level_alone_qty"]
    # what the three wait for is what W owes, and Little's law turns it into days
    waiting = found.service.filter(pl.col("depth") == 1)["waiting_mean_qty"]
    assert waiting.sum() == pytest.approx(source["owed_mean_qty"], rel=1e-9)
    assert branch["wait_days_est"] == pytest.approx(branch["waiting_mean_qty"] / 2.0 * 7.0)
    value = found.service.select("on_hand_separate_value", "on_hand_network_value").sum().row(0)
    assert value[1] < value[0]
    policy, before = at(found.policies, "B1"), at(alone, "B1")
    network = policy["order_up_to_qty"] - before["order_up_to_qty"]
    assert policy["buffer_network_qty"] == pytest.approx(network)
    assert policy["buffer_demand_qty"] == before["buffer_demand_qty"]
    assert policy["classic_safety_stock_qty"] == before["classic_safety_stock_qty"]


def test_the_parts_of_the_buffer_sum_to_it(sized):
    found, _ = sized(W | {"order_multiple_eff": 24.0}, *BRANCHES, fill=0.5)
    parts = [f"buffer_{part}_qty" for part in ("demand", "lead_time", "lot_review", "network")]
    off = found.policies.select(pl.sum_horizontal(parts) - pl.col("buffer_qty")).to_series()
    assert off.abs().max() < 1e-9
    assert at(found.policies, "W")["buffer_network_qty"] < 0


def test_totals_of_the_buffer_name_the_network(sized, company):
    found, _ = sized(W, *BRANCHES, fill=0.5)
    total = buffer_totals(found.policies, company(W, *BRANCHES)["points"], found.target)
    parts = [f"buffer_{part}_value" for part in ("demand", "lead_time", "lot_review", "network")]
    assert total.select(pl.sum_horizontal(parts)).item() == pytest.approx(total["buffer_value"].item())
    assert total["buffer_network_value"].item() != 0


def test_a_source_that_is_never_short_changes_nothing(sized):
    found, alone = sized(W | {"target_service_eff": 1.0}, *BRANCHES, fill=1.0)
    branches = pl.col("location_id") != "W"
    levels = ["location_id", "reorder_point_qty", "order_up_to_qty"]
    assert found.policies.filter(branches).select(levels).equals(alone.filter(branches).select(levels))
    assert at(found.service, "B0")["reason"] == "source_rarely_short"


def test_the_dearer_choice_is_not_taken(sized):
    """A source that must never be short costs more than it saves: the targets alone stay."""
    found, _ = sized(W, *BRANCHES, fill=1.0 - 1e-9)
    assert set(found.target["target_source"]) == {"segment"}
    service = found.service
    assert service["on_hand_network_value"].equals(
        service["on_hand_separate_value"].alias("on_hand_network_value")
    )


@pytest.mark.parametrize(("fill", "kept"), [(0.5, True), (0.97, True), (0.999, False)])
def test_own_customers_target_is_a_floor(sized, fill, kept):
    cheap = {"unit_cost_eff": pl.when(pl.col("location_id") == "W").then(0.01).otherwise(10.0)}
    found, _ = sized(W, *BRANCHES[:2], fill=fill, sold={"W": 2.0}, points=cheap)
    source = at(found.service, "W")
    assert (source["role"], source["own_share"]) == ("both", pytest.approx(1 / 3))
    assert source["target_service_eff"] == pytest.approx(0.95 if kept else fill)
    assert source["reason"] == ("holds_for_own_customers" if kept else "holds_more_for_branches")
    assert at(found.target, "W")["target_source"] == ("segment" if kept else "network")


def test_a_persons_target_at_a_feeding_place_stays(sized):
    found, _ = sized(W, *BRANCHES, fill=0.2, target={"target_source": pl.lit("person")})
    assert at(found.service, "W")["reason"] == "target_set"
    assert found.target["target_service_eff"].to_list() == [0.95] * 4


def test_a_source_that_holds_nothing_is_named(sized):
    planned = {"planned": pl.col("location_id") != "W"}
    found, alone = sized(W, *BRANCHES, points=planned)
    assert found.policies.equals(alone)
    (finding,) = found.findings
    assert (finding.code, finding.n_rows) == ("source_holds_nothing", 3)
    assert "A @ B0" in finding.keys


def test_places_in_a_circle_are_sized_alone(sized):
    circle = [place("W", "P", 2.0), place("P", "W", 2.0), place("B0", "W", 2.0)]
    found, alone = sized(*circle)
    assert found.policies.equals(alone)


def test_three_levels_hand_their_shortages_down(sized):
    plant, branches = place("P", "Acme", 6.0, lead=4), BRANCHES
    found, _ = sized(plant, W | {"source": "P", "kind": "transfer"}, *branches, fill=0.6)
    assert found.service.sort("location_id")["depth"].to_list() == [2, 2, 2, 0, 1]
    assert at(found.service, "P")["n_downstream"] == 4
    assert at(found.service, "W")["waiting_mean_qty"] > 0
    two, _ = sized(W, *branches, fill=0.6)
    # W is short as often, but longer: what it waits for comes on top
    assert at(found.service, "W")["owed_sd_qty"] > at(two.service, "W")["owed_sd_qty"]


def test_lost_sales_wait_by_a_longer_lead_time(sized):
    lost = {
        "unmet_demand_eff": pl.when(pl.col("location_id") == "W")
        .then(pl.lit("backlog"))
        .otherwise(pl.lit("lost"))
    }
    found, alone = sized(W, *BRANCHES, fill=0.3, points=lost)
    branch = at(found.policies, "B0")
    assert branch["method_used"] == "simulated"
    assert branch["order_up_to_qty"] > at(alone, "B0")["order_up_to_qty"]


def test_least_cost_keeps_customers_targets_and_lowers_the_source(sized, company):
    seen = {}

    def choose(known):
        seen["known"], seen["fill"] = known, least_cost_fills(known)
        return seen["fill"]

    tables = company(W, *BRANCHES)
    year = pl.when(pl.col("location_id") == "W").then(0.0).otherwise(2.0 / 7 * 365.25)
    points = tables["points"].with_columns(demand_last_year_qty=year)
    rest = (tables["demand_estimate"], tables["target"], tables["lead_times"], PolicyParams())
    found = size(points, *rest, choose, ship_days=7.0)
    assert seen["known"]["target_fill"].null_count() == 1
    assert 0.0 <= seen["fill"][0] < 0.95
    default = size(points, *rest, ship_days=7.0)
    assert default.policies.equals(found.policies)
    value = found.service["on_hand_network_value"].sum()
    for fill in (0.0, 0.3, 0.6, 0.8, 0.9):  # whole units of slow movers cost two moments some percent
        other = size(points, *rest, lambda known, fill=fill: np.full(known.height, fill), ship_days=7.0)
        assert value <= other.service["on_hand_network_value"].sum() * 1.1


def test_orders_of_one_claimant_in_multiples_are_exact():
    """Q floor((U + D) / Q), U uniform on 0..Q - 1, by enumeration."""
    law, lot = stats.poisson.pmf(np.arange(30), 4.0), 7
    expected = np.zeros(30 + lot)
    for units, share in enumerate(law):
        for phase in range(lot):
            expected[lot * ((phase + units) // lot)] += share / lot
    one = np.ones(1)
    found, bounds = widened_laws(law, np.array([0, 30]), lot * one, one, one, np.array([0, 1]), one == 1)
    np.testing.assert_allclose(found, expected[: bounds[1]], atol=1e-12)


def test_lots_of_several_claimants_add_their_variance():
    law = stats.poisson.pmf(np.arange(80), 30.0)
    lots, units, shares = np.array([6.0, 1.0, 10.0]), np.ones(3), np.array([0.3, 0.3, 0.4])
    none, bounds = np.array([False]), np.array([0, 80])
    found = widened_laws(law, bounds, lots, units, shares, np.array([0, 3]), none)
    mean, variance = law_moments(*found)
    demand = np.arange(80)
    added = sum(
        (q * q - 1) / 6 * (1 - np.exp(-6 * p * demand / (q + 1))) for q, p in zip(lots, shares, strict=True)
    )
    assert mean[0] == pytest.approx(30.0, rel=1e-9)
    assert variance[0] == pytest.approx(30.0 + law @ added, rel=1e-6)
    same, _ = widened_laws(law, bounds, np.ones(1), np.ones(1), np.ones(1), np.array([0, 1]), none)
    np.testing.assert_allclose(same, law[: len(same)], atol=1e-12)


@pytest.mark.parametrize(("lot", "is_uniform", "until"), [(1, False, 1.0), (5, True, 1.0), (4, False, 0.4)])
def test_units_owed_by_plain_sums(lot, is_uniform, until):
    review, level = stats.poisson.pmf(np.arange(20), 2.0), 4
    lead, protection = stats.poisson.pmf(np.arange(30), 4.0), stats.poisson.pmf(np.arange(40), 6.0)
    weights = np.full(lot, 1.0 / lot)
    if not is_uniform and lot > 1:  # the chain of the position itself
        chain = np.zeros((lot, lot))
        for below in range(lot):
            for units, share in enumerate(review):
                chain[below, below + units if below + units < lot else 0] += share
        stay = np.linalg.matrix_power(chain, 4000)[0]
        weights = (stay / stay.sum())[::-1]
    mixed = until * protection + (1 - until) * np.pad(lead, (0, 10))
    expected = np.zeros(40)
    for i, weight in enumerate(weights):
        for units, chance in enumerate(mixed):
            expected[max(units - level - 1 - i, 0)] += weight * chance
    one = np.array([0])
    found, bounds = owed_laws(
        protection, np.array([0, 40]), lead, np.array([0, 30]), review, np.array([0, 20]),
        np.array([until]), one + lot, np.array([is_uniform]), one + level,
    )  # fmt: skip
    np.testing.assert_allclose(found, expected[: bounds[1]], atol=2e-7)


def test_parts_of_what_is_owed_by_simulation():
    """Each lump falls to the claimant with its share; 200,000 draws, 5 standard errors: one alarm in 10^6."""
    owed, lump, share = stats.nbinom.pmf(np.arange(60), 2, 0.2), 3, 0.3
    owed /= owed.sum()
    rng = np.random.default_rng(5)
    total = rng.choice(60, size=200_000, p=owed)
    part = lump * rng.binomial(total // lump, share) + (total % lump) * rng.binomial(1, share, len(total))
    one = np.array([0])
    law, bounds = claimed_laws(owed, np.array([0, 60]), one, one + share, one + lump, one + 2.0, one + 0.0)
    mean, variance = law_moments(law, bounds)
    assert mean[0] == pytest.approx(2.0 * share * (owed @ np.arange(60)), rel=1e-9)
    seen = np.bincount(2 * part, minlength=bounds[1])[: bounds[1]] / len(part)
    assert np.abs(seen - law).max() < 5 * 0.5 / np.sqrt(len(part))
    assert variance[0] == pytest.approx((2 * part).var(), rel=0.03)


def test_a_coarse_source_keeps_the_mean_on_the_claimants_lattice():
    owed, one = np.array([0.5, 0.25, 0.25]), np.array([0])
    for ratio in (0.3, 1.0, 2.5):
        law, bounds = claimed_laws(owed, np.array([0, 3]), one, one + 1.0, one + 1, one + ratio, one + 0.0)
        assert law_moments(law, bounds)[0][0] == pytest.approx(0.75 * ratio)
        moved, ends = claimed_laws(owed, np.array([0, 3]), one, one + 1.0, one + 1, one + ratio, one + 0.9)
        assert law_moments(moved, ends)[0][0] == pytest.approx(0.9 * ratio)


def test_a_claimants_own_lot_is_left_out_of_the_delay_it_sees():
    """One claimant: only demand above the source's position delays; two: the other's lot stays in."""
    law, bounds = stats.poisson.pmf(np.arange(40), 8.0), np.array([0, 40])
    rule = (np.ones(1), np.array([1]), np.array([False]), np.array([8]))  # order up to 9
    laws = (law, bounds, law, bounds, law, bounds, np.ones(1), np.array([0, 1]))
    seen, ends = seen_laws(*laws, *rule, np.array([12.0]), np.ones(1), np.ones(1), np.array([0, 1]))
    expected = np.array([law[:10].sum(), *law[10:]])
    np.testing.assert_allclose(seen, expected[: ends[1]], atol=1e-12)
    both = (np.array([12.0, 1.0]), np.ones(2), np.array([0.5, 0.5]), np.array([0, 2]))
    other, two = seen_laws(*laws, *rule, *both)
    np.testing.assert_allclose(other, seen, atol=1e-12)
    assert two[2] == two[1]  # a unit lot: what it sees is the total
    lots = (np.array([12.0, 12.0]), *both[1:])
    wide, edges = seen_laws(*laws, *rule, *lots)
    assert law_moments(wide, edges)[1][0] > law_moments(seen, ends)[1][0]


def test_nothing_owed_leaves_a_law_as_it_is():
    law = np.array([0.1, 0.2, 0.7])
    same, bounds = added_laws(law, np.array([0, 3]), np.ones(1), np.array([0, 1]))
    assert same.tolist() == law.tolist()
    assert bounds.tolist() == [0, 3]
