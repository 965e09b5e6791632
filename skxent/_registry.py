"""Parts that are known by a name: losses, solvers, smoothings, scores, metrics, tokenizers, formats."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

__all__ = ["Registry"]

Part = TypeVar("Part")


class Registry(Generic[Part]):
    """The parts of one kind, each with its name.

    It is read when a name is used, so that a part that is registered later is found as well.

    Parameters
    ----------
    kind : str
        What the parts are, in the singular, for the error message.

    Examples
    --------
    >>> scores = Registry("score")
    >>> @scores.register("total")
    ... def total(table):
    ...     return table.sum()
    >>> scores["total"] is total, list(scores), "mean" in scores
    (True, ['total'], False)
    >>> scores["mean"]
    Traceback (most recent call last):
        ...
    ValueError: unknown score 'mean'; known: total.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._parts: dict[str, Part] = {}

    def register(self, name: str) -> Callable[[Part], Part]:
        """Return a decorator that makes a part known by `name`; an earlier part of that name is replaced."""

        def remember(part: Part) -> Part:
            self._parts[name] = part
            return part

        return remember

    def __getitem__(self, name: object) -> Part:
        """Return the part of that name; a ValueError lists the known names."""
        if not isinstance(name, str) or name not in self._parts:
            raise ValueError(f"unknown {self.kind} {name!r}; known: {', '.join(self)}.")
        return self._parts[name]

    def make(self, name: str) -> Any:
        """Return an object of the class of that name, with its defaults."""
        part: Any = self[name]
        try:
            return part()
        except TypeError as error:
            missing = [f"{parameter.name}=..." for parameter in _without_default(part)]
            if not missing:
                raise
            raise TypeError(
                f"{self.kind} {name!r} has parameters without a default; pass an instance, "
                f"{part.__name__}({', '.join(missing)})."
            ) from error

    def __contains__(self, name: object) -> bool:
        """Return whether a part of that name is known."""
        return name in self._parts

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names, sorted."""
        return iter(sorted(self._parts))

    def __len__(self) -> int:
        """Return how many parts are known."""
        return len(self._parts)


def _without_default(part: Any) -> list[inspect.Parameter]:
    return [
        parameter
        for parameter in inspect.signature(part).parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    ]
