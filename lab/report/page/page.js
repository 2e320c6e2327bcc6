// SPDX-License-Identifier: MIT
// Puts the page together: filters, scenarios, migrations beside each other.

const run = JSON.parse(document.getElementById("run").textContent);
const seconds = value => `${Number(value.toFixed(Math.abs(value) < 10 ? 2 : 1))} s`;
const number = value => String(Number(value.toPrecision(4)));
const overTime = { xLabel: "time", xText: seconds };

/** One sentence each: did it converge, where did the time go. */
function verdicts(stretch) {
  const out = [];
  const { migration, samples, phases } = stretch;
  if (migration) {
    const longest = phases.reduce((a, b) => (!a || b.to - b.from > a.to - a.from ? b : a), null);
    const moved = migration.outcome === "migrated" ? "Moved" : `Not moved (${migration.outcome}):`;
    out.push(`${moved} from ${migration.source.hostname} to ${migration.destination.hostname} in ${seconds(migration.wall_time / 1000)}`
      + (longest ? `, ${seconds(longest.to - longest.from)} of it in ${longest.name}.` : "."));
    if (migration.error) out.push([migration.error, ...(migration.error.causes || [])].map(each => each.what).join(": "));
  }
  const copied = samples.filter(each => each.memory !== null);
  const dirtying = samples.filter(each => each.dirty && each.rate);
  if (copied.length) {
    const passes = Math.max(0, ...samples.map(each => each.pass || 0));
    let text = (passes ? `${passes} ${passes === 1 ? "pass" : "passes"}; ` : "")
      + `at the last look ${bytesText(last(copied).memory)} of memory were left.`;
    if (dirtying.length) {
      const ratios = dirtying.map(each => each.dirty / each.rate).sort((a, b) => a - b);
      const ratio = ratios[Math.floor(ratios.length / 2)];
      text += ` The guest dirtied ${ratio.toPrecision(2)} of what was sent in the same time (median): `
        + (ratio < 1 ? "it converges." : "it does not converge by itself.");
    }
    out.push(text);
  }
  const throttle = Math.max(0, ...samples.map(each => each.throttle || 0));
  if (throttle) out.push(`Auto-converge slowed the guest by up to ${throttle} %.`);
  const told = stretch.away.find(each => each.what.startsWith("downtime"));
  if (stretch.gap) {
    const beyond = told ? stretch.gap.ms - told.ms : 0;
    out.push(`From outside the guest was silent for ${msText(stretch.gap.ms)}`
      + (told ? `; libvirt says ${msText(told.ms)} downtime` : "")
      + (beyond > 0 ? `, so ${msText(beyond)} went to the network and the first beat.` : "."));
  }
  return out;
}

