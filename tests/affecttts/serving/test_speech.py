"""POST /v1/audio/speech: as OpenAI's clients know it, and the same speech as without a server."""

from __future__ import annotations

import base64
import io
import json

import numpy as np
import pytest
import soundfile

from codec.encoders import FORMATS

TEXT = "Hello there. We did it, and nobody was hurt!"


def events(answer) -> list[dict]:
    assert answer.headers["content-type"].startswith("text/event-stream")
    lines = answer.text.split("\n\n")
    assert lines.pop() == ""
    return [json.loads(line.removeprefix("data: ")) for line in lines]


def samples(pcm: bytes) -> np.ndarray:
    return np.frombuffer(pcm, "<i2").astype(np.float32) / 32768


def whole(synthesizer, text=TEXT, **settings) -> np.ndarray:
    return synthesizer.synthesize(text, seed=3, **settings).audio


def test_what_is_streamed_is_what_the_synthesizer_says(server, synthesizer):
    settings = {"emotion": "happy", "intensity": 1.2, "voice": "fenrir", "guidance": 1.5}
    answer = server.speak(TEXT, response_format="pcm", **settings)
    assert answer.status_code == 200 and answer.headers["x-seed"] == "3"
    assert "content-length" not in answer.headers
    said = whole(synthesizer, **settings)
    assert len(answer.content) == 2 * len(said)
    assert np.abs(samples(answer.content) - said).max() < 1e-3


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_decodes_to_the_same_length(server, synthesizer, format):
    av = pytest.importorskip("av")
    answer = server.speak(TEXT, response_format=format)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == FORMATS[format].media_type
    if format == "pcm":
        return
    with av.open(io.BytesIO(answer.content)) as file:
        seconds = sum(frame.samples / frame.sample_rate for frame in file.decode(audio=0))
    assert seconds == pytest.approx(len(whole(synthesizer)) / 24_000, abs=0.15)


def test_mp3_is_what_comes_unasked(server):
    assert server.speak().headers["content-type"] == "audio/mpeg"


def test_events_hold_the_sound_and_where_asked_for_the_words(server, synthesizer):
    answer = server.speak(TEXT, response_format="pcm", stream_format="sse", timestamps=True)
    told = events(answer)
    sound = b"".join(base64.b64decode(e["audio"]) for e in told if "audio" in e)
    assert sound == server.speak(TEXT, response_format="pcm").content
    words = [word for event in told for word in event.get("words", ())]
    assert [word["word"] for word in words] == TEXT.split()
    assert all(0 <= word["start"] < word["end"] <= len(sound) / 48_000 for word in words)
    usage = told[-1].pop("usage")
    assert told[-1] == {"type": "speech.audio.done"}
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"] > 0


def test_timestamps_come_with_the_whole_sound(server, synthesizer):
    body = {"input": TEXT, "seed": 3, "response_format": "wav"}
    answer = server.client.post("/v1/audio/speech/timestamps", json=body).json()
    audio, rate = soundfile.read(io.BytesIO(base64.b64decode(answer["audio"])))
    assert rate == answer["sample_rate"] and answer["seed"] == 3
    assert answer["seconds"] == pytest.approx(len(audio) / rate, abs=1e-3)
    said = synthesizer.synthesize(TEXT, seed=3).words
    assert [word["word"] for word in answer["words"]] == [word.text for word in said]


def test_every_answer_says_that_it_is_synthetic(server):
    for path in ("/", "/health", "/v1/models", "/nowhere"):
        assert server.client.get(path).headers["x-synthetic-speech"].startswith("affecttts/")
    answer = server.speak(response_format="wav")
    assert answer.headers["x-synthetic-speech"].startswith("affecttts/")
    with soundfile.SoundFile(io.BytesIO(answer.content)) as file:
        assert "synthetic" in file.comment


def test_instructions_are_the_free_text_prompt(server, synthesizer):
    words = "like somebody who just won the lottery"
    said = server.speak(TEXT, instructions=words, response_format="pcm").content
    assert np.abs(samples(said) - whole(synthesizer, prompt=words)).max() < 1e-3


