// How axes are labelled, and numbers written.

const rounded = (number) => Number(number.toPrecision(4));
const minus = (text) => text.replace("-", "−");
const grouped = (count) => `${count}`.replace(/\B(?=(\d{3})+$)/g, count > 9999 ? "\u2009" : "");
const counted = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;
const power = (exponent) => "10" + [...`${exponent}`].map((c) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[c] ?? "⁻").join("");
const decade = (size) => Math.floor(Math.log10(size) + 1e-9);

// The least 1, 2 or 5 times a power of ten that is not below a size, as [factor, exponent].
function roundUp(size) {
  const exponent = decade(size);
  const factor = [1, 2, 5].find((factor) => size <= factor * 10 ** exponent * (1 + 1e-9));
  return factor ? [factor, exponent] : [1, exponent + 1];
}

// Marks on an axis, about so many at most, as {marks: [{at, text}], caption}. The caption says if
// numbers are in a power of ten or, where they would be long, distances from a round number.
function ticks(name, low, high, most) {
  const [factor, exponent] = roundUp((high - low) / most);
  const step = factor * 10 ** exponent;
  const largest = decade(Math.max(-low, high, high - low));
  const plain = largest >= -2 && largest <= 5;
  const far = (plain ? Math.max(largest, 0) : largest) - exponent > 5;
  const base = far ? (100 / factor) * Math.round((low + high) / 2 / 10 ** (exponent + 2)) : 0;
  const unit = far ? exponent : plain ? 0 : largest;
  const size = factor * 10 ** (exponent - unit);
  const text = (k) => minus(((k - base) * size).toFixed(Math.max(0, unit - exponent)));
  const places = Math.min(Math.max(0, -exponent - 2), 100); // toFixed takes no more
  const origin = base ? ` ${base < 0 ? "+" : "−"} ${Math.abs(base * step).toFixed(places)}` : "";
  const caption = `${name}${origin}${unit ? ` in ${power(unit)}` : ""}`;
  return { marks: multiples(low, high, step, text), caption };
}

// Likewise at multiples of π, or of a half, a quarter or an eighth of it.
function turns(name, low, high, most) {
  const least = (8 * (high - low)) / Math.PI / most;
  const [factor, exponent] = roundUp(Math.max(least / 8, 1));
  const eighths = [1, 2, 4].find((n) => n >= least) ?? 8 * factor * 10 ** exponent;
  const text = (k) => partOfPi(k * eighths);
  return { marks: multiples(low, high, (eighths * Math.PI) / 8, text), caption: name };
}

function partOfPi(eighths) {
  const over = [1, 2, 4, 8].find((over) => Number.isInteger((eighths * over) / 8));
  const times = (eighths * over) / 8;
  const factor = Math.abs(times) === 1 ? `${times}`.slice(0, -1) : `${times}`;
  return times ? minus(`${factor}π`) + (over > 1 ? `/${over}` : "") : "0";
}

function multiples(low, high, step, text) {
  const [first, last] = [Math.ceil(low / step - 1e-9), Math.floor(high / step + 1e-9)];
  const mark = (_, i) => ({ at: (first + i) * step, text: text(first + i) });
  return Array.from({ length: Math.max(0, last - first + 1) }, mark);
}