function jobPictures(stretch, sync) {
  const { samples, window } = stretch;
  const points = (name, as = v => v) => samples.map(each => [each.t, each[name] === null ? null : as(each[name])]);
  const inMib = name => points(name, mib);
  // Few looks: each is shown, and the line between them is a guess.
  const dotted = samples.length < 120;
  const has = name => samples.some(each => each[name] !== null);
  const bands = [...stretch.phases.map(each => ({ ...each, colour: phaseColour(each.name), alpha: 0.09 })),
    ...(stretch.gap && stretch.gap.ms > QUIET_MS ? [{ ...stretch.gap, colour: "red", alpha: 0.3 }] : [])];
  const passes = samples.filter((each, i) => each.pass && (i === 0 || each.pass !== samples[i - 1].pass))
    .map(each => ({ at: each.t, text: `pass ${each.pass}`, colour: "text" }));
  const steered = stretch.steered.map(each => ({ at: each.at / 1000, text: each.what, colour: "purple" }));
  const common = { ...overTime, window, bands, sync };
  const rows = names => () => samples.map(each => [{ number: seconds(each.t) },
    ...names.map(([name, text]) => ({ number: each[name] === null ? "–" : text(each[name]) }))]);
  const rate = value => `${bytesText(value)}/s`;
  const out = [];
  if (has("memory") || has("disk")) {
    out.push(figure("Left to copy, MiB", { ...common, marks: [...passes, ...steered],
      yText: number, series: [
        { label: "memory", points: inMib("memory"), fill: true, dotted },
        ...(has("disk") ? [{ label: "disk", points: inMib("disk"), colour: "green", fill: true, dotted }] : [])] },
    { heads: ["time", "memory", "disk", "pass"], rows: rows([["memory", bytesText], ["disk", bytesText], ["pass", String]]) }));
  }
  if (has("rate")) {
    out.push(figure("Sent and dirtied, MiB/s: it converges while less is dirtied than sent", { ...common, marks: steered,
      yText: number, series: [
        { label: "sent", points: inMib("rate"), fill: true, steps: true },
        ...(has("dirty") ? [{ label: "dirtied", points: inMib("dirty"), colour: "orange", steps: true }] : [])] },
    { heads: ["time", "sent", "dirtied"], rows: rows([["rate", rate], ["dirty", rate]]) }));
  }
  if (samples.some(each => each.throttle)) {
    out.push(figure("Guest slowed down by auto-converge, %", { ...common, height: 130, range: [0, 100], yText: String,
      series: [{ label: "throttle", points: points("throttle"), colour: "purple", steps: true, fill: true }] },
    { heads: ["time", "throttle"], rows: rows([["throttle", v => `${v} %`]]) }));
  }
  return out;
}

function outsidePicture(stretch, sync) {
  const [from, to] = stretch.window;
  const within = list => list.filter(each => each.t >= from && each.t <= to);
  const beats = within(stretch.beats);
  const pings = within(stretch.pings);
  const trips = within(stretch.trips);
  if (beats.length + pings.length + trips.length === 0) return null;
  const lost = pings.filter(each => each.tookMs === null);
  const worst = beats.filter(each => each.gapMs !== null).sort((a, b) => b.gapMs - a.gapMs).slice(0, 10);
  return figure("As seen from outside, ms (logarithmic): a spike is a silence; red ticks are lost pings"
    + (stretch.stood.length ? "; stripes in violet: the guest's own thread stood still" : ""), { ...overTime, window: stretch.window, sync,
    height: 220, log: true, yText: v => (v >= 10 ? String(Math.round(v)) : v.toFixed(1)),
    bands: [...stretch.phases.map(each => ({ ...each, colour: phaseColour(each.name), alpha: 0.09 })),
      ...stretch.stood.map(each => ({ ...each, colour: "purple", alpha: 0.3 }))],
    marks: lost.map(each => ({ at: each.t, colour: "red", short: true })),
    series: [
      { label: "between heartbeats", points: beats.map(each => [each.t, each.gapMs === null ? null : Math.max(1, each.gapMs)]), colour: "orange", steps: true },
      { label: "TCP answer", points: trips.map(each => [each.t, Math.max(1, each.tookMs)]), colour: "blue", dots: true },
      { label: "ping", points: pings.map(each => [each.t, each.tookMs === null ? null : Math.max(1, each.tookMs)]), colour: "green", dots: true }] },
  { heads: ["heartbeat at", "silence before it"], rows: () => worst.map(each => [{ number: seconds(each.t) }, { number: msText(each.gapMs) }]) });
}

function stretchSection(stretch, number) {
  const sync = `${stretch.scenario}/${number}`;
  const out = h("section", { class: "stretch" }, h("h4", {}, stretch.name),
    h("ul", { class: "verdicts" }, verdicts(stretch).map(each => h("li", {}, each))));
  if (stretch.phases.length) out.append(phaseStrip(stretch));
  out.append(...jobPictures(stretch, sync));
  const outside = outsidePicture(stretch, sync);
  if (outside) out.append(outside);
  if (stretch.told.length) {
    out.append(folded("what libvirt told on the way", () => table("What libvirt told on the way", ["time", "host", "event"],
      stretch.told.map(each => [{ number: seconds(each.at) }, each.host, each.what])), { class: "figures" }));
  }
  if (stretch.away.length && (!stretch.migration || stretch.migration.outcome === "migrated")) out.append(...awayTable(stretch));
  if (stretch.stalls && stretch.stalls.buckets.length) out.append(stallTable(stretch.stalls));
  return out;
}

