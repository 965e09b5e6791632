"use strict";

/* The figures that the texts of the page name, by their keys. Settings of the experiments are here once; all else is
 * computed from them and from the data. A test computes each with skxent and compares. */

const settings = {
  neuron: { mild: { w: 0.6, b: 0.9 }, bad: { w: 2, b: 2 }, rate: 0.15, slowRate: 0.005, steps: 300 },
  race: { batchSize: 10, passes: 21, rates: { quadratic: 0.04, double_softmax: 0.2, cross_entropy: 0.2 }, goal: 0.9 },
};

function results(m, data, images) {
  const { mild, bad, rate, slowRate, steps } = settings.neuron;
  const output = (cost, start, atRate = rate, step = steps) => m.neuronPath(cost, start, atRate, step)[step].a;
  const share = (labels) => m.count(labels, data.images.nClasses).map((n) => n / labels.length);
  const gains = m.featureGains(images.train.rows, images.train.labels, data.images.nClasses, data.images.levels);
  const points = m.inkOfZerosAndOnes(images.train, data.images.levels);
  const perplexity = (topic) => {
    const model = m.unigramModel(m.tokenizers.words(data.texts[topic]), "witten_bell");
    return m.scoreText(model, m.tokenizers.words(data.texts.test)).perplexity;
  };
  const { runs } = data.mnist;
  const first = (accuracies) => accuracies.findIndex((accuracy) => accuracy >= settings.race.goal);
  const last = (accuracies) => accuracies[accuracies.length - 1];

  return {
    nat: 1 / Math.LN2,
    "images.train": data.images.nTrain,
    "images.test": data.images.nTest,
    "images.pixels": data.images.side ** 2,
    "feature.entropy": m.entropy(share(images.train.labels), 2),
    "feature.best": Math.max(...gains) / Math.LN2,
    "language.sea": perplexity("sea"),
    "language.kitchen": perplexity("kitchen"),
    "logistic.n": points.length,
    "logistic.best": m.logisticCost(m.fitLogistic(points), points).value,
    "logistic.nothing": m.entropy(share(points.map(([, y]) => y))),
    "neuron.steps": steps,
    "neuron.half": steps / 2,
    "neuron.rate": rate,
    "neuron.slow.rate": slowRate,
    "neuron.mild.start": m.sigmoid(mild.w + mild.b),
    "neuron.bad.start": m.sigmoid(bad.w + bad.b),
    "neuron.mild.quadratic": output("quadratic", mild),
    "neuron.bad.quadratic": output("quadratic", bad),
    "neuron.bad.halfway": output("quadratic", bad, rate, steps / 2),
    "neuron.mild.cross": output("cross_entropy", mild),
    "neuron.bad.cross": output("cross_entropy", bad),
    "neuron.slow.mild": output("cross_entropy", mild, slowRate),
    "neuron.slow.bad": output("cross_entropy", bad, slowRate),
    "neuron.mild.ratio": m.derivation(m.sigmoid(mild.w + mild.b), 0).ratio,
    "neuron.bad.ratio": m.derivation(m.sigmoid(bad.w + bad.b), 0).ratio,
    "twice.floor4": m.doubleSoftmaxFloor(4),
    "twice.floor10": m.doubleSoftmaxFloor(10),
    "race.goal": settings.race.goal,
    "race.batch": settings.race.batchSize,
    "race.rate.quadratic": settings.race.rates.quadratic,
    "race.rate.cross": settings.race.rates.cross_entropy,
    "mnist.train": data.mnist.nTrain,
    "mnist.batch": data.mnist.batchSize,
    "mnist.passes": runs.quadratic.published.length,
    "mnist.quadratic.published.first": first(runs.quadratic.published),
    "mnist.quadratic.published.last": last(runs.quadratic.published),
    "mnist.quadratic.ours.first": first(runs.quadratic.ours),
    "mnist.quadratic.ours.last": last(runs.quadratic.ours),
    "mnist.double.published.first": first(runs.double_softmax.published),
    "mnist.double.published.last": last(runs.double_softmax.published),
    "mnist.double.ours.first": first(runs.double_softmax.ours),
    "mnist.double.ours.last": last(runs.double_softmax.ours),
    "mnist.cross.ours.first": first(runs.cross_entropy.ours),
    "mnist.cross.ours.last": last(runs.cross_entropy.ours),
  };
}

if (typeof module !== "undefined") module.exports = { results, settings };
