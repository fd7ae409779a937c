/**
 * The operation once more, written from its definition, for the tests alone:
 * along every axis y[i * s + j * d - b] += x[i] * w[j], for all inputs i and taps j.
 */

/**
 * @typedef {object} Axis
 * @property {number} input
 * @property {number} kernel
 * @property {number} stride
 * @property {number} dilation
 * @property {number} begin b, where the output begins in the uncropped result
 * @property {number} output
 */

/**
 * @param {Axis[]} axes
 * @param {number[]} x
 * @param {number[]} w
 */
export function transposedConvolution(axes, x, w) {
  const [inputs, kernel, outputs] = [axes.map((axis) => axis.input), axes.map((axis) => axis.kernel), axes.map((axis) => axis.output)];
  const y = new Array(count(outputs)).fill(0);
  /** Per output the pairs of input and tap that reach it. @type {[number, number][][]} */
  const contributors = y.map(() => []);
  for (let i = 0; i < count(inputs); i += 1) {
    for (let j = 0; j < count(kernel); j += 1) {
      const [from, tap] = [places(i, inputs), places(j, kernel)];
      const to = axes.map(({ stride, dilation, begin }, axis) => from[axis] * stride + tap[axis] * dilation - begin);
      if (to.some((place, axis) => place < 0 || place >= outputs[axis])) continue;
      const cell = flat(to, outputs);
      y[cell] += x[i] * w[j];
      contributors[cell].push([i, j]);
    }
  }
  return { y, contributors };
}

/**
 * The convolution of which it is the transpose: x[i] = sum over j of y[i * s + j * d - b] * w[j].
 * @param {Axis[]} axes
 * @param {number[]} y
 * @param {number[]} w
 */
export function convolution(axes, y, w) {
  const inputs = axes.map((axis) => axis.input);
  const x = new Array(count(inputs)).fill(0);
  const { contributors } = transposedConvolution(axes, x, w);
  contributors.forEach((pairs, cell) => {
    for (const [i, j] of pairs) x[i] += y[cell] * w[j];
  });
  return x;
}

/** @param {number[]} sides */
export function count(sides) {
  return sides.reduce((product, side) => product * side, 1);
}

/** @param {number} cell @param {number[]} sides */
function places(cell, sides) {
  return sides.map((side, axis) => Math.floor(cell / count(sides.slice(axis + 1))) % side);
}

/** @param {number[]} place @param {number[]} sides */
function flat(place, sides) {
  return place.reduce((cell, at, axis) => cell * sides[axis] + at, 0);
}
