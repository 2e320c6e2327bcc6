// SPDX-License-Identifier: MIT
// Reads a run (kvmig.run/1) into what is drawn. Times are seconds since the migration began, unless
// a name ends in Ms; amounts are bytes.

const WITNESSES = /^(.*?)(migration|heartbeat|tcp session|pings|guest|progress)$/;
// Larger than what one heartbeat or ping lies behind the other.
const QUIET_MS = 25;

const isObject = value => value !== null && typeof value === "object" && !Array.isArray(value);
const last = list => list[list.length - 1];
const mib = amount => amount / 1048576;

/** 1.2 KiB, 34 MiB: three digits, binary units. */
function bytesText(amount) {
  let unit = 0;
  while (Math.abs(amount) >= 1024 && unit < 4) { amount /= 1024; unit += 1; }
  const digits = unit === 0 || Math.abs(amount) >= 100 ? 0 : 1;
  return `${amount.toFixed(digits)} ${["B", "KiB", "MiB", "GiB", "TiB"][unit]}`;
}

function msText(ms) {
  if (Math.abs(ms) >= 10000) return `${(ms / 1000).toFixed(1)} s`;
  return `${ms.toFixed(Math.abs(ms) < 100 && ms % 1 !== 0 ? 1 : 0)} ms`;
}

/** A figure with its unit, as people read it. */
function figureText(value, unit) {
  if (value === null || value === undefined) return "–";
  if (unit === "ms") return msText(value);
  if (unit === "bytes") return bytesText(value);
  if (unit === "bytes/s") return `${bytesText(value)}/s`;
  const number = Number.isInteger(value) ? String(value) : value.toPrecision(3);
  return unit === "count" ? number : `${number} ${unit}`;
}

/** The machine's states with the time spent in each, from the transitions of a migration. */
function phasesOf(migration) {
  const steps = (migration.transitions || []).map(each => ({ ...each, at: each.at / 1000 }));
  const phases = [];
  steps.forEach((step, index) => {
    const to = index + 1 < steps.length ? steps[index + 1].at : step.at;
    const before = last(phases);
    if (before && before.name === step.to) before.to = to;
    else if (to > step.at) phases.push({ name: step.to, from: step.at, to });
  });
  return phases;
}

/** Bytes per second between two looks that lie about a second apart; null at the beginning. */
function sentRate(samples, index) {
  const now = samples[index];
  let begin = index - 1;
  while (begin > 0 && now.t - samples[begin].t < 1) begin -= 1;
  if (begin < 0 || now.sent === null || samples[begin].sent === null) return null;
  const rate = (now.sent - samples[begin].sent) / (now.t - samples[begin].t);
  return rate >= 0 && Number.isFinite(rate) ? rate : null;
}

/** What libvirt's job told on the way. `null` is what it did not tell. */
function samplesOf(list) {
  const some = value => value === undefined ? null : value;
  if (!Array.isArray(list)) return [];
  const samples = list.filter(isObject).map(each => ({
    t: each.since_start / 1000,
    // Before its phase libvirt tells of 0 of 0.
    memory: each.memory_total ? some(each.memory_remaining) : null,
    disk: each.disk_total ? some(each.disk_remaining) : null,
    sent: each.memory_processed === undefined && each.disk_processed === undefined ? null
      : (each.memory_processed || 0) + (each.disk_processed || 0),
    dirty: each.memory_dirty_rate === undefined || !each.memory_total ? null
      : each.memory_dirty_rate * (each.memory_page_size || 4096),
    pass: some(each.iteration),
    throttle: some(each.auto_converge_throttle),
  }));
  samples.forEach((each, index) => { each.rate = sentRate(samples, index); });
  return samples;
}

/** The longest time without an arrival within a window: from, to, ms. */
function longestGap(beats, from, to) {
  let longest = null;
  for (let i = 1; i < beats.length; i += 1) {
    if (beats[i].t < from || beats[i - 1].t > to) continue;
    if (!longest || beats[i].gapMs > longest.ms) {
      longest = { from: beats[i - 1].t, to: beats[i].t, ms: beats[i].gapMs };
    }
  }
  return longest;
}

