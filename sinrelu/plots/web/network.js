// A network in the page: the bits of sinrelu.evaluate_float64, and where the network bends.

const GRAIN = 2 ** -48; // breakpoints closer than this, relative to max(1, |x|), are taken for one

class Network {
  // Rows are {bias, terms: [[wire, weight], …]} in order, the output's last. Wire 0 is x, and
  // wire i what the i-th row computes.
  constructor(rows) {
    this.rows = rows.map(({ bias, terms }) => ({
      bias,
      sources: Int32Array.from(terms, ([wire]) => wire),
      weights: Float64Array.from(terms, ([, weight]) => weight),
    }));
    this.output = rows.length;
    this.wires = new Float64Array(rows.length + 1);
  }

  // What all wires hold at x, until the next call.
  at(x) {
    const { rows, output, wires } = this;
    wires[0] = x;
    for (let i = 1; i <= output; i++) {
      const total = form(rows[i - 1], wires);
      wires[i] = i < output ? Math.max(total, 0) : total + 0;
    }
    return wires;
  }

  // Each x between low and high where a unit turns on or off; null if there are more than most.
  // Nodes, each with the wires there, are carried from row to row: where a form changes its sign
  // between two nodes there is a new one, and all wires before are affine in between.
  breakpoints(low, high, most) {
    const clear = GRAIN * Math.max(1, -low, high);
    let nodes = [[low], [high]];
    for (const row of this.rows.slice(0, -1)) {
      for (const node of nodes) node.push(form(row, node));
      nodes = withZeros(nodes, clear);
      if (nodes.length > most + 2) return null;
      for (const node of nodes) node.push(Math.max(node.pop(), 0));
    }
    return nodes.slice(1, -1).map(([x]) => x);
  }
}

// As in evaluate/float64.py: from the bias, terms in order, every product and sum rounded.
function form({ bias, sources, weights }, wires) {
  let total = bias;
  for (let k = 0; k < sources.length; k++) total += weights[k] * wires[sources[k]];
  return total;
}

// Nodes, and new ones where their last value changes its sign, clear of those on both sides.
function withZeros(nodes, clear) {
  return nodes.flatMap((node, i) => {
    const next = nodes[i + 1] ?? node;
    const [a, b] = [node.at(-1), next.at(-1)];
    const part = a / (a - b);
    const apart = Math.min(part, 1 - part) * (next[0] - node[0]) > clear;
    const between = () => node.map((value, wire) => value + part * (next[wire] - value));
    return a < 0 !== b < 0 && apart ? [node, between()] : [node];
  });
}
