"use strict";

/* The mathematics of the page. It draws nothing and keeps no state; a test runs it beside skxent and compares.
 * Logarithms are natural unless a base is given. Distributions are arrays of probabilities. */

const mathematics = (() => {
  const sum = (values) => values.reduce((total, value) => total + value, 0);
  const oneHot = (index, length) => Array.from({ length }, (_, k) => (k === index ? 1 : 0));

  // ------------------------------------------------------------------------------------------ measures

  /** −Σ p log q, with 0·log 0 = 0; infinite where q is 0 and p is not. */
  function crossEntropy(p, q, base = Math.E) {
    return sum(p.map((share, i) => (share > 0 ? -share * Math.log(q[i]) : 0))) / Math.log(base);
  }

  const entropy = (p, base = Math.E) => crossEntropy(p, p, base);

  /** Σ p log(p / q), which is H(p, q) − H(p). */
  function divergence(p, q, base = Math.E) {
    return sum(p.map((share, i) => (share > 0 ? share * Math.log(share / q[i]) : 0))) / Math.log(base);
  }

  /** The distribution with the probability of one outcome changed and the others scaled to fit. */
  function withProbability(p, index, value) {
    const rest = 1 - p[index];
    const share = (k) => (rest > 0 ? p[k] / rest : 1 / (p.length - 1));
    return p.map((_, k) => (k === index ? value : share(k) * (1 - value)));
  }

  // ------------------------------------------------------------------------------------------ outputs

  const sigmoid = (z) => 1 / (1 + Math.exp(-z));
  const softplus = (z) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));

  function softmax(z) {
    const largest = Math.max(...z);
    const powers = z.map((score) => Math.exp(score - largest));
    const total = sum(powers);
    return powers.map((power) => power / total);
  }

  function logSoftmax(z) {
    const largest = Math.max(...z);
    const logTotal = Math.log(sum(z.map((score) => Math.exp(score - largest))));
    return z.map((score) => score - largest - logTotal);
  }

  // ------------------------------------------------------------------------------------------ losses

  /** A loss takes y, p and log p and gives its value and g = ∂L/∂log p, as skxent's Loss.pointwise does. */
  const losses = {
    quadratic(y, p) {
      const error = p.map((share, k) => share - y[k]);
      return [sum(error.map((e) => e * e)) / 2, error.map((e, k) => e * p[k])];
    },
    cross_entropy(y, p, logP) {
      return [-sum(y.map((share, k) => (share > 0 ? share * logP[k] : 0))), y.map((share) => -share)];
    },
    double_softmax(y, p) {
      const q = softmax(p);
      return [-sum(y.map((share, k) => share * Math.log(q[k]))), p.map((share, k) => share * (q[k] - y[k]))];
    },
  };

  /** Value of a loss behind a softmax, and its gradient in the scores: ∂L/∂z = g − p Σ g. */
  function throughSoftmax(loss, y, z) {
    const p = softmax(z);
    const [value, g] = losses[loss](y, p, logSoftmax(z));
    const total = sum(g);
    return { p, value, gradient: g.map((slope, k) => slope - p[k] * total) };
  }

  /** The same behind one sigmoid unit: two outcomes, a and 1 − a; ∂L/∂z = g₁ (1 − a) − g₀ a. */
  function throughSigmoid(loss, y, z) {
    const p = [sigmoid(z), sigmoid(-z)];
    const [value, g] = losses[loss]([y, 1 - y], p, [-softplus(-z), -softplus(z)]);
    return { a: p[0], value, gradient: g[0] * p[1] - g[1] * p[0] };
  }

  /** The least that cross-entropy can be after a softmax too many, with n classes. */
  const doubleSoftmaxFloor = (n) => Math.log(1 + (n - 1) / Math.E);

  // ------------------------------------------------------------------------------------------ one neuron

  /** The two costs of a single neuron. As a distribution its quadratic loss is (a − y)²; textbooks take half of it. */
  const costs = {
    quadratic: { loss: "quadratic", factor: 0.5 },
    cross_entropy: { loss: "cross_entropy", factor: 1 },
  };

  function neuronCost(cost, z, y = 0) {
    const { loss, factor } = costs[cost];
    const { a, value, gradient } = throughSigmoid(loss, y, z);
    return { a, cost: factor * value, slope: a * sigmoid(-z), gradient: factor * gradient };
  }

  /** Gradient descent of one neuron with input 1: what it is before the first step and after each. */
  function neuronPath(cost, { w, b }, rate, steps, y = 0) {
    const path = [{ w, b, ...neuronCost(cost, w + b, y) }];
    for (let step = 0; step < steps; step++) {
      const { gradient } = path[step];
      w -= rate * gradient;
      b -= rate * gradient;
      path.push({ w, b, ...neuronCost(cost, w + b, y) });
    }
    return path;
  }

  /** The same neuron without the sigmoid: output z, cost ½(z − y)², gradient z − y. */
  function linearPath({ w, b }, rate, steps, y = 0) {
    const path = [];
    for (let step = 0; step <= steps; step++) {
      const error = w + b - y;
      path.push({ w, b, a: w + b, cost: (error * error) / 2, gradient: error });
      w -= rate * error;
      b -= rate * error;
    }
    return path;
  }

  /** The numbers of the derivation at one output a and one target y. */
  function derivation(a, y) {
    const slope = a * (1 - a);
    return {
      wanted: a - y,
      slope,
      quotient: (a - y) / slope,
      fractions: -y / a + (1 - y) / (1 - a),
      cost: throughSigmoid("cross_entropy", y, Math.log(a / (1 - a))).value,
      product: (-y / a + (1 - y) / (1 - a)) * slope,
      ratio: 1 / slope,
    };
  }

  // ------------------------------------------------------------------------------------------ logistic regression

  /** Mean cross-entropy of the line w x + b over points (x, y), with its gradient and curvature. */
  function logisticCost({ w, b }, points) {
    const cost = { value: 0, w: 0, b: 0, ww: 0, wb: 0, bb: 0 };
    for (const [x, y] of points) {
      const { a, value, gradient } = throughSigmoid("cross_entropy", y, w * x + b);
      const curvature = a * (1 - a);
      cost.value += value / points.length;
      cost.w += (gradient * x) / points.length;
      cost.b += gradient / points.length;
      cost.ww += (curvature * x * x) / points.length;
      cost.wb += (curvature * x) / points.length;
      cost.bb += curvature / points.length;
    }
    return cost;
  }

  /** The line of least cost, by Newton's method; a step that does not lower the cost is halved. */
  function fitLogistic(points, start = { w: 0, b: 0 }, steps = 60) {
    let line = start;
    for (let step = 0; step < steps; step++) {
      const cost = logisticCost(line, points);
      const determinant = cost.ww * cost.bb - cost.wb * cost.wb;
      const move = {
        w: (cost.bb * cost.w - cost.wb * cost.b) / determinant,
        b: (cost.ww * cost.b - cost.wb * cost.w) / determinant,
      };
      let length = 1;
      let next = line;
      do {
        next = { w: line.w - length * move.w, b: line.b - length * move.b };
        length /= 2;
      } while (!(logisticCost(next, points).value <= cost.value) && length > 1e-9);
      line = next;
    }
    return line;
  }

  // ------------------------------------------------------------------------------------------ features

  /** What each feature tells about the class, in nats, counted by leaving one row out; each value is a bin.
   * rows[i][j] is the level of feature j, a small whole number; labels are 0, 1, …, nClasses − 1. */
  function featureGains(rows, labels, nClasses, nLevels) {
    const nOfClass = count(labels, nClasses);
    return rows[0].map((_, j) => gainOfTable(countTable(rows, j, labels, nClasses, nLevels), nOfClass, rows.length));
  }

  function count(labels, n) {
    const counts = new Array(n).fill(0);
    for (const label of labels) counts[label] += 1;
    return counts;
  }

  function countTable(rows, feature, labels, nClasses, nLevels) {
    const table = Array.from({ length: nLevels }, () => new Array(nClasses).fill(0));
    labels.forEach((label, i) => (table[rows[i][feature]][label] += 1));
    return table;
  }

  /** Mean over the rows of log(q / π): π from the other rows, q from the other rows of the bin, smoothed towards π. */
  function gainOfTable(table, nOfClass, nRows) {
    // A class without a row plays no part.
    const nClasses = nOfClass.filter((n) => n > 0).length;
    let gain = 0;
    for (const bin of table) {
      const nOfBin = sum(bin);
      bin.forEach((n, k) => {
        if (n === 0 || nOfClass[k] < 2) return;
        const prior = nOfClass[k] - 1;
        gain += n * Math.log1p(((n - 1) * (nRows - 1) - (nOfBin - 1) * prior) / (prior * (nOfBin - 1 + nClasses)));
      });
    }
    return gain / nRows;
  }

  // ------------------------------------------------------------------------------------------ language models

  const tokenizers = {
    words: (text) => text.split(/\s+/u).filter((token) => token !== ""),
    characters: (text) => Array.from(text.replace(/\s/gu, "")),
  };

  /** What a method keeps of a count c, and what it spares of all: p = (kept + spare / V) / (Σ kept + spare). */
  const smoothings = {
    mle: { kept: (c) => c, spare: () => 0 },
    lidstone: { parameter: { low: 0, high: 2, usual: 0.5 }, kept: (c) => c, spare: (n, delta) => delta * n.vocabulary },
    jelinek_mercer: {
      parameter: { low: 0, high: 1, usual: 0.5 },
      kept: (c, lambda) => lambda * c,
      spare: (n, lambda) => (1 - lambda) * n.tokens,
    },
    witten_bell: { kept: (c) => c, spare: (n) => n.types },
    absolute_discounting: {
      parameter: { low: 0, high: 1, usual: 0.5 },
      kept: (c, discount) => Math.max(c - discount, 0),
      spare: (n, discount) => discount * n.types,
    },
  };

  /** A unigram model: probabilities of the words seen in training, and of the one event for all others. */
  function unigramModel(tokens, smoothing, parameter) {
    const { kept, spare } = smoothings[smoothing];
    const counts = new Map();
    for (const token of tokens) counts.set(token, (counts.get(token) ?? 0) + 1);
    const n = { tokens: tokens.length, types: counts.size, vocabulary: counts.size + 1 };
    const toAll = spare(n, parameter) / n.vocabulary;
    const total = sum([...counts.values()].map((c) => kept(c, parameter))) + toAll * n.vocabulary;
    const probability = (word) => ((counts.has(word) ? kept(counts.get(word), parameter) : 0) + toAll) / total;
    return { ...n, counts, probability };
  }

  /** Bits of each token under a model, their mean, and the perplexity. */
  function scoreText(model, tokens) {
    const bits = tokens.map((token) => -Math.log2(model.probability(token)));
    const mean = sum(bits) / bits.length;
    return {
      bits,
      known: tokens.map((token) => model.counts.has(token)),
      crossEntropy: mean,
      perplexity: 2 ** mean,
    };
  }

  // ------------------------------------------------------------------------------------------ softmax regression

  /** Softmax regression from zero by mini-batches in the order of the rows.
   * images: Float64Array of n × d; labels: n classes below nClasses. */
  class SoftmaxRegression {
    constructor(loss, rate, batchSize, nFeatures, nClasses) {
      Object.assign(this, { loss, rate, batchSize, nFeatures, nClasses });
      this.weights = new Float64Array(nFeatures * nClasses); // class by class
      this.bias = new Float64Array(nClasses);
    }

    /** Scores of one image, wherever it starts in the array. */
    scores(images, start) {
      const { nFeatures, nClasses, weights } = this;
      const z = Array.from(this.bias);
      for (let k = 0; k < nClasses; k++) {
        let score = 0;
        for (let j = 0; j < nFeatures; j++) score += images[start + j] * weights[k * nFeatures + j];
        z[k] += score;
      }
      return z;
    }

    /** One step of gradient descent on the rows from `first` up to, not including, `end`. */
    step(images, labels, first, end) {
      const { nFeatures, nClasses, rate } = this;
      const length = rate / (end - first);
      const gradients = [];
      for (let i = first; i < end; i++) {
        const y = oneHot(labels[i], nClasses);
        gradients.push(throughSoftmax(this.loss, y, this.scores(images, i * nFeatures)).gradient);
      }
      gradients.forEach((gradient, row) => {
        const start = (first + row) * nFeatures;
        for (let k = 0; k < nClasses; k++) {
          const move = length * gradient[k];
          this.bias[k] -= move;
          for (let j = 0; j < nFeatures; j++) this.weights[k * nFeatures + j] -= move * images[start + j];
        }
      });
    }

    /** One pass over all rows. */
    pass(images, labels) {
      for (let first = 0; first < labels.length; first += this.batchSize) {
        this.step(images, labels, first, Math.min(first + this.batchSize, labels.length));
      }
    }

    probabilities(images, row) {
      return softmax(this.scores(images, row * this.nFeatures));
    }

    predict(images, row) {
      const z = this.scores(images, row * this.nFeatures);
      return z.indexOf(Math.max(...z));
    }

    accuracy(images, labels) {
      let right = 0;
      for (let i = 0; i < labels.length; i++) right += this.predict(images, i) === labels[i] ? 1 : 0;
      return right / labels.length;
    }
  }

  /** Labels of which a share is replaced by other classes. The rows are the same at every call, and a larger share
   * only adds to them. */
  function withWrongLabels(labels, share, nClasses) {
    // Steps that have no divisor in common with the number of rows visit each row once.
    const stride = 7919;
    const wrong = Array.from(labels);
    for (let i = 0; i < Math.round(share * labels.length); i++) {
      const row = (i * stride) % labels.length;
      wrong[row] = (labels[row] + 1 + (i % (nClasses - 1))) % nClasses;
    }
    return wrong;
  }

  // ------------------------------------------------------------------------------------------ packed data

  /** Bytes packed as base64 of a zlib stream. */
  async function unpack(text) {
    const packed = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }

  /** Each byte holds a pixel and the one below it. */
  function unpair(pairs, side, levels) {
    const bytes = new Uint8Array(2 * pairs.length);
    pairs.forEach((pair, i) => {
      const upper = 2 * side * Math.floor(i / side) + (i % side);
      bytes[upper] = Math.floor(pair / levels);
      bytes[upper + side] = pair % levels;
    });
    return bytes;
  }

  /** Images and labels of the page's data: grey levels as whole numbers, row by row, and greys from 0 to 1. */
  async function unpackImages({ pixels, labels, side, levels, nTrain, nTest }) {
    const [pairs, digits] = await Promise.all([unpack(pixels), unpack(labels)]);
    const bytes = unpair(pairs, side, levels);
    const d = side * side;
    const part = (first, n) => ({
      rows: Array.from({ length: n }, (_, i) => Array.from(bytes.subarray((first + i) * d, (first + i + 1) * d))),
      greys: Float64Array.from(bytes.subarray(first * d, (first + n) * d), (level) => level / (levels - 1)),
      labels: Array.from(digits.subarray(first, first + n)),
    });
    return { train: part(0, nTrain), test: part(nTrain, nTest) };
  }

  /** Zeros and ones as points (x, y): the share of ink in percent, and the digit. */
  function inkOfZerosAndOnes({ rows, labels }, levels) {
    const ink = (row) => (100 * sum(row)) / (row.length * (levels - 1));
    return rows.flatMap((row, i) => (labels[i] < 2 ? [[ink(row), labels[i]]] : []));
  }

  return {
    sum, oneHot, entropy, crossEntropy, divergence, withProbability,
    sigmoid, softmax, logSoftmax, throughSoftmax, throughSigmoid, doubleSoftmaxFloor, losses,
    neuronCost, neuronPath, linearPath, derivation, logisticCost, fitLogistic,
    featureGains, count, countTable, gainOfTable, tokenizers, smoothings, unigramModel, scoreText,
    SoftmaxRegression, withWrongLabels, unpackImages, inkOfZerosAndOnes,
  };
})();

if (typeof module !== "undefined") module.exports = mathematics;
