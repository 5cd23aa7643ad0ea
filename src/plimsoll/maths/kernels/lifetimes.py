"""How long things live: what each history of demand says at several moments, and the hidden death behind it.

The model is the beta-geometric / beta-Bernoulli of Fader, Hardie & Shang (2010): as long as it is
alive, a series is asked for in a period with its own probability p, Beta(a, b) over the population,
and dies after any period with its own probability, Beta(c, d). Its history is told by three numbers:
periods seen n, periods with demand x, and the number t of the last of them (0 without any).
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

N_FACTS = 13
(
    SEEN, ACTIVE, LAST, LATE, YEAR, BEFORE, YEAR_QTY, BEFORE_QTY, FAST, SLOW, TOTAL, VELOCITY, FADING,
) = range(N_FACTS)  # fmt: skip


@njit(cache=True, nogil=True, error_model="numpy")
def fading(values: Floats, span: int, year: int) -> tuple[float, float]:
    """Return how the last `span` periods compare with the same ones a year before: change, and t statistic.

        change = S1 / S0 - 1;   t = (S1 - S0) / sqrt(span (v1 + v0)),   v the variance within each, n - 1

    Equal seasons are compared with each other. NaN where a period is not observed or too old, the
    change where nothing was asked a year ago, the statistic where nothing varies.

    Examples
    --------
    >>> change, t = fading(np.array([9.0, 11.0, 5.0, 5.0, 4.0, 6.0]), 2, 4)
    >>> round(change, 3), round(t, 3)
    (-0.5, -3.536)
    """
    n = len(values)
    if n < year + span:
        return np.nan, np.nan
    now = ago = 0.0
    for t in range(n - span, n):
        now += values[t]
        ago += values[t - year]
    noise = 0.0
    for t in range(n - span, n):
        noise += (values[t] - now / span) ** 2 + (values[t - year] - ago / span) ** 2
    noise *= span / (span - 1.0)
    change = now / ago - 1.0 if ago > 0.0 else np.nan
    return change, (now - ago) / math.sqrt(noise) if noise > 0.0 else np.nan


@njit(cache=True, nogil=True, error_model="numpy")
def life_facts(values: Floats, bounds: Ints, marks: Ints, spans: Ints, rates: Floats) -> Floats:
    """Return what each history tells at each moment, from periods before that moment alone.

    Parameters
    ----------
    values, bounds : ragged (n,) histories, NaN where a period was not observed (it counts nowhere)
    marks : (J,) moments as periods before the end, 0 for the end itself; ascending or not
    spans : (2,) periods of half a year and of a year
    rates : (2,) weights of the fast and the slow exponential average of demand in a period, 0 or 1

    Returns
    -------
    (n, J, N_FACTS): periods seen, with demand, number of the last with demand; periods with demand in
    the last half year, year and the year before it; units in those two years; fast and slow average;
    units in all; change of the last half year and its statistic (`fading`). A history that begins after the
    moment has zeros.

    Examples
    --------
    >>> facts = life_facts(np.array([0.0, 4.0, np.nan, 2.0, 0.0]), np.array([0, 5]), np.array([0, 2]),
    ...     np.array([2, 3]), np.array([0.5, 0.1]))
    >>> facts[0, :, :8].tolist()
    [[4.0, 2.0, 3.0, 1.0, 1.0, 1.0, 2.0, 4.0], [2.0, 1.0, 2.0, 1.0, 1.0, 0.0, 4.0, 0.0]]
    """
    n, n_marks = len(bounds) - 1, len(marks)
    out = np.zeros((n, n_marks, N_FACTS))
    for i in range(n):
        for j in range(n_marks):
            row = out[i, j]
            end = bounds[i + 1] - marks[j]
            for t in range(bounds[i], end):
                y = values[t]
                if not y >= 0.0:
                    continue
                row[SEEN] += 1.0
                active = 1.0 if y > 0.0 else 0.0
                row[FAST] += rates[0] * (active - row[FAST])
                row[SLOW] += rates[1] * (active - row[SLOW])
                row[TOTAL] += y
                if active == 1.0:
                    row[ACTIVE] += 1.0
                    row[LAST] = row[SEEN]
                    age = end - t
                    if age <= spans[0]:
                        row[LATE] += 1.0
                    if age <= spans[1]:
                        row[YEAR] += 1.0
                        row[YEAR_QTY] += y
                    elif age <= 2 * spans[1]:
                        row[BEFORE] += 1.0
                        row[BEFORE_QTY] += y
            begin = min(bounds[i], end)
            row[VELOCITY], row[FADING] = fading(values[begin:end], spans[0], spans[1])
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def units_between(values: Floats, bounds: Ints, first: Ints, length: int) -> Floats:
    """Return units demanded in `length` periods that begin `first[j]` periods before the end, (n, J).

    NaN where the history begins later, ends earlier, or has a period that was not observed.

    Examples
    --------
    >>> units_between(np.array([1.0, 2.0, 3.0]), np.array([0, 3]), np.array([2, 1]), 2).tolist()
    [[5.0, nan]]
    """
    n = len(bounds) - 1
    out = np.empty((n, len(first)))
    for i in range(n):
        for j in range(len(first)):
            start = bounds[i + 1] - first[j]
            total = np.nan if start < bounds[i] or length > first[j] else 0.0
            if total == 0.0:
                for t in range(start, start + length):
                    total += values[t]
            out[i, j] = total
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def hidden_death(active: Floats, last: Floats, seen: Floats, shape: Floats, ahead: int) -> Floats:
    """Return what the hidden-death model says of histories (x, t, n).

    Relative to A, the likelihood of the history up to its last demand, the rest has probability

        Z(n) = sum over i < n - t of P_i R_i + P_(n-t) Q_(n-t) (c + d + t) / c
        P_i = prod (b + t - x + j) / (a + b + t + j),   R_i = prod (d + t + j) / (c + d + t + 1 + j)
        Q_i = prod (d + t + j) / (c + d + t + j),       j = 0 .. i - 1
        A = B(a + x, b + t - x) / B(a, b)  B(c + 1, d + t) / B(c, d)

    so that log likelihood = log A + log Z(n), P(no demand in the next m) = Z(n + m) / Z(n), P(alive) =
    last term / Z(n), and the expected number of the next m periods with demand is

        P(alive) (a + x) / (a + b + n) sum over k <= m of prod (d + n + j) / (c + d + n + j), j < k

    Parameters
    ----------
    active, last, seen : (k,) x, t, n
    shape : (4,) a, b, c, d
    ahead : m, periods

    Returns
    -------
    (k, 4): log likelihood, P(no demand in the next m), P(alive), expected periods with demand.

    Examples
    --------
    >>> found = hidden_death(np.array([3.0, 3.0]), np.array([12.0, 4.0]), np.array([12.0, 12.0]),
    ...     np.array([1.0, 3.0, 0.5, 20.0]), 12)
    >>> found.round(3).tolist()
    [[-7.744, 0.125, 1.0, 2.742], [-6.683, 0.697, 0.346, 0.949]]
    """
    a, b, c, d = shape[0], shape[1], shape[2], shape[3]
    out = np.empty((len(active), 4))
    beta_ab = math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    beta_cd = math.lgamma(c) + math.lgamma(d) - math.lgamma(c + d)
    for k in range(len(active)):
        x, t, n = active[k], last[k], seen[k]
        lead = math.lgamma(a + x) + math.lgamma(b + t - x) - math.lgamma(a + b + t) - beta_ab
        lead += math.lgamma(c + 1.0) + math.lgamma(d + t) - math.lgamma(c + 1.0 + d + t) - beta_cd
        died = 0.0
        p = q = r = 1.0
        silent = int(n - t)
        z = alive = 0.0
        for i in range(silent + ahead + 1):
            if i == silent:
                alive = p * q * (c + d + t) / c
                z = died + alive
            died += p * r
            if i == silent + ahead:
                break
            p *= (b + t - x + i) / (a + b + t + i)
            r *= (d + t + i) / (c + d + t + 1.0 + i)
            q *= (d + t + i) / (c + d + t + i)
        later = died - p * r + p * q * (c + d + t) / c
        periods, survives = 0.0, 1.0
        for j in range(ahead):
            survives *= (d + n + j) / (c + d + n + j)
            periods += survives
        out[k, 0] = lead + math.log(z)
        out[k, 1] = later / z
        out[k, 2] = alive / z
        out[k, 3] = alive / z * (a + x) / (a + b + n) * periods
    return out
