// The picture: the error above, what one wire holds below, over one window of x.

const MARGIN = { left: 60, right: 16, top: 24, between: 36, bottom: 42 }; // pixels
const SPACING = { x: 84, y: 36 }; // of marks on the axes
const ERROR_SHARE = 0.62; // of the height
const TURNS = 2; // windows wider than this are measured in π

const marksIn = (length, spacing) => Math.max(3, length / spacing); // of fewer none may fall in it

class Plot {
  constructor(canvas, colours) {
    Object.assign(this, { canvas, colours, context: canvas.getContext("2d"), sharpness: 1 });
  }

  // Columns, a pixel each.
  get width() {
    return Math.max(1, Math.round(this.canvas.clientWidth - MARGIN.left - MARGIN.right));
  }

  // The x at a pixel from the left, kept within the window.
  xAt(pixel, [low, high]) {
    return Math.min(Math.max(low + ((high - low) * (pixel - MARGIN.left)) / this.width, low), high);
  }

  draw(sight, { names, tolerance, usual, cursor }) {
    this.clear();
    const height = this.canvas.clientHeight - MARGIN.top - MARGIN.between - MARGIN.bottom;
    const [above, most] = [height * ERROR_SHARE, 1.12 * reach(usual, sight.worst.error)];
    const errors = this.panel(sight, MARGIN.top, above, [-most, most]);
    const below = MARGIN.top + above + MARGIN.between;
    const values = this.panel(sight, below, height - above, sight.values.axis);
    errors.fill(errors.left, errors.width, [-tolerance, tolerance], this.colours.band);
    errors.scale(names.error);
    values.scale(names.value);
    values.base();
    if (tolerance) for (const y of [-tolerance, tolerance]) errors.level(y, this.colours.tolerance);
    errors.curve(sight, "error", 0);
    values.curve(sight, "value", 1);
    errors.cursor(cursor.x, cursor.error);
    values.cursor(cursor.x, cursor.value);
  }

  panel({ low, high }, top, height, y) {
    const place = { left: MARGIN.left, top, width: this.width, height };
    return new Panel(this.context, this.colours, place, [low, high], y);
  }

  clear() {
    const { canvas, context } = this;
    const ratio = this.sharpness * devicePixelRatio; // pixels of the canvas for one of the page
    [canvas.width, canvas.height] = [canvas.clientWidth * ratio, canvas.clientHeight * ratio];
    context.scale(ratio, ratio);
    context.font = `${getComputedStyle(canvas).fontSize} system-ui, sans-serif`;
  }
}

// A rectangle of the canvas on which x and y run over two intervals.
class Panel {
  constructor(context, colours, place, x, y) {
    Object.assign(this, { context, colours, ...place, bottom: place.top + place.height, x, y });
  }

  across(x) {
    return this.left + (this.width * (x - this.x[0])) / (this.x[1] - this.x[0]);
  }

  up(y) {
    return this.bottom - (this.height * (y - this.y[0])) / (this.y[1] - this.y[0]);
  }

  fill(left, width, [low, high], colour) {
    const [top, bottom] = [Math.max(this.up(high), this.top), Math.min(this.up(low), this.bottom)];
    this.context.fillStyle = colour;
    this.context.fillRect(left, top, width, Math.max(0, bottom - top));
  }

  // A line through points, broken where one is no finite number.
  line(points, colour, width) {
    this.context.save();
    this.context.beginPath();
    this.context.rect(this.left, this.top, this.width, this.height);
    this.context.clip();
    this.context.beginPath();
    let pen = "moveTo";
    for (const [x, y] of points) {
      if (Number.isFinite(y)) this.context[pen](this.across(x), this.up(y));
      pen = Number.isFinite(y) ? "lineTo" : "moveTo";
    }
    Object.assign(this.context, { strokeStyle: colour, lineWidth: width, lineJoin: "round" });
    this.context.stroke();
    this.context.restore();
  }

  level(y, colour, width = 1.5) {
    this.line(this.x.map((x) => [x, y]), colour, width);
  }

  circle(x, y, radius, stroke, fill) {
    if (!Number.isFinite(y)) return;
    Object.assign(this.context, { strokeStyle: stroke, fillStyle: fill, lineWidth: 1.5 });
    this.context.beginPath();
    this.context.arc(this.across(x), this.up(y), radius, 0, 2 * Math.PI);
    this.context.fill();
    this.context.stroke();
  }

  text(text, x, y, align, colour) {
    Object.assign(this.context, { fillStyle: colour, textAlign: align });
    this.context.fillText(text, x, y);
  }

  // Lines and numbers of the vertical axis, and above it what it is of.
  scale(name) {
    const { marks, caption } = ticks(name, ...this.y, marksIn(this.height, SPACING.y));
    for (const { at, text } of marks) {
      this.level(at, this.colours.grid, 1);
      this.text(text, this.left - 6, this.up(at) + 4, "right", this.colours.quiet);
    }
    this.text(caption, this.left, this.top - 8, "left", this.colours.text);
  }

  // Marks and numbers of the horizontal axis.
  base() {
    const labelled = this.x[1] - this.x[0] > TURNS ? turns : ticks;
    const { marks, caption } = labelled("x", ...this.x, marksIn(this.width, SPACING.x));
    for (const { at, text } of marks) {
      this.context.fillStyle = this.colours.quiet;
      this.context.fillRect(this.across(at) - 0.5, this.bottom, 1, 5);
      this.text(text, this.across(at), this.bottom + 18, "center", this.colours.quiet);
    }
    this.text(caption, this.left + this.width, this.bottom + 36, "right", this.colours.text);
  }

  curve({ points, knots, ranges }, name, index) {
    const { line, envelope, paper } = this.colours;
    const columns = ranges.map((pair) => pair[index]);
    columns.forEach(({ low, high }, i) => this.fill(this.left + i, 1.5, [low, high], envelope));
    const centre = (i) => this.x[0] + ((i + 0.5) / columns.length) * (this.x[1] - this.x[0]);
    for (const side of ["low", "high"]) this.line(columns.map((c, i) => [centre(i), c[side]]), line, 1);
    this.line(points.map((point) => [point.x, point[name]]), line, 1.5);
    const marked = points.filter(({ x }) => knots.includes(x));
    const radius = Math.min(3.5, this.width / marked.length / 3);
    for (const point of marked) this.circle(point.x, point[name], radius, line, paper);
  }

  cursor(x, y) {
    this.line(this.y.map((end) => [x, end]), this.colours.text, 0.5);
    this.circle(x, y, 2, this.colours.text, this.colours.text);
  }
}
