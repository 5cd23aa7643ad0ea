"""A serial system of the textbooks, simulated in Plimsoll's order of events."""

from collections.abc import Sequence

from plimsoll.domain.errors import SettingError
from plimsoll.network.simulate import SimulationRun, simulate
from plimsoll.network.simulation_sites import sites

DOWNSTREAM_FIRST = "downstream stage first"


def simulate_serial(
    local_holding_cost: Sequence[float],
    lead_time: Sequence[int],
    backorder_cost: float,
    mean: float,
    sd: float,
    local_base_stock: Sequence[float],
    *,
    order: str = DOWNSTREAM_FIRST,
    run: SimulationRun | None = None,
) -> dict[str, float]:
    """Return the mean cost per period of a serial system with normal demand and local base stocks.

    The convention is that of Snyder & Shen (2019), section 6.2: an order is placed after the demand of
    period t is seen and is received at the start of period t + L. Ours is usable at the start of t + L' + 1,
    so L' = L - 1. Units on their way from a stage cost that stage's rate, those from the outside supplier
    nothing; demand below 0 is taken as 0.

    Parameters
    ----------
    local_holding_cost : [h'] (m,) money per unit and period, the stage at the customers first
    lead_time : [L] (m,) whole periods of at least 1, of each stage's own replenishment
    backorder_cost : [p] money per unit and period
    mean, sd : of demand per period, units
    local_base_stock : [S'] (m,) units
    order : only `downstream stage first`
    run : 200 replications of 5,000 counted periods unless given

    Returns
    -------
    mean_cost_per_period, and its standard error cost_se

    Raises
    ------
    SettingError
        If the lists differ in length, a lead time is below 1, or stages are listed in another order.

    Examples
    --------
    >>> short = SimulationRun(periods=600, warm_up=100, replications=20)
    >>> found = simulate_serial([7, 4, 2], [1, 1, 2], 37.12, 5, 1, [6.49, 5.53, 10.69], run=short)
    >>> abs(found["mean_cost_per_period"] - 47.66) < 2.0
    True
    """
    stages = len(lead_time)
    is_uneven = len(local_holding_cost) != stages or len(local_base_stock) != stages
    if order != DOWNSTREAM_FIRST or is_uneven or min(lead_time, default=0) < 1:
        what = "The serial system cannot be simulated: costs, levels and lead times of at least 1 are wanted "
        raise SettingError(what + f"for each stage, {DOWNSTREAM_FIRST}.")
    names = [str(at + 1) for at in range(stages)]
    waits = [int(periods) - 1 for periods in lead_time]
    network = sites(
        {
            "stage": names,
            "up_to": local_base_stock,
            "unit": [0.0] * stages,
            "lead_time": [0] * (stages - 1) + waits[-1:],
            "demand": ["normal"] + ["none"] * (stages - 1),
            "demand_mean": [mean] + [0.0] * (stages - 1),
            "demand_sd": [sd] + [0.0] * (stages - 1),
            "holding_cost": local_holding_cost,
            "backorder_cost": [backorder_cost] + [0.0] * (stages - 1),
        },
        {"from_stage": names[1:], "to_stage": names[:-1], "lead_time": waits[:-1]},
    )
    found = simulate(network, run or SimulationRun(periods=5_100, warm_up=100, replications=200))
    return {"mean_cost_per_period": found.cost_mean, "cost_se": found.cost_se}
