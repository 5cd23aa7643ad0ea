"""What the look at suppliers hands to the doors."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Self

import polars as pl

from plimsoll.domain.results import PlanResult


@dataclass(frozen=True, slots=True)
class SupplyResult:
    """Suppliers and open orders on a day; `missing` says what is not known.

    Without a plan `run_id` is empty. `scorecard` is the table `supplier_scorecard`, of suppliers or of lanes;
    `arrivals` the table `arrival_risk`; `window_days` is how far back deliveries are judged,
    `least_deliveries` from how many.
    """

    workspace: Path
    run_id: str
    as_of: date
    currency: str
    scorecard: pl.DataFrame
    arrivals: pl.DataFrame
    window_days: int
    least_deliveries: int
    missing: tuple[str, ...] = ()

    @classmethod
    def of(cls, plan: PlanResult) -> Self:
        """Return suppliers and open orders as a plan was published with them."""
        options = plan.parameters.get("supply", {})
        return cls(
            workspace=plan.workspace,
            run_id=plan.run_id,
            as_of=plan.as_of,
            currency=plan.currency,
            scorecard=at_level(plan["supplier_scorecard"], "supplier"),
            arrivals=plan["arrival_risk"],
            window_days=options.get("scorecard_days", 0),
            least_deliveries=options.get("scorecard_min_deliveries", 0),
        )


def at_level(scorecard: pl.DataFrame, by: str) -> pl.DataFrame:
    """Return the lines of the table `supplier_scorecard` for suppliers as a whole or for single lanes."""
    whole = pl.col("to_location_id").is_null()
    return scorecard.filter(whole if by == "supplier" else ~whole)
