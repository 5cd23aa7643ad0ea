"""Charts as Apache ECharts options: each answers the one question that its title asks."""

from collections.abc import Mapping, Sequence
from typing import Any

INK, SOFT, LINE, ACCENT, MUTED = "#1c2b36", "#5b6b76", "#e3e9ed", "#0b6e8f", "#9db4c0"
STOCK_COLOURS = {"healthy": "#2f8f6b", "excess": "#e0b04a", "slow": "#d9822b", "dead": "#a63d40"}
LABEL_WIDTH = 150  # pixels; a longer name is cut with an ellipsis and shown whole in the tooltip
Option = dict[str, Any]


def _bars(names: Sequence[str], right: int) -> Option:
    """Return the frame of horizontal bars, the first name on top, with room on the right for their totals."""
    return {
        "animation": False,
        "textStyle": {"fontFamily": "system-ui, sans-serif", "color": INK},
        "grid": {"left": 0, "right": right, "top": 4, "bottom": 0, "outerBoundsMode": "same"},
        "xAxis": {"type": "value", "show": False},
        "yAxis": {
            "type": "category",
            "inverse": True,
            "data": list(names),
            "axisLabel": {"color": INK, "width": LABEL_WIDTH, "overflow": "truncate", "interval": 0},
            "axisTick": {"show": False},
            "axisLine": {"lineStyle": {"color": MUTED}},
        },
    }


def stacked_bars(
    names: Sequence[str],
    parts: Mapping[str, Sequence[float]],
    colours: Sequence[str],
    totals: Sequence[str],
) -> Option:
    """Return one bar a name, stacked by part, with its total in words at its end."""
    option = _bars(names, right=72)
    option["grid"]["top"] = 36
    option["legend"] = {"top": 0, "left": 0, "itemWidth": 12, "itemHeight": 12, "data": list(parts)}
    option["tooltip"] = {"trigger": "axis", "axisPointer": {"type": "shadow"}, "confine": True}
    bar = {"type": "bar", "stack": "all", "barMaxWidth": 22}
    option["series"] = [
        {**bar, "name": part, "data": [round(value, 2) for value in values], "itemStyle": {"color": colour}}
        for (part, values), colour in zip(parts.items(), colours, strict=True)
    ]
    # Just above zero, so that it stacks at the positive end of the bar whatever the sign of the parts.
    ends = [{"value": 1e-9, "label": {"formatter": text}} for text in totals]
    label = {"show": True, "position": "right", "color": INK}
    option["series"].append(
        {**bar, "name": "total", "data": ends, "label": label, "silent": True, "tooltip": {"show": False}}
    )
    return option


def paired_bars(values: Mapping[str, float | None], texts: Sequence[str]) -> Option:
    """Return two bars, the first muted (before) and the second in the accent colour (after)."""
    option = _bars(list(values), right=84)
    data = [
        {"value": value or 0.0, "itemStyle": {"color": colour}, "label": {"formatter": text}}
        for value, text, colour in zip(values.values(), texts, (MUTED, ACCENT), strict=True)
    ]
    label = {"show": True, "position": "right", "color": INK}
    option["series"] = [{"type": "bar", "data": data, "label": label, "barWidth": 18}]
    return option
