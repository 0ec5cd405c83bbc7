// The parts of the report, drawn from the data in the page.
const layerOf = (name) => called(data.nodes.find((n) => n.name === name) || { name, kind: "?" });

function summary() {
  const e = data.evaluation, v = data.verdict, c = data.estimate, out = el("section", {});
  const tiles = el("div", { class: "tiles" });
  if (e && e.accuracy !== undefined) tiles.append(tile(percent(e.accuracy), "accuracy of the integers"));
  if (e && e.float_accuracy !== undefined) tiles.append(tile(percent(e.float_accuracy), "accuracy of the float model"));
  if (e && e.same_prediction !== undefined) tiles.append(tile(percent(e.same_prediction), "same prediction, float and integers"));
  if (v) tiles.append(tile(v.equal ? "equal" : "different", "every back end (executor) run here, compared with the reference", v.equal ? "good" : "bad"));
  if (c) {
    const fits = c.fits === null ? "not known" : c.fits ? "yes" : "no";
    tiles.append(tile(fits, `fits on ${c.target}`, c.fits === false ? "bad" : ""));
    tiles.append(tile(c.energy ? c.energy.says : "not known", "energy of a sample" + (c.relative_only && c.energy ? " (relative only)" : "")));
    tiles.append(tile(c.latency ? c.latency.says : "not known", "latency of a sample"));
  }
  const neurons = data.nodes.filter((n) => n.neuron).reduce((sum, n) => sum + n.shape.reduce((a, b) => a * b, 1), 0);
  tiles.append(tile(whole(neurons), "neurons"), tile(whole(data.nodes.reduce((s, n) => s + (n.weights ? n.weights.number : 0), 0)), "weights"));
  out.append(tiles);
  if (data.warnings.length) {
    out.append(el("h2", {}, "What was lost"));
    out.append(table(["what", "where", "measured", "cause", "remedy"], data.warnings.map((w) => [w.what, w.where, w.got, w.cause, w.remedy])));
  }
  if (e) {
    const rows = Object.entries(e.layers).map(([name, l]) => [layerOf(name), percent(l.rate), percent(l.float_rate), percent(l.spike_mismatch),
      percent(l.own_mismatch), whole(l.unexplained), percent(l.saturation), l.dead ? el("span", { class: "bad" }, "dead") : ""]);
    out.append(el("h2", {}, "Every neuron layer, measured"),
      table(["layer", "firing rate", "float rate", "spikes differ", "begin here", "unexplained", "saturates", ""], rows, [1, 2, 3, 4, 5, 6]),
      el("p", { class: "soft" }, "Rounding makes the integers fire a little differently from the float model; this table measures by how much. \"Spikes differ\": the",
        " share of values that are not the same, each network run by itself. \"Begin here\": the share that is left when the float layer is given the spikes",
        " of the integers before it, so that only its own rounding counts. \"Unexplained\": the number of differences that are too large for the rounding of",
        " the layer; 0 is as it should be. \"Saturates\": the share of values at which the state reached an end of its range and was kept there."));
  }
  if (data.confusion) {
    const which = Object.keys(data.confusion), place = el("div", {});
    const show = (name) => place.replaceChildren(confusion(data.confusion[name]));
    out.append(el("h2", {}, "Confusion matrix"), el("div", { class: "controls" }, el("label", {}, "of ",
      el("select", { onchange: (event) => show(event.target.value) }, which.map((w) => el("option", {}, w))))), place);
    show(which[0]);
  }
  return out;
}

function confusion(rows) {
  const most = Math.max(1, ...rows.flat());
  return el("div", { class: "scroll" }, el("table", { class: "confusion" },
    el("thead", {}, el("tr", {}, el("th", {}, "class \\ taken for"), rows.map((_, k) => el("th", {}, k)))),
    el("tbody", {}, rows.map((row, k) => el("tr", {}, el("th", { scope: "row" }, k),
      row.map((n) => el("td", { style: `background: rgba(var(--shade), ${(0.85 * n) / most})` }, n || "")))))));
}

