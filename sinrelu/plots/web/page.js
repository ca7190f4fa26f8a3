// The page: what is in view, and what people do to it.

const FRAME = 12; // milliseconds of evaluation for each picture
const LOOKS = 8; // passes over the whole domain, to see how large errors are
const STEP = 0.1; // of the window, for an arrow key
const ZOOM = 1.5; // for a key or a button
const CLOSER = 10; // towards the largest error
const WHEEL = 0.003; // logarithm of the magnification for a pixel of a wheel
const WHEEL_UNITS = [1, 16, 400]; // pixels, lines and pages, which a wheel may count, in pixels
const PINCHED = 4; // how much more that is where a touchpad is pinched, which comes as a wheel
const PRINTED = 3; // times as many pixels as on the screen
const COLOURS = ["text", "quiet", "paper", "grid", "band", "line", "envelope", "tolerance"];

const element = (id) => document.getElementById(id);
const data = JSON.parse(element("data").textContent);
const network = new Network(data.rows);
const f = Math[data.function];
const errorName = `N(x) − ${data.function} x`;
const plot = new Plot(element("plot"), colours());
const fingers = new Map(); // where each pointer that is down was last
let view = data.domain;
let wire = network.output;
let pointer = null; // the pixel that is read out; without one it is the middle
let sight = null;
let waiting = false;
const usual = usualReach();

function colours() {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(COLOURS.map((name) => [name, style.getPropertyValue(`--${name}`)]));
}

// The tolerance, unless errors are so far below it that nothing would be seen of them.
function usualReach() {
  const whole = new Sight(network, f, data.domain, plot.width, wire);
  for (let pass = 0; pass < LOOKS; pass++) whole.refine();
  return data.tolerance <= 10 * Math.abs(whole.worst.error) ? data.tolerance : 0;
}

function show(window = view) {
  view = window;
  sight = new Sight(network, f, view, plot.width, wire);
  request();
}

function request() {
  if (!waiting) requestAnimationFrame(picture);
  waiting = true;
}

function picture() {
  waiting = false;
  const end = performance.now() + FRAME;
  while (sight.refine() && performance.now() < end);
  const names = { error: errorName, value: data.rows[wire - 1].name };
  const cursor = sight.at(place());
  plot.draw(sight, { names, tolerance: data.tolerance, usual, cursor });
  describe(cursor);
  if (sight.passes < PASSES) request();
}

// The x that is read out.
function place() {
  return pointer === null ? view[0] + (view[1] - view[0]) / 2 : plot.xAt(pointer, view);
}

function describe(cursor) {
  const { name } = data.rows[wire - 1];
  write("read", `x = ${cursor.x},  ${errorName} = ${rounded(cursor.error)},  ${name} = ${cursor.value}`);
  const times = (data.domain[1] - data.domain[0]) / (view[1] - view[0]);
  const looked = times > 1 ? `Magnified ${grouped(rounded(times))} times` : "The whole domain";
  const pieces = sight.knots ? counted(sight.knots.length + 1, "piece") : `over ${MOST_MARKED} pieces`;
  const { x, error } = sight.worst;
  const worst = isNaN(error) ? "no finite error" : `largest error seen ${rounded(error)} at x = ${x}`;
  write("place", `${looked}. In view: ${pieces}, ${worst}`);
}

function write(id, text) {
  if (element(id).textContent !== text) element(id).textContent = text;
}

function zoom(times, x = place()) {
  show(zoomed(data.domain, view, x, times));
}

function move(part) {
  show(fitted(data.domain, view[0] + part * (view[1] - view[0]), view[1] - view[0]));
}

function approach() {
  const reach = (view[1] - view[0]) / CLOSER / 2;
  view = [sight.worst.x - reach, sight.worst.x + reach];
  pointer = null;
  zoom(1);
}

function choose() {
  wire = Number(element("unit").value);
  const { title, text } = data.rows[wire - 1];
  write("title", title);
  write("formula", text);
  element("unit").setAttribute("aria-valuetext", title);
  show();
}

const home = () => show(data.domain);
const closer = () => zoom(ZOOM);
const farther = () => zoom(1 / ZOOM);
const KEYS = new Map([
  ...["+", "=", "ArrowUp"].map((key) => [key, closer]),
  ...["-", "−", "ArrowDown"].map((key) => [key, farther]),
  ["ArrowLeft", () => move(-STEP)],
  ["ArrowRight", () => move(STEP)],
  ["Home", home],
]);

function pressed(event) {
  if (!KEYS.has(event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  pointer = null;
  KEYS.get(event.key)();
}

function wheeled(event) {
  event.preventDefault();
  const unit = WHEEL_UNITS[event.deltaMode] * (event.ctrlKey ? PINCHED : 1);
  pointer = spot(event).x;
  if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) move((event.deltaX * unit) / plot.width);
  else zoom(Math.exp(-WHEEL * unit * event.deltaY));
}

function spot(event) {
  const { left, top } = plot.canvas.getBoundingClientRect();
  return { x: event.clientX - left, y: event.clientY - top };
}

function touched(event) {
  if (event.button) return; // another than the main one
  plot.canvas.setPointerCapture(event.pointerId);
  fingers.set(event.pointerId, spot(event));
  moved(event);
}

// One finger, or the mouse, drags; two also pinch: what is under their middle stays there.
function moved(event) {
  pointer = spot(event).x;
  if (!fingers.has(event.pointerId)) return request();
  const before = grip();
  fingers.set(event.pointerId, spot(event));
  const after = grip();
  zoom(after.spread / before.spread, plot.xAt(before.middle, view));
  return move((before.middle - after.middle) / plot.width);
}

function grip() {
  const [a, b = a] = fingers.values();
  return { middle: (a.x + b.x) / 2, spread: Math.max(1, Math.hypot(a.x - b.x, a.y - b.y)) };
}

function released(event) {
  fingers.delete(event.pointerId);
}

function left(event) {
  if (event.pointerType === "mouse") pointer = null; // where a finger was stays
  request();
}

function sharpen(times) {
  plot.sharpness = times;
  picture();
}

function on(id, actions) {
  for (const [type, act] of Object.entries(actions)) {
    element(id).addEventListener(type, act, { passive: false });
  }
}

on("plot", { keydown: pressed, wheel: wheeled, pointermove: moved, pointerleave: left });
on("plot", { pointerdown: touched, pointerup: released, pointercancel: released });
on("in", { click: closer });
on("out", { click: farther });
on("home", { click: home });
on("largest", { click: approach });
on("unit", { input: choose });
Object.assign(element("unit"), { max: network.output, value: network.output });
addEventListener("beforeprint", () => sharpen(PRINTED));
addEventListener("afterprint", () => sharpen(1));
new ResizeObserver(() => show()).observe(plot.canvas);
choose();
