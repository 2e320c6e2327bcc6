// SPDX-License-Identifier: MIT
// Pictures over time, by uPlot. Their colours are the style sheet's, read anew whenever they change.

// The plots of all pictures begin and end at the same pixels, so that what is above stands above.
const AXIS_WIDTH = 62;
const RIGHT_MARGIN = 20;
const pictures = new Set();

const colour = name => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const SERIES_COLOURS = ["blue", "orange", "green", "purple", "red", "grey"];

const PHASE_COLOURS = {
  copying_disks: "green", copying: "green", pre_copy: "blue", pre_copy_suspended: "purple",
  switching_over: "red", stopping: "red", starting: "red", post_copy_starting: "orange", post_copy: "orange",
  post_copy_paused: "red", post_copy_recovering: "purple", cancelling: "orange", verifying: "purple",
};
const phaseColour = name => PHASE_COLOURS[name] || "grey";

/** Stripes behind the lines: [{from, to, colour, alpha}]. */
function drawBands(plot, bands) {
  const { ctx, bbox } = plot;
  ctx.save();
  for (const band of bands) {
    const left = Math.max(bbox.left, plot.valToPos(band.from, "x", true));
    const right = Math.min(bbox.left + bbox.width, plot.valToPos(band.to, "x", true));
    ctx.globalAlpha = band.alpha;
    ctx.fillStyle = colour(band.colour);
    if (right > left) ctx.fillRect(left, bbox.top, Math.max(1, right - left), bbox.height);
  }
  ctx.restore();
}

/** Upright lines with a word each, as far as there is room: [{at, text, colour}]. */
function drawMarks(plot, marks) {
  const { ctx, bbox } = plot;
  const scale = window.devicePixelRatio || 1;
  let free = -Infinity;
  ctx.save();
  ctx.font = `${11 * scale}px system-ui, sans-serif`;
  ctx.textBaseline = "top";
  ctx.textAlign = "left";
  for (const mark of marks) {
    const x = Math.round(plot.valToPos(mark.at, "x", true));
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.strokeStyle = colour(mark.colour);
    ctx.fillStyle = colour(mark.colour);
    ctx.lineWidth = scale;
    ctx.setLineDash(mark.short ? [] : [3 * scale, 3 * scale]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, mark.short ? bbox.top + 7 * scale : bbox.top + bbox.height);
    ctx.stroke();
    if (mark.text && x > free) {
      const width = ctx.measureText(mark.text).width;
      const left = Math.min(x + 3 * scale, bbox.left + bbox.width - width);
      ctx.fillText(mark.text, left, bbox.top + 2 * scale);
      free = left + width + 4 * scale;
    }
  }
  ctx.restore();
}

function optionsOf(what, width) {
  const axis = {
    stroke: colour("text"), font: "12px system-ui, sans-serif",
    grid: { stroke: colour("line"), width: 1 }, ticks: { stroke: colour("line"), width: 1 },
  };
  const y = what.log ? { distr: 3, range: (u, lo, hi) => [1, Math.max(100, 10 ** Math.ceil(Math.log10(hi || 10)))] }
    : { range: (u, lo, hi) => what.range || [0, (hi > 0 ? hi : 1) * 1.12] };
  return {
    width, height: what.height || 190, padding: [10, RIGHT_MARGIN, 0, 0],
    legend: { show: !what.single },
    cursor: { drag: { x: false, y: false }, sync: what.sync ? { key: what.sync } : undefined, points: { size: 6 } },
    scales: { x: { time: false, distr: what.logX ? 3 : 1, range: (u, lo, hi) => what.window || [lo, hi] }, y },
    axes: [
      { ...axis, size: 32, space: 60, values: (u, ticks) => ticks.map(v => (v === null ? "" : what.xText(v))) },
      { ...axis, size: AXIS_WIDTH, space: 34, filter: what.log ? (u, splits) => splits.map(v => (Number.isInteger(Math.log10(v)) ? v : null)) : undefined,
        values: (u, ticks) => ticks.map(v => (v === null ? "" : what.yText(v))) },
    ],
    series: [
      { label: what.xLabel, value: (u, v) => (v === null ? "–" : what.xText(v)) },
      ...what.series.map((each, i) => {
        const stroke = colour(each.colour || SERIES_COLOURS[i % SERIES_COLOURS.length]);
        return {
          label: each.label, stroke, width: 1.75, spanGaps: true, dash: each.dash,
          fill: each.fill ? `${stroke}2e` : undefined,
          paths: each.steps ? uPlot.paths.stepped({ align: -1 }) : each.dots ? () => null : undefined,
          points: { show: Boolean(each.dots || each.dotted), size: each.dots ? 4 : 5, fill: stroke, width: 0 },
          value: (u, v) => (v === null || v === undefined ? "–" : what.yText(v)),
        };
      }),
    ],
    hooks: {
      drawClear: [plot => drawBands(plot, what.bands || [])],
      draw: [plot => drawMarks(plot, what.marks || [])],
    },
  };
}

/** Series of [x, y] pairs on the x of all of them. */
function joined(series) {
  const tables = series.map(each => {
    const points = each.points.filter(point => point[1] !== null && point[1] !== undefined);
    return [points.map(point => point[0]), points.map(point => point[1])];
  });
  return uPlot.join(tables);
}

/**
 * Draws `what` into `host` as soon as it has a width, and again when width or colours change.
 * what: {series: [{label, points: [[x, y]…], colour, fill, steps, dots, dash}], xLabel, xText, yText,
 * window, range, log, logX, bands, marks, sync, height, single}
 */
function picture(host, what) {
  const data = joined(what.series);
  let plot = null;
  const draw = () => {
    const width = Math.floor(host.clientWidth);
    if (width === 0) return;
    if (plot) plot.destroy();
    plot = new uPlot(optionsOf(what, width), data, host);
  };
  pictures.add(draw);
  new ResizeObserver(() => {
    const width = Math.floor(host.clientWidth);
    if (width > 0 && (!plot || plot.width !== width)) draw();
  }).observe(host);
}

function redrawAll() {
  for (const draw of pictures) draw();
}
