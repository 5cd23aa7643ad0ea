"""A network as the simulator reads it: stages with their rules and demand, arcs between them, checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

import polars as pl

from plimsoll.domain.errors import InputError, first_keys
from plimsoll.maths.kernels.network_simulation_draws import LAWS
from plimsoll.maths.kernels.network_simulation_state import ALLOCATIONS
from plimsoll.maths.kernels.replay import BASE_STOCK, NONE, S_NQ, S_S

RULES = {"none": NONE, "base_stock": BASE_STOCK, "s_S": S_S, "s_nQ": S_NQ}
_REFUSED = "Nothing was simulated."

# column -> (type, what stands in for a missing value)
_STAGE: dict[str, tuple[Any, Any]] = {
    "stage": (pl.String, None),
    "rule": (pl.String, "base_stock"),
    "up_to": (pl.Float64, 0.0),
    "reorder": (pl.Float64, None),
    "is_echelon": (pl.Boolean, False),
    "minimum": (pl.Float64, 0.0),
    "multiple": (pl.Float64, 0.0),
    "review_periods": (pl.Int64, 1),
    "phase": (pl.Int64, 0),
    "is_lost": (pl.Boolean, False),
    "allocation": (pl.String, "first_come"),
    "is_complete": (pl.Boolean, False),
    "priority": (pl.Float64, 0.0),
    "unit": (pl.Float64, None),
    "lead_time": (pl.Int64, 0),
    "lead_pmf": (pl.List(pl.Float64), None),
    "on_hand": (pl.Float64, None),
    "demand": (pl.String, "none"),
    "demand_mean": (pl.Float64, 0.0),
    "demand_sd": (pl.Float64, None),
    "demand_pmf": (pl.List(pl.Float64), None),
    "demand_step": (pl.Float64, 1.0),
    "holding_cost": (pl.Float64, 0.0),
    "backorder_cost": (pl.Float64, 0.0),
}
_ARC: dict[str, tuple[Any, Any]] = {
    "from_stage": (pl.String, None),
    "to_stage": (pl.String, None),
    "quantity": (pl.Float64, 1.0),
    "lead_time": (pl.Int64, 0),
    "lead_pmf": (pl.List(pl.Float64), None),
    "priority": (pl.Float64, 1.0),
    "transit_cost": (pl.Float64, None),
}
Columns = pl.DataFrame | Mapping[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Sites:
    """A network to simulate, made by `sites`: both tables complete, and in the order of the arrays.

    Parameters
    ----------
    stages : one row a stage, upstream before downstream
    arcs : one row an arc, sorted by the stage it starts from, with `from_index` and `to_index` into stages
    """

    stages: pl.DataFrame
    arcs: pl.DataFrame

    @property
    def names(self) -> list[str]:
        """Return the stages' names in the order of every array of a simulation."""
        return self.stages["stage"].to_list()


