"""The official split of every row of a corpus, or one that keeps its groups (speakers, sessions)
whole.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from affecttts.data.corpora.reading import Source
from affecttts.data.corpora.spec import Corpus
from affecttts.data.manifest import SPLITS
from affecttts.data.splits import group_splits, sentence_split


class Divider:
    """`divider(source)` is its split. Where no official valid split is, some groups of train become
    it.
    """

    def __init__(self, corpus: Corpus, sources: Iterable[Source]) -> None:
        self.corpus, self.found_any = corpus, False
        # groups by official split, "" where there is none
        members: defaultdict[str, set[str]] = defaultdict(set)
        for source in sources:
            self.found_any = True
            if not source.fault:
                members[self._official(source)].add(self._group(source))
        # by official split: the splits of its groups
        self._divided: dict[str, dict[str, str] | None] = {}
        if members[""]:
            self._divided[""] = (
                _or_sentences(members[""], ("valid", "test"))
                if corpus.split_by == "group"
                else None
            )
        if members["train"] and not members["valid"]:
            self._divided["train"] = _or_sentences(members["train"], ("valid",))

    def _official(self, source: Source) -> str:
        name = source.fields.get("split", "")
        return self.corpus.split_names.get(name, name if name in SPLITS else "")

    def _group(self, source: Source) -> str:
        return self.corpus.group.format_map(source.fields)

    def __call__(self, source: Source) -> str:
        official = self._official(source)
        if official not in self._divided:
            return official
        if groups := self._divided[official]:
            return groups[self._group(source)]
        split = sentence_split(source.fields.get("text") or source.fields["stem"])
        return split if split == "valid" or not official else official


def _or_sentences(groups: set[str], held_out: tuple[str, ...]) -> dict[str, str] | None:
    """Splits of the groups; None where there are too few, which leaves sentences to be split."""
    try:
        return group_splits(groups, held_out)
    except ValueError:
        return None
