"""Shared by the tests of the corpora."""

import pytest

from recipes.corpora.kokoro_affect import sentences


@pytest.fixture
def wordnet(tmp_path):
    """Files as WordNet's: a licence, then one synset a line with glosses and usage examples."""
    words = ["cat", "dog", "fox", "cow", "hen", "pig", "owl", "ant", "bee", "elk"]
    synset = (
        '00001740 03 n 01 thing 0 000 | a gloss; "the {} and the {} ran away together"; "too '
        'short"; "in 1990 it ran away again"'
    )
    lines = [synset.format(first, second) for first in words for second in words]
    (tmp_path / "wordnet").mkdir()
    for part in sentences.PARTS:
        text = "\n".join(["  1 This is a licence.", *(lines if part == "noun" else ())])
        (tmp_path / "wordnet" / f"data.{part}").write_text(text)
    return tmp_path / "wordnet"
