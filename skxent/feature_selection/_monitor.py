r"""Drift that can be watched: one bet against "nothing has changed" for every column, valid at every look.

If nothing has changed, reference and new rows come in random order. Then the rank of a new value among all values so
far, with ties broken at random, is uniform on (0, 1) and independent of the ranks before: a conformal p-value. A
bettor with a fortune of 1 stakes it on other densities of the next p-value. The fortune is an e-value: its expectation
is at most 1 however often one looks, so that it exceeds :math:`1/\alpha` at any time with probability at most α.

The bettor divides the fortune between exponential tilts, which win when values become larger or smaller, and a
histogram of the p-values so far, which wins by any other change; and keeps a part back for changes that begin later.
"""

from __future__ import annotations

import json
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from scipy.special import gammaln, logsumexp
from sklearn.utils.validation import check_is_fitted

from skxent._sklearn import Estimator, Interval, fit_context
from skxent._typing import Array, Floats, Integers
from skxent.feature_selection._binning import edges_of_rows
from skxent.feature_selection._containers import DataSet, read_data
from skxent.feature_selection._values import Levels

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ShiftMonitor"]

# Slopes of the tilts: the first wins by shifts of a fifth of a standard deviation, the last by shifts of more than one.
TILTS = np.array([-4.0, -2.0, -1.0, -0.5, 0.5, 1.0, 2.0, 4.0])
# Bins of the histogram of p-values, and the rows that each has beforehand.
HISTOGRAM_BINS, PRIOR_ROWS = 10, 1.0
# Rows that are ranked at once.
ROWS_AT_ONCE = 256


