"""How much the API is used and how long it takes, as monitoring reads it (Prometheus text format)."""

from collections import defaultdict
from threading import Lock

from fastapi import FastAPI

BOUNDS = (0.01, 0.05, 0.2, 1.0, 5.0)  # seconds
NAME = "plimsoll_api_request"
Labels = tuple[str, str, int]


class Meter:
    """Counts of answers by method, route and status, and of their seconds up to bounds."""

    def __init__(self) -> None:
        self._counts: dict[Labels, int] = defaultdict(int)
        self._within: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * len(BOUNDS))
        self._seconds: dict[tuple[str, str], float] = defaultdict(float)
        self._lock = Lock()

    def saw(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer."""
        with self._lock:
            self._counts[method, route, status] += 1
            self._seconds[method, route] += seconds
            within = self._within[method, route]
            for place, bound in enumerate(BOUNDS):
                within[place] += seconds <= bound

    def text(self) -> str:
        """Return all counts since the server started."""
        with self._lock:
            counts, within, seconds = dict(self._counts), dict(self._within), dict(self._seconds)
        lines = [f"# HELP {NAME}s_total Answers of the API.", f"# TYPE {NAME}s_total counter"]
        lines += [
            f'{NAME}s_total{{method="{method}",route="{route}",status="{status}"}} {n}'
            for (method, route, status), n in sorted(counts.items())
        ]
        lines += [f"# HELP {NAME}_seconds Time until an answer.", f"# TYPE {NAME}_seconds histogram"]
        for (method, route), held in sorted(within.items()):
            labels = f'method="{method}",route="{route}"'
            total = sum(n for (verb, path, _), n in counts.items() if (verb, path) == (method, route))
            bounds = [*zip(BOUNDS, held, strict=True), ("+Inf", total)]
            lines += [f'{NAME}_seconds_bucket{{{labels},le="{bound}"}} {n}' for bound, n in bounds]
            lines.append(f"{NAME}_seconds_sum{{{labels}}} {seconds[method, route]:.6f}")
            lines.append(f"{NAME}_seconds_count{{{labels}}} {total}")
        return "\n".join(lines) + "\n"


def meter(app: FastAPI) -> Meter:
    """Return the meter of an app."""
    found: Meter = app.state.__dict__["_state"].setdefault("api_meter", Meter())
    return found