def sites(stages: Columns, arcs: Columns | None = None) -> Sites:
    """Return the checked network of stages and arcs; a column that is left out takes its usual value.

    Parameters
    ----------
    stages : columns
        stage; rule (base_stock, s_S, s_nQ, none), up_to [S] and reorder [s] in units (the lot of s_nQ is
        S - s), is_echelon (levels are of the echelon position), minimum, multiple, review_periods, phase:
        as of `plimsoll.maths.kernels.replay.rules_of`;
        is_lost (customers' unmet demand; stages always wait), allocation (first_come, proportional,
        priority), priority (of its own customers, 0; served in ascending order), is_complete (orders of
        stages leave in one piece, first come only), unit (1; 0 for any quantity; usual for normal demand);
        lead_time or lead_pmf (probabilities of 0, 1, 2, ... periods): of the outside supplier, who always
        has enough, or where arcs come in the stage's own processing time once its kits are complete;
        on_hand (units before period 0; all places at their order-up-to level unless given);
        demand (none, poisson, negative_binomial, normal, table) per period with demand_mean, demand_sd,
        demand_pmf (probabilities of 0, 1, 2, ... steps), demand_step;
        holding_cost per unit and period, backorder_cost per unit and period, or per unit lost
    arcs : columns
        from_stage, to_stage; quantity (units of the upstream stage per unit of the downstream stage),
        lead_time or lead_pmf, priority (1), transit_cost per unit and period (the upstream holding cost).
        A stage with several arcs in is an assembly: it starts only whole kits.

    Edge cases
    ----------
    negative_binomial with a variance not above its mean is taken as poisson. Demand that a normal law
    makes negative is 0. Lead times are drawn for each shipment, so shipments may overtake each other.

    Raises
    ------
    InputError
        With the stages' names: a name twice, an arc to nowhere, a cycle, a time below 0, a word unknown.

    Examples
    --------
    >>> two = sites({"stage": ["shop", "plant"], "up_to": [5, 9], "demand": ["poisson", "none"],
    ...              "demand_mean": [2, 0]}, {"from_stage": ["plant"], "to_stage": ["shop"]})
    >>> two.names, two.arcs["from_index"].to_list()
    (['plant', 'shop'], [0])
    """
    places = _completed(stages, _STAGE, "stages")
    links = _completed({} if arcs is None else arcs, _ARC, "arcs")
    _check_names(places, links)
    rank = {name: at for at, name in enumerate(_ordered(places, links))}
    places = places.sort(pl.col("stage").replace_strict(rank, return_dtype=pl.Int64))
    ends = [
        pl.col(f"{end}_stage").replace_strict(rank, return_dtype=pl.Int64).alias(f"{end}_index")
        for end in ("from", "to")
    ]
    links = links.with_columns(ends).sort("from_index", maintain_order=True)
    _check_numbers(places, links)
    is_even = pl.col("demand_sd").fill_null(0.0).pow(2) <= pl.col("demand_mean") * (1 + 1e-9)
    places = places.with_columns(
        pl.when((pl.col("demand") == "negative_binomial") & is_even)
        .then(pl.lit("poisson"))
        .otherwise("demand")
        .alias("demand"),
        pl.col("reorder").fill_null(pl.col("up_to")),
        pl.col("unit").fill_null(pl.when(pl.col("demand") == "normal").then(0.0).otherwise(1.0)),
    )
    return Sites(places, links)


