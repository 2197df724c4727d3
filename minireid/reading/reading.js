// The page is complete without this script. It adds: pointing at lines, the slider over the moments of the run, values.
"use strict";
const D = JSON.parse(document.getElementById("data").textContent);
const $ = (query, from = document) => from.querySelector(query);
const $$ = (query, from = document) => [...from.querySelectorAll(query)];
const P = D.places;
const MOMENTS = [false, true].flatMap(b => {
  const rounds = D.rounds[b ? "backward" : "forward"];
  return (rounds.length ? rounds : [""]).map(r => ({ b, r }));
});
let moment = D.bug ? 0 : MOMENTS.findIndex(m => m.b), back = null, chosen = null, selected = null, timer = 0, fresh = true;
const found = { lines: new Set(), told: 0 };  // of a page with a bug: lines that the reader blamed, hints that were told

// Values. A place has one for each round, or one (key "") where it stands in no loop.

function keyOf(place) {
  const { b, r } = MOMENTS[moment];
  if (place.b && !b) return null;  // the backward has not run yet
  return r in place.v ? r : "" in place.v ? "" : null;
}
const arrayAt = n => ({ shape: D.arrays[n][0], data: D.arrays[n][1].map(Number) });
function valueOf(place, field = "v") {
  const key = keyOf(place);
  return key === null || !(place[field] && key in place[field]) ? null : arrayAt(place[field][key]);
}
const errorOf = place => { const key = keyOf(place); return key !== null && place.e ? place.e[key] : undefined; };
const isWrong = place => { const e = errorOf(place); return e !== undefined && !(e <= D.tolerance); };
const largest = place => Math.max(1e-300, ...Object.values(place.v).flatMap(n => D.arrays[n][1].map(v => Math.abs(v) || 0)));
const short = v => Number.isFinite(v) ? String(+v.toPrecision(3)).replace("-", "−") : String(v);
const shapeText = shape => shape.length ? shape.join(" × ") : "number";

function escapeText(text) { const e = document.createElement("i"); e.textContent = text; return e.innerHTML; }
function tint(v, most) {  // negative blue, positive orange: told apart by people who do not see red and green apart
  const a = Math.min(1, Math.abs(v) / most) || 0;
  return `rgba(${v < 0 ? "30,110,220" : "230,120,0"},${a.toFixed(3)})`;
}
function grid(shape) {  // [rows, columns]: the last axis across; of maps the last two
  const size = shape.reduce((a, b) => a * b, 1), across = shape.length > 3 ? shape.at(-1) * shape.at(-2) : shape.at(-1) || 1;
  return [size / across, across];
}
function heat(array, most, width, height) {
  const [rows, columns] = grid(array.shape), w = width / columns, h = height / rows;
  const cells = array.data.map((v, n) => `<rect x="${(n % columns * w).toFixed(2)}" y="${(Math.floor(n / columns) * h).toFixed(2)}"
    width="${w.toFixed(2)}" height="${h.toFixed(2)}" fill="${Number.isFinite(v) ? tint(v, most) : "#888"}"/>`);
  return `<rect class="frame" width="${width}" height="${height}"/>${cells.join("")}`;
}
function mini(place, width = 56, height = 16) {
  const array = valueOf(place);
  return array ? `<svg class="heat" width="${width}" height="${height}" aria-hidden="true">${heat(array, largest(place), width, height)}</svg>` : "";
}

// The chips behind the lines, the marks, the graph.

