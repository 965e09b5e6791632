"""What skxent uses of scikit-learn's private modules, in one place, and what its own estimators share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ClassVar, Self

from sklearn.base import _fit_context as fit_context
from sklearn.utils._param_validation import (
    Hidden,
    Interval,
    StrOptions,
    validate_parameter_constraints,
    validate_params,
)
from sklearn.utils._set_output import _get_output_config as get_output_config
from sklearn.utils.validation import _check_sample_weight as check_sample_weight

from skxent._registry import Registry

__all__ = [
    "Hidden",
    "Interval",
    "NamedParts",
    "StrOptions",
    "all_or_nothing",
    "check_sample_weight",
    "fit_context",
    "get_output_config",
    "validate_parameter_constraints",
    "validate_params",
]


def all_or_nothing(method: Callable[..., Any]) -> Callable[..., Any]:
    """Make a method leave its object as it was if it fails or is interrupted."""

    @functools.wraps(method)
    def guarded(self: Any, *args: Any, **kwargs: Any) -> Any:
        before = vars(self).copy()
        try:
            return method(self, *args, **kwargs)
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise

    return guarded


class NamedParts:
    """Mixin of estimators that have parts, such as a loss, as parameters: an object or its registered name.

    Attributes
    ----------
    _parts : dict of str to Registry
        The registry of each such parameter. Its parts are classes whose objects are the values.
    """

    _parts: ClassVar[dict[str, Registry[Any]]] = {}

    def set_params(self, **params: Any) -> Self:
        """Set parameters; see :meth:`sklearn.base.BaseEstimator.set_params`.

        Raises
        ------
        ValueError
            If there is no such parameter, or if it is one of a part that is given by name.
        """
        for key in params:
            name, _, parameter = key.partition("__")
            value = params.get(name, getattr(self, name, None))
            if parameter and name in self._parts and isinstance(value, str):
                part = self._parts[name][value].__name__
                raise ValueError(
                    f"cannot set {key}: {name}={value!r} is only a name. Pass an instance, {name}={part}(), whose "
                    "parameters can be set."
                )
        super().set_params(**params)  # type: ignore[misc]  # of BaseEstimator
        return self

    def __getstate__(self) -> dict[str, Any]:
        """Return the state. It has the classes that users registered under these names, for worker processes."""
        state: dict[str, Any] = dict(super().__getstate__())  # type: ignore[call-overload]
        found = {}
        for name, registry in self._parts.items():
            value = getattr(self, name, None)
            part = registry[value] if isinstance(value, str) and value in registry else None
            if part is not None and not part.__module__.startswith("skxent."):
                found[name] = value, part
        return {**state, "_named_parts": found} if found else state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the state, and register the classes whose names are not registered in this process."""
        state = dict(state)
        for name, (value, part) in state.pop("_named_parts", {}).items():
            if value not in self._parts[name]:
                self._parts[name].register(value)(part)
        super().__setstate__(state)  # type: ignore[misc]
