"""What the look at the network hands to the doors: the plan's network, its proof, and a placement."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import polars as pl

from plimsoll.domain.tables import table

OF_PLAN = ("network_stage", "network_arc", "network_service", "move", "allocation", "finding")
OF_PROOF = ("network_check", "network_echelon", "network_comparison", "network_saving", "network_moved")
OTHER = "other"


@dataclass(frozen=True, slots=True)
class NetworkResult:
    """The network of a plan in force, with its proof by simulation where one was made of that plan.

    Parameters
    ----------
    run_id : the plan
    kinds : kind of each location (plant, dc, branch ..), or "depth 0", "depth 1" .. where it is not known;
        a location that is not in it counts as `OTHER`
    tables : those of `OF_PLAN`, those of `OF_PROOF` that were made, and of the plan what drawing an item
        reads: planning_point, policy, outlook
    proof_id : the run of the proof; empty without one
    """

    workspace: Path
    run_id: str
    as_of: date
    currency: str
    kinds: Mapping[str, str]
    tables: dict[str, pl.DataFrame]
    proof_id: str = ""
    seconds: dict[str, float] = field(default_factory=dict)

    def __getitem__(self, name: str) -> pl.DataFrame:
        """Return one table by name, empty where there is none."""
        return self.tables[name] if name in self.tables else table(name).empty()

    def echelon(self, place: str = "location_id") -> pl.Expr:
        """Return the kind of the location in a column, `OTHER` where it is not known."""
        kinds = dict(self.kinds)
        return pl.col(place).replace_strict(kinds, default=OTHER, return_dtype=pl.String)


@dataclass(frozen=True, slots=True)
class PlacementTotals:
    """What a guaranteed-service placement costs and what is proved of it, money per year.

    Parameters
    ----------
    cost : of the safety stock placed
    bound : no placement costs less
    each_holds : with every stage that may hold quoting 0 days
    customers_hold : with stock only where there are customers
    value : of the safety stock placed, money
    networks : connected networks of more than one stage; `proven` of them are proved best
    single : stages without a connection
    late : stages whose customers cannot be served in the days promised
    seconds : time the placement took
    """

    cost: float
    bound: float
    each_holds: float
    customers_hold: float
    value: float
    networks: int
    proven: int
    single: int
    late: int
    seconds: float

    @property
    def gap(self) -> float:
        """Return the share of the cost that could at most be saved."""
        return max(1.0 - self.bound / self.cost, 0.0) if self.cost > 0.0 else 0.0


@dataclass(frozen=True, slots=True)
class PlacementResult:
    """A guaranteed-service placement of a plan's network: table `network_placement` and what it costs.

    `network` is the network it was placed on; `run_id` the run of the placement; `service` the share of
    intervals that the demand bound covers, `demand_bound` how it is made: normal or quantile.
    """

    network: NetworkResult
    run_id: str
    service: float
    demand_bound: str
    table: pl.DataFrame
    totals: PlacementTotals