function network(open) {
  const at = new Map(data.nodes.map((n, k) => [n.name, k])), high = 44, gap = 22, wide = 330, left = 150;
  const y = (k) => 10 + k * (high + gap), parts = [];
  data.nodes.forEach((n, k) => n.inputs.forEach((from) => {
    const j = at.get(from);
    if (j === k - 1) parts.push(draw("path", { class: "edge", d: `M${left + wide / 2} ${y(j) + high} V${y(k)}` }));
    else {
      const out = left - Math.min(130, 18 + 12 * Math.abs(k - j));
      parts.push(draw("path", { class: "edge", d: `M${left} ${y(j) + high / 2} C${out} ${y(j) + high / 2} ${out} ${y(k) + high / 2} ${left} ${y(k) + high / 2}` }));
    }
  }));
  data.nodes.forEach((n, k) => {
    const more = n.weights ? `${whole(n.weights.number)} weights, ${whole(n.weights.macs)} MACs a step` : `${n.format}, [${whole(n.interval[0])}, ${whole(n.interval[1])}]`;
    const go = () => open(n.name);
    parts.push(draw("g", { class: "node", tabindex: 0, role: "button", onclick: go, onkeydown: (event) => event.key === "Enter" && go() },
      draw("rect", { x: left, y: y(k), width: wide, height: high, rx: 7 }),
      draw("text", { x: left + 10, y: y(k) + 18 }, `${called(n)}  [${n.shape.join(" x ")}]`.slice(0, 54)),
      draw("text", { x: left + 10, y: y(k) + 35, style: "fill: var(--soft)" }, more.slice(0, 58))));
  });
  const total = y(data.nodes.length);
  return el("section", {}, el("p", { class: "soft" }, "Click a layer to see its numbers. A line beside the boxes skips layers, or leads back to an earlier one.",
    " \"u8.0\" is an unsigned integer of 8 bits with none of them behind the binary point, \"s16.13\" a signed one of 16 bits with 13 behind it;",
    " in brackets are the smallest and the largest integer that the layer can send."),
    el("div", { style: "max-width: 560px" }, draw("svg", { viewBox: `0 0 ${left + wide + 20} ${total}`, role: "group", "aria-label": "network" }, parts)));
}

function layers() {
  const place = el("div", {}), choose = el("select", { onchange: () => show(choose.value) }, data.nodes.map((n) => el("option", {}, n.name)));
  const show = (name) => {
    choose.value = name;
    const node = data.nodes.find((n) => n.name === name);
    place.replaceChildren(el("h2", {}, called(node)), node.source && node.source !== called(node) ? el("p", { class: "soft" }, `from ${node.source}`) : "", about(node),
      node.weights ? weights(node) : "", data.layers[name] ? neuron(data.layers[name]) : "");
  };
  const section = el("section", {}, el("div", { class: "controls" }, el("label", {}, "layer ", choose)), place);
  const first = data.nodes.find((n) => n.neuron) || data.nodes[0];
  show(first.name);
  return [section, show];
}

const about = (n) => table(["shape", "format", "integers it can send", "reads"],
  [[n.shape.join(" x "), n.format, `[${whole(n.interval[0])}, ${whole(n.interval[1])}]`, n.inputs.join(", ")]]);

function weights(node) {
  const w = node.weights, bars = w.counts.map((n, k) => ({ lo: w.edges[k], hi: w.edges[k + 1], n }));
  return el("div", {}, el("p", {}, `${whole(w.number)} weights from ${w.lo} to ${w.hi}; ${percent(w.zeros / w.number)} are 0; ${whole(w.macs)} MACs a step`),
    el("div", { class: "row" }, plot("weights", { bars, x: "integer weight", y: "number", floor: 0 })));
}