/** Several migrations beside each other: what was left over time, and figure by figure. */
function comparison(stretches) {
  const label = each => (new Set(stretches.map(s => s.scenario)).size > 1 ? `${each.scenario}, ${each.name}` : each.name);
  const left = each => each.samples.filter(s => s.memory !== null || s.disk !== null).map(s => [s.t, mib((s.memory || 0) + (s.disk || 0))]);
  const drawn = stretches.filter(each => left(each).length);
  const names = [...new Map(stretches.flatMap(each => each.figures.map(f => [f.name, f.unit])))];
  const rows = names.map(([name, unit]) => [name, stretches.map(each => each.figures.find(f => f.name === name)), unit])
    .filter(([, found]) => found.filter(each => each && each.value !== null).length > 1);
  return [
    drawn.length > 1 ? figure("Left to copy, memory and disk, MiB", { ...overTime, yText: number, height: 240,
      window: [0, Math.max(...drawn.map(each => each.window[1]))],
      series: drawn.map((each, i) => ({ label: label(each), points: left(each), dotted: each.samples.length < 120, dash: i >= SERIES_COLOURS.length ? [6, 4] : undefined })) },
    { heads: ["migration", "time", "left"], rows: () => drawn.flatMap(each => left(each).map(([t, v]) =>
      [label(each), { number: seconds(t) }, { number: `${number(v)} MiB` }])) }) : null,
    table("Figure by figure", ["figure", ...stretches.map(label)], rows.map(([name, found, unit]) => {
      const most = Math.max(...found.map(each => (each && each.value) || 0)) || 1;
      return [name, ...found.map(each => (each ? h("span", { class: "measured" }, h("span", {}, figureText(each.value, unit)),
        h("span", { class: "track", "aria-hidden": "true" }, placed(h("span", { class: "bar blue" }), 0, Math.max(0, 100 * each.value / most)))) : "–"))];
    }))];
}

function curveSection(curves) {
  return [...new Set(curves.map(each => each.over))].map(over => {
    const drawn = curves.filter(each => each.over === over);
    return h("section", {}, h("h4", {}, `Over ${over}`), h("div", { class: "grid" }, drawn.map(each => {
      const xs = each.points.map(point => point[0]);
      const y = v => figureText(Number(v.toPrecision(3)), each.unit);
      return figure(each.name, { series: [{ label: each.name, points: each.points, dotted: true, colour: "blue" }], xLabel: over, xText: String, single: true,
        yText: y, height: 160, logX: xs[0] > 0 && last(xs) / xs[0] >= 20 },
      { heads: [over, each.name], rows: () => each.points.map(([x, v]) => [{ number: String(x) }, { number: y(v) }]) });
    })));
  });
}

/** Saved over time, and over what saving it cost. */
function mergingSection(merging) {
  const against = of => merging.map((each, i) => ({ label: each.name, dotted: true,
    points: each.looks.map(look => [of(look), mib(look.saved)]), dash: i >= SERIES_COLOURS.length ? [6, 4] : undefined }));
  const rows = of => () => merging.flatMap(each => each.looks.map(look =>
    [each.name, { number: seconds(of(look)) }, { number: bytesText(look.saved) }]));
  return [["Saved, MiB, over time", "time", look => look.t], ["Saved, MiB, over the CPU time of ksmd", "CPU time", look => look.cpu]]
    .map(([title, over, of]) => figure(title, { xLabel: over, xText: seconds, yText: number, height: 240, series: against(of) },
      { heads: ["advised by", over, "saved"], rows: rows(of) }));
}

