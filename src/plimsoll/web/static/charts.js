// One visual language for all charts: the server says what is to be seen, this file how it looks.
"use strict";
(() => {
  const script = document.currentScript, address = script.dataset.echarts;
  let library = null;
  const load = () => library ??= new Promise((done, failed) => {
    const tag = document.createElement("script");
    tag.src = address;
    tag.onload = () => done(window.echarts);
    tag.onerror = failed;
    document.head.append(tag);
  });
  // A colour of the style sheet as the browser computes it, by day or by night.
  const colour = (name) => {
    const probe = document.createElement("i");
    probe.style.color = `var(--${name})`;
    document.body.append(probe);
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  };
  const palette = () => Object.fromEntries(["ink", "soft", "line", "accent", "band", "muted-mark", "paper", "good", "warn", "bad"].map((name) => [name, colour(name)]));
  const figure = (value) => value == null ? "–" : new Intl.NumberFormat("en-US", { maximumFractionDigits: Math.abs(value) >= 10 ? 0 : 2 }).format(value);
  const axis = (c) => ({ axisLine: { lineStyle: { color: c.line } }, axisTick: { show: false }, axisLabel: { color: c.soft, fontSize: 11, hideOverlap: true }, splitLine: { lineStyle: { color: c.line } } });
  const frame = (spec, c) => ({
    animation: false,
    aria: { enabled: false },
    textStyle: { fontFamily: "system-ui, sans-serif", color: c.ink },
    grid: { left: 4, right: 16, top: spec.series && spec.series.length > 1 ? 32 : 12, bottom: 4, outerBoundsMode: "same" },
    // Rich text is painted, not written into the page, so a name from the data stays a name.
    tooltip: { trigger: "axis", renderMode: "richText", backgroundColor: c.paper, borderColor: c.line, textStyle: { color: c.ink, fontSize: 12 }, confine: true, valueFormatter: figure },
  });
  const legend = (spec, c) => spec.series.length > 1 ? { top: 0, left: 0, itemWidth: 12, itemHeight: 8, icon: "roundRect", textStyle: { color: c.soft, fontSize: 12 }, data: spec.series.filter((one) => !["low", "high"].includes(one.role)).map((one) => one.name) } : undefined;
  // Two lines may stand close together: each has its name on its outer side.
  const side = (spec, at) => {
    const places = spec.marks.filter((one) => one.level == null).map((one) => spec.x.indexOf(one.at));
    if (places.length !== 2) return undefined;
    const other = places[1 - at], here = places[at];
    return { align: here < other || (here === other && at === 0) ? "right" : "left", padding: [0, 4] };
  };
  const marks = (spec, c) => spec.marks?.length ? { symbol: "none", silent: true, lineStyle: { color: c.soft, type: "dashed" }, label: { color: c.soft, fontSize: 11, formatter: (one) => one.name }, data: spec.marks.map((one, at) => one.level == null ? { xAxis: one.at, name: one.name, label: side(spec, at) } : { yAxis: one.level, name: one.name }) } : undefined;
  const KINDS = {
    waterfall(spec, c) {
      let at = 0;
      const names = spec.steps.map((one) => one.name), base = [], up = [], down = [];
      for (const one of spec.steps) {
        const next = at + one.value;
        base.push(Math.min(at, next));
        up.push(one.value >= 0 ? one.value : null);
        down.push(one.value < 0 ? -one.value : null);
        at = next;
      }
      const whole = names.map(() => null);
      if (spec.total) { names.push(spec.total); base.push(0); up.push(null); down.push(null); whole.push(at); }
      const label = (sign) => ({ show: true, position: "right", color: c.ink, fontSize: 12, formatter: (one) => sign + figure(one.value) });
      const bar = { type: "bar", stack: "all", barMaxWidth: 18, itemStyle: { borderRadius: 2 } };
      return {
        ...frame(spec, c), tooltip: { show: false }, grid: { left: 4, right: 56, top: 4, bottom: 4, outerBoundsMode: "same" },
        xAxis: { type: "value", show: false },
        yAxis: { type: "category", inverse: true, data: names, ...axis(c), axisLabel: { color: c.ink, fontSize: 12 } },
        series: [
          { ...bar, data: base, itemStyle: { color: "transparent" }, silent: true },
          { ...bar, data: up, itemStyle: { color: c["muted-mark"], borderRadius: 2 }, label: label("+") },
          { ...bar, data: down, itemStyle: { color: c.band, borderColor: c["muted-mark"], borderWidth: 1, borderRadius: 2 }, label: label("−") },
          { ...bar, data: whole, itemStyle: { color: c.accent, borderRadius: 2 }, label: label("") },
        ],
      };
    },
    lines(spec, c) {
      const low = spec.series.find((one) => one.role === "low"), high = spec.series.find((one) => one.role === "high");
      const band = low && high ? [
        { type: "line", data: low.values, stack: "band", stackStrategy: "all", lineStyle: { opacity: 0 }, symbol: "none", silent: true, tooltip: { show: false } },
        { type: "line", data: high.values.map((value, at) => value == null ? null : value - low.values[at]), stack: "band", stackStrategy: "all", lineStyle: { opacity: 0 }, areaStyle: { color: c.band }, symbol: "none", silent: true, tooltip: { show: false } },
      ] : [];
      const look = { actual: [c.ink, "solid", 1.5], expected: [c.accent, "solid", 2], before: [c["muted-mark"], "solid", 1], limit: [c.soft, "dashed", 1], second: [c.good, "solid", 2] };
      const drawn = spec.series.filter((one) => one !== low && one !== high).map((one, at) => {
        const [paint, type, width] = look[one.role] ?? look.actual;
        return { type: "line", name: one.name, data: one.values, step: one.step ? "end" : false, symbol: "none", connectNulls: false, itemStyle: { color: paint }, lineStyle: { color: paint, type, width }, markLine: at === 0 ? marks(spec, c) : undefined };
      });
      return { ...frame(spec, c), legend: legend(spec, c), xAxis: { type: "category", data: spec.x, boundaryGap: false, ...axis(c), splitLine: { show: false } }, yAxis: { type: "value", ...axis(c), axisLabel: { ...axis(c).axisLabel, formatter: figure } }, series: [...band, ...drawn] };
    },
    bars(spec, c) {
      const paints = { actual: c["muted-mark"], expected: c.accent, good: c.good, warn: c.warn, bad: c.bad, before: c.line };
      const order = [c.accent, c["muted-mark"], c.warn, c.bad];
      return {
        ...frame(spec, c), legend: legend(spec, c),
        xAxis: { type: "category", data: spec.x, ...axis(c), splitLine: { show: false } },
        yAxis: { type: "value", minInterval: spec.kind === "histogram" ? 1 : 0, ...axis(c), axisLabel: { ...axis(c).axisLabel, formatter: figure } },
        series: spec.series.map((one, at) => ({ type: "bar", name: one.name, data: one.values, stack: spec.stacked ? "all" : undefined, barMaxWidth: 32, barCategoryGap: spec.kind === "histogram" ? "8%" : "30%", itemStyle: { color: paints[one.role] ?? order[at % order.length], borderRadius: 2 }, markLine: at === 0 ? marks(spec, c) : undefined })),
      };
    },
  };
  KINDS.histogram = KINDS.bars;
  const drawn = new Map();
  const draw = async (from) => {
    const places = [...from.querySelectorAll("[data-chart]")].filter((place) => !drawn.has(place));
    for (const [place, chart] of drawn) if (!place.isConnected) { chart.dispose(); drawn.delete(place); }
    if (!places.length) return;
    const echarts = await load();
    for (const place of places) {
      if (!place.isConnected || drawn.has(place)) continue;
      const spec = JSON.parse(place.parentElement.querySelector('script[type="application/json"]').textContent);
      if (!KINDS[spec.kind]) continue;
      if (spec.kind === "waterfall") place.style.height = `${28 * (spec.steps.length + 1) + 8}px`;
      if (spec.kind === "waterfall") place.style.minHeight = "0";
      const chart = echarts.init(place);
      chart.spec = spec;
      chart.setOption(KINDS[spec.kind](spec, palette()));
      drawn.set(place, chart);
      new ResizeObserver(() => chart.resize()).observe(place);
    }
  };
  document.addEventListener("DOMContentLoaded", () => draw(document));
  document.addEventListener("htmx:afterSettle", () => draw(document));
  document.addEventListener("theme", () => { for (const chart of drawn.values()) chart.setOption(KINDS[chart.spec.kind](chart.spec, palette()), true); });
})();
