"""Sentences for made-up conversations: few words that come often, many that are rare."""

from __future__ import annotations

from random import Random
from typing import Final

__all__ = ["Texts"]

_WORDS: Final = """
the of to and a in is for that on with as it be this are was by from at or have an your can not we will which more
you if has their one they all its about when out up so what our other them also there how do then time order refund
account invoice payment customer shipping address policy return delivery item price subscription plan email password
login reset ticket agent answer question document source context retrieval summary search result model answer token
prompt tool function error retry timeout weather city flight hotel booking date passenger report table column query
database user service request response status update change cancel confirm please thank sorry help need issue
problem solution step check contact support team manager store product stock warehouse
"""
_PIECES: Final = "ba ce di fo gu ka le mi no pu ra se ti vo wu xa ye zi qua stri plo gre dra flin moz"
SENTENCES: Final = 4_000
RARE: Final = 12_000
_COMMON: Final = _WORDS.split()
_SYLLABLES: Final = _PIECES.split()


class Texts:
    """Deterministic; made once, drawn from often."""

    def __init__(self, seed: int) -> None:
        random = Random(seed)  # noqa: S311 - nothing secret
        self._rare = ["".join(random.choices(_SYLLABLES, k=random.randint(2, 4))) for _ in range(RARE)]
        self._sentences = [self._sentence(random) for _ in range(SENTENCES)]

    def text(self, random: Random, characters: int) -> str:
        """Whole sentences, about so long."""
        picked, length = [], 0
        while length < characters:
            sentence = self._sentences[int(random.random() * SENTENCES)]
            picked.append(sentence)
            length += len(sentence) + 1
        return " ".join(picked)

    def rare(self, random: Random) -> str:
        """A word that stands in few places."""
        return self._rare[int(random.random() ** 2 * RARE)]

    def _sentence(self, random: Random) -> str:
        count = random.randint(6, 18)
        words = [
            self._rare[int(random.random() ** 3 * RARE)]
            if random.random() < 0.08
            else _COMMON[int(random.random() ** 2 * len(_COMMON))]
            for _ in range(count)
        ]
        return " ".join(words).capitalize() + "."