/** The longest run of pings without an answer: from its first to the next that had one. */
function longestOutage(pings, from, to) {
  let longest = null;
  let begun = null;
  for (const each of pings) {
    if (each.t < from || each.t > to) continue;
    if (each.tookMs === null) { begun = begun || each; continue; }
    if (begun && (!longest || each.t - begun.t > longest.to - longest.from)) {
      longest = { from: begun.t, to: each.t, ms: (each.t - begun.t) * 1000 };
    }
    begun = null;
  }
  return longest;
}

/** Who says how long the guest was away; with `from` where its place in time is known. */
function awayOf(stretch) {
  const { migration, window: [from, to] } = stretch;
  const rows = [];
  const told = (migration && migration.statistics && (migration.statistics.source || migration.statistics.destination)) || {};
  const add = (who, what, ms, span) => {
    if (ms !== undefined && ms !== null) rows.push({ who, what, ms, from: span ? span.from : null });
  };
  const over = stretch.phases.find(each => each.name === "switching_over");
  if (over) add("state machine", "in switching_over", (over.to - over.from) * 1000, over);
  add("libvirt", "downtime, by both hosts' clocks", told.downtime);
  add("libvirt", "downtime without the hand-over (downtime_net)", told.downtime_net);
  if (migration && migration.downtime !== undefined) add("controller", "shut off to started again", migration.downtime);
  const gap = longestGap(stretch.beats, from, to);
  if (gap) add("outside", "longest silence of the heartbeat", gap.ms, gap);
  const outage = longestOutage(stretch.pings, from, to);
  if (outage) add("outside", "longest run of lost pings", outage.ms, outage);
  const slow = stretch.trips.filter(each => each.t >= from && each.t <= to)
    .reduce((a, b) => (a && a.tookMs >= b.tookMs ? a : b), null);
  if (slow) add("outside", "slowest answer on the TCP connection", slow.tookMs, { from: slow.t });
  if (stretch.stalls) add("inside", "longest stall, by the guest's own clock", stretch.stalls.longestMs);
  stretch.gap = gap;
  return rows;
}

/** Gaps between wakes of a thread in the guest: buckets from 2^i microseconds up. */
function stallsOf(guest) {
  const stalls = guest && guest.stalls;
  if (!stalls || !Array.isArray(stalls.counts)) return null;
  const buckets = stalls.counts.map((count, i) => ({ fromMs: 2 ** i / 1000, count }));
  const used = buckets.map((each, i) => (each.count ? i : -1)).filter(i => i >= 0);
  return {
    longestMs: stalls.longest_ns / 1e6,
    buckets: used.length ? buckets.slice(used[0], last(used) + 1) : [],
  };
}

/** One move, or one stretch of time that was watched, of a scenario. */
function stretchOf(scenario, prefix, parts) {
  const migration = isObject(parts.migration) ? parts.migration : null;
  const later = migration && migration.watched_for ? migration.watched_for / 1000 : 0;
  const at = ms => ms / 1000 - later;
  const arrivals = (parts.heartbeat && parts.heartbeat.arrivals) || [];
  const stretch = {
    scenario: scenario.id,
    name: prefix.replace(/[:\s]+$/, "") || "the migration",
    migration,
    phases: migration ? phasesOf(migration) : [],
    samples: samplesOf((migration && migration.samples) || parts.progress || []),
    steered: (migration && migration.steered) || [],
    beats: arrivals.map(([ms], i) => ({ t: at(ms), gapMs: i ? ms - arrivals[i - 1][0] : null })),
    pings: ((parts.pings && parts.pings.pings) || []).map(([ms, tookMs]) => ({ t: at(ms), tookMs })),
    trips: ((parts["tcp session"] && parts["tcp session"].round_trips) || [])
      .map(([ms, tookMs]) => ({ t: at(ms), tookMs })),
    stalls: stallsOf(parts.guest),
    stood: ((parts.guest && parts.guest.stalls && parts.guest.stalls.placed) || [])
      .map(([from, to]) => ({ from: at(from), to: at(to) })),
    told: ((migration && migration.told) || []).map(each => ({ ...each, at: each.at / 1000 })),
    figures: prefix ? scenario.figures.filter(each => each.name.startsWith(prefix))
      .map(each => ({ ...each, name: each.name.slice(prefix.length) })) : scenario.figures,
  };
  const ends = [0, migration ? migration.wall_time / 1000 : 0, ...stretch.phases.map(each => each.to),
    ...stretch.samples.map(each => each.t)];
  let end = Math.max(...ends);
  if (end === 0) end = Math.max(0, ...[stretch.beats, stretch.trips].map(l => (l.length ? last(l).t : 0)));
  const margin = Math.max(0.3, end * 0.03);
  stretch.window = [-margin, end + margin];
  stretch.away = awayOf(stretch);
  return stretch;
}

