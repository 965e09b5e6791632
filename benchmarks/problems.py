"""The data sets, and the problems that solvers are compared on.

A new problem is one function with a decorator: its name is then a value of ``--problems``.

    @problem("wine")
    def wine() -> Problem:
        return Problem("wine, 3 classes", *load_wine(return_X_y=True), alpha=1e-3)

Nothing here imports skxent, so that every version of it can be measured on the same problems.
"""

from __future__ import annotations

import runpy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp
from sklearn.datasets import load_digits, make_classification

ROOT = Path(__file__).resolve().parents[1]

# Rows whose logits are computed at a time in double precision.
_BLOCK = 8_192


@dataclass
class Problem:
    """A softmax regression to fit.

    Attributes
    ----------
    name : str
        Shown in tables.
    X, y : array
        Data and integer labels.
    alpha : float
        Strength of the penalty on the mean loss.
    best : float
        Lowest objective that any solver has reached.
    long : bool
        Whether fits take so many iterations that skxent reports each of them, like scikit-learn's lbfgs, and is not
        fitted again with 1, 2, 3, ….
    """

    name: str
    X: Any
    y: NDArray[Any]
    alpha: float
    best: float = np.inf
    long: bool = False

    @property
    def C(self) -> float:
        """The same penalty as LogisticRegression counts it; with two classes it has one vector where we have two."""
        return (2 if self.y.max() == 1 else 1) / (self.alpha * self.X.shape[0])

    @property
    def is_sparse(self) -> bool:
        """Whether the data are a sparse matrix."""
        return not isinstance(self.X, np.ndarray)

    def few(self, n_rows: int) -> Problem:
        """Return the problem with about `n_rows` of the rows, evenly spaced."""
        every = slice(None, None, -(-len(self.y) // n_rows))
        return Problem(self.name, self.X[every], self.y[every], self.alpha)

    def objective(self, coef: NDArray[Any], intercept: NDArray[Any]) -> float:
        """Evaluate the objective: products in the data's precision, all else in float64."""
        if len(coef) == 1:  # LogisticRegression's binary coefficients, whose penalty counts half for each class
            coef, intercept = np.vstack([-coef, coef]) / 2, np.hstack([-intercept, intercept]) / 2
        weights, total = coef.T.astype(self.X.dtype), 0.0
        for start in range(0, len(self.y), _BLOCK):
            labels = self.y[start : start + _BLOCK]
            logits = (self.X[start : start + _BLOCK] @ weights).astype(np.float64) + intercept
            total += float((logsumexp(logits, axis=1) - logits[np.arange(len(labels)), labels]).sum())
        return total / len(self.y) + self.alpha / 2 * float(np.square(coef, dtype=np.float64).sum())


class MiniBatches(NamedTuple):
    """What a pass of mini-batches goes over.

    Attributes
    ----------
    X, y : ndarray
        Rows and their labels.
    batch_size : int
        Rows in a batch.
    rate : float
        Length of a step.
    """

    X: NDArray[Any]
    y: NDArray[Any]
    batch_size: int
    rate: float

    @property
    def classes(self) -> NDArray[Any]:
        """The labels that there are."""
        return np.unique(self.y)


PROBLEMS: dict[str, Callable[[], Problem]] = {}


def problem(name: str) -> Callable[[Callable[[], Problem]], Callable[[], Problem]]:
    """Return a decorator that makes a problem known by a name."""

    def remember(recipe: Callable[[], Problem]) -> Callable[[], Problem]:
        PROBLEMS[name] = recipe
        return recipe

    return remember


# ------------------------------------------------------------------------------------------------- data sets


def mnist_split(n_rows: int = 60_000) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return MNIST as the examples read it: the first training images and digits, and the test images and digits."""
    load: Callable[[int], tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]]
    load = runpy.run_path(str(ROOT / "examples" / "_mnist.py"))["load_mnist"]
    return load(n_rows)


def mnist(n_rows: int = 60_000) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the first training images of MNIST, float32 from 0 to 1, and their digits."""
    X, y, _, _ = mnist_split(n_rows)
    return X, y


def clusters(n: int, d: int, k: int) -> tuple[NDArray[np.float32], NDArray[Any]]:
    """Gaussian clusters, half of the features informative, 5 % of the labels wrong."""
    X, y = make_classification(
        n, d, n_informative=d // 2, n_classes=k, n_clusters_per_class=1, flip_y=0.05, random_state=0
    )
    return X.astype(np.float32), y


def sentences() -> tuple[list[str], NDArray[Any]]:
    """Sentences of the Brown corpus and their genres, or generated ones where NLTK does not have it."""
    try:
        from nltk.corpus import brown as corpus

        found = [(" ".join(words), genre) for genre in corpus.categories() for words in corpus.sents(categories=genre)]
        return [text for text, _ in found], np.array([genre for _, genre in found])
    except (ImportError, LookupError):
        return generated_sentences(50_000)


def generated_sentences(n: int) -> tuple[list[str], NDArray[Any]]:
    """Twenty words by Zipf's law, of which the genre decides in part which are frequent."""
    rng = np.random.default_rng(0)
    genres = rng.integers(15, size=n)
    ranks = np.minimum(rng.zipf(1.2, size=(n, 20)), 40_000) * 17 % (30_000 + 500 * genres[:, None])
    return [" ".join(f"w{rank}" for rank in row) for row in ranks], genres


def correlated(n: int, d: int, k: int, dtype: Any = np.float32) -> tuple[NDArray[Any], NDArray[Any]]:
    """Correlated Gaussian columns and labels drawn from a softmax model, so that no fit is trivial."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d), dtype=np.float32)
    X[:, 1:] += 0.5 * X[:, :-1]
    logits = X @ (rng.standard_normal((d, k)) / np.sqrt(d)).astype(np.float32)
    y = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
    return X.astype(dtype, copy=False), y


def embeddings(n: int, d: int, k: int, power: float, mean: float) -> tuple[NDArray[np.float32], NDArray[Any]]:
    """Vectors like those of a neural network, and labels drawn from a softmax model of them.

    Along axes of any direction the deviations fall as ``1 / j**power``; their mean square is 1. The mean of each column
    is drawn from a normal distribution of deviation `mean`: with more than 0 all vectors lie in a narrow cone.
    """
    rng = np.random.default_rng(0)
    deviations = np.arange(1, d + 1) ** -power
    X = rng.standard_normal((n, d)) * (deviations / np.sqrt(np.square(deviations).mean()))
    logits = X @ (2 / np.sqrt(d) * rng.standard_normal((d, k)))
    y = np.unique((logits + rng.gumbel(size=logits.shape)).argmax(axis=1), return_inverse=True)[1]
    X = X @ np.linalg.qr(rng.standard_normal((d, d)))[0] + mean * rng.standard_normal(d)
    return X.astype(np.float32), y


# -------------------------------------------------------------------------------------------------- problems


@problem("mnist")
def mnist_weak() -> Problem:
    """Return MNIST with the usual penalty of one in its number of rows."""
    return Problem("MNIST, alpha = 1/60000", *mnist(), 1 / 60_000)


@problem("mnist-strong")
def mnist_strong() -> Problem:
    """Return MNIST with a hundred times the penalty."""
    return Problem("MNIST, alpha = 1/600", *mnist(), 1 / 600)


@problem("mnist-raw")
def mnist_raw() -> Problem:
    """Return the first model on data that nobody has scaled."""
    X, y = mnist()
    X *= 255
    return Problem("MNIST 0-255, alpha = 255² / 60000, the first model unscaled", X, y, 255**2 / 60_000)


@problem("brown")
def brown() -> Problem:
    """Return sparse text: rows of length 1."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts, genres = sentences()
    X = TfidfVectorizer(token_pattern=r"\S+", dtype=np.float32).fit_transform(texts)
    labels = np.unique(genres, return_inverse=True)[1]
    return Problem("Brown sentences, TF-IDF float32, 15 genres", X, labels, 1 / X.shape[0])


@problem("classes")
def classes() -> Problem:
    """Return a problem with many classes."""
    return Problem("50,000 x 200, 100 classes", *clusters(50_000, 200, 100), 1 / 50_000)


@problem("tall")
def tall() -> Problem:
    """Return a problem with many rows of few columns."""
    return Problem("500,000 x 30, 2 classes", *clusters(500_000, 30, 2), 1 / 500_000)


@problem("isotropic")
def isotropic() -> Problem:
    """Return a thousand classes of vectors without any structure; not one of the default problems."""
    return Problem("isotropic, 10,000 x 256, 1,000 classes", *embeddings(10_000, 256, 1_000, 0, 0), 1e-4, long=True)


@problem("embeddings")
def anisotropic() -> Problem:
    """Return a thousand classes of vectors as networks make them; not one of the default problems."""
    return Problem("embeddings, 10,000 x 256, 1,000 classes", *embeddings(10_000, 256, 1_000, 0.5, 1), 1e-4, long=True)


@problem("digits")
def digits() -> Problem:
    """Return a problem small enough to try a script on; not one of the default problems."""
    X, y = load_digits(return_X_y=True)
    return Problem("digits, 1,797 x 64", (X / 16).astype(np.float32), y, 1 / len(y))


# What is measured unless something else is asked for.
DEFAULT = [name for name in PROBLEMS if name not in ("digits", "isotropic", "embeddings")]
