"""The part of a thread that the model gets: threads grow, and the input of a model is limited."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from langchain_core.messages import AnyMessage, HumanMessage, ToolMessage
from langchain_core.messages.utils import count_tokens_approximately

from .model import TooLongError

OMITTED: Final = "[This result was omitted, because the turn is too long.]"


def recent(messages: Sequence[AnyMessage], tokens: int) -> list[AnyMessage]:
    """Return the newest whole turns with about `tokens` tokens, at least the current turn.

    If the current turn is longer, a notice replaces its oldest tool results. Raises TooLongError.
    """
    starts = [at for at, each in enumerate(messages) if isinstance(each, HumanMessage)]
    kept = _shortened(messages[starts[-1] :], tokens)
    left = tokens - _tokens(kept)
    for start, end in reversed([*pairwise(starts)]):
        left -= _tokens(messages[start:end])
        if left < 0:
            break
        kept = [*messages[start:end], *kept]
    return kept


def _shortened(turn: Sequence[AnyMessage], tokens: int) -> list[AnyMessage]:
    kept = [*turn]
    excess = _tokens(kept) - tokens
    for at, each in enumerate(turn):
        if excess > 0 and isinstance(each, ToolMessage):
            kept[at] = each.model_copy(update={"content": OMITTED})
            excess -= _tokens([each]) - _tokens([kept[at]])
    if excess > 0:
        raise TooLongError("the turn is too long for the model")
    return kept


def _tokens(messages: Sequence[AnyMessage]) -> int:
    return count_tokens_approximately(messages)