function mark(place) {
  const e = errorOf(place);
  if (e === undefined) return "";
  return isWrong(place) ? '<b class="no" title="not the true derivative">✗</b>' : '<b class="ok" title="the true derivative">✓</b>';
}
function draw() {
  for (const chip of $$(".chip")) {
    const place = P[chip.dataset.i], array = valueOf(place);
    const alone = $$(".chip", chip.parentElement).length === 1;
    const shown = array ?? arrayAt(Object.values(place.v)[0] ?? 0);  // without a value its place stays, so that no line wraps anew
    chip.style.visibility = array ? "" : "hidden";
    chip.innerHTML = `${alone ? "" : `<code>${escapeText(place.n)}</code>`}<small>${shapeText(shown.shape)}</small>${array ? mini(place) : '<svg class="heat" width="56" height="16"></svg>'}${mark(place) || (place.e ? '<b class="ok hold">✓</b>' : "")}`;
  }
  for (const row of $$(".row[id]")) {
    const line = +row.id.slice(1), own = P.filter(p => p.l === line);
    row.classList.toggle("off", own.some(isWrong));
    row.classList.toggle("bare", !$(".chip", row));
    row.classList.toggle("waits", own.length > 0 && own.every(p => p.b && keyOf(p) === null));
  }
  const { b, r } = MOMENTS[moment];
  for (const svg of $$("svg.graph")) svg.classList.toggle("turned", b);
  for (const node of $$("svg.graph .node")) {
    const place = P[b ? node.dataset.b : node.dataset.f], array = place && valueOf(place);
    $(".mini", node).innerHTML = array ? heat(array, largest(place), 56, 14) : "";
    node.classList.toggle("off", Boolean(place && isWrong(place)));
  }
  $("#moment").value = moment;
  $("#now").textContent = `${b ? "backward" : "forward"}${r === "" ? "" : `, ${D.loop} = ${r}`}`;
  $("#moment").setAttribute("aria-valuetext", $("#now").textContent);
  panel();
}
function go(to) {
  moment = Math.max(0, Math.min(MOMENTS.length - 1, to));
  draw();
}

// Joins: an equation, its line of the forward, its lines and terms of the backward.

const tagsOf = line => (($("#L" + line) || { dataset: {} }).dataset.q || "").split(" ").filter(Boolean);
const usesOf = place => (place.u || []).map(n => P[n]);
function light(tags, lines, places) {
  clear();
  for (const e of $$(".equation, .row[data-q], svg.graph .edge")) {
    const own = (e.dataset.q || "").split(" ").filter(Boolean);
    if (own.some(t => tags.has(t)) && own.length === 1) e.classList.add("lit");
  }
  for (const place of P) {  // of a sum only the terms that belong to the equation
    if (place.k !== "term") continue;
    if (usesOf(place).some(use => tagsOf(use.l).some(t => tags.has(t)))) places.add(place.i);
  }
  for (const line of lines) $("#L" + line)?.classList.add("lit");
  for (const n of places) for (const e of $$(`span[data-i="${n}"]:not(.chip)`)) e.classList.add("lit");
  for (const e of $$("svg.graph .edge")) if (e.dataset.lines.split(" ").some(l => lines.has(+l))) e.classList.add("lit");
  for (const e of $$("svg.graph .node")) if (places.has(+e.dataset.f) || places.has(+e.dataset.b)) e.classList.add("lit");
}
function lightChosen() { chosen === null ? clear() : selected && selected.k !== "name" ? lightPlace(selected) : lightLine(chosen); }
function clear() { for (const e of $$(".lit")) e.classList.remove("lit"); }
function lightLine(line) {
  const own = tagsOf(line), places = new Set();
  for (const place of P.filter(p => p.l === line)) {
    if (place.k === "name" || place.k === "term") { places.add(place.i); usesOf(place).forEach(u => places.add(u.i)); }
  }
  light(new Set(own.length === 1 ? own : []), new Set([line]), places);
}
function lightPlace(place) {
  if (place.k === "name") return lightLine(place.l);
  const places = new Set([place.i]);
  for (const use of usesOf(place)) places.add(use.i);
  for (const other of P) if ((other.u || []).includes(place.i)) places.add(other.i);
  if (place.k === "use") for (const p of P) if (p.f === place.f && p.k !== "expression" && p.n === place.n && !p.b === !place.b) places.add(p.i);
  light(new Set(), new Set([place.l]), places);
}

// The panel: what is known of the chosen line, and the values of one of its places.

