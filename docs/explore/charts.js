"use strict";

/* The pictures of the page, drawn as SVG in the width that there is. Colours come from the style sheet by class. */

const charts = (() => {
  const NAMESPACE = "http://www.w3.org/2000/svg";
  /** Below this width, in CSS pixels, the names of lines stand above them instead of at their ends. */
  const NARROW = 400;

  function svg(name, attributes = {}, ...children) {
    const element = document.createElementNS(NAMESPACE, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children.flat());
    return element;
  }

  const text = (x, y, content, attributes = {}) => svg("text", { x, y, ...attributes }, content);

  /** The width that there is, in CSS pixels; a page that is not shown has none. */
  const room = (place) => Math.max(place.clientWidth, 240);

  /** A drawing of that height which fills its place; `label` says what it shows to those who cannot see it. */
  function frame(place, height, label) {
    const width = room(place);
    const picture = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
    place.replaceChildren(picture);
    return { picture, width, height };
  }

  /** A map from a domain to pixels; logarithmic on demand. */
  function scale([low, high], [from, to], logarithmic = false) {
    const position = logarithmic ? Math.log10 : (value) => value;
    const length = position(high) - position(low);
    return (value) => from + ((position(value) - position(low)) / length) * (to - from);
  }

  /** Heights moved apart so that labels do not lie over each other. */
  function spread(heights, gap, top, bottom) {
    const order = heights.map((_, i) => i).sort((i, j) => heights[i] - heights[j]);
    const placed = [...heights];
    order.forEach((i, rank) => {
      placed[i] = Math.max(placed[i], rank ? placed[order[rank - 1]] + gap : top);
    });
    const excess = order.length ? Math.max(0, placed[order[order.length - 1]] - bottom) : 0;
    return placed.map((height) => height - excess);
  }

  const path = (points) => points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)},${y.toFixed(1)}`).join("");

  /** Lines over one pair of axes, each named at its end.
   * lines: [{name, kind, points, dashed, dots}]; kind is the class that gives the colour. */
  function lines(place, { label, x, y, lines: curves, height: given = 260, rules = [], marks = [], names = 112 }) {
    const named = curves.filter((curve) => curve.name);
    const narrow = place.clientWidth < NARROW;
    const above = narrow ? 18 * named.length : 0;
    const height = given + above;
    const { picture, width } = frame(place, height, label);
    const right = width - (named.length && !narrow ? names : 12);
    const [top, bottom, left] = [34 + above, height - 40, 44];
    const toX = scale(x.domain, [left, right]);
    const toY = scale(y.domain, [bottom, top], y.logarithmic);
    const within = ([a, b]) => [toX(a), Math.min(Math.max(toY(b), top), bottom)];

    picture.append(text(0, 14, y.label, { class: "axis-label" }));
    picture.append(text(right, height - 6, x.label, { class: "axis-label", "text-anchor": "end" }));
    for (const tick of y.ticks) {
      picture.append(svg("line", { class: "grid", x1: left, x2: right, y1: toY(tick), y2: toY(tick) }));
      picture.append(text(left - 8, toY(tick) + 4, y.format ? y.format(tick) : tick, { "text-anchor": "end" }));
    }
    for (const tick of x.ticks) {
      picture.append(text(toX(tick), bottom + 18, x.format ? x.format(tick) : tick, { "text-anchor": "middle" }));
    }
    for (const rule of rules) {
      picture.append(svg("line", { class: "rule", x1: toX(rule), x2: toX(rule), y1: top, y2: bottom }));
    }
    for (const { kind, points, dots, dashed } of curves) {
      if (!points.length) continue;
      const line = { d: path(points.map(within)), class: `line ${kind}${dashed ? " dashed" : ""}` };
      if (dots) points.map(within).forEach(([cx, cy]) => picture.append(svg("circle", { cx, cy, r: 3, class: `ring ${kind}` })));
      else picture.append(svg("path", line));
    }
    for (const { at, kind } of marks) {
      const [cx, cy] = within(at);
      picture.append(svg("circle", { cx, cy, r: 4.5, class: `dot ${kind}` }));
    }
    const ends = named.map((curve) => (curve.points.length ? within(curve.points[curve.points.length - 1]) : [left, bottom]));
    const heights = spread(ends.map(([, end]) => end + 4), 17, top, bottom);
    named.forEach(({ name, kind }, i) => {
      const [at, words] = narrow ? [[0, 32 + 18 * i], `■ ${name}`] : [[ends[i][0] + 8, heights[i]], name];
      picture.append(text(...at, words, { class: `name ${kind}` }));
    });
  }

  /** Bars around a zero line, in groups: one group for each outcome, one bar for each series.
   * series: [{name, kind, values}]; ticks: heights with a line and a number */
  function bars(place, { label, title, outcomes, series, domain, format, height = 220, marked = -1, ticks = [] }) {
    const { picture, width } = frame(place, height, label);
    const below = domain[0] < 0 ? 16 : 0;
    const [top, bottom] = [54, height - 28 - below];
    const toY = scale(domain, [bottom, top]);
    const left = ticks.length ? 24 : 0;
    const group = (width - left) / outcomes.length;
    const thickness = Math.min(46, (0.72 * group) / series.length);
    picture.append(text(0, 14, title, { class: "axis-label" }));
    ticks.forEach((tick) => {
      picture.append(svg("line", { class: "grid", x1: left, x2: width, y1: toY(tick), y2: toY(tick) }));
      picture.append(text(left - 6, toY(tick) + 4, tick, { "text-anchor": "end" }));
    });
    outcomes.forEach((outcome, i) => {
      const middle = left + group * (i + 0.5);
      series.forEach(({ kind, values }, j) => {
        const from = middle + (j - series.length / 2) * thickness;
        const [y, zero] = [toY(values[i]), toY(0)];
        const size = { x: from + 1, width: thickness - 2, y: Math.min(y, zero), height: Math.max(Math.abs(zero - y), 0.5) };
        picture.append(svg("rect", { ...size, class: `bar ${kind}` }));
        if (!format) return;
        const above = values[i] < 0 ? Math.max(y, zero) + 13 : Math.min(y, zero) - 5;
        picture.append(text(from + thickness / 2, above, format(values[i]), { class: "value", "text-anchor": "middle" }));
      });
      const name = { "text-anchor": "middle", class: i === marked ? "marked" : "" };
      picture.append(text(middle, height - 8, outcome, name));
    });
    picture.append(svg("line", { class: "zero", x1: left, x2: width, y1: toY(0), y2: toY(0) }));
    legend(picture, series, width);
  }

  /** Names of the series in their colours, from the left under the title. */
  function legend(picture, series, width) {
    const named = series.filter(({ name }) => name);
    named.forEach(({ name, kind }, i) => {
      picture.append(text((width / named.length) * i, 31, `■ ${name}`, { class: `name ${kind}` }));
    });
  }

  /** Bars of a distribution that can be dragged, or moved with the arrow keys; `change(index, probability)` is told. */
  function dragBars(place, { labels, values, kind, describe, change, height = 190 }) {
    const { picture, width } = frame(place, height, "");
    picture.setAttribute("role", "group");
    picture.removeAttribute("aria-label");
    const [top, bottom] = [22, height - 24];
    const toY = scale([0, 1], [bottom, top]);
    const group = width / labels.length;
    const parts = labels.map((name, i) => {
      const middle = group * (i + 0.5);
      const bar = svg("rect", { class: `bar ${kind}`, x: middle - group * 0.32, width: group * 0.64 });
      const handle = svg("rect", { class: `handle ${kind}`, x: middle - group * 0.32, width: group * 0.64, height: 6, rx: 3 });
      const value = text(middle, 0, "", { class: "value", "text-anchor": "middle" });
      const area = svg("rect", { class: "catch", x: group * i, y: 0, width: group, height: bottom });
      const slider = { class: "slider", role: "slider", tabindex: 0, "aria-valuemin": 0, "aria-valuemax": 100 };
      const node = svg("g", slider, bar, handle, value, text(middle, height - 6, name, { "text-anchor": "middle" }), area);
      node.addEventListener("keydown", (event) => moveByKey(event, i));
      node.addEventListener("pointerdown", (event) => {
        node.setPointerCapture(event.pointerId);
        moveTo(event, i);
      });
      node.addEventListener("pointermove", (event) => event.buttons && moveTo(event, i));
      picture.append(node);
      return { node, bar, handle, value };
    });
    const STEPS = { ArrowUp: 0.01, ArrowRight: 0.01, ArrowDown: -0.01, ArrowLeft: -0.01, PageUp: 0.1, PageDown: -0.1 };
    const ENDS = { Home: 0, End: 1 };

    function moveByKey(event, i) {
      const target = event.key in ENDS ? ENDS[event.key] : values[i] + STEPS[event.key];
      if (Number.isNaN(target)) return;
      event.preventDefault();
      change(i, Math.min(Math.max(target, 0), 1));
    }

    function moveTo(event, i) {
      const y = event.clientY - picture.getBoundingClientRect().top;
      change(i, Math.min(Math.max((bottom - y) / (bottom - top), 0), 1));
    }

    function update(next) {
      values = next;
      parts.forEach(({ node, bar, handle, value }, i) => {
        const y = toY(values[i]);
        bar.setAttribute("y", y);
        bar.setAttribute("height", bottom - y);
        handle.setAttribute("y", y - 3);
        value.setAttribute("y", y - 8);
        value.textContent = `${Math.round(1000 * values[i]) / 10} %`;
        node.setAttribute("aria-valuenow", Math.round(100 * values[i]));
        node.setAttribute("aria-valuetext", value.textContent);
        node.setAttribute("aria-label", describe(labels[i]));
      });
    }

    update(values);
    return update;
  }

  /** The cost of coding as areas: width p, height −log2 q; a line at −log2 p, and what is above it marked as waste. */
  function codeAreas(place, { label, title, labels, p, q, wasted, saved, height = 240 }) {
    const { picture, width } = frame(place, height, label);
    const [top, bottom, left] = [46, height - 26, 30];
    const lengths = [...p, ...q].map((share) => -Math.log2(share)).filter(Number.isFinite);
    const highest = Math.max(4, Math.min(Math.ceil(Math.max(...lengths)), 10));
    const toX = scale([0, 1], [left, width]);
    const toY = scale([0, highest], [bottom, top]);
    picture.append(text(0, 14, title, { class: "axis-label" }));
    for (let bits = 0; bits <= highest; bits += highest > 6 ? 2 : 1) {
      picture.append(svg("line", { class: "grid", x1: left, x2: width, y1: toY(bits), y2: toY(bits) }));
      picture.append(text(left - 8, toY(bits) + 4, bits, { "text-anchor": "end" }));
    }
    let start = 0;
    labels.forEach((name, i) => {
      const [x1, x2] = [toX(start) + 1, toX(start + p[i]) - 1];
      start += p[i];
      if (x2 <= x1) return;
      const [believed, best] = [q[i], p[i]].map((share) => Math.min(-Math.log2(share), highest));
      const block = (from, to, kind) =>
        picture.append(svg("rect", { class: kind, x: x1, width: x2 - x1, y: toY(to), height: toY(from) - toY(to) }));
      block(0, Math.min(believed, best), "block");
      if (believed > best) block(best, believed, "block waste");
      if (believed < best) block(believed, best, "block saved");
      picture.append(svg("line", { class: "best", x1, x2, y1: toY(best), y2: toY(best) }));
      if (x2 - x1 > 30) picture.append(text((x1 + x2) / 2, height - 8, name, { "text-anchor": "middle" }));
    });
    picture.append(text(left, 33, `■ ${wasted}`, { class: "name waste" }));
    picture.append(text(left + Math.min(170, width / 2.4), 33, `□ ${saved}`, { class: "name" }));
  }

  /** A square map of values, dark where they are large, with one cell marked; `choose(row, column)` is told of taps. */
  function squareMap(place, { label, title, values, side, marked, choose, legendText }) {
    const size = Math.min(room(place), 360);
    const [top, cell] = [26, size / side];
    const picture = svg("svg", { width: size, height: size + top + 24, viewBox: `0 0 ${size} ${size + top + 24}`, role: "img", "aria-label": label });
    const largest = Math.max(...values, 1e-9);
    picture.append(text(0, 14, title, { class: "axis-label" }));
    values.forEach((value, i) => {
      const share = Math.round(100 * Math.sqrt(Math.max(value, 0) / largest));
      const box = { x: (i % side) * cell, y: top + Math.floor(i / side) * cell, width: cell + 0.4, height: cell + 0.4 };
      const fill = `fill: color-mix(in oklab, var(--strong) ${share}%, var(--empty))`;
      picture.append(svg("rect", { ...box, style: fill }));
    });
    const [row, column] = marked;
    const ring = { x: column * cell + 1, y: top + row * cell + 1, width: cell - 2, height: cell - 2 };
    picture.append(svg("rect", { ...ring, class: "ring-outer" }), svg("rect", { ...ring, class: "ring-inner" }));
    picture.append(text(0, size + top + 17, legendText));
    picture.addEventListener("click", (event) => {
      const box = picture.getBoundingClientRect();
      const at = (offset) => Math.min(Math.max(Math.floor(offset / cell), 0), side - 1);
      choose(at(event.clientY - box.top - top), at(event.clientX - box.left));
    });
    place.replaceChildren(picture);
  }

  /** Points in two bands and a curve through the unit square. */
  function logisticPlot(place, { label, x, y, points, curve, height = 260 }) {
    const { picture, width } = frame(place, height, label);
    const [top, bottom, left] = [34, height - 40, 44];
    const toX = scale(x.domain, [left, width - 12]);
    const toY = scale([0, 1], [bottom - 22, top + 22]);
    picture.append(text(0, 14, y.label, { class: "axis-label" }));
    picture.append(text(width - 12, height - 6, x.label, { class: "axis-label", "text-anchor": "end" }));
    for (const tick of [0, 0.5, 1]) {
      picture.append(svg("line", { class: "grid", x1: left, x2: width - 12, y1: toY(tick), y2: toY(tick) }));
      picture.append(text(left - 8, toY(tick) + 4, tick, { "text-anchor": "end" }));
    }
    for (const tick of x.ticks) picture.append(text(toX(tick), bottom + 18, tick, { "text-anchor": "middle" }));
    points.forEach(([at, label01], i) => {
      const jitter = ((i * 7) % 11) - 5;
      const middle = toY(label01) + (label01 ? -10 : 10);
      picture.append(svg("circle", { cx: toX(at), cy: middle + 1.6 * jitter, r: 2.4, class: "point" }));
    });
    const samples = Array.from({ length: 121 }, (_, i) => x.domain[0] + (i / 120) * (x.domain[1] - x.domain[0]));
    picture.append(svg("path", { class: "line cross_entropy", d: path(samples.map((at) => [toX(at), toY(curve(at))])) }));
  }

  /** Grey levels or signed weights on a canvas; `colour(value)` gives red, green, blue and opacity, 0 to 255. */
  function pixels(canvas, values, side, colour) {
    canvas.width = canvas.height = side;
    const image = new ImageData(side, side);
    values.forEach((value, i) => image.data.set(colour(value), 4 * i));
    canvas.getContext("2d").putImageData(image, 0, 0);
  }

  return { lines, bars, dragBars, codeAreas, squareMap, logisticPlot, pixels };
})();