function stretchesOf(scenario) {
  const found = new Map();
  for (const [key, value] of Object.entries(scenario.samples || {})) {
    const match = WITNESSES.exec(key);
    if (!match || !(isObject(value) || Array.isArray(value))) continue;
    if (!found.has(match[1])) found.set(match[1], {});
    found.get(match[1])[match[2]] = value;
  }
  const all = [...found].map(([prefix, parts]) => stretchOf(scenario, prefix, parts));
  // In the order in which they are told, which is that of the figures.
  const place = each => {
    const index = scenario.figures.findIndex(figure => figure.name.startsWith(each.name));
    return index < 0 ? Infinity : index;
  };
  return all.sort((a, b) => (place(a) === place(b) ? 0 : place(a) - place(b)));
}

/** Figures told at three settings of one number or more: `1000 Mbit/s: wall time`. */
function curvesOf(scenario) {
  const curves = new Map();
  for (const { name, value, unit } of scenario.figures) {
    const match = /^(\D*?)(\d+(?:\.\d+)?)([^:]*): (.+)$/.exec(name);
    if (!match || value === null) continue;
    const amount = unit.startsWith("bytes");
    const over = `${match[1]}${match[3]}`.trim();
    const key = JSON.stringify([over, match[4], unit]);
    if (!curves.has(key)) curves.set(key, { over, name: match[4], unit: unit.replace("bytes", "MiB"), points: [] });
    curves.get(key).points.push([Number(match[2]), amount ? mib(value) : value]);
  }
  return [...curves.values()].filter(each => new Set(each.points.map(p => p[0])).size >= 3)
    .map(each => ({ ...each, points: each.points.sort((a, b) => a[0] - b[0]) }));
}

/** How much merging of pages saved over time, by who advised it: [{name, looks: [{t, saved, cpu}]}]. */
function mergingOf(scenario) {
  return Object.entries(scenario.samples || {})
    .filter(([key, value]) => key.endsWith(": merging") && Array.isArray(value))
    .map(([key, value]) => ({
      name: key.slice(0, -": merging".length),
      looks: value.filter(isObject).map(each => ({ t: each.s, saved: each.saved, cpu: each.ksmd_cpu_s })),
    }));
}

/** Every diagnosis of a scenario, with the words it was made from. */
function diagnosesOf(scenario) {
  const samples = scenario.samples || {};
  return Object.entries(samples)
    .filter(([key, value]) => key.endsWith("diagnosis") && isObject(value))
    .map(([key, value]) => {
      const whose = key.replace(/:?\s*diagnosis$/, "");
      return { whose, said: samples[`${whose} says`], causes: value.causes || [], unexplained: value.unexplained || [] };
    });
}

/** What the check said beforehand of a failure that was made on purpose; null where none was. */
function foreseenOf(scenario) {
  const told = (scenario.samples || {}).foreseen;
  if (typeof told === "string") return `The check could not begin, for the same cause: ${told}`;
  if (!isObject(told)) return null;
  const found = Array.isArray(told.found) ? told.found : [];
  return found.length ? `Foreseen by the check: ${found.join("; ")}` : `Not foreseen by the check: ${told.cannot || "no reason is given"}`;
}