function neuron(l) {
  const out = el("div", {}), m = l.measured;
  if (m) out.append(table(["firing rate", "float rate", "spikes differ", "begin here", "unexplained", "saturates"],
    [[percent(m.rate), percent(m.float_rate), percent(m.spike_mismatch), percent(m.own_mismatch), whole(m.unexplained), percent(m.saturation)]]));
  const row = el("div", { class: "row" });
  for (const s of l.states) {
    const step = (s.hi - s.lo) / s.counts.length, bars = s.counts.map((n, k) => ({ lo: s.lo + k * step, hi: s.lo + (k + 1) * step, n }));
    row.append(plot(`state ${s.state} (${s.format}): ${percent(s.at_lo)} at the lower bound, ${percent(s.at_hi)} at the upper`,
      { bars, x: `${s.state}, real units`, y: "values", floor: 0 }));
  }
  const bars = l.spikes.values.map((v, k) => ({ lo: v - 0.4 * gap(l.spikes.values), hi: v + 0.4 * gap(l.spikes.values), n: l.spikes.counts[k], color: "var(--three)" }));
  row.append(plot("spike values", { bars, x: "spike value", y: "number", floor: 0 }));
  for (const c of l.curves) {
    row.append(plot(`update without input, channel ${c.channel}`, { x: `${c.state} before the step`, y: `${c.state} after`, lines: [
      { x: c.u, y: c.u, color: "var(--line)", label: "unchanged" }, { x: c.u, y: c.real, color: "var(--two)", label: "real", width: 4, opacity: 0.45 },
      { x: c.u, y: c.integer, color: "var(--one)", label: "integers" }] }));
    const near = c.off.map((v, k) => [c.u[k], v]).filter(([, v]) => Math.abs(v) < 64);
    row.append(plot(`integers minus real, channel ${c.channel}`, { x: `${c.state} before the step`, y: "units of the state",
      lines: [{ x: near.map((p) => p[0]), y: near.map((p) => p[1]), color: "var(--one)" }] }) || "");
  }
  for (const p of l.portraits) row.append(portrait(p));
  if (l.widths.length > 1) row.append(plot("width of the surrogate gradient", { x: "step", y: "units of the membrane", floor: 0,
    lines: [{ x: [...l.widths.keys()], y: l.widths, color: "var(--one)" }] }));
  out.append(row);
  if (l.widths.length === 1) out.append(el("p", {}, `In training its surrogate gradient is ${short(l.widths[0])} wide, in units of the membrane.`));
  if (l.dynamics) out.append(dynamics(l.dynamics));
  if (l.claim) out.append(el("h3", {}, "verified bounds, for every state and every input"), claim(l.claim));
  out.append(el("h3", {}, "program of the neuron"), el("pre", {}, l.program));
  return out;
}

// A neuron with two states: from places of a grid to where a step without input takes them.
function portrait(p) {
  const [w, h, left, bottom, top] = [480, 400, 84, 40, 12], [[x0, x1], [y0, y1]] = p.ranges;
  const px = (x) => left + ((x - x0) / (x1 - x0 || 1)) * (w - left - 24), py = (y) => h - bottom - ((y - y0) / (y1 - y0 || 1)) * (h - bottom - top);
  const arrows = (steps, color, width, opacity) => steps.map(([dx, dy], k) => {
    const [x, y] = p.start[k], [ax, ay, bx, by] = [px(x), py(y), px(x + dx), py(y + dy)], long = Math.hypot(bx - ax, by - ay);
    if (long < 1) return draw("circle", { cx: ax, cy: ay, r: 1.2, fill: color });
    const [ux, uy] = [(bx - ax) / long, (by - ay) / long], s = Math.min(5, long / 2);
    const head = `M${bx} ${by} L${bx - s * (ux + 0.5 * uy)} ${by - s * (uy - 0.5 * ux)} M${bx} ${by} L${bx - s * (ux - 0.5 * uy)} ${by - s * (uy + 0.5 * ux)}`;
    return draw("path", { d: `M${ax} ${ay} L${bx} ${by} ${head}`, stroke: color, "stroke-width": width, "stroke-opacity": opacity, fill: "none" });
  });
  const title = `phase portrait without input, channel ${p.channel}`;
  const picture = draw("svg", { viewBox: `0 0 ${w} ${h}`, role: "img", "aria-label": title },
    ticks(x0, x1).map((x) => [draw("line", { class: "axis", x1: px(x), x2: px(x), y1: top, y2: h - bottom }),
      draw("text", { x: px(x), y: h - bottom + 14, "text-anchor": "middle" }, short(x))]),
    ticks(y0, y1).map((y) => [draw("line", { class: "axis", x1: left, x2: w - 24, y1: py(y), y2: py(y) }),
      draw("text", { x: left - 5, y: py(y) + 4, "text-anchor": "end" }, short(y))]),
    p.paths.map((path) => draw("polyline", { fill: "none", stroke: "var(--three)", "stroke-opacity": 0.5, points: path.map(([x, y]) => `${px(x).toFixed(1)},${py(y).toFixed(1)}`).join(" ") })),
    arrows(p.real, "var(--two)", 4, 0.45), arrows(p.integers, "var(--one)", 1.2, 1),
    p.fires.map((k) => draw("circle", { cx: px(p.start[k][0]), cy: py(p.start[k][1]), r: 4, fill: "none", stroke: "var(--bad)" })),
    draw("text", { x: (left + w) / 2, y: h - 6, "text-anchor": "middle" }, `${p.states[0]}, real units`),
    draw("text", { x: 12, y: (h - bottom) / 2, "text-anchor": "middle", transform: `rotate(-90 12 ${(h - bottom) / 2})` }, `${p.states[1]}, real units`));
  const keys = [["--two", "real"], ["--one", "integers"], ["--three", "paths of the integers"], ["--bad", "fires in this step"]];
  return el("div", { class: "plot" }, el("h3", {}, title), picture,
    keys.map(([c, t]) => el("span", { class: "key" }, el("i", { style: `background: var(${c})` }), t)),
    el("p", { class: "soft" }, "An arrow ends at the next state, or at the edge of its cell where the step goes further."));
}

