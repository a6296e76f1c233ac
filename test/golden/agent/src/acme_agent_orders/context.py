"""What the steps of a run are given beside the state, which is stored and therefore holds data only."""

from dataclasses import dataclass

from .model import Model
from .toolbox import Toolbox


@dataclass(frozen=True, slots=True)
class Context:
    """The ports of a run."""

    model: Model
    toolbox: Toolbox
