"""Lost sales with orders under way: which points are simulated, and on what laws."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll.maths.kernels.policy_lost import BATCHES, N_RESULTS, simulate_lost_sales
from plimsoll.maths.ragged import Floats, from_lists
from plimsoll.maths.rng import rng_for
from plimsoll.policy.params import PolicyParams
from plimsoll.policy.unit_laws import unit_laws

KEY = ["item_id", "location_id"]
ORDERS_MIN = 300  # fewer on the whole path do not tell a service


def simulated(
    points: pl.DataFrame, lead_times: pl.DataFrame, guesses: Floats, params: PolicyParams
) -> tuple[NDArray[np.bool_], Floats]:
    """Return which points are simulated, and their results.

    Time runs in units, round(R) of them in a review interval of R periods. Demands of units are
    independent; their law is that of a review, or its root, with mean and variance refitted so that
    demand over the N units of a protection interval has those of D_P, which may be wider:

        mean = E[D_P] / E[N],    variance = (Var D_P - Var N mean^2) / E[N]

    Parameters
    ----------
    points : frame with the columns that size the policy, and kind, target, is_uniform, is_lost
    lead_times : table `lead_time_estimate`
    guesses : (n,) levels at which the search starts, steps
    params : length of the path; 0 simulates nothing

    Returns
    -------
    (n,) flags and (m, N_RESULTS) results of the points flagged, see `plimsoll.maths.kernels.policy_lost`

    Edge cases
    ----------
    Not simulated: (s,S) and base stock without lead time, which are exact; and, left to the
    approximation, reviews more often than a period, lanes without a lead time, laws of a review that
    are no sum of equal units, and lots so large that the path would hold fewer than ORDERS_MIN orders.
    """
    atoms = lead_times.select(
        "item_id", "from_location_id", "atom_days", "atom_probability", location_id="to_location_id"
    )
    lane = [*KEY, "from_location_id"]
    joined = points.with_columns(guess=pl.Series(guesses)).join(
        atoms, on=lane, how="left", maintain_order="left", validate="m:1"
    )
    flags = joined.select(_needs_simulation()).to_series().fill_null(False).to_numpy().copy()
    if not (flags.any() and params.lost_sales_periods):
        return np.zeros(len(flags), dtype=np.bool_), np.empty((0, N_RESULTS))
    chosen = joined.filter(flags)
    units = np.maximum(np.rint((chosen["review_days_eff"] / chosen["period_days"]).to_numpy()), 1.0)
    values, bounds = from_lists(chosen["pmf_review"])
    laws, is_sum = unit_laws(values, bounds, units)
    lead, mean_units, var_units = _lead_laws(chosen, units)
    mean = (chosen["mean_protection_qty"] / chosen["step_qty"]).to_numpy() / mean_units
    square = (chosen["sd_protection_qty"] / chosen["step_qty"]).to_numpy() ** 2
    found = simulate_lost_sales(
        laws,
        bounds,
        lead.ravel(),
        np.arange(len(lead) + 1) * lead.shape[1],
        mean,
        (square - var_units * mean**2) / mean_units,
        units.astype(np.int64),
        chosen["lot_steps"].to_numpy(),
        chosen["is_uniform"].to_numpy(),
        chosen["kind"].to_numpy(),
        chosen["target"].to_numpy(),
        chosen["guess"].to_numpy().astype(np.int64),
        draws_of(max(params.lost_sales_periods, BATCHES + 1)),
        chosen.select(pl.concat_str(KEY, separator="\x1f").hash(0)).to_series().to_numpy() / 2.0**64,
    )
    is_told = is_sum & (mean * params.lost_sales_periods >= ORDERS_MIN * chosen["lot_steps"].to_numpy())
    flags[flags] = is_told
    return flags, found[is_told]


def _needs_simulation() -> pl.Expr:
    is_exact = (pl.col("mean_lead_qty") == 0) & (pl.col("policy") != "s_nQ")
    reviewed = (pl.col("review_days_eff") >= pl.col("period_days") * (1 - 1e-9)) & ~pl.col("is_continuous")
    has_lead_time = pl.col("atom_days").list.len() > 0
    return pl.col("is_lost") & ~is_exact & reviewed & has_lead_time & (pl.col("mean_protection_qty") > 0)


def _lead_laws(chosen: pl.DataFrame, units: Floats) -> tuple[Floats, Floats, Floats]:
    """Return P(L = l units), (n, longest + 1), and mean and variance of L plus the review interval.

    A lead time of n + f units is n with 1 - f and n + 1 with f.
    """
    days, bounds = from_lists(chosen["atom_days"])
    chance, _ = from_lists(chosen["atom_probability"])
    row = np.repeat(np.arange(chosen.height), np.diff(bounds))
    length = days * (units / chosen["review_days_eff"].to_numpy())[row]
    whole = np.floor(length + 1e-9).astype(np.int64)
    part = np.maximum(length - whole, 0.0)
    law = np.zeros((chosen.height, int(whole.max()) + 2))
    np.add.at(law, (row, whole), chance * (1.0 - part))
    np.add.at(law, (row, whole + 1), chance * part)
    law /= law.sum(axis=1, keepdims=True)
    lengths = np.arange(law.shape[1])
    mean = law @ lengths
    return law, mean + units, law @ lengths**2 - mean**2


def draws_of(n: int) -> Floats:
    """Return (2, n) uniforms, each row one draw from every n-th part of [0, 1), shuffled.

    They are the same in every run: they integrate, they do not imitate.
    """
    rng = rng_for(0, "policy", "lost sales", str(n))
    strata = rng.permuted(np.tile(np.arange(n), (2, 1)), axis=1)
    return np.asarray((strata + rng.random((2, n))) / n)
