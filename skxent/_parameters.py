"""Parameters of the objects that are handed to an estimator: losses, solvers, smoothings and their parts.

scikit-learn reaches into such an object by ``get_params`` and ``set_params``, so that a grid search can set
``loss__gamma`` or ``solver__preconditioner__memory_share``. Nothing here imports scikit-learn.
"""

from __future__ import annotations

import copy
import inspect
from typing import Any, Self

__all__ = ["Parameters"]


class Parameters:
    """Base of small objects whose constructor arguments are attributes of the same names.

    Examples
    --------
    >>> class Focal(Parameters):
    ...     def __init__(self, gamma=2.0):
    ...         self.gamma = gamma
    >>> Focal().get_params()
    {'gamma': 2.0}
    >>> Focal().set_params(gamma=1.0).gamma
    1.0
    """

    @classmethod
    def _parameter_names(cls) -> list[str]:
        """Return the names of the constructor's arguments."""
        if cls.__init__ is object.__init__:
            return []
        parameters = inspect.signature(cls.__init__).parameters.values()
        return [p.name for p in parameters if p.name != "self" and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters.

        Parameters
        ----------
        deep : bool, default=True
            Whether to add the parameters of parameters that have some, as ``name__parameter``.

        Returns
        -------
        dict
            Values by name.

        Raises
        ------
        AttributeError
            If the constructor does not keep an argument as an attribute of the same name.
        """
        found: dict[str, Any] = {}
        for name in self._parameter_names():
            if not hasattr(self, name):
                raise AttributeError(
                    f"{type(self).__name__} has no attribute {name!r}. Its __init__ must keep each argument as an "
                    "attribute of the same name."
                )
            found[name] = value = getattr(self, name)
            if deep and hasattr(value, "get_params") and not isinstance(value, type):
                found.update({f"{name}__{key}": inner for key, inner in value.get_params().items()})
        return found

    def set_params(self, **params: Any) -> Self:
        """Set parameters, which are checked as the constructor checks them.

        Parameters
        ----------
        **params : dict
            Values by name; ``name__parameter`` sets a parameter of a parameter.

        Returns
        -------
        self
            The object itself.

        Raises
        ------
        ValueError
            If there is no parameter of that name, or the constructor refuses a value.
        """
        new = self.get_params(deep=False)
        inner: dict[str, dict[str, Any]] = {}
        for key, value in params.items():
            name, _, rest = key.partition("__")
            if name not in new:
                known = ", ".join(new) or "none"
                raise ValueError(f"{type(self).__name__} has no parameter {name!r}; its parameters: {known}.")
            if rest:
                inner.setdefault(name, {})[rest] = value
            else:
                new[name] = value
        for name, values in inner.items():
            if not hasattr(new[name], "set_params"):
                raise ValueError(f"cannot set {', '.join(values)} of {name}={new[name]!r}, which has no parameters.")
            # A copy, since a default is shared by all objects of the class.
            new[name] = copy.deepcopy(new[name]).set_params(**values)
        # The attributes of a new object: a frozen dataclass allows no assignment, and this way __init__ checks them.
        vars(self).update(vars(type(self)(**new)))
        return self

    def __sklearn_clone__(self) -> Self:
        """Return a copy, also where the constructor converts its arguments."""
        return copy.deepcopy(self)

    def __repr__(self) -> str:
        """Show the object with those of its parameters that differ from their defaults."""
        defaults = inspect.signature(type(self)).parameters
        changed = [
            f"{name}={getattr(self, name)!r}"
            for name in self._parameter_names()
            if hasattr(self, name) and repr(getattr(self, name)) != repr(defaults[name].default)
        ]
        return f"{type(self).__name__}({', '.join(changed)})"
