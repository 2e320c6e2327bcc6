// SPDX-License-Identifier: MIT
// Elements of the page. What a run says goes in as text, never as markup.

/** h("p", {class: "a"}, "text", child…): attributes by name, functions as listeners. */
function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat(2).filter(each => each !== null && each !== undefined));
  return element;
}

/** A table that scrolls within itself. Cells are text, elements, or {number: text}. */
function table(caption, heads, rows) {
  const cell = (tag, value) => {
    const number = isObject(value) && !(value instanceof Node);
    return h(tag, { class: number ? "number" : typeof value === "string" && value.includes(" ") ? "text" : null, scope: tag === "th" ? "col" : null }, number ? value.number : value);
  };
  const numeric = heads.map((_, i) => rows.some(row => isObject(row[i]) && !(row[i] instanceof Node)));
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
    h("table", {}, h("caption", {}, caption),
      h("thead", {}, h("tr", {}, heads.map((each, i) => cell("th", numeric[i] ? { number: each } : each)))),
      h("tbody", {}, rows.map(row => h("tr", {}, row.map(each => cell("td", each)))))));
}

/** A <details> whose inside is made when it is first opened. */
function folded(summary, make, attributes) {
  const element = h("details", attributes || {}, h("summary", {}, summary));
  let made = false;
  element.fill = () => {
    if (made) return;
    made = true;
    element.append(...[make()].flat(2).filter(each => each));
  };
  element.addEventListener("toggle", () => { if (element.open) element.fill(); });
  return element;
}

/** A picture with its caption, and the same figures as a table: {heads, rows()}. */
function figure(title, what, figures) {
  const host = h("div", { class: "picture", role: "img", "aria-label": `${title}; the same figures are in the table below` });
  picture(host, what);
  return h("figure", {}, h("figcaption", {}, title), host,
    folded("the figures as a table", () => table(title, figures.heads, figures.rows()), { class: "figures" }));
}

const badge = outcome => h("span", { class: `badge ${outcome}` }, outcome);

function placed(element, left, width) {
  element.style.setProperty("left", `${left}%`);
  element.style.setProperty("width", `${width}%`);
  return element;
}

/** The phases one after the other, to the scale of the pictures below. */
function phaseStrip(stretch) {
  const [begin, end] = stretch.window;
  const part = seconds => 100 * seconds / (end - begin);
  const strip = h("div", { class: "strip", "aria-hidden": "true" }, stretch.phases.map(each =>
    placed(h("span", { class: `phase ${phaseColour(each.name)}`, title: `${each.name}: ${msText((each.to - each.from) * 1000)}` }, each.name),
      part(Math.max(each.from, begin) - begin), part(Math.min(each.to, end) - Math.max(each.from, begin)))));
  const whole = stretch.phases.reduce((sum, each) => sum + each.to - each.from, 0);
  return h("figure", {}, h("figcaption", {}, "Where the time went: phases of the state machine"), strip,
    h("ul", { class: "legend" }, stretch.phases.map(each => h("li", {},
      h("span", { class: `dot ${phaseColour(each.name)}`, "aria-hidden": "true" }),
      `${each.name} `, h("b", {}, msText((each.to - each.from) * 1000)),
      ` (${Math.round(100 * (each.to - each.from) / whole)} %)`))));
}

const WITNESS_COLOURS = { libvirt: "blue", outside: "orange", inside: "green" };

/** How long the guest was away, and who says so; bars lie where they lay in time, where that is known. */
function awayTable(stretch) {
  const rows = stretch.away;
  const begins = rows.filter(each => each.from !== null).map(each => each.from);
  const begin = begins.length ? Math.min(...begins) : 0;
  const spans = rows.map(each => ({ from: each.from === null ? 0 : each.from - begin, length: each.ms / 1000 }));
  const whole = Math.max(...spans.map(each => each.from + each.length), 0.001);
  const bar = (row, span) => h("span", { class: "track", "aria-hidden": "true" },
    placed(h("span", { class: `bar ${WITNESS_COLOURS[row.who] || "red"}${row.from === null ? " unplaced" : ""}` }),
      100 * span.from / whole, 100 * span.length / whole));
  return [
    table("How long the guest was away, and who says so", ["who", "what", "how long", "when, to one scale"],
      rows.map((row, i) => [row.who, row.what, { number: msText(row.ms) }, bar(row, spans[i])])),
    h("p", { class: "note" }, "Hatched bars: only the length is known; they are drawn from the left."),
  ];
}

/** What the guest's own thread saw between two wakes, as bars to a logarithmic scale. */
function stallTable(stalls) {
  const most = Math.log10(1 + Math.max(...stalls.buckets.map(each => each.count)));
  const edge = ms => (ms < 1 ? `${Math.round(ms * 1000)} µs` : msText(ms));
  return table("Stalls inside: times between two wakes of a thread in the guest", ["from", "times", "logarithmic scale"],
    stalls.buckets.map(each => [{ number: edge(each.fromMs) }, { number: String(each.count) },
      h("span", { class: "track", "aria-hidden": "true" },
        placed(h("span", { class: "bar green" }), 0, 100 * Math.log10(1 + each.count) / most))]));
}

/** A diagnosis: cause, evidence, and what is to be done. */
function diagnosisCard({ whose, said, causes, unexplained }) {
  return h("div", { class: "card" },
    h("h4", {}, `${whose}: ${causes.length ? causes.map(each => each.id).join(", ") : "no cause is known"}`),
    said ? h("pre", { tabindex: 0 }, String(said)) : null,
    causes.map(each => h("section", {},
      h("h5", {}, `${each.id} ${each.title} `, h("span", { class: "badge" }, each.confidence)),
      each.cause ? h("p", {}, each.cause) : null,
      h("p", {}, "Seen:"), h("ul", {}, (each.evidence || []).map(text => h("li", {}, h("code", {}, text)))),
      h("p", {}, "Remedy:"), h("ol", {}, (each.steps || (each.remedy || []).map(run => ({ run }))).map(step =>
        h("li", {}, step.on ? `${step.on}: ` : "", h("code", {}, step.run), step.note ? ` (${step.note})` : ""))),
      each.corrects ? h("p", { class: "note" }, each.corrects) : null)),
    unexplained.length && !causes.length ? h("ul", {}, unexplained.map(each => h("li", {}, h("code", {}, each.text)))) : null);
}
