"""What is spoken by whom: sentences, templates and the plan."""

import re
import string
from itertools import islice

import numpy as np
import pytest

from affecttts.emotion.table import load_emotions
from affecttts.errors import RequestError
from recipes.corpora.kokoro_affect import (
    plan,
    sentences,
    templates,
)


def test_examples_are_plain_sentences(wordnet):
    texts = list(sentences.wordnet_examples(wordnet))
    assert len(texts) == 100 and texts[0] == "The cat and the cat ran away together."
    assert sentences._as_sentence("who would have thought of that?") == (
        "Who would have thought of that?"
    )


def test_a_choice_is_the_seeds_alone(wordnet):
    chosen = sentences.choose(40, 4, 9, 5, wordnet)
    assert (
        chosen == sentences.choose(40, 4, 9, 5, wordnet) != sentences.choose(40, 4, 9, 6, wordnet)
    )
    kinds = [sentence.kind for sentence in chosen]
    phrases = sentences.phrases()
    assert len(set(phrases)) == len(phrases) > 100 and all(
        1 <= len(text.split()) <= 4 for text in phrases
    )
    assert [kinds.count(kind) for kind in "nlst"] == [40, 4, len(phrases), 9]
    joined = [sentence.text for sentence in chosen if sentence.kind == "l"]
    assert {text.count(".") for text in joined} == {2, 3}
    assert not any(sentence.text in text for sentence in chosen[:40] for text in joined)
    with pytest.raises(RequestError, match="are needed"):
        sentences.choose(200, 0, 0, 0, wordnet)


def test_a_plan_covers_emotions_and_intensities(wordnet):
    made, again = (
        list(plan.tasks(sentences.choose(60, 0, 0, 0, wordnet), {"ann": "a", "bob": "b"}, 0))
        for _ in range(2)
    )
    assert len({task.id for task in made}) == len(made) and made == again
    assert {task.emotion for task in made} == set(load_emotions().ids) and {
        task.speaker for task in made
    } == {"ann", "bob"}
    assert all(
        0.7 <= task.intensity <= 1.3 and (task.emotion != "neutral" or task.intensity == 1)
        for task in made
    )
    shards = [[task.id for task in made if task.in_shard(i, 3)] for i in range(3)]
    assert sorted(sum(shards, [])) == sorted(task.id for task in made) and min(map(len, shards)) > 0


def test_one_emotion_a_sentence_and_another_seed_make_a_second_corpus(wordnet):
    chosen, voices = sentences.choose(60, 0, 0, 3, wordnet), {"ann": "a", "bob": "b"}
    more = list(plan.tasks(chosen, voices, 3))
    assert [task.sentence for task in more] == chosen
    assert len(list(plan.tasks(chosen, voices, 3, (2, 4)))) > 2 * len(more)
    assert not {task.id for task in more} & {task.id for task in plan.tasks(chosen, voices, 0)}


def test_templates_are_filled_with_words_that_differ_and_articles_that_fit():
    texts = list(islice(templates.templated(np.random.default_rng(0)), 3000))
    assert len(set(texts)) == 3000 and not any("{" in text for text in texts)
    assert not [text for text in texts if re.search(r"\ba [aeiou]|\ban [^aeiou]", text, re.I)]
    assert all(text[0].isupper() or text[0] == '"' for text in texts)
    assert all(set(text) <= set(string.ascii_letters + " .,?!:'\"") for text in texts)
