// As much of a browser as the page uses; drawing goes nowhere.

const elements = new Map();
const frames = [];
const drawn = [];

function node(id) {
  const handlers = new Map();
  const context = new Proxy({}, {
    get: (_, name) => (...values) => drawn.push([name, ...values]),
    set: () => true,
  });
  return {
    id, clientWidth: 276, clientHeight: 400, textContent: "", handlers,
    addEventListener: (type, act) => handlers.set(type, act),
    getBoundingClientRect: () => ({ left: 0, top: 0 }),
    getContext: () => context,
    setAttribute() {},
    setPointerCapture() {},
  };
}

const document = {
  documentElement: null,
  getElementById(id) {
    if (!elements.has(id)) elements.set(id, node(id));
    return elements.get(id);
  },
};
const performance = { time: 0, now: () => (performance.time += 20) };
const devicePixelRatio = 1;
const getComputedStyle = () => ({ fontSize: "13px", getPropertyValue: () => "#000" });
const requestAnimationFrame = (frame) => frames.push(frame);
const addEventListener = (type, act) => document.getElementById("window").addEventListener(type, act);
class ResizeObserver {
  constructor(act) {
    Object.assign(this, { observe: () => elements.set("resized", { handlers: new Map([["resize", act]]) }) });
  }
}

// Let something happen to an element, and a few frames pass.
function happen(id, type, event) {
  elements.get(id).handlers.get(type)({ preventDefault() {}, pointerId: 1, pointerType: "mouse", ...event });
  settle();
}

function settle() {
  for (let frame = 0; frame < 3; frame++) frames.shift()?.();
}