function choose(line, place, { from = null, scroll = true } = {}) {
  chosen = line;
  back = from;
  if ($("#bar").classList.contains("folded")) $("#fold").click();
  selected = place ?? P.find(p => p.l === line && (p.k === "name" || p.k === "argument")) ?? P.find(p => p.l === line) ?? null;
  for (const row of $$(".row.chosen")) row.classList.remove("chosen");
  $("#L" + line)?.classList.add("chosen");
  $("#bar").classList.add("open");
  lightChosen();
  panel();
  if (scroll) show($("#L" + line));
}
function show(row) {  // above the bar, however high it is now
  document.documentElement.style.scrollPaddingBottom = `${$("#bar").offsetHeight + 12}px`;
  row?.scrollIntoView({ block: "nearest" });
}
function panel() {
  const box = $("#panel"), focused = box.contains(document.activeElement) && document.activeElement.dataset.place;
  if (chosen === null) {
    box.innerHTML = '<p>Click a line to see its values.<span class="keys"> With the keyboard: Tab to a function, ↑ ↓ from line to line, ← → to another moment, Enter to the values, Escape back.</span></p>';
    return;
  }
  const names = P.filter(p => p === selected || p.l === chosen && Object.keys(p.v).length && p.n !== "_" && p.k !== "use" && (p.k !== "expression" || /[ (]/.test(p.n)));
  const buttons = names.map(p => `<button type="button" data-place="${p.i}" aria-pressed="${p === selected}">${escapeText(p.n)}</button>`);
  const return_ = back !== null ? `<button type="button" id="back">← line ${back}</button> ` : "";
  box.innerHTML = `<div class="places">${return_}<b>line ${chosen}</b> ${buttons.join(" ")} ${blame()}</div>${selected ? `<div class="two"><div>${shownValue(selected)}</div><div class="said">${said(selected)}</div></div>` : "<p>This line computes no numbers.</p>"}`;
  if (focused) $(`[data-place="${selected ? selected.i : focused}"]`, box)?.focus();
}
function codeOf(line) {  // a line's text without the raised numbers
  const text = $(`#L${line} .text`)?.cloneNode(true);
  $$("sup, .arrow", text ?? document.createElement("i")).forEach(e => e.remove());
  return text ? text.textContent.trim() : "";
}
function said(place) {
  const sentences = [], uses = usesOf(place), e = errorOf(place);
  const from = use => `<a href="#L${use.l}">line ${use.l}</a> <code>${escapeText(codeOf(use.l))}</code>${use.r ? ` <small>· rule: ${escapeText(use.r)}</small>` : ""}`;
  const terms = P.filter(p => p.k === "term" && p.l === place.l && p.u), gradient = place.k === "name" && place.b && place.c && uses.length;
  if (gradient && uses.length > 1)
    sentences.push(`<b>${escapeText(place.c)}</b> is used in ${uses.length} places${terms.length > 1 ? `, so <b>${escapeText(place.n)}</b> has ${uses.length === terms.length ? uses.length : "several"} terms (chain rule: a variable that acts on the loss in several ways has the sum of their derivatives)` : ", and their derivatives are added up"}.`);
  if (gradient && terms.length > 1)
    sentences.push(`</p><ul>${terms.map(t => `<li><code>${escapeText(t.n)}</code> from ${usesOf(t).map(from).join(", ")}</li>`).join("")}</ul><p>`);
  else if (gradient) sentences.push(`</p><ul>${uses.map(u => `<li>from ${from(u)}</li>`).join("")}</ul><p>`);
  if (place.k === "term" && uses.length) sentences.push(`This term is the derivative by one use of <b>${escapeText(place.c)}</b>: ${uses.map(from).join(", ")}.`);
  const key = keyOf(place), round = key ? ` of ${D.loop} = ${key}` : "";
  if (e !== undefined && place.b && !isWrong(place)) sentences.push(`<span class="ok">✓ the true derivative by ${escapeText(place.c)}${round}</span> (largest relative error ${Number(e).toExponential(0)}).`);
  if (e === undefined && key && place.e && place.k === "name") sentences.push("Not complete yet: it is a sum over the rounds.");
  if (e !== undefined && isWrong(place)) sentences.push(firstWrong(place));
  return sentences.length ? `<p>${sentences.join(" ")}</p>` : "";
}
function firstWrong(place) {
  const computed = valueOf(place), truth = valueOf(place, "t");
  const what = place.b ? `the true derivative by ${escapeText(place.c)}` : "the value of the right page";
  if (!truth) return `<span class="no">✗ not ${what}</span>.`;
  if (shapeText(truth.shape) !== shapeText(computed.shape)) return `<span class="no">✗ not ${what}</span>, which has the shape ${shapeText(truth.shape)}.`;
  const most = Math.max(...truth.data.map(Math.abs), 1e-12);
  const n = computed.data.findIndex((v, k) => !(Math.abs(v - truth.data[k]) <= D.tolerance * most));
  const index = []; let left = Math.max(n, 0);
  for (const size of [...computed.shape].reverse()) { index.unshift(left % size); left = Math.floor(left / size); }
  return `<span class="no">✗ not ${what}</span>: first at [${index.join(", ")}] computed <b>${short(computed.data[n])}</b>, true <b>${short(truth.data[n])}</b>.`;
}
function shownValue(place) {
  const array = valueOf(place), truth = valueOf(place, "t");
  if (!array) return `<p>No value at this moment${place.b && !MOMENTS[moment].b ? ": the backward has not run yet" : ""}.</p>`;
  const most = largest(place);
  const two = truth ? `<div class="two"><div>computed${table(array, most)}</div><div>true${table(truth, most)}</div></div>` : table(array, most);
  return `<p><code>${escapeText(place.n)}</code> ${shapeText(array.shape)} <small class="scale">${scale(most)}</small></p>${two}`;
}
const scale = most => `<i style="background:${tint(-1, 2)}"></i> −${short(most)} … 0 … ${short(most)} <i style="background:${tint(1, 2)}"></i>`;
function table(array, most) {
  const [rows, columns] = grid(array.shape);
  if (array.data.length > 96 || columns > 12) {
    const wide = Math.min(520, columns * 14), high = Math.min(220, rows * 12);
    return `<svg class="heat big" viewBox="0 0 ${wide} ${high}" style="width:${wide}px" role="img" aria-label="heat map, ${shapeText(array.shape)}; the numbers are in the table at the end of the page">${heat(array, most, wide, high)}</svg>`;
  }
  const lines = Array.from({ length: rows }, (_, r) => `<tr>${array.data.slice(r * columns, (r + 1) * columns).map(v => `<td style="background:${tint(v, 2 * most)}">${short(v)}</td>`).join("")}</tr>`);
  return `<table class="values"><tbody>${lines.join("")}</tbody></table>`;
}

// A bug to find.

function blame() {
  const row = $("#L" + chosen);
  return D.bug && row && row.closest(".function") ? '<button type="button" id="blame">This line is to blame</button>' : "";
}
function task() {
  if (!D.bug) return;
  if (!$("#answer")) {
    $("#task").innerHTML = '<p>One line of this page is wrong. Step through the run with ▶: red is what is not the true derivative. Click the line that is to blame, then its red button.</p><span id="hints"></span>';
    $("#panel").insertAdjacentHTML("beforebegin", '<p id="answer" role="status"></p>');
  }
  const more = found.told < D.bug.hints.length ? `<button type="button" id="hint">${found.told ? "Another hint" : "A hint"}</button>` : "";
  $("#hints").innerHTML = `<ul>${D.bug.hints.slice(0, found.told).map(h => `<li>${escapeText(h)}</li>`).join("")}</ul>${more}`;
}
function why() {  // why a line that has wrong values may still not be the one
  const first = D.rounds.backward[0] ?? "", own = P.filter(p => p.l === chosen && p.e), bad = e => e !== undefined && !(e <= D.tolerance);
  if (own.some(p => bad(p.e[first]) || bad(p.e[""]))) return "Its values are wrong, but only because it is given wrong ones.";
  return own.some(p => Object.values(p.e).some(bad)) ? "Its values are right at first: later it is given wrong ones." : "Its values are right.";
}
function blamed() {
  const right = D.bug.lines.includes(chosen), row = $("#L" + chosen);
  $("#answer").innerHTML = right ? `<b class="ok">Found: line ${chosen}.</b> Right is <code>${escapeText(D.bug.right.trim())}</code>. ${escapeText(D.bug.explanation)}` : `<b class="no">Not line ${chosen}.</b> ${why()}`;
  if (right) $(".num", row).insertAdjacentHTML("afterbegin", '<b class="arrow" role="img" aria-label="wrong line">→</b>');
  row.classList.add(right ? "wrong" : "tried");
  show(row);
}

// One number changed.

function change() {
  const box = $("#change");
  if (!box || !D.change.length) { box?.parentElement.remove(); return; }
  const options = D.change.map((c, n) => `<option value="${n}">${escapeText(c.name)}[${c.index.join(", ")}]</option>`).join("");
  box.innerHTML = `<label>The number <select id="which">${options}</select></label> <input type="range" id="amount" min="0" max="${D.change[0].values.length - 1}" aria-label="its value"><div id="moved"></div>`;
  const update = () => moved(D.change[+$("#which").value], +$("#amount").value);
  const bend = c => Math.max(...c.loss.map((l, n) => Math.abs(l - c.predicted[n]))) / (Math.max(...c.loss, ...c.predicted) - Math.min(...c.loss, ...c.predicted) || 1);
  $("#which").value = D.change.map(bend).reduce((best, v, n, all) => v > all[best] ? n : best, 0);  // where the line is most wrong
  $("#which").addEventListener("change", () => { $("#amount").value = (D.change[0].values.length - 1) / 2; update(); });
  $("#amount").addEventListener("input", update);
  $("#amount").value = (D.change[0].values.length - 1) / 2;
  update();
}
function moved(c, k) {
  const all = [...c.loss, ...c.predicted], low = Math.min(...all), high = Math.max(...all), last = c.values.length - 1;
  const x = n => 8 + n / last * 344, y = v => 132 - (v - low) / (high - low || 1) * 124;
  const line = (values, kind) => `<polyline class="${kind}" points="${values.map((v, n) => `${x(n).toFixed(1)},${y(v).toFixed(1)}`).join(" ")}"/>`;
  const most = Math.max(...c.output.flat().map(Math.abs), 1e-300), output = { shape: [1, c.output[k].length], data: c.output[k] };
  $("#moved").innerHTML = `<p><code>${escapeText(c.name)}[${c.index.join(", ")}]</code> = <b>${short(c.values[k])}</b>: loss <b>${short(c.loss[k])}</b>, predicted by its gradient ${short(c.slope)}: <b>${short(c.predicted[k])}</b></p>
<svg class="plot" viewBox="0 0 360 156" role="img" aria-label="loss, and what the gradient predicts, over the value of the number">${line(c.predicted, "dashed")}${line(c.loss, "solid")}<circle cx="${x(k)}" cy="${y(c.loss[k])}" r="4"/><circle class="dot" cx="${x(k)}" cy="${y(c.predicted[k])}" r="4"/><text x="8" y="152">${short(c.values[0])}</text><text x="352" y="152" text-anchor="end">${short(c.values[last])}</text><text x="356" y="14" text-anchor="end">${short(high)}</text><text x="356" y="134" text-anchor="end">${short(low)}</text></svg>
<p><small>Across: the number. Up: the loss, solid, and its prediction, dashed: the slope at the start, which holds only near it. The output: </small><svg class="heat" width="320" height="16" role="img" aria-label="output: ${c.output[k].slice(0, 12).map(short).join(" ")}">${heat(output, most, 320, 16)}</svg></p>`;
}

// The window of a convolution or a pool: what it covers, what it computes, where its gradient goes.

function windows() {
  const box = $("#window");
  if (!box) return;
  const w = { ...D.window };
  for (const key of ["x", "y", "dy", "dx", "W", "b"]) if (key in w) w[key] = arrayAt(w[key]);
  const slider = (id, label, most) => `<label>${label} <input type="range" id="${id}" min="0" max="${most - 1}" value="${Math.min(1, most - 1)}"></label>`;
  const [rows, columns, channels] = w.y.shape;
  box.innerHTML = `<p class="moments">${slider("row", "row i", rows)} ${slider("column", "column j", columns)} ${slider("channel", w.W ? "output channel o" : "channel c", channels)}</p><div id="shown" aria-live="polite"></div>`;
  const at = id => +$("#" + id).value, update = () => { $("#shown").innerHTML = windowAt(w, at("row"), at("column"), at("channel")); };
  for (const id of ["row", "column", "channel"]) $("#" + id).addEventListener("input", update);
  box.addEventListener("click", event => {
    const cell = event.target.closest("td[data-at]");
    if (cell) { [$("#row").value, $("#column").value] = cell.dataset.at.split(","); update(); }
  });
  update();
}
const entry = (map, r, c, k) => r < 0 || c < 0 || r >= map.shape[0] || c >= map.shape[1] ? 0 : map.data[(r * map.shape[1] + c) * map.shape[2] + k];
function windowAt(w, i, j, o) {
  const [KH, KW] = w.size, top = i * w.stride[0] - w.padding, left = j * w.stride[1] - w.padding;
  const covers = (r, c) => r >= top && r < top + KH && c >= left && c < left + KW;
  const kernel = (r, c, k) => w.W.data[((r * KW + c) * w.W.shape[2] + k) * w.W.shape[3] + o];
  const most = key => Math.max(...w[key].data.map(Math.abs), 1e-300);
  const map = (key, k, mark) => cells(w[key].shape[0] + 2 * w.padding, w[key].shape[1] + 2 * w.padding, (r, c) => entry(w[key], r - w.padding, c - w.padding, k), most(key), (r, c) => mark(r - w.padding, c - w.padding));
  const small = (value, top_) => cells(KH, KW, value, top_, () => "");
  const chosen = (r, c) => `data-at="${r},${c}" class="${r === i && c === j ? "in" : ""}"`;
  const out = key => cells(w[key].shape[0], w[key].shape[1], (r, c) => entry(w[key], r, c, o), most(key), chosen);
  const y = entry(w.y, i, j, o), dy = entry(w.dy, i, j, o), inputs = w.W ? [...Array(w.x.shape[2]).keys()] : [o];
  const inX = (r, c) => (covers(r, c) ? 'class="in"' : r < 0 || c < 0 || r >= w.x.shape[0] || c >= w.x.shape[1] ? 'class="out"' : "");
  const part = (title, table) => `<figure><figcaption>${title}</figcaption>${table}</figure>`;
  const values = k => (r, c) => entry(w.x, top + r, left + c, k);
  const all = k => Array.from({ length: KH * KW }, (_, n) => values(k)(Math.floor(n / KW), n % KW));
  const winner = all(o).indexOf(Math.max(...all(o)));
  const factor = (r, c, k) => w.kind === "conv" ? kernel(r, c, k) : w.kind === "mean" ? 1 / (KH * KW) : +(r * KW + c === winner);
  const weight = w.kind === "conv" ? "W" : w.kind === "mean" ? "1 / size" : "1 where it won";
  const forward = inputs.map(k => `<div class="line">${part(`x, channel ${k}`, map("x", k, inX))}<b>×</b>${part(weight, small((r, c) => factor(r, c, k), w.W ? most("W") : 1))}<b>=</b>${part("products", small((r, c) => factor(r, c, k) * values(k)(r, c), most("x")))}</div>`).join("");
  const sums = inputs.map(k => all(k).reduce((sum, v, n) => sum + v * factor(Math.floor(n / KW), n % KW, k), 0));
  const total = `<p>The sum of ${w.kind === "max" ? "the products: the maximum" : "all products"}${w.W ? `, ${sums.map(short).join(" + ")}, and b[${o}] = ${short(w.b.data[o])}` : ""}: <b>y[${i}, ${j}, ${o}] = ${short(y)}</b></p>`;
  const back = inputs.map(k => `<div class="line">${part(`dy × ${weight}: added to dx`, small((r, c) => dy * factor(r, c, k), most("dy")))}<b>→</b>${part(`dx, channel ${k}, of all windows`, map("dx", k, inX))}${w.W ? part("dy × x: added to dW", small((r, c) => dy * values(k)(r, c), most("dy"))) : ""}</div>`).join("");
  return `<h3>Forward</h3>${forward}${total}<div class="line">${part(`y, channel ${o}: choose a pixel`, out("y"))}</div><h3>Backward</h3><p>dy[${i}, ${j}, ${o}] = <b>${short(dy)}</b> goes back through the same window.</p><div class="line">${part(`dy, channel ${o}`, out("dy"))}</div>${back}`;
}
function cells(rows, columns, value, most, attributes) {
  const cell = (r, c) => { const v = value(r, c); return `<td ${attributes(r, c)} style="background:${tint(v, 2 * most)}">${short(+v.toFixed(2))}</td>`; };
  return `<table class="values map"><tbody>${Array.from({ length: rows }, (_, r) => `<tr>${Array.from({ length: columns }, (_, c) => cell(r, c)).join("")}</tr>`).join("")}</tbody></table>`;
}

// Hands on the page.

function start() {
  $("#moment").max = MOMENTS.length - 1;
  $("#moment").addEventListener("input", e => go(+e.target.value));
  $("#before").addEventListener("click", () => go(moment - 1));
  $("#after").addEventListener("click", () => go(moment + 1));
  $("#play").addEventListener("click", play);
  $("#fold").addEventListener("click", () => {
    const folded = $("#bar").classList.toggle("folded");
    $("#fold").textContent = folded ? "Show values" : "Hide values";
    $("#fold").setAttribute("aria-expanded", String(!folded));
  });
  document.addEventListener("click", event => {
    const on = query => event.target.closest?.(query);
    if (on("#blame")) return blamed();
    if (on("#hint")) { found.told += 1; task(); $("#hint")?.focus(); return; }
    if (on("[data-place]")) { selected = P[on("[data-place]").dataset.place]; lightPlace(selected); panel(); $("#panel [aria-pressed=true]")?.focus(); return; }
    const link = on('a[href^="#L"]');
    if (link && $(link.getAttribute("href"))) { event.preventDefault(); return choose(+link.getAttribute("href").slice(2), undefined, { from: on("#panel") ? chosen : null }); }
    if (on("#back")) return choose(back);
    const row = on(".row[id]");
    if (row) { const span = on(".text span[data-i], .chip"); choose(+row.id.slice(1), span ? P[span.dataset.i] : undefined); return; }
    const node = on("svg.graph .node");
    if (node) { const p = P[MOMENTS[moment].b ? node.dataset.b : node.dataset.f] ?? P[node.dataset.f]; if (p) { choose(p.l, p, { scroll: false }); } return; }
    const edge = on("svg.graph .edge");
    if (edge) return choose(+edge.dataset.lines.split(" ")[0], undefined, { scroll: false });
    const equation = on(".equation");
    if (equation) light(new Set([equation.dataset.q]), new Set(), new Set());
  });
  document.addEventListener("pointerover", event => {
    if (event.pointerType === "touch" || !event.target.closest) return;
    const span = event.target.closest(".text span[data-i]"), row = event.target.closest(".row[id]"), equation = event.target.closest(".equation");
    if (span) lightPlace(P[span.dataset.i]);
    else if (row) lightLine(+row.id.slice(1));
    else if (equation) light(new Set([equation.dataset.q]), new Set(), new Set());
  });
  document.addEventListener("pointerout", event => { if (!event.relatedTarget?.closest?.(".row[id], .equation")) lightChosen(); });
  document.addEventListener("focusin", event => {
    const row = event.target.closest?.(".row[id]"), equation = event.target.closest?.(".equation");
    if (row) lightLine(+row.id.slice(1));
    if (equation) light(new Set([equation.dataset.q]), new Set(), new Set());
  });
  document.addEventListener("keydown", keys);
  for (const code of $$(".code")) if ($(".row[id]", code)) rove($(".row[id]", code));
  task();
  change();
  windows();
  draw();
}
function keys(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const inBar = event.target.closest?.("#panel"), row = event.target.closest?.(".row[id]"), equation = event.target.closest?.(".equation");
  const rows = $$(".row[id]"), here = rows.indexOf(row);
  const to = next => { if (next) { rove(next); next.focus(); choose(+next.id.slice(1)); } };
  const acts = row ? {
    ArrowDown: () => to(rows[here + 1]), ArrowUp: () => to(rows[here - 1]), ArrowRight: () => go(moment + 1), ArrowLeft: () => go(moment - 1),
    Enter: () => row.id === "L" + chosen ? $("#panel button")?.focus() : choose(+row.id.slice(1)), " ": () => choose(+row.id.slice(1)),
  } : inBar ? { ArrowRight: () => go(moment + 1), ArrowLeft: () => go(moment - 1), Escape: () => $("#L" + chosen)?.focus() }
    : equation ? { Enter: () => light(new Set([equation.dataset.q]), new Set(), new Set()) } : {};
  if (event.key in acts) { event.preventDefault(); acts[event.key](); }
}
function rove(row) {  // one stop of Tab for each function: the arrow keys go from line to line
  for (const other of $$(".row[id]", row.closest(".code"))) other.tabIndex = other === row ? 0 : -1;
}
function play() {
  const stop = () => { clearInterval(timer); timer = 0; $("#play").textContent = "Play"; };
  if (timer) return stop();
  if (fresh || moment === MOMENTS.length - 1) go(0);
  fresh = false;
  $("#play").textContent = "Pause";
  timer = setInterval(() => { go(moment + 1); if (moment === MOMENTS.length - 1) stop(); }, 900);
}
start();
