"""The section of a recipe that says which classes are to be told apart."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from mtlser.recipes.names import unreadable
from mtlser.recipes.sections import Section

MOST_CLASSES = 50
CLASS_LENGTH = 50
"""Characters of a class's name, which is part of names of metrics."""
_CLASS = re.compile(r"\w[\w .-]*")


def class_name(name: str) -> str:
    """The name itself, of a class.

    Raises:
        ValueError: MLflow could not take it as a part of a metric's name.
    """
    fault = unreadable(name)
    if fault is not None:
        raise ValueError(fault)
    if not _CLASS.fullmatch(name) or name != name.strip() or len(name) > CLASS_LENGTH:
        raise ValueError(
            f"a class is named by letters, digits, spaces and _ . - (at most {CLASS_LENGTH}, the "
            "first a letter or a digit)"
        )
    return name


ClassName = Annotated[str, AfterValidator(class_name)]
MappedName = Annotated[str, AfterValidator(lambda name: name and class_name(name))]
"""Empty, or a class."""


class LabelsRecipe(Section):
    """Which classes are told apart, and which of the corpus' labels belong to each."""

    classes: (
        Literal["four", "all"]
        | Annotated[tuple[ClassName, ...], Field(min_length=2, max_length=MOST_CLASSES)]
        | None
    ) = None
    """Names in the order of the network's outputs; a corpus without one of them is refused. `four`:
    the paper's neutral, happy, angry, sad, as published work maps the corpus to them. `all`: every
    label that the corpus has. `None`: `four` where a published map is known, else `all`."""
    map: dict[str, MappedName] = Field(default_factory=dict)
    """Class of further labels, for example `excited = "happy"`; an empty one leaves the label
    out. A label is written as the corpus writes it, or in plain English, in either case of
    letters."""

    @model_validator(mode="after")
    def _once(self) -> Self:
        names = self.classes if isinstance(self.classes, tuple) else ()
        folded = [name.casefold() for name in names]
        if len(set(folded)) < len(folded):
            raise ValueError(f"classes = {list(names)} holds a class twice; name each once")
        return self