class ShiftMonitor(Estimator):
    """Watch whether new rows still come from the distribution of the reference, column by column.

    Parameters
    ----------
    alpha : float, default=0.05
        Expected share of false alarms among the columns that alarm, at any time that one looks.
    n_bins : int, default=32
        Number of quantile bins in which a numeric column is ranked. Missing values have one more, categories one each.
    random_state : int, default=0
        Seed of the order of equal values.

    Attributes
    ----------
    names_ : list of str
        Names of the columns.
    n_reference_, n_seen_ : int
        Rows of the reference, and new rows so far.
    log_e_values_ : ndarray of shape (n_columns,)
        Logarithm of the present e-value of each column: the evidence that it has changed.
    alarms_ : ndarray of bool of shape (n_columns,)
        The columns that have alarmed so far, by the e-BH procedure at level `alpha`.
    history_ : list of tuple
        After each batch, ``n_seen_`` and the e-values' logarithms.

    Notes
    -----
    A column's chance of a false alarm is at most `alpha` for any number of looks; e-BH [2]_ bounds the false discovery
    rate over columns that depend on each other in any way. The evidence against a change that is constant grows with
    the number of rows; a change that comes back to normal is found only if it lasts.

    References
    ----------
    .. [1] V. Fedorova, A. Gammerman, I. Nouretdinov and V. Vovk, "Plug-in martingales for testing exchangeability
       on-line", ICML 2012, arXiv:1204.3251.
    .. [2] R. Wang and A. Ramdas, "False discovery rate control with e-values", Journal of the Royal Statistical
       Society B 84 (2022), doi:10.1111/rssb.12489.

    Examples
    --------
    >>> import numpy as np
    >>> from skxent.feature_selection import ShiftMonitor
    >>> rng = np.random.default_rng(0)
    >>> monitor = ShiftMonitor().fit(rng.normal(size=(2000, 3)))
    >>> for day in range(10):
    ...     batch = rng.normal(size=(50, 3))
    ...     batch[:, 1] += 0.5
    ...     monitor = monitor.partial_fit(batch)
    >>> monitor.alarms_
    array([False,  True, False])
    >>> restored = ShiftMonitor.from_json(monitor.to_json())
    >>> bool(np.all(restored.log_e_values_ == monitor.log_e_values_))
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "alpha": [Interval(Real, 0, 1, closed="neither")],
        "n_bins": [Interval(Integral, 2, 255, closed="both")],
        "random_state": [Interval(Integral, 0, None, closed="left")],
    }

    def __init__(self, *, alpha: float = 0.05, n_bins: int = 32, random_state: int = 0) -> None:
        self.alpha = alpha
        self.n_bins = n_bins
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> Self:
        """Take the reference, and forget all rows so far.

        Parameters
        ----------
        X : array-like, data frame or sparse matrix of shape (n_rows, n_columns)
            Reference data.
        y : None
            Not used.

        Returns
        -------
        self : ShiftMonitor
            The monitor.
        """
        data = read_data(X, 2)
        self.names_ = data.names
        self.n_features_in_ = len(data.names)
        columns = [
            Levels.of(data.column(at), name, bool(data.declared_categorical[at]), self._edges)
            for at, name in enumerate(data.names)
        ]
        self._levels = columns
        codes = self._codes(data)
        width = max(column.n_codes for column in columns)
        self._counts = np.stack([np.bincount(code, minlength=width) for code in codes])
        self.n_reference_, self.n_seen_, self._looks = data.n_rows, 0, 0
        n_columns, n_bets = len(codes), len(TILTS) + 1
        self._log_bets = np.full((n_columns, n_bets), -np.inf)
        self._seen_pvalues = np.zeros((n_columns, HISTOGRAM_BINS))
        self.log_e_values_ = np.zeros(n_columns)
        self.alarms_ = np.zeros(n_columns, dtype=bool)
        self.history_: list[tuple[int, list[float]]] = []
        self._random = np.random.default_rng(self.random_state)
        return self

    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Bet on a batch of new rows.

        Parameters
        ----------
        X : array-like, data frame or sparse matrix of shape (n_rows, n_columns)
            New rows, with the columns of the reference; those of data frames are matched by name.
        y : None
            Not used.

        Returns
        -------
        self : ShiftMonitor
            The monitor.

        Raises
        ------
        ValueError
            If columns are missing.
        """
        check_is_fitted(self)
        data = read_data(X)
        if data.names != self.names_:
            data = data.select(data.positions(self.names_, "The reference"))
        codes = np.stack(self._codes(data))
        for start in range(0, codes.shape[1], ROWS_AT_ONCE):
            self._bet(self._rank(codes[:, start : start + ROWS_AT_ONCE]))
        self.n_seen_ += data.n_rows
        self.alarms_ |= _e_bh(self.log_e_values_, self.alpha)
        self.history_.append((self.n_seen_, self.log_e_values_.tolist()))
        return self

    def table(self) -> pd.DataFrame:
        """Return one row for each column of the data: its e-value, the largest so far, and whether it has alarmed.

        Returns
        -------
        pandas.DataFrame
            With the columns ``e_value``, ``largest``, ``alarm``.
        """
        import pandas as pd

        check_is_fitted(self)
        past = np.array([np.zeros(len(self.names_)), *(values for _, values in self.history_)])
        with np.errstate(over="ignore"):
            columns = {
                "e_value": np.exp(self.log_e_values_),
                "largest": np.exp(past.max(axis=0)),
                "alarm": self.alarms_,
            }
        return pd.DataFrame(columns, index=pd.Index(self.names_, name="feature"))

    def to_json(self) -> str:
        """Return the state as text, from which `from_json` goes on as if nothing had happened.

        Returns
        -------
        str
            JSON.
        """
        check_is_fitted(self)
        state = {
            "format": "skxent.ShiftMonitor 1",
            "parameters": self.get_params(),
            "names": self.names_,
            "levels": [level.to_dict() for level in self._levels],
            "counts": self._counts.tolist(),
            "rows": [self.n_reference_, self.n_seen_, self._looks],
            "log_bets": np.where(np.isfinite(self._log_bets), self._log_bets, -1e308).tolist(),
            "seen_pvalues": self._seen_pvalues.tolist(),
            "log_e_values": self.log_e_values_.tolist(),
            "alarms": self.alarms_.tolist(),
            "history": self.history_,
            "random": self._random.bit_generator.state,
        }
        return json.dumps(state, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Restore a monitor.

        Parameters
        ----------
        text : str
            What `to_json` gave.

        Returns
        -------
        ShiftMonitor
            The monitor.

        Raises
        ------
        ValueError
            If the text is something else.
        """
        try:
            state = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(f"the text is no state of a ShiftMonitor: it is no JSON ({error}).") from None
        if not isinstance(state, dict) or state.get("format") != "skxent.ShiftMonitor 1":
            raise ValueError('the text is no state of a ShiftMonitor: it lacks "format": "skxent.ShiftMonitor 1".')
        try:
            return cls._restored(state)
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
            raise ValueError(f"the state of a ShiftMonitor is damaged: {type(error).__name__}: {error}.") from error

    @classmethod
    def _restored(cls, state: dict[str, Any]) -> Self:
        monitor = cls(**state["parameters"])
        monitor._validate_params()
        monitor.names_, monitor.n_features_in_ = state["names"], len(state["names"])
        monitor._levels = [Levels.from_dict(level) for level in state["levels"]]
        monitor._counts = np.array(state["counts"], dtype=np.int64)
        monitor.n_reference_, monitor.n_seen_, monitor._looks = state["rows"]
        log_bets = np.array(state["log_bets"])
        monitor._log_bets = np.where(log_bets <= -1e308, -np.inf, log_bets)
        monitor._seen_pvalues = np.array(state["seen_pvalues"])
        monitor.log_e_values_ = np.array(state["log_e_values"])
        monitor.alarms_ = np.array(state["alarms"], dtype=bool)
        monitor.history_ = [(n, values) for n, values in state["history"]]
        monitor._random = np.random.default_rng()
        monitor._random.bit_generator.state = state["random"]
        monitor._check_shapes()
        return monitor

    def _check_shapes(self) -> None:
        """Refuse a state whose parts do not belong together."""
        n_columns, width = len(self.names_), max(level.n_codes for level in self._levels)
        expected: dict[str, tuple[Any, tuple[int, ...]]] = {
            "levels": (self._levels, (n_columns,)),
            "counts": (self._counts, (n_columns, width)),
            "log_bets": (self._log_bets, (n_columns, len(TILTS) + 1)),
            "seen_pvalues": (self._seen_pvalues, (n_columns, HISTOGRAM_BINS)),
            "log_e_values": (self.log_e_values_, (n_columns,)),
            "alarms": (self.alarms_, (n_columns,)),
            **{f"history[{at}]": (values, (n_columns,)) for at, (_, values) in enumerate(self.history_)},
        }
        wrong = [name for name, (values, shape) in expected.items() if np.shape(values) != shape]
        if wrong or np.any(self._counts < 0) or np.any(self._counts.sum(axis=1) != self.n_reference_ + self.n_seen_):
            raise ValueError(f"{', '.join(wrong) or 'counts'} do not fit the other parts")

    def _edges(self, values: Array) -> Array:
        return edges_of_rows(values, self.n_bins)

    def _codes(self, data: DataSet) -> list[Integers]:
        """Bin of each value, by column."""
        return [level.codes(data.column(at), data.names[at]) for at, level in enumerate(self._levels)]

    def _rank(self, codes: Array) -> Floats:
        """Conformal p-values of rows that follow each other, of shape (n_columns, n_rows); the rows are counted."""
        n_columns, n_rows = codes.shape
        places = np.arange(self._counts.shape[1])
        earlier = np.zeros((n_columns, n_rows, len(places)), dtype=np.int32)
        earlier[:, 1:] = np.cumsum(codes[:, :-1, None] == places, axis=1, dtype=np.int32)
        counts = earlier + self._counts[:, None, :]
        same = np.take_along_axis(counts, codes[:, :, None], axis=2)[..., 0]
        above = np.sum(counts * (places > codes[:, :, None]), axis=2)
        total = self._counts[0].sum() + np.arange(n_rows)
        self._counts = self._counts + earlier[:, -1] + (codes[:, -1, None] == places)
        return np.asarray((above + self._random.random(codes.shape) * (same + 1)) / (total + 1))

    def _bet(self, pvalues: Floats) -> None:
        """Win or lose by p-values that have come since the last look."""
        self._looks += 1
        reserve = 1 / (self._looks * (self._looks + 1))  # staked now; 1 / (looks + 1) is left for later changes
        stakes = np.array([0.5 / len(TILTS)] * len(TILTS) + [0.5])
        bets = np.logaddexp(self._log_bets, np.log(reserve * stakes)) + self._log_wins(pvalues)
        self._log_bets = bets
        self.log_e_values_ = np.logaddexp(logsumexp(bets, axis=1), -np.log(self._looks + 1.0))

    def _log_wins(self, pvalues: Floats) -> Floats:
        """Logarithm of what each bet's fortune is multiplied with, of shape (n_columns, n_bets)."""
        n_columns, n_rows = pvalues.shape
        normalizer = np.log(2 * np.sinh(np.abs(TILTS) / 2) / np.abs(TILTS))
        tilted = np.sum(pvalues - 0.5, axis=1)[:, None] * TILTS - n_rows * normalizer
        place = np.minimum((pvalues * HISTOGRAM_BINS).astype(np.int64), HISTOGRAM_BINS - 1)
        place += HISTOGRAM_BINS * np.arange(n_columns)[:, None]
        new = np.bincount(place.ravel(), minlength=n_columns * HISTOGRAM_BINS).reshape(n_columns, -1)
        before = self._seen_pvalues + PRIOR_ROWS
        histogram = np.sum(gammaln(before + new) - gammaln(before), axis=1) + n_rows * np.log(HISTOGRAM_BINS)
        histogram += gammaln(before.sum(axis=1)) - gammaln(before.sum(axis=1) + n_rows)
        self._seen_pvalues = self._seen_pvalues + new
        return np.column_stack([tilted, histogram])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags


def _e_bh(log_e_values: Floats, alpha: float) -> Array:
    """Columns that the e-BH procedure rejects: the k largest, for the largest k with e ≥ n / (k α)."""
    n = len(log_e_values)
    largest_first = np.sort(log_e_values)[::-1]
    enough = np.flatnonzero(largest_first >= np.log(n / (alpha * np.arange(1, n + 1))))
    return log_e_values >= largest_first[enough[-1]] if len(enough) else np.zeros(n, dtype=bool)