function gap(values) {
  const steps = values.slice(1).map((v, k) => v - values[k]);
  return steps.length ? Math.min(...steps) : 1;
}

function dynamics(d) {
  const where = (a) => Object.keys(a.low).map((s) => (short(a.low[s]) === short(a.high[s]) ? short(a.low[s]) : `${short(a.low[s])} .. ${short(a.high[s])}`)).join(", ")
    + (a.period > 1 ? `, every ${a.period} steps` : a.period === 0 ? ", still moving" : "") + (a.fires ? ", firing" : "") + (a.bounds.length ? ", at a bound" : "");
  const tried = (c) => (c.tried < c.all_states ? `integers, from ${whole(c.tried)} of ${whole(c.all_states)} states` : "integers, from every state");
  const rows = d.channels.flatMap((c) => [["real", c.reals, c.real_ends], [tried(c), c.integers, c.integer_ends]].map(([name, ends, n]) => [c.channel, name,
    ends.map((a) => `${where(a)} (${(100 * a.basin).toFixed(0)} %)`).join("; ") + (n > ends.length ? `; and ${whole(n - ends.length)} more` : "")]));
  const points = d.channels.map((c) => [c.channel, c.fixed_points.join(", ")]);
  return el("div", {}, el("h3", {}, "what the state does without input"), d.findings.map((f) => el("p", {}, `${sentence(f)}.`)),
    table(["channel", "update", "ends at (of which share of all states)"], rows), table(["channel", "fixed points of the real update"], points),
    d.total > d.channels.length ? el("p", { class: "soft" }, `The layer has ${d.total} channels; those that do the same are shown once.`) : "");
}

function claim(c) {
  const errors = Object.entries(c.errors).filter(([, e]) => e && typeof e === "object" && "state_lsb" in e);
  const worst = errors.map(([name, e]) => `the ${name} ${e.state_lsb === 0 ? "not at all" : `by at most ${short(e.state_lsb)}`}`).join(", ");
  const span = ([lo, hi]) => `[${whole(lo)}, ${whole(hi)}]`;
  return el("div", {}, el("p", {}, `The widest integer that it computes has ${c.widest_bits} bits.`, worst ? ` In units of the state, rounding changes ${worst}.` : ""),
    c.clamps.length ? table(["value that saturates", "would reach", "stays within"], c.clamps.map((k) => [k.name, span(k.before), span(k.bounds)]))
      : el("p", {}, "No value saturates, whatever the input is."));
}

