"""What skxent uses of scikit-learn's private modules, in one place, and what its own estimators share."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, metadata
from typing import Any, ClassVar, Self

from sklearn.base import BaseEstimator
from sklearn.base import _fit_context as fit_context
from sklearn.utils._param_validation import (
    Interval,
    StrOptions,
    validate_parameter_constraints,
    validate_params,
)
from sklearn.utils._set_output import _get_output_config as get_output_config
from sklearn.utils.metaestimators import _safe_split as safe_split
from sklearn.utils.validation import _check_method_params as check_method_params
from sklearn.utils.validation import _check_sample_weight

from skxent._registry import Registry

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # before scikit-learn 1.9

    class _NobodyListens:
        """The context of a fit without callbacks."""

        def call_on_fit_task_begin(self, **kwargs: Any) -> None:
            """Tell nobody."""

        def call_on_fit_task_end(self, **kwargs: Any) -> bool:
            """Tell nobody, who does not ask to stop."""
            return False

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stands in for scikit-learn's mixin: there is no `set_callbacks`."""

        def _init_callback_context(self, **kwargs: Any) -> _NobodyListens:
            return _NobodyListens()

    def with_callbacks(method: Callable[..., Any]) -> Callable[..., Any]:
        """Return a method that calls this one: warnings count the frames up to the user's."""

        @functools.wraps(method)
        def called(self: Any, *args: Any, **kwargs: Any) -> Any:
            return method(self, *args, **kwargs)

        return called


if "allow_all_zero_weights" in inspect.signature(_check_sample_weight).parameters:
    check_sample_weight = _check_sample_weight
else:  # in scikit-learn 1.7, which lets them pass

    def check_sample_weight(weight: Any, X: Any, *, allow_all_zero_weights: bool = False, **options: Any) -> Any:
        """Check weights, also that there is one that is not zero."""
        weight = _check_sample_weight(weight, X, **options)
        if not (allow_all_zero_weights or weight.any()):
            raise ValueError("Sample weights must contain at least one non-zero number.")
        return weight


__all__ = [
    "CallbackSupportMixin",
    "Estimator",
    "Interval",
    "NamedParts",
    "StrOptions",
    "all_or_nothing",
    "check_method_params",
    "check_sample_weight",
    "fit_context",
    "get_output_config",
    "safe_split",
    "validate_parameter_constraints",
    "validate_params",
    "with_callbacks",
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


@functools.cache
def documentation_address() -> str:
    """Return the address of the documentation that the installed package names, or nothing."""
    try:
        urls = metadata("skxent").get_all("Project-URL") or []
    except PackageNotFoundError:
        return ""
    found = dict(url.split(", ", 1) for url in urls)
    return str(found.get("Documentation", "")).rstrip("/")


class Estimator(BaseEstimator):
    """Base of the estimators: in a notebook their picture links to their page, if the package names an address."""

    _doc_link_module = "skxent"

    @property
    def _doc_link_template(self) -> str:
        address = documentation_address()
        return f"{address}/api/{{path}}.html" if address else ""

    def _doc_link_url_param_generator(self) -> dict[str, str]:
        """Return the path of the class as the reference has it: the shortest one."""
        name = type(self).__name__
        public, _, _ = type(self).__module__.partition("._")
        return {"path": f"skxent.{name}" if name in sys.modules["skxent"].__all__ else f"{public}.{name}"}


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