def _completed(given: Columns, columns: dict[str, tuple[Any, Any]], what: str) -> pl.DataFrame:
    """Return a table with all columns of their types, missing values filled."""
    table = given if isinstance(given, pl.DataFrame) else pl.DataFrame(dict(given), strict=False)
    unknown = [name for name in table.columns if name not in columns and not name.endswith("_index")]
    if unknown:
        message = f"{what} has columns that mean nothing here: {first_keys(unknown)}."
        raise InputError(message, remedy=f"Known: {', '.join(columns)}.")
    found = [
        (pl.col(name) if name in table.columns else pl.lit(None)).cast(dtype).fill_null(pl.lit(usual, dtype))
        if usual is not None
        else (pl.col(name) if name in table.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, (dtype, usual) in columns.items()
    ]
    named = [column.alias(name) for column, name in zip(found, columns, strict=True)]
    return table.select(named) if table.height else pl.DataFrame(schema={k: v[0] for k, v in columns.items()})


def _refuse(what: str, keys: Sequence[object], remedy: str) -> None:
    if keys:
        message = f"{what}: {first_keys(keys)} ({len(keys)} in all)."
        raise InputError(message, done=_REFUSED, remedy=remedy)


def _check_names(places: pl.DataFrame, links: pl.DataFrame) -> None:
    if not places.height:
        message = "The network has no stage."
        raise InputError(message, remedy="Give at least one.")
    names = places["stage"]
    unnamed = places.with_row_index().filter(names.is_null())["index"].to_list()
    _refuse("Stages without a name in rows", unnamed, "Give every stage a name.")
    again = names.filter(names.is_duplicated()).unique(maintain_order=True).to_list()
    _refuse("Stages come more than once", again, "Keep one row a stage.")
    ends = pl.concat([links["from_stage"], links["to_stage"]])
    lost = ends.filter(~ends.is_in(names.implode())).unique(maintain_order=True).to_list()
    _refuse("Arcs name stages that do not exist", lost, "Add the stages or leave out the arcs.")
    pair = pl.struct("from_stage", "to_stage")
    twice = links.filter(pair.is_duplicated()).unique(["from_stage", "to_stage"], maintain_order=True)
    _refuse("Arcs come more than once", _ends_of(twice), "Add up their quantities in one arc.")


def _ordered(places: pl.DataFrame, links: pl.DataFrame) -> list[str]:
    """Return the stages upstream before downstream, otherwise as they were listed."""
    graph: TopologicalSorter[str] = TopologicalSorter({name: [] for name in places["stage"]})
    for source, target in links.select("from_stage", "to_stage").iter_rows():
        graph.add(target, source)
    try:
        return list(graph.static_order())
    except CycleError as error:
        circle = list(reversed(error.args[1]))
        message = f"The network has a cycle: {' -> '.join(map(str, circle[:8]))}."
        raise InputError(
            message,
            why="Stock would be needed to make itself.",
            done=_REFUSED,
            remedy="Leave out one of these arcs.",
        ) from error


def _ends_of(links: pl.DataFrame) -> list[str]:
    return [f"{source} -> {target}" for source, target in links.select("from_stage", "to_stage").iter_rows()]


def _is_bad_pmf(column: str) -> pl.Expr:
    values = pl.col(column).list
    is_broken = (values.eval(pl.element().is_null() | ~(pl.element() >= 0)).list.any()) | (values.len() == 0)
    return pl.col(column).is_not_null() & (is_broken | ((values.sum() - 1).abs() > 1e-9)).fill_null(True)


def _is_off(column: str, least: float) -> pl.Expr:
    return ~(pl.col(column).is_finite() & (pl.col(column) >= least)).fill_null(True)


def _check_numbers(places: pl.DataFrame, links: pl.DataFrame) -> None:
    """Refuse numbers and words that cannot be simulated, with the names of their stages."""
    has_lot = pl.col("rule").is_in(["s_S", "s_nQ"])
    is_drawn = pl.col("demand").is_in(["poisson", "negative_binomial", "normal"])
    faults = [
        ("Ordering rules are unknown", ~pl.col("rule").is_in(list(RULES)), f"Use one of {', '.join(RULES)}."),
        (
            "Allocation rules are unknown",
            ~pl.col("allocation").is_in(list(ALLOCATIONS)),
            f"Use one of {', '.join(ALLOCATIONS)}.",
        ),
        ("Laws of demand are unknown", ~pl.col("demand").is_in(list(LAWS)), f"Use one of {', '.join(LAWS)}."),
        (
            "Orders leave in one piece although the allocation splits them",
            pl.col("is_complete") & (pl.col("allocation") != "first_come"),
            "Use first_come there.",
        ),
        ("Order-up-to levels are not finite", ~pl.col("up_to").is_finite(), "Give a number of units."),
        (
            "Reorder points are missing or not below the order-up-to level",
            has_lot & ~(pl.col("reorder") < pl.col("up_to")).fill_null(False),
            "Give reorder < up_to.",
        ),
        ("Reviews are not at least one period apart", pl.col("review_periods") < 1, "Use 1 or more."),
        ("Lead times are below 0", pl.col("lead_time") < 0, "Use whole periods from 0 on."),
        (
            "Lead-time probabilities do not sum to 1",
            _is_bad_pmf("lead_pmf"),
            "Give one for each of 0, 1, 2, ...",
        ),
        (
            "Demand probabilities are missing or do not sum to 1",
            _is_bad_pmf("demand_pmf") | ((pl.col("demand") == "table") & pl.col("demand_pmf").is_null()),
            "Give one for each of 0, 1, 2, ...",
        ),
        (
            "Standard deviations of demand are missing",
            pl.col("demand").is_in(["negative_binomial", "normal"]) & pl.col("demand_sd").is_null(),
            "Give demand_sd.",
        ),
        (
            "Demand is below 0 or not finite",
            is_drawn & (_is_off("demand_mean", 0.0) | _is_off("demand_sd", 0.0)),
            "Give a mean and standard deviation of at least 0.",
        ),
        (
            "Quantities or costs are below 0 or not finite",
            pl.any_horizontal(
                _is_off(name, 0.0)
                for name in (
                    "minimum",
                    "multiple",
                    "unit",
                    "on_hand",
                    "demand_step",
                    "holding_cost",
                    "backorder_cost",
                )
            ),
            "Use 0 or more.",
        ),
    ]
    for what, is_fault, remedy in faults:
        _refuse(what, places.filter(is_fault)["stage"].to_list(), remedy)
    for what, is_fault, remedy in (
        ("Arcs have quantities not above 0", _is_off("quantity", 1e-9), "Leave out arcs that carry nothing."),
        ("Arcs have lead times below 0", pl.col("lead_time") < 0, "Use whole periods from 0 on."),
        (
            "Arcs' lead-time probabilities do not sum to 1",
            _is_bad_pmf("lead_pmf"),
            "Give one for each of 0, 1, ...",
        ),
        (
            "Arcs have transit costs that are not finite",
            _is_off("transit_cost", -float("inf")),
            "Give a number.",
        ),
    ):
        _refuse(what, _ends_of(links.filter(is_fault)), remedy)
