"""Charts of a replay as Apache ECharts options: service against stock, and stock over time."""

from collections.abc import Mapping, Sequence

from plimsoll.present.charts import ACCENT, INK, LINE, MUTED, SOFT, Option

Place = tuple[float, float]
COLOURS = ("#d9822b", ACCENT, "#8a6fb0", SOFT)


def _frame() -> Option:
    return {
        "animation": False,
        "textStyle": {"fontFamily": "system-ui, sans-serif", "color": INK},
        "grid": {"left": 8, "right": 24, "top": 40, "bottom": 8, "outerBoundsMode": "same"},
        "legend": {"top": 0, "left": 0, "itemWidth": 14, "itemHeight": 10},
    }


def _axis(kind: str, **more: object) -> Option:
    lines = {"lineStyle": {"color": LINE}}
    return {"type": kind, "axisLine": {"lineStyle": {"color": MUTED}}, "splitLine": lines} | more


def curve_chart(curve: Sequence[Place], at: Mapping[str, Place], unit: str) -> Option:
    """Return a curve of service against stock, and single rules as points beside it.

    Parameters
    ----------
    curve : stock, and service in %, rising
    at : name -> stock and service of a rule
    unit : of the stock
    """
    option = _frame()
    option["tooltip"] = {"trigger": "item", "confine": True}
    option["xAxis"] = _axis("value", scale=True, name=unit, nameLocation="end", nameGap=4)
    option["yAxis"] = _axis("value", scale=True, max=100, name="%", nameGap=8)
    places = [[round(stock, 3), round(service, 2)] for stock, service in curve]
    whole = {"name": "Plimsoll, goal by goal", "type": "line", "data": places, "symbolSize": 7}
    option["series"] = [whole | {"lineStyle": {"color": ACCENT, "width": 2}, "itemStyle": {"color": ACCENT}}]
    for k, (name, (stock, service)) in enumerate(at.items()):
        colour = COLOURS[(2 * k + 2) % len(COLOURS)] if name.startswith("Plimsoll") else COLOURS[0]
        option["series"].append(
            {
                "name": name,
                "type": "scatter",
                "data": [[round(stock, 3), round(service, 2)]],
                "symbolSize": 14,
                "itemStyle": {"color": colour},
            }
        )
    return option


def time_chart(dates: Sequence[str], by_rule: Mapping[str, Sequence[float]], warm: str) -> Option:
    """Return one line a rule over time.

    Parameters
    ----------
    dates : (T,) ends of the periods
    by_rule : name -> (T,) stock
    warm : last day of the warm-up, shaded up to there; empty without one
    """
    option = _frame()
    option["tooltip"] = {"trigger": "axis", "confine": True}
    option["xAxis"] = _axis("category", data=list(dates), boundaryGap=False)
    option["yAxis"] = _axis("value", min=0)
    option["series"] = [
        {
            "name": name,
            "type": "line",
            "data": [round(value, 3) for value in values],
            "symbol": "none",
            "lineStyle": {"color": colour, "width": 2},
            "itemStyle": {"color": colour},
        }
        for (name, values), colour in zip(by_rule.items(), COLOURS, strict=False)
    ]
    if warm and option["series"]:
        area = [[{"xAxis": dates[0]}, {"xAxis": warm}]]
        shade = {"silent": True, "itemStyle": {"color": MUTED, "opacity": 0.15}, "data": area}
        option["series"][0]["markArea"] = shade
    return option