function activity() {
  const out = el("section", {}), place = el("div", {}), chosen = {};
  if (!data.activity.length) return el("section", {}, el("p", {}, "No sample was given, so that there is none to show."));
  const says = (a) => `sample ${a.sample}: ` + (a.label === null ? "" : `label ${a.label}, `) + `integers predict ${a.prediction}`
    + (a.float_prediction === null ? "" : `, float model ${a.float_prediction}`), compared = data.activity.some((a) => a.float_prediction !== null);
  const choose = el("select", { onchange: () => show() }, data.activity.map((a, k) => el("option", { value: k }, says(a))));
  const slider = el("input", { type: "range", min: 0, max: data.steps - 1, value: data.steps - 1, oninput: () => show(), "aria-label": "step" });
  const step = el("output", {});
  const show = (label) => {
    step.textContent = `0 to ${slider.value}, of ${data.steps}`;
    place.replaceChildren(...Object.entries(data.activity[choose.value].layers).map(([name, l]) => raster(name, l, Number(slider.value), chosen, show)));
    if (label) [...place.querySelectorAll("select")].find((s) => s.ariaLabel === label).focus();  // it was drawn anew
  };
  out.append(el("div", { class: "controls" }, el("label", {}, "sample ", choose), el("label", {}, "steps ", slider), step),
    el("p", {}, [["--one", "fired"], ["--two", "fired negative"], ...(compared ? [["--bad", "the float model fired something else, or its state has another value"]] : [])].map(([c, t]) =>
      el("span", { class: "key" }, el("i", { style: `background: var(${c})` }), t))), place);
  show();
  return out;
}

function rgb(name) {
  const hex = color(name).replace("#", "");
  return [0, 2, 4].map((k) => parseInt(hex.slice(k, k + 2), 16));
}

function raster(name, l, last, chosen, again) {
  const unpacked = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)), bit = (bytes, k) => (bytes[k >> 3] >> (k & 7)) & 1;
  const bytes = unpacked(l.values), n = l.neurons, whole8 = new Int8Array(bytes.buffer), value = (k) => (l.bits === 1 ? bit(bytes, k) : whole8[k]);
  const rows = Math.min(l.steps, last + 1), tall = Math.max(1, Math.ceil(48 / l.steps));
  const canvas = el("canvas", { width: n, height: l.steps * tall, role: "img", "aria-label": `spikes of ${name}`, style: `height: ${Math.max(48, Math.min(220, l.steps * tall))}px` });
  const pen = canvas.getContext("2d"), image = pen.createImageData(n, l.steps * tall);
  const [back, up, down, bad] = ["--card", "--one", "--two", "--bad"].map(rgb), wrong = l.differs ? unpacked(l.differs.where) : null;
  for (let t = 0; t < l.steps; t++) for (let k = 0; k < n; k++) {
    const v = value(t * n + k), shown = t < rows;
    const c = shown && wrong && bit(wrong, t * n + k) ? bad : shown && v > 0 ? up : shown && v < 0 ? down : back;
    for (let r = 0; r < tall; r++) image.data.set([...c, 255], 4 * ((t * tall + r) * n + k));
  }
  pen.putImageData(image, 0, 0);
  const more = l.of > l.neurons ? `, ${whole(l.neurons)} of ${whole(l.of)} neurons shown` : "";
  const differs = l.differs ? `; ${whole(l.differs.number)} values differ from the float model's` : "";
  const shown = l.membranes.neurons, colors = ["var(--one)", "var(--two)", "var(--three)", "var(--soft)"], dots = (m, y) => {
    const at = m.differs.filter((t) => t < rows);
    return { x: at, y: at.map((t) => y[t]), dots: true, color: "var(--bad)" };
  };
  const each = (values) => shown.map((m, k) => ({ x: [...Array(rows).keys()], y: values(m).slice(0, rows), label: `neuron ${m.neuron}`, color: colors[k] }));
  const alone = (state) => plot(`state ${state} of the neurons that fire most`, { lines: each((m) => m.states[state]).flatMap((line, k) => [line, dots(shown[k], line.y)]),
    x: "step", y: `${state}, real units` });
  // One neuron of the integers, dashed the float model's, red what is between them; and by how much those of all neurons differ.
  const beside = (state) => {
    const m = shown[at], x = [...Array(rows).keys()], a = l.membranes.apart[state];
    const y = m.states[state].slice(0, rows), real = m.float[state].slice(0, rows);
    return [plot(`state ${state} of neuron ${m.neuron}`, { lines: [{ x, y, apart: real, color: "var(--bad)" }, { x, y: real, dashes: "4 3", label: "float model, dashed", color: "var(--two)" },
      { x, y, label: "integers", color: "var(--one)" }, dots(m, y)], x: "step", y: `${state}, real units` }),
    el("div", { class: "plot" }, plot(`state ${state}: integers minus float model`, { lines: each((n) => n.off[state]), x: "step", y: "units of the state" }),
      el("p", { class: "soft" }, `Over all neurons and steps they are ${short(a.mean)} units apart on average, and ${short(a.most)} at most (step ${a.step}, neuron ${a.neuron}).`))];
  };
  const far = (m) => Object.values(l.membranes.apart).some((a) => a.neuron === m.neuron), at = chosen[name] ?? Math.max(0, shown.findIndex(far));
  const states = rows > 1 && shown.length ? Object.keys(shown[0].states) : [], pairs = states.some((state) => state in l.membranes.apart);
  const choose = el("select", { "aria-label": `neuron of ${name}`, onchange: (event) => { chosen[name] = event.target.selectedIndex; again(event.target.ariaLabel); } },
    shown.map((m) => el("option", {}, `neuron ${m.neuron}${far(m) ? ", farthest from the float model" : ""}`)));
  choose.selectedIndex = at;
  return el("div", {}, el("h3", {}, `layer ${layerOf(name)}: firing rate ${percent(l.rate)}${more}${differs}`), pairs ? el("label", {}, "states of ", choose) : "", el("div", { class: "row" },
    el("div", { class: "plot wide" }, canvas, el("p", { class: "soft" }, "One line a step, from above; neurons from left to right, channel by channel.")),
    states.map((state) => (state in l.membranes.apart ? beside(state) : alone(state)))));
}

