"use strict";

/* What ties the page together: each section reads its controls, asks `mathematics` and draws with `charts`. */

(() => {
  const m = mathematics;
  const $ = (id) => document.getElementById(id);
  const DIGITS = 10;
  let language = "en";
  /** Functions that draw; all run again when the language or the width changes. */
  const drawings = [];

  // ------------------------------------------------------------------------------------------ words and numbers

  function word(key, ...values) {
    const pair = words[key];
    if (!pair) throw new Error(`no words for ${key}`);
    return values.reduce((out, value, i) => out.replaceAll(`{${i}}`, value), pair[language === "zh" ? 1 : 0]);
  }

  function number(value, digits = 0) {
    if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
    const written = value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
    return /[1-9]/.test(written) ? written.replace("-", "−") : written.replace("-", "");
  }

  const show = (id, value, digits) => ($(id).textContent = number(value, digits));
  const valueOf = (id) => Number($(id).value);
  const spread = (from, to, n) => Array.from({ length: n + 1 }, (_, i) => from + ((to - from) * i) / n);
  const percent = (share) => `${Math.round(100 * share)}`;

  /** Draw now, whenever one of the controls moves, and whenever everything is drawn again. */
  function drawn(ids, draw) {
    for (const id of ids) $(id).addEventListener("input", draw);
    drawings.push(draw);
  }

  // ------------------------------------------------------------------------------------------ coding

  function coding() {
    const outcomes = ["sun", "cloud", "rain", "snow"];
    let p = [0.5, 0.25, 0.125, 0.125];
    let q = [0.25, 0.25, 0.25, 0.25];
    let updates = [];

    function figures() {
      updates.forEach((update, i) => update([p, q][i]));
      const [best, cost] = [m.entropy(p, 2), m.crossEntropy(p, q, 2)];
      show("coding-entropy", best, 3);
      show("coding-divergence", m.divergence(p, q, 2), 3);
      show("coding-cross", cost, 3);
      show("coding-message", 1000 * cost);
      const label = word("coding.picture", number(cost, 3));
      const names = outcomes.map((name) => word(name));
      const [title, wasted, saved] = ["coding.height", "coding.wasted", "coding.saved"].map((key) => word(key));
      charts.codeAreas($("coding-area"), { label, title, labels: names, p, q, wasted, saved });
    }

    function believe(belief) {
      q = belief;
      figures();
    }

    function draw() {
      const labels = outcomes.map((name) => word(name));
      const truth = (name) => word("coding.truth", name);
      const belief = (name) => word("coding.belief", name);
      updates = [
        charts.dragBars($("coding-p"), { labels, values: p, kind: "truth", describe: truth, change: (i, value) => {
          p = m.withProbability(p, i, value);
          figures();
        } }),
        charts.dragBars($("coding-q"), { labels, values: q, kind: "belief", describe: belief, change: (i, value) => {
          believe(m.withProbability(q, i, value));
        } }),
      ];
      figures();
    }

    $("coding-even").addEventListener("click", () => believe(p.map(() => 1 / p.length)));
    $("coding-true").addEventListener("click", () => believe([...p]));
    $("coding-reversed").addEventListener("click", () => believe([...p].reverse()));
    drawn([], draw);
  }

  // ------------------------------------------------------------------------------------------ features

  function similarity(images) {
    const { side, levels, nClasses } = data.images;
    const { rows, labels } = images.train;
    const about = () => document.querySelector("input[name=about]:checked").value;
    const marked = () => [valueOf("pixel-row"), valueOf("pixel-column")];
    const inkAt = (pixel) => rows.map((row) => (row[pixel] > 0 ? 1 : 0));
    const ofDigit = m.featureGains(rows, labels, nClasses, levels);

    function draw() {
      const [row, column] = marked();
      const pixel = row * side + column;
      const ink = inkAt(pixel);
      const digit = about() === "digit";
      const target = digit ? labels : ink;
      const gains = (digit ? ofDigit : m.featureGains(rows, ink, 2, levels)).map((gain) => gain / Math.LN2);
      const n = digit ? nClasses : 2;
      show("pixel-row-value", row);
      show("pixel-column-value", column);
      show("pixel-gain", gains[pixel], 3);
      show("pixel-best", Math.max(...gains), 3);
      show("pixel-entropy", m.entropy(m.count(target, n).map((count) => count / rows.length), 2), 3);
      const largest = number(Math.max(...gains), 2);
      charts.squareMap($("pixel-map"), {
        label: word("pixel.map.picture", side, largest),
        title: word("pixel.map"),
        legendText: word("pixel.map.range", largest),
        values: gains,
        side,
        marked: [row, column],
        choose: (toRow, toColumn) => {
          $("pixel-row").value = toRow;
          $("pixel-column").value = toColumn;
          draw();
        },
      });
      drawShares(ink);
    }

    function drawShares(ink) {
      const shares = (wanted) => {
        const counts = m.count(labels.filter((_, i) => ink[i] === wanted), nClasses);
        const total = m.sum(counts);
        return counts.map((n) => (total ? (100 * n) / total : 0));
      };
      const series = [
        { name: word("pixel.with"), kind: "cross_entropy", values: shares(1) },
        { name: word("pixel.without"), kind: "muted", values: shares(0) },
      ];
      const most = Math.max(...series.flatMap(({ values }) => values), 20);
      charts.bars($("pixel-classes"), {
        label: word("pixel.classes.picture"),
        title: word("pixel.classes"),
        outcomes: spread(0, 9, 9),
        series,
        domain: [0, most],
        ticks: [20, 40, 60, 80, 100].filter((percent) => percent <= most),
        height: 300,
      });
    }

    document.querySelectorAll("input[name=about]").forEach((input) => input.addEventListener("input", draw));
    drawn(["pixel-row", "pixel-column"], draw);
  }

  // ------------------------------------------------------------------------------------------ language models

  function languageModels() {
    const samples = {
      sea: "The wind came from the west and the boat went out with the tide .",
      sky: "The stars come out after the sun has gone , and a telescope shows the moon .",
      kitchen: "Put the onions in the pan with a little oil and a pinch of salt .",
      chinese: "风从东边吹来，我们把船送进港口。",
    };
    for (const name of Object.keys(m.smoothings)) $("lm-smoothing").append(new Option("", name));
    $("lm-smoothing").value = "lidstone";
    const unit = () => ($("lm-training").value === "chinese" ? "characters" : "words");

    function chooseSmoothing() {
      const { parameter } = m.smoothings[$("lm-smoothing").value];
      $("lm-parameter-label").hidden = !parameter;
      if (!parameter) return;
      $("lm-parameter").max = parameter.high;
      $("lm-parameter").value = parameter.usual;
      $("lm-parameter-name").textContent = { lidstone: "δ", jelinek_mercer: "λ", absolute_discounting: "D" }[$("lm-smoothing").value];
    }

    function chooseTraining() {
      $("lm-text").value = samples[$("lm-training").value];
      $("lm-text").lang = $("lm-training").value === "chinese" ? "zh" : "en";
    }

    function draw() {
      for (const option of $("lm-training").options) option.textContent = word(`lm.${option.value}`);
      for (const option of $("lm-smoothing").options) option.textContent = word(`lm.${option.value}`);
      const tokenize = m.tokenizers[unit()];
      const model = m.unigramModel(tokenize(data.texts[$("lm-training").value]), $("lm-smoothing").value, valueOf("lm-parameter"));
      const tokens = tokenize($("lm-text").value);
      const score = m.scoreText(model, tokens);
      show("lm-parameter-value", valueOf("lm-parameter"), 2);
      const nothing = tokens.length === 0;
      $("lm-cross").textContent = nothing ? "–" : number(score.crossEntropy, 3);
      $("lm-perplexity").textContent = nothing ? "–" : number(score.perplexity, 1);
      $("lm-unit").textContent = word(`lm.${unit()}.unit`);
      $("lm-unknown").textContent = word("lm.count", score.known.filter((known) => !known).length, tokens.length);
      $("lm-size").textContent = word(`lm.${unit()}.size`, number(model.tokens), number(model.types));
      $("lm-bits").replaceChildren(...tokens.map((token, i) => tokenBar(token, score.bits[i], score.known[i])));
    }

    function tokenBar(token, bits, known) {
      const item = document.createElement("span");
      item.className = known ? "token" : "token unknown";
      item.title = word(known ? "lm.token" : "lm.token.unknown", token, number(bits, 2));
      const bar = document.createElement("span");
      bar.className = "token-bar";
      bar.style.height = `${4 * Math.min(Number.isFinite(bits) ? bits : 16, 16)}px`;
      const [label, value] = [document.createElement("span"), document.createElement("small")];
      label.textContent = token;
      value.textContent = number(bits, 1);
      item.append(bar, label, value);
      return item;
    }

    $("lm-smoothing").addEventListener("input", chooseSmoothing);
    $("lm-training").addEventListener("input", chooseTraining);
    chooseSmoothing();
    chooseTraining();
    drawn(["lm-training", "lm-smoothing", "lm-parameter", "lm-text"], draw);
    // A reader of Chinese meets the Chinese text first.
    document.addEventListener("languagechange-page", () => {
      $("lm-training").value = language === "zh" ? "chinese" : "sea";
      chooseTraining();
    });
  }

  // ------------------------------------------------------------------------------------------ logistic regression

  function logistic(images) {
    const points = m.inkOfZerosAndOnes(images.train, data.images.levels);
    const highest = Math.ceil(Math.max(...points.map(([x]) => x)) / 10) * 10;

    function draw() {
      const line = { w: valueOf("logistic-w"), b: valueOf("logistic-b") };
      drawLine(line);
    }

    function drawLine(line) {
      const cost = m.logisticCost(line, points);
      const right = points.filter(([x, y]) => (line.w * x + line.b > 0) === (y === 1)).length / points.length;
      show("logistic-w-value", line.w, 2);
      show("logistic-b-value", line.b, 1);
      show("logistic-cost", cost.value, 4);
      show("logistic-gradient-w", cost.w, 4);
      show("logistic-gradient-b", cost.b, 4);
      $("logistic-right").textContent = word("logistic.right", number(100 * right, 1));
      charts.logisticPlot($("logistic-plot"), {
        label: word("logistic.picture"),
        x: { label: word("logistic.x"), domain: [0, highest], ticks: spread(0, highest, highest / 10) },
        y: { label: word("logistic.y") },
        points,
        curve: (x) => m.sigmoid(line.w * x + line.b),
      });
    }

    $("logistic-fit").addEventListener("click", () => {
      const best = m.fitLogistic(points);
      $("logistic-w").value = best.w;
      $("logistic-b").value = best.b;
      drawLine(best);
    });
    drawn(["logistic-w", "logistic-b"], draw);
  }

  // ------------------------------------------------------------------------------------------ one neuron

  function neuron() {
    const { mild, bad, steps } = settings.neuron;
    const kinds = ["quadratic", "cross_entropy"];

    function start() {
      const share = valueOf("neuron-start");
      return { w: mild.w + share * (bad.w - mild.w), b: mild.b + share * (bad.b - mild.b) };
    }

    function draw() {
      const [from, rate, step] = [start(), valueOf("neuron-rate"), valueOf("neuron-step")];
      const paths = kinds.map((kind) => m.neuronPath(kind, from, rate, steps));
      show("neuron-start-value", m.sigmoid(from.w + from.b), 3);
      $("neuron-start").setAttribute("aria-valuetext", $("neuron-start-value").textContent);
      show("neuron-rate-value", rate, 3);
      show("neuron-step-value", step);
      kinds.forEach((kind, i) => {
        const { a, cost, slope, gradient } = paths[i][step];
        const cells = $(`neuron-${kind}`).querySelectorAll("td");
        [a, cost, slope, gradient].forEach((value, j) => (cells[j].textContent = number(value, 4)));
      });
      drawPaths("output", paths, step, (state) => state.a, [0, 0.5, 1]);
      const highest = Math.ceil(Math.max(...paths.flat().map(({ cost }) => cost), 1));
      drawPaths("cost", paths, step, (state) => state.cost, spread(0, highest, highest));
      drawGradient(paths, step);
    }

    function drawPaths(name, paths, step, read, ticks) {
      const ends = paths.map((path) => number(read(path[steps]), 4));
      charts.lines($(`neuron-${name}`), {
        label: word(`neuron.${name}.picture`, ...ends),
        x: { label: word("neuron.step"), domain: [0, steps], ticks: spread(0, steps, 3) },
        y: { label: word(`neuron.${name}`), domain: [0, ticks[ticks.length - 1]], ticks },
        rules: [step],
        lines: kinds.map((kind, i) => ({ kind, name: word(kind), points: paths[i].map((state, at) => [at, read(state)]) })),
        marks: kinds.map((kind, i) => ({ kind, at: [step, read(paths[i][step])] })),
      });
    }

    function drawGradient(paths, step) {
      const outputs = spread(0.002, 0.998, 166);
      charts.lines($("neuron-gradient"), {
        label: word("neuron.gradient.picture"),
        x: { label: word("neuron.gradient.x"), domain: [0, 1], ticks: [0, 0.5, 1] },
        y: { label: word("neuron.gradient"), domain: [0, 1], ticks: [0, 0.5, 1], format: (tick) => number(tick, 1) },
        lines: kinds.map((kind) => ({
          kind,
          name: word(kind),
          points: outputs.map((a) => [a, m.neuronCost(kind, Math.log(a / (1 - a))).gradient]),
        })),
        marks: kinds.map((kind, i) => ({ kind, at: [paths[i][step].a, paths[i][step].gradient] })),
      });
    }

    $("neuron-run").addEventListener("click", () => animate(steps, 3, (step) => {
      $("neuron-step").value = step;
      draw();
    }));
    drawn(["neuron-start", "neuron-rate", "neuron-step"], draw);
  }

  /** Call `show(step)` for each frame up to the last step; at once for those who want no motion. */
  function animate(last, stride, frame) {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return frame(last);
    let step = 0;
    const next = () => {
      frame(step);
      if (step === last) return;
      step = Math.min(step + stride, last);
      requestAnimationFrame(next);
    };
    next();
  }

  // ------------------------------------------------------------------------------------------ why

  function why() {
    function draw() {
      const a = valueOf("why-a");
      const y = Number(document.querySelector("input[name=why-y]:checked").value);
      const steps = m.derivation(a, y);
      const [outA, outY, slope] = [number(a, 2), number(y), number(steps.slope, 4)];
      show("why-a-value", a, 2);
      $("why-wanted").textContent = `${outA} − ${outY} = ${number(steps.wanted, 4)}`;
      $("why-slope").textContent = `σ′ = ${outA} × (1 − ${outA}) = ${slope}`;
      $("why-quotient").textContent = `${number(steps.wanted, 4)} / ${slope} = ${number(steps.quotient, 4)}`;
      $("why-fractions").textContent =
        `−${outY} / ${outA} + ${number(1 - y)} / ${number(1 - a, 2)} = ${number(steps.fractions, 4)};   × ${slope} = ${number(steps.product, 4)}`;
      $("why-cost").textContent = y ? `−ln ${outA} = ${number(steps.cost, 4)}` : `−ln (1 − ${outA}) = ${number(steps.cost, 4)}`;
      live("why-ratio", number(steps.ratio, 1));
    }

    document.querySelectorAll("input[name=why-y]").forEach((input) => input.addEventListener("input", draw));
    drawn(["why-a"], draw);
  }

  /** Write a value wherever a text names it. */
  function live(name, value) {
    document.querySelectorAll(`[data-live="${name}"]`).forEach((output) => (output.textContent = value));
  }

  // ------------------------------------------------------------------------------------------ softmax

  function softmax() {
    const scores = () => [0, 1, 2, 3].map((k) => valueOf(`softmax-${k}`));

    function draw() {
      const z = scores();
      z.forEach((score, k) => show(`softmax-${k}-value`, score, 1));
      const right = valueOf("softmax-y") - 1;
      const y = m.oneHot(right, z.length);
      const twice = $("softmax-twice").checked;
      const loss = m.throughSoftmax(twice ? "double_softmax" : "cross_entropy", y, z);
      const quadratic = m.throughSoftmax("quadratic", y, z);
      $("softmax-loss-name").textContent = word(twice ? "softmax.loss.twice" : "softmax.loss");
      $("softmax-loss-name").className = twice ? "double_softmax" : "cross_entropy";
      show("softmax-loss", loss.value, 4);
      show("softmax-floor", twice ? m.doubleSoftmaxFloor(z.length) : 0, 4);
      show("softmax-quadratic", quadratic.value, 4);
      drawProbabilities(loss.p, right, twice);
      drawGradients(loss.gradient, quadratic.gradient, right, twice);
    }

    const names = () => [1, 2, 3, 4].map((k) => word("softmax.class", k));

    function drawProbabilities(p, right, twice) {
      const series = [{ name: word("softmax.p"), kind: "cross_entropy", values: p }];
      if (twice) series.push({ name: word("softmax.q"), kind: "double_softmax", values: m.softmax(p) });
      charts.bars($("softmax-p"), {
        label: word("softmax.p.picture", p.map((share) => number(share, 3)).join(", ")),
        title: word("softmax.p.title"),
        outcomes: names(),
        series,
        domain: [0, 1],
        format: (value) => number(value, 2),
        marked: right,
      });
    }

    function drawGradients(gradient, quadratic, right, twice) {
      const kind = twice ? "double_softmax" : "cross_entropy";
      const listed = [gradient, quadratic].map((values) => values.map((value) => number(value, 3)).join(", "));
      charts.bars($("softmax-gradient"), {
        label: word("softmax.gradient.picture", ...listed),
        title: word("softmax.gradient.title"),
        outcomes: names(),
        series: [
          { name: word(kind), kind, values: gradient },
          { name: word("quadratic"), kind: "quadratic", values: quadratic },
        ],
        domain: [-1, 1],
        format: (value) => number(value, 2),
        marked: right,
      });
    }

    drawn([...scores().map((_, k) => `softmax-${k}`), "softmax-y", "softmax-twice"], draw);
  }

  function twoClasses() {
    drawn(["two-1", "two-0"], () => {
      const [z1, z0] = [valueOf("two-1"), valueOf("two-0")];
      show("two-1-value", z1, 1);
      show("two-0-value", z0, 1);
      show("two-softmax", m.softmax([z1, z0])[0], 6);
      show("two-sigmoid", m.sigmoid(z1 - z0), 6);
    });
  }

  // ------------------------------------------------------------------------------------------ races

  const { race } = settings;

  function newModel(loss, rate) {
    return new m.SoftmaxRegression(loss, rate, race.batchSize, data.images.side ** 2, data.images.nClasses);
  }

  /** Models that learn side by side, one pass at a time, with the page alive in between.
   * runners: [{loss, rate}]; `draw(curves, models, pass)` is called after each pass of all. */
  function makeRace(button, runners, draw) {
    let turn = 0;
    button.addEventListener("click", async () => {
      const mine = ++turn;
      const { entries, train, test } = runners();
      const models = entries.map(({ loss, rate }) => newModel(loss, rate));
      const curves = models.map(() => []);
      for (let pass = 1; pass <= race.passes && mine === turn; pass++) {
        for (const [i, model] of models.entries()) {
          model.pass(train.greys, train.labels);
          curves[i].push(model.accuracy(test.greys, test.labels));
          await new Promise((resolve) => setTimeout(resolve));
        }
        if (mine === turn) draw(curves, models, pass);
      }
    });
  }

  /** Curves of accuracy after each pass, and the sentence about them. */
  function drawRace(name, kinds, labels, curves) {
    const done = curves[0].length;
    const lowest = Math.min(0.4, Math.floor(10 * Math.min(...curves.flat())) / 10);
    const listed = kinds.map((_, i) => word("race.entry", labels[i], done ? number(curves[i][done - 1], 3) : ""));
    const summary = listed.join(word("race.separator"));
    charts.lines($(`${name}-plot`), {
      label: word("race.picture", done ? summary : "–"),
      x: { label: word("race.pass"), domain: [0, race.passes], ticks: [0, 7, 14, 21] },
      y: { label: word("race.accuracy"), domain: [lowest, 0.9], ticks: spread(lowest, 0.9, Math.round((0.9 - lowest) * 10)), format: (tick) => number(tick, 1) },
      height: 300,
      lines: kinds.map((kind, i) => ({
        kind,
        name: done ? `${labels[i]} ${number(curves[i][done - 1], 3)}` : "",
        points: curves[i].map((accuracy, pass) => [pass + 1, accuracy]),
      })),
      marks: done ? kinds.map((kind, i) => ({ kind, at: [done, curves[i][done - 1]] })) : [],
      names: 158,
    });
    $(`${name}-status`).textContent = !done
      ? word("race.ready", race.passes)
      : done < race.passes ? word("race.running", done, race.passes) : word("race.done", done, summary);
  }

  function digitRace(images) {
    const kinds = Object.keys(race.rates);
    let state = { curves: kinds.map(() => []), models: kinds.map((kind) => newModel(kind, 1)) };

    function draw() {
      drawRace("race", kinds, kinds.map((kind) => word(kind)), state.curves);
      drawGuesses(images.test, state);
      drawWeights(state);
    }

    function drawGuesses({ greys, labels }, { models, curves }) {
      const table = document.createElement("table");
      const shown = spread(0, 11, 11);
      const head = table.createTHead().insertRow();
      head.append(cell("th", word("race.pictures"), "row"));
      for (const i of shown) {
        const picture = cell("td", "");
        picture.append(digitPicture(greys, i, labels[i]));
        head.append(picture);
      }
      const body = table.createTBody();
      kinds.forEach((kind, k) => {
        const row = body.insertRow();
        const name = cell("th", word(kind), "row");
        name.className = kind;
        row.append(name);
        for (const i of shown) {
          const guess = curves[k].length ? models[k].predict(greys, i) : null;
          const box = cell("td", guess === null ? "·" : guess === labels[i] ? `${guess}` : `${guess} ✗`);
          box.className = guess === null || guess === labels[i] ? "right" : "wrong";
          row.append(box);
        }
      });
      $("race-guesses").replaceChildren(table);
      $("race-guesses").setAttribute("aria-label", word("race.guesses"));
    }

    function digitPicture(greys, i, digit) {
      const { side } = data.images;
      const ink = colour("ink");
      const canvas = document.createElement("canvas");
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", word("race.digit", digit));
      charts.pixels(canvas, greys.subarray(i * side ** 2, (i + 1) * side ** 2), side, (grey) => [...ink, 255 * grey]);
      return canvas;
    }

    function drawWeights({ models }) {
      const { side } = data.images;
      const [speaksFor, against] = [colour("for"), colour("against")];
      const lines = kinds.map((kind, k) => {
        const { weights } = models[k];
        const largest = Math.max(...weights.map(Math.abs), 1e-9);
        const line = document.createElement("div");
        line.className = "weights";
        const name = document.createElement("p");
        name.className = "small";
        name.textContent = word("race.weights", word(kind));
        line.append(name);
        for (let digit = 0; digit < DIGITS; digit++) {
          const canvas = document.createElement("canvas");
          canvas.setAttribute("role", "img");
          canvas.setAttribute("aria-label", word("race.weights.digit", digit));
          const own = weights.subarray(digit * side ** 2, (digit + 1) * side ** 2);
          charts.pixels(canvas, own, side, (weight) => {
            const opacity = 255 * Math.sqrt(Math.abs(weight) / largest);
            return [...(weight > 0 ? speaksFor : against), opacity];
          });
          line.append(canvas);
        }
        return line;
      });
      $("race-weights").replaceChildren(...lines);
    }

    const rates = kinds.map((kind) => `race-rate-${kind}`);
    drawn(rates, () => rates.forEach((id) => show(`${id}-value`, valueOf(id), 2)));
    drawn([], draw);
    makeRace($("race-run"), () => ({ ...images, entries: kinds.map((loss) => ({ loss, rate: valueOf(`race-rate-${loss}`) })) }), (curves, models) => {
      state = { curves, models };
      draw();
    });
  }

  /** Red, green and blue of a colour of the style sheet. */
  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(`--${name}-rgb`).split(",").map(Number);
  }

  function cell(tag, content, scope) {
    const element = document.createElement(tag);
    if (scope) element.scope = scope;
    element.textContent = content;
    return element;
  }

  function publishedTable() {
    const { runs } = data.mnist;
    const body = document.querySelector("#mnist-table tbody");
    const columns = [runs.quadratic.published, runs.quadratic.ours, runs.double_softmax.published, runs.double_softmax.ours, runs.cross_entropy.ours];
    columns[0].forEach((_, pass) => {
      const row = body.insertRow();
      row.append(cell("th", pass, "row"));
      columns.forEach((column) => row.append(cell("td", number(column[pass], 4))));
    });
    drawn([], () => {
      const points = (accuracies) => accuracies.map((accuracy, pass) => [pass, accuracy]);
      const kinds = Object.keys(runs);
      charts.lines($("mnist-plot"), {
        label: word("mnist.picture"),
        x: { label: word("mnist.pass"), domain: [0, columns[0].length - 1], ticks: [0, 5, 10, 15, 20] },
        y: { label: word("race.accuracy"), domain: [0.82, 0.93], ticks: [0.82, 0.84, 0.86, 0.88, 0.9, 0.92], format: (tick) => number(tick, 2) },
        height: 320,
        lines: [
          ...kinds.map((kind) => ({ kind, dots: true, points: points(runs[kind].published) })),
          ...kinds.map((kind) => ({ kind, name: word(kind), points: points(runs[kind].ours) })),
        ],
      });
    });
  }

  // ------------------------------------------------------------------------------------------ the quadratic loss

  function linearOutputs() {
    const { bad, steps } = settings.neuron;

    drawn(["linear-rate"], () => {
      const rate = valueOf("linear-rate");
      show("linear-rate-value", rate, 3);
      const start = m.sigmoid(bad.w + bad.b) / 2;
      const paths = {
        linear: m.linearPath({ w: start, b: start }, rate, steps),
        quadratic: m.neuronPath("quadratic", bad, rate, steps),
        cross_entropy: m.neuronPath("cross_entropy", bad, rate, steps),
      };
      charts.lines($("linear-plot"), {
        label: word("linear.picture"),
        x: { label: word("neuron.step"), domain: [0, steps], ticks: spread(0, steps, 3) },
        y: { label: word("linear.error"), domain: [0.001, 1], ticks: [0.001, 0.01, 0.1, 1], logarithmic: true },
        lines: Object.entries(paths).map(([kind, path]) => ({
          kind: kind === "linear" ? "truth" : kind,
          name: word(`linear.${kind}`),
          points: path.map(({ a }, step) => [step, Math.max(Math.abs(a), 1e-300)]).filter(([, error]) => error >= 0.001),
        })),
        names: 172,
      });
    });
  }

  function wrongLabels(images) {
    const kinds = ["quadratic", "cross_entropy"];
    const rate = race.rates.cross_entropy;
    let curves = kinds.map(() => []);
    const draw = () => drawRace("robust", kinds, kinds.map((kind) => word(kind)), curves);

    drawn(["robust-share"], () => ($("robust-share-value").textContent = `${percent(valueOf("robust-share"))} %`));
    drawn([], draw);
    makeRace($("robust-run"), () => {
      const labels = m.withWrongLabels(images.train.labels, valueOf("robust-share"), data.images.nClasses);
      return { test: images.test, train: { greys: images.train.greys, labels }, entries: kinds.map((loss) => ({ loss, rate })) };
    }, (found) => {
      curves = found;
      draw();
    });
  }

  // ------------------------------------------------------------------------------------------ the page

  function fillFigures(found) {
    for (const place of document.querySelectorAll("[data-figure]")) {
      const value = found[place.dataset.figure];
      if (value === undefined) throw new Error(`no figure ${place.dataset.figure}`);
      place.value = value;
      place.textContent = number(value, Number(place.dataset.digits));
    }
  }

  function tableOfContents() {
    const items = [...document.querySelectorAll("main > section")].map((section) => {
      const item = document.createElement("li");
      const link = document.createElement("a");
      link.href = `#${section.id}`;
      link.textContent = word(`nav.${section.id}`);
      item.append(link);
      return item;
    });
    $("contents").replaceChildren(...items);
  }

  function drawAll() {
    drawings.forEach((draw) => draw());
  }

  function speak(chosen) {
    language = chosen;
    document.documentElement.lang = chosen;
    document.title = word("title");
    document.querySelectorAll("[data-language]").forEach((button) => {
      button.setAttribute("aria-pressed", String(button.dataset.language === chosen));
    });
    document.dispatchEvent(new Event("languagechange-page"));
    drawAll();
  }

  function switches() {
    document.querySelectorAll("[data-language]").forEach((button) => {
      button.addEventListener("click", () => speak(button.dataset.language));
    });
    const dark = () => document.documentElement.dataset.theme === "dark";
    const paint = (theme) => {
      document.documentElement.dataset.theme = theme;
      $("theme").setAttribute("aria-pressed", String(dark()));
      drawAll();
    };
    $("theme").addEventListener("click", () => paint(dark() ? "light" : "dark"));
    const preference = matchMedia("(prefers-color-scheme: dark)");
    preference.addEventListener("change", () => paint(preference.matches ? "dark" : "light"));
    paint(preference.matches ? "dark" : "light");
    let width = innerWidth;
    addEventListener("resize", () => {
      if (innerWidth === width) return;
      width = innerWidth;
      drawAll();
    });
  }

  async function begin() {
    const asked = new URLSearchParams(location.search).get("lang") ?? navigator.language;
    drawn([], tableOfContents);
    [coding, languageModels, neuron, why, softmax, twoClasses, publishedTable, linearOutputs].forEach((section) => section());
    switches();
    speak(asked.startsWith("zh") ? "zh" : "en");
    const images = await m.unpackImages(data.images);
    [similarity, logistic, digitRace, wrongLabels].forEach((section) => section(images));
    drawAll();
    fillFigures(results(m, data, images));
    document.documentElement.dataset.ready = "true";
  }

  begin();
})();