function scenarioInside(scenario, stretches) {
  const out = [];
  if (scenario.reason) out.push(h("p", { class: `reason ${scenario.outcome}` }, scenario.reason));
  if (scenario.failed_before.length) {
    out.push(h("h3", {}, "Failed at an earlier attempt"), h("ul", {}, scenario.failed_before.map(each => h("li", {}, each))));
  }
  const broken = scenario.proofs.filter(each => !each.passed);
  if (broken.length) {
    out.push(h("h3", {}, "Proofs that did not pass"), h("ul", {}, broken.map(each => h("li", {}, h("b", {}, each.name), ": ", each.seen))));
  }
  const foreseen = foreseenOf(scenario);
  if (foreseen) out.push(h("p", {}, foreseen));
  const diagnoses = diagnosesOf(scenario);
  if (diagnoses.length) {
    out.push(h("h3", {}, "What failed, why, and what helps"), ...diagnoses.map(diagnosisCard));
    const typed = (scenario.samples || {}).remedy;
    if (Array.isArray(typed)) out.push(h("p", {}, "Typed in as printed:"), h("ul", {}, typed.map(each => h("li", {}, h("code", {}, String(each))))));
  }
  const moved = stretches.filter(each => each.migration);
  if (moved.length > 1) out.push(h("h3", {}, "Side by side"), ...comparison(moved));
  if (stretches.length) out.push(h("h3", {}, "Over time"), ...stretches.map(stretchSection));
  const merging = mergingOf(scenario);
  if (merging.length) out.push(h("h3", {}, "Merging"), ...mergingSection(merging));
  const curves = curvesOf(scenario);
  if (curves.length) out.push(h("h3", {}, "Curves"), ...curveSection(curves));
  if (scenario.proofs.length) {
    out.push(h("h3", {}, "Proofs"), table(`Proofs of ${scenario.id}`, ["", "proof", "seen"],
      scenario.proofs.map(each => [badge(each.passed ? "passed" : "failed"), each.name, each.seen])));
  }
  if (scenario.figures.length) {
    out.push(h("h3", {}, "Figures"), table(`Figures of ${scenario.id}`, ["figure", "value"],
      scenario.figures.map(each => [each.name, { number: figureText(each.value, each.unit) + (each.distorted ? " *" : "") }])));
    const distorted = new Set(scenario.figures.map(each => each.distorted).filter(Boolean));
    for (const why of distorted) out.push(h("p", {}, `* ${why}`));
  }
  return out;
}

/** The scenarios as {data, stretches, row, details}. */
const scenarios = run.scenarios.map(data => {
  const stretches = stretchesOf(data);
  const proven = `${data.proofs.filter(each => each.passed).length} of ${data.proofs.length}`;
  const details = folded(h("span", {}, h("span", { class: "name" }, data.id), " ", badge(data.outcome), ` ${proven} proofs, ${seconds(data.seconds)}`),
    () => scenarioInside(data, stretches), { class: "scenario", id: `scenario-${data.id}` });
  const link = h("a", { href: `#scenario-${data.id}`, click: () => { details.open = true; } }, data.id);
  return { data, stretches, details, proven, link };
});

const counts = Object.fromEntries(["passed", "failed", "skipped"].map(each => [each, scenarios.filter(s => s.data.outcome === each).length]));

function head() {
  const e = run.environment || {};
  const host = e.host || {};
  const facts = [["begun", e.time], ["kvmig", e.kvmig], ["machine", e.cpu && `${e.cpus} × ${e.cpu}, ${bytesText(e.memory_bytes || 0)}`],
    [e.real_hosts ? e.real_hosts.map(each => each.name).join(" and ") : "nested hosts", [e.release, e.acceleration, host.libvirt, host.qemu && `QEMU ${host.qemu.replace(/^QEMU emulator version /, "")}`].filter(Boolean).join(", ")],
    ["load as it began", (e.load || []).map(each => each.toFixed(2)).join(", ")]].filter(each => each[1]);
  document.getElementById("head").append(
    h("p", { class: "counts" }, Object.entries(counts).flatMap(([name, count]) => [badge(name), ` ${count} `])),
    h("dl", {}, facts.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])));
  document.title = `kvmig lab: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`;
}

