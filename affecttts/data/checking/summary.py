"""What a whole manifest is like: counts, distributions, balance and leaks, added up row by row."""

from __future__ import annotations

import math
import unicodedata
from bisect import bisect_right
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from affecttts.data.checking.check import Verdict
from affecttts.data.checking.measure import AudioFacts
from affecttts.data.manifest import SPLITS, Utterance
from affecttts.data.seen import hash64
from affecttts.text.symbols import SYMBOLS

EXAMPLES = 5  # rows named per reason
LEAKS_NAMED = 20
QUANTILES = {"p05": 0.05, "median": 0.5, "p95": 0.95}
EDGES = {
    "seconds": [0, 0.5, 1, 1.5, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 60, 120, 300],
    "loudness": list(range(-60, 1, 2)),  # LUFS
    "peak": list(range(-40, 3, 2)),  # dB of full scale
    "silence": [i / 20 for i in range(21)],  # share of frames
}


@dataclass
class Distribution:
    """A histogram with fixed edges, and the exact extremes and mean. Values beyond the edges count
    in the outer bins.
    """

    edges: list[float]
    counts: list[int] = field(init=False)
    total: float = 0.0
    least: float = math.inf
    most: float = -math.inf

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.edges) - 1)

    def add(self, value: float) -> None:
        """Count one value."""
        self.counts[min(max(bisect_right(self.edges, value) - 1, 0), len(self.counts) - 1)] += 1
        self.total += value
        self.least, self.most = min(self.least, value), max(self.most, value)

    def quantile(self, share: float) -> float:
        """Interpolated within its bin."""
        wanted, below = share * sum(self.counts), 0
        for low, high, count in zip(self.edges, self.edges[1:], self.counts):
            if count and below + count >= wanted:
                value = low + (high - low) * (wanted - below) / count
                return min(max(value, self.least), self.most)
            below += count
        return self.most

    def to_dict(self) -> dict:
        """Plain values; only the histogram where nothing was counted."""
        values = {"edges": self.edges, "counts": self.counts}
        if count := sum(self.counts):
            values |= {"mean": self.total / count, "min": self.least, "max": self.most}
            values |= {name: self.quantile(share) for name, share in QUANTILES.items()}
        return values


class Leaks:
    """In which splits each of many names came; holds 64-bit hashes alone, and some names that
    leak.
    """

    def __init__(self) -> None:
        self._splits: dict[int, int] = {}
        self._leaking: set[int] = set()
        self.named: list[str] = []

    def add(self, name: str, split: str) -> None:
        """Note that the name came in the split."""
        key, bit = hash64(name), 1 << SPLITS.index(split)
        before = self._splits.get(key, 0)
        self._splits[key] = before | bit
        if before and before | bit != before and key not in self._leaking:
            self._leaking.add(key)
            if len(self.named) < LEAKS_NAMED:
                self.named.append(name)

    def to_dict(self) -> dict:
        """How many names there are, how many of them come in several splits, and which those
        are.
        """
        return {
            "names": len(self._splits),
            "in_several_splits": len(self._leaking),
            "examples": self.named,
        }


class Summary:
    """Adds up verdicts; `to_dict` is the report as JSON values."""

    def __init__(self) -> None:
        self.rows = self.kept = 0
        self.seconds = 0.0
        self.rejected: Counter[str] = Counter()
        self.oddities: Counter[str] = Counter()
        self.examples: defaultdict[str, list[str]] = defaultdict(list)
        self.counts: defaultdict[str, Counter] = defaultdict(Counter)
        self.split_seconds: Counter[str] = Counter()
        self.emotions: defaultdict[str, Counter] = defaultdict(Counter)
        self.distributions = {name: Distribution(edges) for name, edges in EDGES.items()}
        self.speakers, self.sentences = Leaks(), Leaks()
        self._plain_characters: set[str] = set()
        self._odd_characters: set[str] = set()

    def add(self, verdict: Verdict) -> None:
        """Count one row."""
        self.rows += 1
        if verdict.reason:
            self.rejected[verdict.reason] += 1
            self._remember(verdict.reason, verdict, verdict.message)
            return
        utterance = verdict.row.utterance
        self._count(utterance, verdict.examined.facts)
        self._count_text(utterance, verdict.examined.phones)
        oddities = verdict.oddities
        if self._has_odd_characters(utterance.text or ""):
            oddities += ("digits or symbols in the text",)
        for name in oddities:
            self.oddities[name] += 1
            self._remember(name, verdict, "")

    def _remember(self, reason: str, verdict: Verdict, message: str) -> None:
        if len(self.examples[reason]) < EXAMPLES:
            name = verdict.row.utterance.id if verdict.row.utterance else ""
            self.examples[reason].append(
                " ".join(f"line {verdict.row.number}: {name} {message}".split())
            )

    def _count(self, utterance: Utterance, facts: AudioFacts) -> None:
        self.kept += 1
        self.seconds += facts.seconds
        self.split_seconds[utterance.split] += facts.seconds
        self.emotions[utterance.emotion or "none"][utterance.split] += 1
        counted = {
            "splits": utterance.split,
            "languages": utterance.language,
            "licences": utterance.licence or "unstated",
            "sample_rates": facts.sample_rate,
            "channels": facts.channels,
        }
        for name, value in counted.items():
            self.counts[name][value] += 1
        measured = {
            "seconds": facts.seconds,
            "loudness": facts.loudness,
            "silence": facts.silence,
            "peak": 20 * math.log10(max(facts.peak, 1e-6)),
        }
        for name, value in measured.items():
            self.distributions[name].add(value)
        self.speakers.add(utterance.speaker, utterance.split)

    def _count_text(self, utterance: Utterance, phones: str | None) -> None:
        self.counts["phones"].update(utterance.ipa or phones or "")
        if utterance.text:
            self.counts["characters"].update(utterance.text)
            if letters := "".join(filter(str.isalnum, utterance.text.casefold())):
                self.sentences.add(f"{utterance.language} {letters}", utterance.split)

    def _has_odd_characters(self, text: str) -> bool:
        """Anything but letters, marks, punctuation and spaces."""
        for character in set(text) - self._plain_characters - self._odd_characters:
            plain = unicodedata.category(character)[0] in "LMP" or character == " "
            (self._plain_characters if plain else self._odd_characters).add(character)
        return not self._odd_characters.isdisjoint(text)

    def to_dict(self) -> dict:
        """The report."""
        phones = self.counts["phones"]
        return {
            "rows": self.rows,
            "kept": self.kept,
            "hours": self.seconds / 3600,
            "rejected": dict(self.rejected.most_common()),
            "oddities": dict(self.oddities.most_common()),
            "examples": dict(self.examples),
            "splits": {
                split: {
                    "rows": self.counts["splits"][split],
                    "hours": self.split_seconds[split] / 3600,
                }
                for split in SPLITS
            },
            "emotions": {
                name: {split: counts[split] for split in SPLITS}
                for name, counts in sorted(self.emotions.items())
            },
            **{
                name: dict(self.counts[name].most_common())
                for name in ("languages", "licences", "sample_rates", "channels")
            },
            "distributions": {
                name: distribution.to_dict() for name, distribution in self.distributions.items()
            },
            "characters": dict(self.counts["characters"].most_common()),
            "phones": {
                "counts": dict(phones.most_common()),
                "never": [symbol for symbol in SYMBOLS if not phones[symbol]],
            },
            "speakers": self.speakers.to_dict(),
            "sentences": self.sentences.to_dict(),
        }
