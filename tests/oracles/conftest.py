"""What several oracles share: a placement found by trying everything."""

import numpy as np
import pytest


def _enumerated(network, cost_of, choices):
    """Least total cost over every vector of quoted times out of `choices` (one array a stage), or inf."""
    n = len(network.time)
    quoted = np.stack(np.meshgrid(*choices, indexing="ij"), axis=-1).reshape(-1, n).T
    inbound = np.repeat(network.inbound[:, None], quoted.shape[1], axis=1)
    for up, down in zip(network.up, network.down, strict=True):
        inbound[down] = np.maximum(inbound[down], quoted[up])
    net = inbound + network.time[:, None] - quoted
    good = (quoted <= network.latest[:, None] + 1e-9).all(axis=0) & (net >= -1e-9).all(axis=0)
    good &= ((net <= 1e-9) | network.may_hold[:, None]).all(axis=0)
    total = sum(cost_of(k, np.where(net[k] < 1e-9, 0.0, net[k])) for k in range(n))
    return np.where(good, total, np.inf).min()


def _longest_paths(network):
    """The latest time at which each stage could be ready; stages in any order."""
    ready = network.inbound + network.time
    for _ in network.time:
        for up, down in zip(network.up, network.down, strict=True):
            ready[down] = max(ready[down], ready[up] + network.time[down])
    return ready


@pytest.fixture(scope="session")
def enumerated():
    """The least cost over every choice of quoted times: knows nothing of candidates, cells or trees."""
    return _enumerated


@pytest.fixture(scope="session")
def longest_paths():
    """The longest time of any path to each stage."""
    return _longest_paths