function causes() {
  const out = el("section", {}, el("h2", {}, "Why the integers fire something else than the float model"));
  if (!data.causes.length) {
    out.append(el("p", {}, data.evaluation && data.evaluation.float_accuracy !== undefined || data.activity.some((a) => a.float_prediction !== null)
      ? "On the samples that were looked at they fire the same." : "This needs the float model: make the report with --model."));
    return out;
  }
  out.append(el("p", { class: "soft" }, `Measured on the first ${whole(data.causes[0].samples)} samples. Each row is a layer in which differences begin: in floats`,
    " and in integers it is given the same spikes, those of the integers before it. The first difference is shown with its place, what both fired there, and how far the float",
    " layer was from firing what the integers fired."));
  out.append(table(["layer", "begin here", "unexplained", "cause", "first sample", "step", "neuron", "integers", "float", "how far off"],
    data.causes.map((d) => [layerOf(d.layer), whole(d.begun), whole(d.unexplained), el("b", { class: d.explained ? "" : "bad" }, d.cause), d.sample, d.step < 0 ? "" : d.step,
      `[${d.index.join(", ")}]`, short(d.got), short(d.expected), d.margin === null ? "" : `${short(d.margin)} (${short(d.margin / d.lsb)} units)`]), [1, 2, 4, 5, 7, 8, 9]));
  out.append(el("p", { class: "soft" }, "The tables below try one change at a time. \"Alone\": all else is float; the share of the layer's differences that this change makes. \"Float",
    " again\": all else is as in the integers; the share that goes away when this alone is float again. Near 100 % it is the cause, near 0 % it plays no",
    " part; a share below 0 makes new differences. \"At this value\": whether it decides the first difference."));
  for (const d of data.causes) {
    out.append(el("h3", {}, `layer ${layerOf(d.layer)}: ${d.cause}`), el("p", {}, `${sentence(d.because)}. What to do: ${d.remedy}.`));
    if (d.evidence.length) out.append(table(["what is changed", "alone", "float again", "at this value"],
      d.evidence.map((e) => [e.switch, percent(e.alone), e.back === null ? "" : percent(e.back), e.here ? "yes" : ""]), [1, 2]));
  }
  return out;
}

