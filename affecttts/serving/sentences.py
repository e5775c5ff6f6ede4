"""Text that comes in pieces, given on sentence by sentence."""

from __future__ import annotations

from affecttts.text.chunk import ends_sentence


class Sentences:
    """Collects pieces of text, as a language model writes them."""

    def __init__(self) -> None:
        self._rest = ""

    def __len__(self) -> int:
        return len(self._rest)

    def push(self, text: str) -> list[str]:
        """The sentences that are whole now; the last one waits for what follows."""
        self._rest += text
        sentences, start = [], 0
        words = self._rest.split()
        place = 0
        for word, following in zip(words, words[1:]):
            place = self._rest.index(word, place) + len(word)
            if ends_sentence(word, following):
                sentences.append(self._rest[start:place].strip())
                start = place
        self._rest = self._rest[start:]
        return sentences

    def finish(self) -> list[str]:
        """What is left."""
        rest, self._rest = self._rest.strip(), ""
        return [rest] if rest else []
