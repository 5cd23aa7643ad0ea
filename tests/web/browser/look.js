// Returns what is wrong with the page that is shown, each fault as a line. Colours are drawn on a canvas and
// read back, whatever notation they are in. Text on gradients or pictures does not occur.
() => {
  const faults = [], seen = (e) => e.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const known = (e) => `${e.tagName.toLowerCase()}${e.id ? "#" + e.id : ""}${e.className && e.className.baseVal === undefined ? "." + e.className.trim().split(/\s+/).join(".") : ""}`;
  const named = (e) => (e.getAttribute("aria-label") || e.title || e.textContent || "").trim() || e.querySelector("img[alt], svg title");
  for (const field of document.querySelectorAll("input:not([type=hidden]), select, textarea"))
    if (!(field.labels?.length && [...field.labels].some((one) => one.textContent.trim())) && !field.getAttribute("aria-label") && !field.getAttribute("aria-hidden"))
      faults.push(`no label: ${known(field)} ${field.name}`);
  for (const one of document.querySelectorAll("button, a[href], summary"))
    if (!named(one)) faults.push(`no name: ${known(one)} ${one.outerHTML.slice(0, 80)}`);
  for (const one of document.querySelectorAll("img:not([alt]), canvas:not([aria-label]):not([role=img] *)")) faults.push(`no words for a picture: ${known(one)}`);
  const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
  for (const id of new Set(ids.filter((one, at) => ids.indexOf(one) !== at))) faults.push(`id twice: ${id}`);
  for (const one of document.querySelectorAll("[aria-labelledby]"))
    if (!document.getElementById(one.getAttribute("aria-labelledby"))) faults.push(`labelled by nothing: ${known(one)}`);
  let before = 0;
  for (const head of [...document.querySelectorAll("main :is(h1, h2, h3, h4)")].filter(seen)) {
    const level = Number(head.tagName[1]);
    if (level > before + 1) faults.push(`heading skips a level: ${head.tagName} ${head.textContent.trim()}`);
    before = level;
  }
  if (document.querySelectorAll("main h1").length !== 1) faults.push(`${document.querySelectorAll("main h1").length} first headings`);
  const wide = document.documentElement;
  if (wide.scrollWidth > wide.clientWidth) {
    const out = [...document.querySelectorAll("main *, header *")].find((one) => seen(one) && one.getBoundingClientRect().right > wide.clientWidth + 1 && !one.closest(".tablebox, .netbox"));
    faults.push(`scrolls sideways: ${wide.scrollWidth} of ${wide.clientWidth}: ${out ? known(out) : "?"}`);
  }
  const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true }), kept = {};
  const rgba = (text) => kept[text] ??= (() => { pen.clearRect(0, 0, 1, 1); pen.fillStyle = text; pen.fillRect(0, 0, 1, 1); const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255]; })();
  const over = (top, under) => top.slice(0, 3).map((value, at) => value * top[3] + under[at] * (1 - top[3]));
  const ground = (e) => { const all = []; for (let at = e; at; at = at.parentElement) { const c = rgba(getComputedStyle(at).backgroundColor); if (c[3]) all.push(c); if (c[3] === 1) break; } return all.reverse().reduce((under, one) => over(one, under), [255, 255, 255]); };
  const light = (c) => { const [r, g, b] = c.map((value) => { const v = value / 255; return v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; }); return .2126 * r + .7152 * g + .0722 * b; };
  const told = new Set();
  let texts = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement, text = walker.currentNode.textContent.trim();
    if (!text || !e || ["SCRIPT", "STYLE", "OPTION", "TITLE"].includes(e.tagName) || e.closest(":disabled, [aria-hidden=true], .sr, .skip, svg") || !seen(e)) continue;
    texts += 1;
    const style = getComputedStyle(e), under = ground(e), ink = over(rgba(style.color), under);
    const [high, low] = [light(ink), light(under)].sort((a, b) => b - a), ratio = (high + .05) / (low + .05);
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const what = `${known(e)} ${style.color} on ${under.map(Math.round)}`;
    if (ratio < (large ? 3 : 4.5) - .005 && !told.has(what)) { told.add(what); faults.push(`contrast ${ratio.toFixed(2)}: ${what}: ${text.slice(0, 30)}`); }
  }
  if (texts < 10) faults.push(`only ${texts} texts were looked at`);
  return faults;
}