function proof() {
  const v = data.verdict, out = el("section", {}, el("h2", {}, "Back ends (executors) compared with the reference"));
  if (!v) out.append(el("p", {}, "No back end was run."));
  else {
    out.append(el("p", { class: "soft" }, "Every spike, every state and every readout of some samples is compared, integer by integer, without a tolerance."),
      table(["executor", "integers compared", "differ"], Object.entries(v.compared).map(([name, n]) => [name, whole(n),
      el("span", { class: v.different[name] ? "bad" : "good" }, whole(v.different[name]))]), [1, 2]));
    out.append(Object.entries(v.not_run).length ? table(["not run", "why"], Object.entries(v.not_run)) : "");
    out.append(...v.differences.map((d) => el("pre", {}, d)));
  }
  out.append(el("h2", {}, "Verified bounds"), el("p", { class: "soft" }, "These hold for every state and every input, not only for samples; `snn2hw check` derives them again."));
  for (const [name, l] of Object.entries(data.layers)) if (l.claim) out.append(el("h3", {}, `layer ${layerOf(name)}`), claim(l.claim));
  return out;
}

function cost() {
  const c = data.estimate;
  if (!c) return el("section", {}, el("p", {}, "No estimate was made."));
  const flat = (o, before) => Object.entries(o).flatMap(([k, v]) => (v !== null && typeof v === "object" ? flat(v, `${before}${k}.`) : [[before + k, whole(v)]]));
  return el("section", {}, el("h2", {}, `${c.target}: ${c.says}`), el("p", { class: "soft" }, `counted on: ${c.on}`),
    c.reasons.map((r) => el("p", { class: "bad" }, `does not fit: ${r}`)),
    table(["what is taken", "used", "limit", "share"], Object.entries(c.memory).map(([k, u]) => [k, `${whole(u.used)} ${u.unit}`, u.limit === null ? "not stated" : whole(u.limit), percent(u.share)]), [1, 2, 3]),
    table(["", "from low to high", "confidence", "source"], [["energy of a sample", c.energy], ["latency of a sample", c.latency]].map(([k, q]) =>
      q ? [k, q.says, q.confidence, q.source] : [k, "not known", "", ""])), c.relative_only ? el("p", {}, `Energy is relative only: ${c.relative_only}.`) : "",
    el("h3", {}, "operations of a sample (NeuroBench's keys first)"), table(["key", "value"], flat(c.operations, ""), [1]),
    table(["layer", "synaptic operations", "firing rate", "energy"], Object.entries(c.layers).map(([k, l]) => [layerOf(k), l.operations ? whole(Math.round(l.operations)) : "", percent(l.rate), l.energy ? l.energy.says : ""]), [1, 2]),
    c.notes.map((n) => el("p", { class: "soft" }, `${sentence(n)}.`)),
    c.not_public.length ? [el("h3", {}, "what is left out, and why"), el("ul", { class: "soft" }, c.not_public.map((n) => el("li", {}, n)))] : "");
}

const code = (v) => el("code", {}, typeof v === "string" ? v : JSON.stringify(v));
const provenance = () => el("section", {}, el("h2", {}, "Where this comes from"),
  table(["what", "value"], Object.entries(data.provenance).map(([k, v]) => [k, v !== null && typeof v === "object" && !Array.isArray(v)
    ? Object.entries(v).map(([name, inner]) => el("div", {}, `${name}: `, code(inner))) : code(v)])));

function start() {
  const shown = data.evaluation ? `${whole(data.samples)} samples` : `${whole(data.samples)} conformance vectors (the samples that \`snn2hw compile\` stored)`;
  const steps = `${data.steps} ${data.steps === 1 ? "step" : "steps"} a sample`;
  document.getElementById("subtitle").textContent = `A compiled model for the target ${data.target}: ${steps}, measured on ${shown}.`;
  const [layerSection, showLayer] = layers(), bar = document.getElementById("tabs"), panels = document.getElementById("panels");
  const select = (name) => {
    for (const b of bar.children) b.setAttribute("aria-selected", String(b.textContent === name));
    for (const s of panels.children) s.hidden = s.dataset.name !== name;
  };
  const parts = { Summary: summary(), Network: network((name) => { showLayer(name); select("Layers"); }), Layers: layerSection, Activity: activity(),
    Causes: causes(), Proof: proof(), Cost: cost(), Provenance: provenance() };
  for (const [name, section] of Object.entries(parts)) {
    section.dataset.name = name;
    bar.append(el("button", { role: "tab", type: "button", onclick: () => { select(name); history.replaceState(null, "", `#${name}`); } }, name));
    panels.append(section);
  }
  select(decodeURIComponent(location.hash.slice(1)) in parts ? decodeURIComponent(location.hash.slice(1)) : "Summary");
}
start();
