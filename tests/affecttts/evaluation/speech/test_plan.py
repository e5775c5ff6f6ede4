"""What is spoken for a report: the items asked for and what stands around them."""

import json
from dataclasses import replace

import pytest

from affecttts.errors import RequestError
from affecttts.evaluation.speech import plan as planning
from affecttts.evaluation.speech.plan import (
    Design,
    evenly,
    items_of_batch,
    items_of_manifest,
    key_of,
    make_plan,
    meant_emotion,
    neutral_twin,
    shipped_items,
)
from affecttts.synthesis.request import SpeechRequest
from affecttts.synthesis.voices import VoiceShelf


def test_items_are_read_as_a_batch_and_refused_by_line(items_path, info):
    (first, one), (_, two) = items_of_batch(items_path, VoiceShelf(info))
    assert (first, one.voice, one.seed, meant_emotion(one)) == ("a", "heart", 3, "happy")
    assert (two.voice, two.seed, meant_emotion(two), two.prompt) == (
        info.default_voice,
        planning.SEED,
        None,
        "like a storm",
    )
    items_path.write_text(
        items_path.read_text() + json.dumps({"id": "c", "text": "Hi.", "emotion": "hapy"})
    )
    with pytest.raises(RequestError, match=r"in.jsonl:3: unknown emotion 'hapy'"):
        items_of_batch(items_path, VoiceShelf(info))


def test_every_emotional_clip_has_its_twin_and_nothing_is_spoken_twice(info):
    items = shipped_items(info)[:12]
    plan = make_plan(items, info)
    requests = plan.requests
    assert {key_of(neutral_twin(request)) for request in requests.values()} <= set(requests)
    assert len(set(requests.values())) == len(requests)
    steps = [[request.intensity for request in ladder] for ladder in plan.ladders]
    assert steps == [[0.5, 1.0, 1.5]] * len(plan.ladders)
    assert [request.emotion for request in plan.contours] == list(info.emotions) and len(
        {request.text for request in plan.contours}
    ) == 1
    assert {emotion for _, emotion in plan.prompted} == set(info.emotions)
    emotions = {request.emotion for _, request in items} - {"neutral"}
    assert {steps[0].emotion for steps in plan.ladders[: len(emotions)]} == emotions, (
        "one of each before a second one"
    )


def test_our_sentences_come_in_all_pairs_and_then_with_new_seeds(info):
    items = shipped_items(info, Design(limit=300))
    requests = [request for _, request in items]
    pairs = len(info.voices) * len(info.emotions)
    assert (
        len(items)
        == len({name for name, _ in items})
        == len({key_of(request) for request in requests})
        == 300
    )
    assert len({(request.voice, request.emotion) for request in requests[:pairs]}) == pairs
    assert [
        request.seed - planning.SEED for request in (requests[0], requests[124], requests[248])
    ] == [0, 1, 2]
    assert requests[0].text == requests[124].text and len(shipped_items(info, Design(limit=7))) == 7


def test_crossed_sentences_are_said_in_every_voice_and_emotion(info):
    requests = [request for _, request in shipped_items(info, Design(limit=2, crossed=True))]
    assert len(requests) == 2 * len(info.voices) * len(info.emotions) and len(set(requests)) == len(
        requests
    )
    one = shipped_items(info, Design(limit=3, crossed=True, emotions=("neutral",)))
    assert {request.emotion for _, request in one} == {"neutral"} and len(one) == 3 * len(
        info.voices
    )
    plan = make_plan([*enumerate(requests)], info, Design(ladders=99))
    texts = [{request.text for request in steps} for steps in plan.ladders]
    first = len(info.voices) * (len(info.emotions) - 1)
    assert all(text == texts[0] for text in texts[:first]), "one text in all cells before another"
    with pytest.raises(RequestError, match="--emotion jolly.*known: neutral"):
        shipped_items(info, Design(emotions=("jolly",)))


def test_items_alone_have_nothing_around_them(info):
    items = shipped_items(info)[:5]
    plan = make_plan(items, info, Design(items_only=True))
    assert list(plan.requests.values()) == [request for _, request in items]
    few = make_plan(items, info, Design(ladders=1, prompts=1))
    assert len(few.ladders) == 1 and len(few.prompted) == 2 * len(info.emotions)
    assert len({request.text for request, _ in few.prompted}) == 2


def test_a_neutral_item_is_its_own_twin(info):
    request = SpeechRequest("Hello.", "neutral", voice="heart", seed=7)
    assert neutral_twin(request) == request == neutral_twin(replace(request, emotion="sad"))
    assert make_plan([("n", request)], info).ladders == ()


def test_rows_of_a_manifest_are_said_in_their_voice(utterances, info):
    items = items_of_manifest([row for row in utterances if row.emotion], info)
    assert {request.voice for _, request in items} <= set(info.voices)
    assert all(request.text and request.emotion for _, request in items)


def test_evenly():
    assert (
        evenly(list(range(10)), 4) == [0, 3, 6, 9]
        and evenly([1, 2], 5) == [1, 2]
        and evenly([1, 2], 1) == [1]
    )
