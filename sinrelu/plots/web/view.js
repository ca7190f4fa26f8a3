// What is seen of a network on a window [low, high] of its domain.

const NARROWEST = 2 ** -40; // width of a window at least, relative to max(1, |x|)
const PASSES = 512; // points looked at in each column
const GOLDEN = (Math.sqrt(5) - 1) / 2; // its multiples are spread evenly, however many there are
const MOST_MARKED = 100; // breakpoints
const LINE_POINTS = 4; // in each column
const LEAST_ERROR = 1e-16; // below it are roundings alone
const LEAST_RANGE = 1e-290; // far from where powers of ten are not told from 0

// The window of some width that begins at left, moved and narrowed into a domain.
function fitted([low, high], left, width) {
  if (!(width < high - low)) return [low, high];
  const start = Math.min(Math.max(left, low), high - width);
  return [start, start + width];
}

// A window magnified so many times, in which x stays where it is.
function zoomed(domain, [left, right], x, times) {
  const least = NARROWEST * Math.max(1, Math.abs(x));
  const width = Math.max((right - left) / times, least);
  return fitted(domain, x - ((x - left) * width) / (right - left), width);
}

// Two curves on a window, the error and what one wire holds: points through all breakpoints where
// these are few, else the least and the largest values in each column, wider with every pass.
class Sight {
  constructor(network, f, [low, high], columns, wire) {
    Object.assign(this, { network, f, low, high, columns, wire, passes: 0 });
    this.knots = network.breakpoints(low, high, MOST_MARKED);
    this.points = [];
    this.ranges = Array.from({ length: this.knots ? 0 : columns }, () => [new Range(), new Range()]);
    this.worst = { x: low, error: NaN };
  }

  // The error and the wire at x, which is remembered where the error is largest.
  at(x) {
    const wires = this.network.at(x);
    const found = { x, error: wires[this.network.output] - this.f(x), value: wires[this.wire] };
    const size = Math.abs(found.error);
    if (size < Infinity && !(size <= Math.abs(this.worst.error))) this.worst = found;
    return found;
  }

  // Look at more points; false once there is no need to.
  refine() {
    if (this.knots && !this.passes) this.trace();
    if (this.passes < PASSES) this.widen((GOLDEN * this.passes++) % 1);
    return this.passes < PASSES;
  }

  trace() {
    const steps = LINE_POINTS * this.columns;
    const grid = Array.from({ length: steps + 1 }, (_, k) => this.place(k / steps));
    this.points = [...grid, ...this.knots].sort((a, b) => a - b).map((x) => this.at(x));
    this.passes = PASSES;
  }

  widen(part) {
    this.ranges.forEach(([errors, values], column) => {
      const { error, value } = this.at(this.place((column + part) / this.columns));
      errors.add(error);
      values.add(value);
    });
  }

  place(part) {
    return this.low + (this.high - this.low) * part;
  }

  // The range of all values of the wire.
  get values() {
    const all = new Range();
    for (const { value } of this.points) all.add(value);
    for (const [, { low, high }] of this.ranges) all.add(low).add(high);
    return all;
  }
}

// The least and the largest of finite values.
class Range {
  low = Infinity;
  high = -Infinity;

  add(value) {
    if (value < this.low && value > -Infinity) this.low = value;
    if (value > this.high && value < Infinity) this.high = value;
    return this;
  }

  // Ends of an axis that shows it: with 0, unless all values are far from that.
  get axis() {
    if (this.low > this.high) return [-1, 1];
    const size = Math.max(-this.low, this.high);
    const near = this.high - this.low > size / 10;
    const [low, high] = near ? [Math.min(this.low, 0), Math.max(this.high, 0)] : [this.low, this.high];
    const margin = Math.max((high - low) / 10, NARROWEST * size, size && LEAST_RANGE) || 1;
    return [low - margin, high + margin];
  }
}

// What an axis of errors reaches: the usual, or more if an error is larger.
function reach(usual, error) {
  const size = Math.max(Math.abs(error), LEAST_ERROR);
  if (!(size > usual)) return usual || LEAST_ERROR;
  const [factor, exponent] = roundUp(size);
  return factor * 10 ** exponent;
}
