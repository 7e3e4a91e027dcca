"""Words, names and phrases from a fixed seed, with the uneven frequencies of natural language."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence

# Parts of syllables, the most frequent first, roughly as in Portuguese.
ONSETS = "c d t p m s r n l v f b g  q j pr tr ch nh lh br gr x cr gu z fr pl dr cl bl vr fl".split(" ")
NUCLEI = "a e o i u ão á é ia ei ou io ê í ó ai õe ua ã".split()
CODAS = " s r m n l  z".split(" ")


class Weighted:
    """A generator that draws from *values*, the first ones most often (Zipf's law); drawing many at once is fast."""

    def __init__(self, values: Sequence[str], flatness: float = 8.0) -> None:
        self.values = values
        weights = (1 / (rank + flatness) for rank in range(len(values)))
        self._cumulated = list(itertools.accumulate(weights))

    def draw(self, chance: random.Random, count: int) -> list[str]:
        """Draw *count* values."""
        return chance.choices(self.values, cum_weights=self._cumulated, k=count)

    def stream(self, chance: random.Random) -> Iterator[str]:
        """Yield values without end."""
        while True:
            yield from self.draw(chance, 4096)


def _words(chance: random.Random, count: int, syllables: Sequence[int]) -> list[str]:
    parts = [Weighted(ONSETS, 3), Weighted(NUCLEI, 1), Weighted(CODAS, 0.2)]
    made: dict[str, None] = {}
    while len(made) < count:
        length = chance.choice(syllables)
        drawn = zip(*(part.draw(chance, length) for part in parts), strict=True)
        made["".join("".join(syllable) for syllable in drawn)] = None
    return list(made)


_chance = random.Random("vocabulary")
WORDS = Weighted(_words(_chance, 40_000, (1, 2, 2, 3, 3, 4)))
FIRST_NAMES = Weighted([word.capitalize() for word in _words(_chance, 3_000, (2, 2, 3))], 30)
LAST_NAMES = Weighted([word.capitalize() for word in _words(_chance, 20_000, (2, 3))], 60)
CITIES = Weighted([word.capitalize() for word in _words(_chance, 5_000, (2, 3, 4))], 5)
STREETS = Weighted([f"Rua {' '.join(WORDS.draw(_chance, 2)).title()}" for _ in range(40_000)], 500)
PRODUCTS = Weighted([" ".join(WORDS.draw(_chance, _chance.randint(2, 5))) for _ in range(30_000)], 50)
# Frequent sentences.
PHRASES = Weighted([" ".join(WORDS.draw(_chance, _chance.randint(4, 12))) for _ in range(1_200)])
AGENTS = Weighted(
    [
        f"Mozilla/5.0 ({system}) AppleWebKit/537.{minor} (KHTML, like Gecko) Chrome/{major}.0.{minor * 31}.0"
        for system in ("Windows NT 10.0; Win64; x64", "X11; Linux x86_64", "iPhone; CPU iPhone OS 17_4 like Mac OS X")
        for major in range(110, 130)
        for minor in (36, 37)
    ]
)
