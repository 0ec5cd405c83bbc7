"use strict";
// What parts of the report are made of: elements, numbers as text, tables, plots. Texts are only ever set as text: nothing of
// the data in the page is taken for HTML.
const data = JSON.parse(document.getElementById("data").textContent);
const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined) node.setAttribute(key, value);
  }
  for (const child of children.flat(3)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return node;
}
const el = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const draw = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);
const percent = (x) => (x === null || x === undefined ? "" : (100 * x).toFixed(2) + " %");
const whole = (x) => (x === null || x === undefined ? "" : Number(x).toLocaleString("en"));
const called = (node) => `${node.name} (${node.kind})`;  // as messages name a layer
const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);
const short = (x) => {
  if (Math.abs(x) >= 1e4 && Number.isInteger(Math.round(x * 1e6) / 1e6)) return Math.round(x).toLocaleString("en");
  return Math.abs(x) >= 1e4 || (x !== 0 && Math.abs(x) < 1e-3) ? x.toExponential(1) : String(Math.round(x * 1e4) / 1e4);
};
const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function table(columns, rows, numbers) {
  const right = new Set(numbers || []);
  const mark = (k) => (right.has(k) ? { class: "number" } : {});
  return el("div", { class: "scroll" }, el("table", {},
    el("thead", {}, el("tr", {}, columns.map((c, k) => el("th", { ...mark(k), scope: "col" }, c)))),
    el("tbody", {}, rows.map((row) => el("tr", {}, row.map((cell, k) => el("td", mark(k), cell)))))));
}

// Round numbers from a to b, about five of them.
function ticks(a, b) {
  const rough = (b - a) / 5, power = 10 ** Math.floor(Math.log10(rough)), step = power * [1, 2, 5, 10].find((f) => f * power >= rough);
  const found = [];
  for (let k = Math.ceil(a / step - 1e-9); k * step <= b + step * 1e-9; k++) found.push(Math.abs(k) < 1e-12 ? 0 : k * step);
  return found;
}

// A plot with axes: lines [{x, y, color, label, dots}], or bars [{lo, hi, n, color}].
function plot(title, options) {
  const [w, h, left, bottom, top] = [480, 240, 84, 40, 12];
  const lines = options.lines || [], bars = options.bars || [];
  const xs = lines.flatMap((l) => l.x).concat(bars.flatMap((b) => [b.lo, b.hi]));
  const ys = lines.flatMap((l) => l.y).concat(bars.map((b) => b.n), options.floor !== undefined ? [options.floor] : []);
  if (!xs.length) return null;
  let [x0, x1] = [Math.min(...xs), Math.max(...xs)], [y0, y1] = [Math.min(...ys), Math.max(...ys)];
  if (x0 === x1) { x0 -= 0.5; x1 += 0.5; }
  if (y0 === y1) { y0 -= 0.5; y1 += 0.5; }
  const px = (x) => left + ((x - x0) / (x1 - x0)) * (w - left - 24), py = (y) => h - bottom - ((y - y0) / (y1 - y0)) * (h - bottom - top);
  const picture = draw("svg", { viewBox: `0 0 ${w} ${h}`, role: "img", "aria-label": title },
    ticks(x0, x1).map((x) => [draw("line", { class: "axis", x1: px(x), x2: px(x), y1: top, y2: h - bottom }),
      draw("text", { x: px(x), y: h - bottom + 14, "text-anchor": "middle" }, short(x))]),
    ticks(y0, y1).map((y) => [draw("line", { class: "axis", x1: left, x2: w - 24, y1: py(y), y2: py(y) }),
      draw("text", { x: left - 5, y: py(y) + 4, "text-anchor": "end" }, short(y))]),
    bars.map((b) => draw("rect", { x: px(b.lo), width: Math.max(1, px(b.hi) - px(b.lo) - 0.5), y: py(b.n), height: Math.max(0, py(y0) - py(b.n)),
      fill: b.color || "var(--one)" }, draw("title", {}, `${short(b.lo)} to ${short(b.hi)}: ${whole(b.n)}`))),
    lines.map((l) => l.apart ? draw("path", { fill: "none", stroke: l.color, "stroke-width": 2,
      d: l.x.map((x, k) => `M${px(x).toFixed(1)} ${py(l.y[k]).toFixed(1)} V${py(l.apart[k]).toFixed(1)}`).join(" ") })
      : l.dots ? l.x.map((x, k) => draw("circle", { cx: px(x), cy: py(l.y[k]), r: 3, fill: l.color }))
      : draw("polyline", { fill: "none", stroke: l.color, "stroke-width": l.width || 1.5, "stroke-opacity": l.opacity || 1, "stroke-dasharray": l.dashes || "none",
        points: l.x.map((x, k) => `${px(x).toFixed(1)},${py(l.y[k]).toFixed(1)}`).join(" ") })),
    draw("text", { x: (left + w) / 2, y: h - 6, "text-anchor": "middle" }, options.x || ""),
    draw("text", { x: 12, y: (h - bottom) / 2, "text-anchor": "middle", transform: `rotate(-90 12 ${(h - bottom) / 2})` }, options.y || ""));
  const named = lines.filter((l) => l.label);
  return el("div", { class: "plot" }, el("h3", {}, title), picture,
    named.map((l) => el("span", { class: "key" }, el("i", { style: `background:${l.color}` }), l.label)));
}

const tile = (value, says, kind) => el("div", { class: "tile" }, el("b", { class: kind || "" }, value), el("span", {}, says));