function filters(rows, told) {
  const boxes = Object.keys(counts).map(each => h("input", { type: "checkbox", name: "outcome", value: each, checked: true, change: apply }));
  const text = h("input", { type: "search", id: "find", input: apply, placeholder: "id, proof, reason, cause…" });
  const haystacks = scenarios.map(({ data }) => JSON.stringify([data.id, data.reason, data.proofs,
    diagnosesOf(data).map(each => [each.said, each.causes])]).toLowerCase());
  function apply() {
    const wanted = new Set(boxes.filter(each => each.checked).map(each => each.value));
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    scenarios.forEach((each, i) => {
      const hidden = !wanted.has(each.data.outcome) || !words.every(word => haystacks[i].includes(word));
      rows[i].hidden = hidden;
      each.details.hidden = hidden;
      shown += hidden ? 0 : 1;
    });
    told.textContent = `${shown} of ${scenarios.length} scenarios`;
  }
  apply();
  return h("form", { class: "filters", role: "search", submit: event => event.preventDefault() },
    h("fieldset", {}, h("legend", {}, "Outcome"), boxes.map(box => h("label", {}, box, ` ${box.value} (${counts[box.value]})`))),
    h("label", { for: "find" }, "Find ", text), told);
}

function migrationsSection() {
  const all = scenarios.flatMap(each => each.stretches.filter(stretch => stretch.migration));
  if (all.length < 2) return null;
  const place = h("div", { "aria-live": "polite" });
  const chosen = new Set();
  const show = () => place.replaceChildren(...(chosen.size > 1 ? comparison(all.filter(each => chosen.has(each))).filter(Boolean)
    : [h("p", { class: "note" }, "Choose two or more to see them side by side.")]));
  const of = (stretch, name) => {
    const found = stretch.figures.find(each => each.name === name);
    return { number: found ? figureText(found.value, found.unit) : "–" };
  };
  const columns = ["wall time", "downtime by libvirt", "heartbeat gap outside", "longest stall inside", "memory moved", "memory iterations"];
  show();
  return h("section", { "aria-labelledby": "migrations" }, h("h2", { id: "migrations" }, "Migrations"),
    table("All migrations of the run", ["compare", "scenario", "migration", "outcome", ...columns], all.map(each => [
      h("input", { type: "checkbox", "aria-label": `compare ${each.scenario}, ${each.name}`, change: event => {
        if (event.target.checked) chosen.add(each); else chosen.delete(each);
        show();
      } }), each.scenario, each.name, each.migration.outcome, ...columns.map(column => of(each, column))])), place);
}

function main() {
  head();
  const list = table("Scenarios of the run", ["scenario", "outcome", "proofs", "time", "reason"], scenarios.map(({ data, link, proven }) =>
    [link, badge(data.outcome), { number: proven }, { number: seconds(data.seconds) }, data.reason]));
  const told = h("output", { class: "told", "aria-live": "polite" });
  const rows = [...list.querySelectorAll("tbody tr")];
  document.getElementById("main").replaceChildren(...[
    h("section", { "aria-labelledby": "scenarios" }, h("h2", { id: "scenarios", tabindex: -1 }, "Scenarios"), filters(rows, told), list),
    migrationsSection(),
    h("section", { "aria-labelledby": "details" }, h("h2", { id: "details" }, "Each scenario"), scenarios.map(each => each.details))].filter(Boolean));
  for (const { data, details } of scenarios) {
    if (data.outcome === "failed" || location.hash === `#${details.id}`) details.open = true;
  }
}

main();

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawAll);
// On paper everything is open that the filters show, in the light colours and as wide as the paper.
let opened = [];
addEventListener("beforeprint", () => {
  document.documentElement.dataset.printing = "";
  opened = [];
  for (const each of document.querySelectorAll("details.scenario:not([hidden])")) {
    if (!each.open) opened.push(each);
    each.fill();
    each.open = true;
  }
  redrawAll();
});
addEventListener("afterprint", () => {
  delete document.documentElement.dataset.printing;
  for (const each of opened) each.open = false;
  redrawAll();
});
