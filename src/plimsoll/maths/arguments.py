"""Checks of arguments, so that a wrong number is refused by its own name before it reaches a formula."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from plimsoll.domain.errors import InputError, SettingError, first_keys
from plimsoll.maths.ragged import Floats

PMF_TOLERANCE = 1e-9


def checked(
    name: str,
    value: ArrayLike,
    *,
    least: float | None = None,
    above: float | None = None,
    most: float | None = None,
    whole: bool = False,
    finite: bool = True,
) -> Floats:
    """Return a parameter as floats when every one of its numbers is allowed.

    Parameters
    ----------
    name : the argument's name, for the message
    value : scalar or array of any shape
    least, above, most : smallest allowed, largest not allowed, largest allowed
    whole : only whole numbers are allowed
    finite : infinity is refused; NaN always is

    Raises
    ------
    SettingError : with the name and up to five of the numbers refused

    Examples
    --------
    >>> checked("mean", [3, 4.5], above=0).tolist()
    [3.0, 4.5]
    >>> checked("holding_cost", -1, least=0)
    Traceback (most recent call last):
        ...
    plimsoll.domain.errors.SettingError: holding_cost = -1.0 is not usable: it must be finite, at least 0.
    """
    numbers = np.asarray(value, dtype=np.float64)
    refused = np.isnan(numbers)
    rules = []
    if finite:
        refused |= np.isinf(numbers)
        rules.append("finite")
    if least is not None:
        refused |= numbers < least
        rules.append(f"at least {least:g}")
    if above is not None:
        refused |= numbers <= above
        rules.append(f"above {above:g}")
    if most is not None:
        refused |= numbers > most
        rules.append(f"at most {most:g}")
    if whole:
        refused |= np.isfinite(numbers) & (numbers != np.floor(numbers))
        rules.append("whole")
    if refused.any():
        what = f"{name} = {first_keys(_floats(numbers[refused]))} is not usable: "
        raise SettingError(what + f"it must be {', '.join(rules) or 'a number'}.")
    return numbers


def one(name: str, value: float, **rules: Any) -> float:
    """Return a single number that `checked` allows.

    Examples
    --------
    >>> one("sd", 2)
    2.0
    """
    numbers = checked(name, value, **rules)
    if numbers.ndim:
        what = f"{name} is not usable: it must be one number, not an array of {numbers.size}."
        raise SettingError(what)
    return float(numbers)


def series(name: str, values: ArrayLike, *, least: float | None = None) -> Floats:
    """Return data as a one-dimensional array of at least one finite number.

    Raises
    ------
    InputError : with the name and up to five of the numbers refused

    Examples
    --------
    >>> series("demand", [90, 120], least=0).tolist()
    [90.0, 120.0]
    """
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.ndim != 1 or not numbers.size:
        what = f"{name} is not usable: it must be a row of at least one number, not of shape {numbers.shape}."
        raise InputError(what)
    try:
        return checked(name, numbers, least=least)
    except SettingError as error:
        raise InputError(error.what) from error


def distribution(values: ArrayLike, pmf: ArrayLike) -> tuple[Floats, Floats]:
    """Return the values and probabilities of a discrete distribution, sorted by value.

    Raises
    ------
    InputError : lengths differ, a value comes twice, a probability is negative, or they do not sum to 1

    Examples
    --------
    >>> values, pmf = distribution([2, 1], [0.25, 0.75])
    >>> values.tolist(), pmf.tolist()
    ([1.0, 2.0], [0.75, 0.25])
    """
    points, weights = series("values", values), series("pmf", pmf, least=0)
    if points.size != weights.size:
        what = f"values has {points.size} numbers and pmf has {weights.size}: they must be as many."
        raise InputError(what)
    total = float(weights.sum())
    if abs(total - 1) > PMF_TOLERANCE:
        what = f"pmf sums to {total:.12g}: probabilities must sum to 1."
        raise InputError(what)
    order = np.argsort(points, kind="stable")
    points, weights = points[order], weights[order]
    twice = points[1:][np.diff(points) == 0]
    if twice.size:
        what = f"values = {first_keys(_floats(twice))} comes more than once: every value has one probability."
        raise InputError(what)
    return points, weights / total


def _floats(numbers: Floats) -> Iterable[float]:
    return (float(number) for number in numbers.flat)