def test_an_alias_stands_for_a_voice_and_a_model(server):
    by_alias = server.speak(voice="alloy", model="tts-1", response_format="pcm")
    by_object = server.speak(voice={"id": "heart"}, model="tiny", response_format="pcm")
    assert by_alias.status_code == 200 and by_alias.content == by_object.content


REFUSED = {
    "unknown voice": ({"voice": "nova"}, "voice", ("heart", "fenrir", "alloy")),
    "unknown emotion": ({"emotion": "gleeful-ish"}, "emotion", ("happy", "neutral")),
    "unknown format": ({"response_format": "midi"}, "response_format", ("mp3", "opus", "pcm")),
    "unknown stream format": ({"stream_format": "ws"}, "stream_format", ("audio", "sse")),
    "unknown field": ({"pitch": 2}, "pitch", ("emotion", "seed", "instructions")),
    "a file name": ({"lexicon": ["/etc/passwd"]}, "lexicon", ("emotion",)),
    "a file of a voice": ({"voice_from": "/etc/passwd"}, "voice_from", ("emotion",)),
    "a file of consent": ({"consent": "/etc/passwd"}, "consent", ("emotion",)),
    "out of range": ({"intensity": 3}, "intensity", ("1.5",)),
    "wrong type": ({"seed": "7"}, "seed", ("number",)),
    "two emotions": ({"emotion": "sad", "instructions": "merrily"}, None, ("not both",)),
    "timestamps without events": ({"timestamps": True}, "timestamps", ("sse",)),
    "a path as voice": ({"voice": "/tmp/voice"}, "voice", ("heart",)),
    "too long": ({"input": "word " * 1000}, "input", ("4096",)),
    "no sound": ({"input": "..."}, None, ("punctuation",)),
}


@pytest.mark.parametrize("fields, param, parts", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_done_is_refused_by_name(server, fields, param, parts):
    answer = server.speak(**fields)
    error = answer.json()["error"]
    assert answer.status_code == 400 and error["type"] == "invalid_request_error"
    assert error["param"] == param and all(part in error["message"] for part in parts), error


def test_an_unknown_model_is_not_found(server):
    answer = server.speak(model="gpt-9")
    assert answer.status_code == 404 and answer.json()["error"]["code"] == "model_not_found"


def test_a_body_is_json_of_bounded_size(server):
    post = server.client.post
    assert post("/v1/audio/speech", content=b"input=hello").status_code == 415
    json_type = {"content-type": "application/json"}
    for body in (b"{", b"[1]", b'"hello"', b"\xff", b"[" * 50_000):
        assert post("/v1/audio/speech", content=body, headers=json_type).status_code == 400
    answer = post("/v1/audio/speech", content=b'{"\\ud800": 1}', headers=json_type)
    assert answer.status_code == 400 and answer.json()["error"]["param"] == "\\ud800"
    large = b'{"input": "' + b"x" * 100_000 + b'"}'
    assert post("/v1/audio/speech", content=large, headers=json_type).status_code == 413


def test_speech_that_is_cut_off_is_an_error(start, capped_model_dir):
    from affecttts import Synthesizer

    with start(Synthesizer.from_pretrained(capped_model_dir)) as server:
        body = {"input": TEXT * 4, "seed": 3}
        answer = server.client.post("/v1/audio/speech/timestamps", json=body)
        assert answer.status_code == 500 and "too long" in answer.json()["error"]["message"]
        told = events(server.speak(TEXT * 4, stream_format="sse"))
        assert told[-1]["type"] == "speech.audio.error"


def test_lists_name_what_can_be_asked_for(server):
    def listed(path: str, key: str) -> list[str]:
        return [row["id"] for row in server.client.get(path).json()[key]]

    assert listed("/v1/models", "data") == listed("/v1/audio/models", "models") == ["tiny", "tts-1"]
    assert listed("/v1/audio/voices", "voices") == ["heart", "fenrir", "alloy"]
    assert "disgusted" in listed("/v1/audio/emotions", "emotions")
    assert server.client.get("/health").json() == {"status": "ok"}


def test_figures_tell_of_the_work_and_never_of_the_text(server):
    server.speak("Unmistakable.")
    page = server.client.get("/metrics").text
    assert 'affecttts_answers_total{route="/v1/audio/speech",status="200"}' in page
    assert "affecttts_first_audio_seconds_bucket" in page and "nmistakable" not in page
