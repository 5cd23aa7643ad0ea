"""What was promised of a network beside what its simulation found."""

import polars as pl

from plimsoll.domain.errors import InputError, first_keys
from plimsoll.network.simulate import Simulated


def against_promise(simulated: Simulated, promised: pl.DataFrame) -> pl.DataFrame:
    """Return what was promised beside what the simulation found, one row a stage and measure.

    Parameters
    ----------
    simulated : of the network
    promised : stage, and any of the measures under their names; null where nothing was promised

    Returns
    -------
    stage, measure, promised, simulated, se, low, high (the interval), gap (simulated - promised),
    is_inside (the promise lies in the interval)

    Raises
    ------
    InputError
        If a column is no measure or a stage was not simulated.
    """
    names = [name for name in promised.columns if name != "stage"]
    unknown = [name for name in names if name not in simulated.stages.columns]
    unknown += promised.filter(~pl.col("stage").is_in(simulated.stages["stage"].implode()))["stage"].to_list()
    if unknown:
        what = (
            f"Promises cannot be checked: {first_keys(unknown)} were not simulated ({len(unknown)} in all)."
        )
        raise InputError(what, remedy="Leave them out, or name measures and stages as the simulation does.")
    on = ["stage", "measure"]
    wide = simulated.stages
    found = wide.unpivot(names, index="stage", variable_name="measure", value_name="simulated")
    errors = wide.select("stage", *(pl.col(f"{name}_se").alias(name) for name in names)).unpivot(
        names, index="stage", variable_name="measure", value_name="se"
    )
    half = pl.col("se") * simulated.half_width
    return (
        promised.unpivot(names, index="stage", variable_name="measure", value_name="promised")
        .drop_nulls("promised")
        .join(found, on=on, how="left", maintain_order="left")
        .join(errors, on=on, how="left", maintain_order="left")
        .with_columns(low=pl.col("simulated") - half, high=pl.col("simulated") + half)
        .with_columns(
            gap=pl.col("simulated") - pl.col("promised"),
            is_inside=pl.col("promised").is_between("low", "high"),
        )
    )
