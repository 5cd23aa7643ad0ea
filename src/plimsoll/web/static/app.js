// What the workbench does in the browser beside following links and sending forms. Every page works without it.
"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  const one = (query, from = document) => from.querySelector(query);
  const all = (query, from = document) => [...from.querySelectorAll(query)];
  const isTyping = (at) => at.closest("input:not([type=checkbox]), select, textarea, [contenteditable]") !== null;

  // ---- light and dark: remembered in a cookie, so that the server draws the page in it from the start
  const isDark = () => root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const redraw = () => document.dispatchEvent(new CustomEvent("theme"));
  const switchTheme = () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    document.cookie = `theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=lax`;
    redraw();
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);

  // ---- messages: good ones leave by themselves, the others stay until dismissed
  const QUIET_MS = 8000;
  const MOST_TOASTS = 3;
  const watchToasts = () => all(".toast:not([data-seen])").forEach((toast) => {
    all(".toast").slice(0, -MOST_TOASTS).forEach((old) => old.remove());
    toast.dataset.seen = "1";
    if (toast.dataset.toast !== "good") return;
    // The next good one takes its place: who works down a list by keys must not lose sight of the list.
    all('.toast[data-toast="good"][data-seen]').forEach((old) => { if (old !== toast) old.remove(); });
    let timer = setTimeout(() => toast.remove(), QUIET_MS);
    toast.addEventListener("pointerenter", () => clearTimeout(timer));
    toast.addEventListener("pointerleave", () => { timer = setTimeout(() => toast.remove(), QUIET_MS / 2); });
  });
  const say = (kind, text) => {
    const toast = document.createElement("div"), words = document.createElement("div");
    toast.className = `toast ${kind}`;
    toast.dataset.toast = kind;
    words.textContent = text;
    toast.append(words);
    one("#toasts").append(toast);
    watchToasts();
  };

  // ---- the worklist: one row is the current one
  const rows = () => all("#list tr[data-line]");
  const current = () => one("#list tr.now");
  const work = () => one("#work");
  const make = (row, scroll = true) => {
    if (!row) return;
    all("#list tr.now").forEach((other) => { other.classList.remove("now"); other.removeAttribute("aria-current"); });
    row.classList.add("now");
    row.setAttribute("aria-current", "true");
    if (scroll) row.scrollIntoView({ block: "nearest" });
    if (work()?.classList.contains("open")) open(row);
  };
  const step = (by) => {
    const list = rows(), at = list.indexOf(current());
    make(list[Math.min(list.length - 1, Math.max(0, at < 0 ? (by > 0 ? 0 : list.length - 1) : at + by))]);
  };
  let opening = 0;
  const open = (row) => {
    const id = row?.dataset.line;
    if (!id || !work()) return;
    work().classList.add("open");
    if (one(`#panel [data-panel="${CSS.escape(id)}"]`)) return;
    clearTimeout(opening); // holding j down must not ask for every line passed
    opening = setTimeout(() => htmx.ajax("GET", `/recommendations/${encodeURIComponent(id)}`, { target: "#panel", swap: "innerHTML" }), 90);
  };
  const closePanel = () => { work()?.classList.remove("open"); if (one("#panel")) one("#panel").replaceChildren(); };
  const act = (name, row = current()) => {
    const names = name === "accept" ? ["accept", "approve"] : [name];
    const button = names.map((each) => row && one(`button[data-act="${each}"]`, row)).find(Boolean);
    if (button) button.click();
    else if (row) say("live", "That cannot be done with this line as it stands.");
  };
  const amount = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
  const count = () => {
    const bar = one("#selected");
    if (!bar) return;
    const picked = all('#list input[name="line"]:checked');
    bar.classList.toggle("on", picked.length > 0);
    one('[data-picked="n"]', bar).textContent = amount.format(picked.length);
    one('[data-picked="value"]', bar).textContent = amount.format(picked.reduce((sum, box) => sum + Number(box.closest("tr").dataset.value), 0));
    all("#list tr[data-line]").forEach((row) => row.classList.toggle("picked", Boolean(one('input[name="line"]:checked', row))));
    const whole = one('#list [data-do="pick-all"]'), boxes = all('#list input[name="line"]:not(:disabled)');
    if (whole) {
      whole.checked = boxes.length > 0 && picked.length === boxes.length;
      whole.indeterminate = picked.length > 0 && picked.length < boxes.length;
    }
  };
  const pick = (boxes, on) => { boxes.forEach((box) => { box.checked = on; }); count(); };
  const reload = () => htmx.ajax("GET", location.pathname + location.search, { target: "#list", select: "#list", swap: "outerHTML" });

  // ---- what buttons do
  const DO = {
    theme: switchTheme,
    help: () => one("#help").showModal(),
    close: (at) => at.closest("dialog")?.close(),
    "close-after": (at) => setTimeout(() => at.closest("dialog")?.close(), 0),
    open: (at) => one(`#${at.dataset.dialog}`).showModal(),
    dismiss: (at) => at.closest(".toast").remove(),
    "pick-all": (at) => pick(all('#list input[name="line"]:not(:disabled)'), at.checked),
    "pick-none": () => pick(all('#list input[name="line"]'), false),
    "close-panel": closePanel,
    "cancel-edit": (at) => { const row = at.closest("tr"); make(row.previousElementSibling); row.remove(); },
  };
  document.addEventListener("click", (event) => {
    const asked = event.target.closest("[data-do]");
    if (asked && DO[asked.dataset.do]) {
      if (asked.tagName === "A" && asked.closest("dialog")) event.preventDefault();
      DO[asked.dataset.do](asked);
    }
    all("details.menu[open]").forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
    const row = event.target.closest("#list tr[data-line]");
    if (row && work()) {
      const link = event.target.closest("td.item a");
      if (link && !(event.metaKey || event.ctrlKey || event.shiftKey)) {
        event.preventDefault();
        work().classList.add("open");
        make(row, false);
      } else if (!event.target.closest("a, button, input, label")) make(row, false);
    }
    const lineAct = event.target.closest("[data-line-act]");
    if (lineAct) {
      const id = one("#panel [data-panel]")?.dataset.panel, line = id && one(`#list tr[data-line="${CSS.escape(id)}"]`);
      if (line) { event.preventDefault(); act(lineAct.dataset.lineAct, line); }
    }
    const deed = event.target.closest(".rowacts button[data-act]");
    if (deed) {
      const row = deed.closest("tr"), asks = deed.formMethod === "get";
      event.preventDefault();
      make(row, false);
      // Buttons of a row are sent from here: hundreds of them need no listener of their own.
      htmx.ajax(asks ? "GET" : "POST", deed.getAttribute("formaction"), { target: row, swap: asks ? "afterend" : "outerHTML" });
    }
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches('input[name="line"]')) count();
    if (event.target.matches("select[data-auto]")) event.target.form.requestSubmit();
  });
  let typing = 0;
  document.addEventListener("input", (event) => {
    if (!event.target.matches('[data-auto="typing"]')) return;
    clearTimeout(typing);
    typing = setTimeout(() => event.target.form?.requestSubmit(), 350);
  });
  document.addEventListener("submit", (event) => {
    // Empty fields ask nothing; without them addresses stay short enough to be passed on.
    if (event.target.method === "get") all("input, select", event.target).forEach((field) => {
      if (field.name && !field.value) { field.disabled = true; setTimeout(() => { field.disabled = false; }, 0); }
    });
  }, true);

  // ---- keys
  const GO = { t: "/today", r: "/recommendations?status=proposed", e: "/exceptions", i: "/items" };
  let going = 0;
  const KEYS = {
    "?": () => one("#help")?.showModal(),
    "/": () => one("#find")?.focus(),
    j: () => step(1), k: () => step(-1),
    o: () => { const row = current() ?? rows()[0]; make(row); open(row); },
    a: () => act("accept"), c: () => act("change"), r: () => act("refuse"), u: () => act("reopen"),
    x: () => { const box = current() && one('input[name="line"]:not(:disabled)', current()); if (box) pick([box], !box.checked); },
  };
  const LIST_KEYS = "jkoacrux";
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      const menu = one("details.menu[open]"), editor = one("tr.editor");
      if (menu) { menu.open = false; one("summary", menu).focus(); }
      else if (editor && !one("dialog[open]")) DO["cancel-edit"](editor.firstElementChild);
      else if (event.target.id === "find") { one("#found").replaceChildren(); event.target.blur(); }
      else if (isTyping(event.target)) event.target.blur();
      else if (!one("dialog[open]")) closePanel();
      return;
    }
    if (isTyping(event.target) || one("dialog[open]")) {
      if (event.target.id === "find" && event.key === "ArrowDown") { event.preventDefault(); one("#found a")?.focus(); }
      return;
    }
    if (Date.now() - going < 1000 && GO[event.key]) { location.href = GO[event.key]; return; }
    if (event.key === "g") { going = Date.now(); return; }
    if (LIST_KEYS.includes(event.key) && !rows().length) return;
    if (KEYS[event.key]) { event.preventDefault(); KEYS[event.key](); }
  });

  // ---- after htmx has put something in
  document.addEventListener("htmx:afterSettle", (event) => {
    watchToasts();
    count();
    const target = event.detail.target ?? event.target;
    if (target.id === "dialogs") one("#dialogs dialog[data-modal]")?.showModal();
    one("tr.editor [data-first]")?.focus();
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    const form = event.detail.requestConfig?.elt?.closest?.("form[data-edits]");
    if (form && (event.detail.xhr.status < 300 || event.detail.xhr.status === 409)) form.closest("tr")?.remove();
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    // One form of changes at a time; asking again for the one that is there leads to it.
    const path = event.detail.pathInfo?.requestPath ?? "";
    if (event.detail.requestConfig?.verb === "get" && /\/(change|refuse)$/.test(path)) all("tr.editor").forEach((row) => row.remove());
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    const path = event.detail.pathInfo?.requestPath ?? "", match = path.match(/^\/recommendations\/([^/?]+)\/(\w+)/);
    if (!match || event.detail.requestConfig.verb !== "post") return;
    const row = one(`#list tr[data-line="${CSS.escape(match[1])}"]`);
    const isPanel = event.detail.target.id === "panel";
    if (isPanel && row) htmx.ajax("GET", `/recommendations/${match[1]}/row`, { target: row, swap: "outerHTML" });
    if (!isPanel && one(`#panel [data-panel="${CSS.escape(match[1])}"]`)) htmx.ajax("GET", `/recommendations/${match[1]}`, { target: "#panel", swap: "innerHTML" });
    if (!isPanel && row && event.detail.xhr.status < 300) {
      const list = rows(), next = list[list.indexOf(row) + 1];
      make(match[2] === "reopen" ? row : next ?? row);
    }
  });
  document.addEventListener("decided", reload);
  document.addEventListener("htmx:sendError", () => say("bad", "The server cannot be reached. Nothing was changed; try again."));
  document.addEventListener("htmx:timeout", () => say("bad", "The server takes too long. Look whether it was done before you repeat it."));
  document.addEventListener("DOMContentLoaded", () => {
    watchToasts();
    count();
    const shown = one("#panel [data-panel]")?.dataset.panel;
    if (shown) make(one(`#list tr[data-line="${CSS.escape(shown)}"]`));
    const undo = (event) => {
      const form = event.target.closest("form[data-undo]"), match = form?.getAttribute("action").match(/^\/recommendations\/([^/]+)\/reopen$/);
      const row = match && one(`#list tr[data-line="${CSS.escape(match[1])}"]`);
      if (!row) return;
      event.preventDefault();
      htmx.ajax("POST", form.getAttribute("action"), { target: row, swap: "outerHTML" });
      form.closest(".toast").remove();
    };
    document.addEventListener("submit", undo);
  });
})();
