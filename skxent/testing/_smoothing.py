"""Check of smoothing methods that users write."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from skxent.language_model import Smoothing, SmoothingWarning

__all__ = ["check_smoothing"]


def check_smoothing(smoothing: Smoothing) -> None:
    """Check a smoothing method that you wrote, on easy and on odd counts.

    Probabilities must be between 0 and 1. They must sum to 1 within 1e-12, with a uniform background and with another
    one. Events that were counted equally often must have the same probability. Leaving one token out must give the
    probability that a fit to the other tokens gives.

    Parameters
    ----------
    smoothing : Smoothing
        The method.

    Raises
    ------
    AssertionError
        With what is wrong, and for which counts.

    Examples
    --------
    >>> from skxent.language_model import CountwiseSmoothing
    >>> class AddTwo(CountwiseSmoothing):
    ...     def kept(self, r, parameter):
    ...         return r
    ...     def spare(self, n_tokens, n_types, n_vocabulary, parameter):
    ...         return 2.0 * n_vocabulary
    >>> check_smoothing(AddTwo())
    """
    assert isinstance(smoothing, Smoothing), f"{smoothing!r} is not an instance of skxent's Smoothing"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SmoothingWarning)
        for counts in _difficult_counts():
            _check_probabilities(smoothing, counts)
            _check_left_out(smoothing, counts)


def _difficult_counts() -> list[NDArray[np.int64]]:
    """Return counts with which smoothing methods go wrong: few, without a zero, without a one, very large, many."""
    rng = np.random.default_rng(0)
    odd = [
        [1, 0],
        [5, 0],
        [1, 1, 1, 0],
        [2, 2, 0],
        [7],
        [1, 1],
        [3, 2, 1, 2, 0],
        [1, 2, 4, 8, 16, 0, 0],
        [10**9, 1, 0],
    ]
    return [np.array(counts) for counts in odd] + [np.append(rng.zipf(1.5, 200) % 10_000, 0)]


def _check_probabilities(smoothing: Smoothing, counts: NDArray[np.int64]) -> None:
    """Check the range and the sum of the probabilities, and that equal counts have equal ones."""
    seen = f"with counts {counts[:10].tolist()}"
    for background in (None, np.arange(1.0, len(counts) + 1) / np.arange(1.0, len(counts) + 1).sum()):
        p = smoothing.fit(counts, background=background).probability
        assert p.shape == counts.shape, f"there must be one probability for each event, {seen}"
        assert np.all((p >= 0) & (p <= 1)), f"a probability is outside [0, 1] {seen}: {p.min()}, {p.max()}"
        assert abs(p.sum() - 1) < 1e-12, f"probabilities sum to {p.sum()!r} {seen}"
    by_count = smoothing.fit(counts).probability[np.argsort(counts, kind="stable")]
    same = np.diff(np.sort(counts)) == 0
    assert np.allclose(np.diff(by_count)[same], 0, atol=1e-15), (
        f"events with the same count have different probabilities {seen}"
    )


def _check_left_out(smoothing: Smoothing, counts: NDArray[np.int64]) -> None:
    """Check the probabilities with one token left out against fits to the other tokens."""
    if counts.sum() < 2:
        return
    seen = f"with counts {counts[:10].tolist()}"
    fitted = smoothing.fit(counts, parameter="leave-one-out")
    left_out = smoothing.leave_one_out(counts, fitted.parameter)
    for event in np.unique(counts, return_index=True)[1]:
        if counts[event] == 0:
            continue
        rest = counts - (np.arange(len(counts)) == event)
        expected = smoothing.fit(rest, parameter=fitted.parameter).probability[event]
        assert np.isclose(left_out[event], expected, rtol=1e-9, atol=1e-15), (
            f"leaving one token out gives {left_out[event]!r}, fitting the rest {expected!r}, {seen}"
        )
