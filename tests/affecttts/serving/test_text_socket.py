"""The socket: text in pieces, sound out, and an interruption."""

from __future__ import annotations

import json

import numpy as np
import pytest

from affecttts.serving.sentences import Sentences

connect = pytest.importorskip("websockets.sync.client").connect
PATIENCE = 30  # seconds


class Talk:
    """One conversation over a socket."""

    def __init__(self, socket) -> None:
        self.socket = socket

    def send(self, kind: str, **values) -> None:
        """A message."""
        self.socket.send(json.dumps({"type": kind, **values}))

    def until(self, kind: str) -> tuple[list[dict], bytes]:
        """Messages up to one of a kind, and the sound between."""
        messages, sound = [], b""
        while not messages or messages[-1]["type"] != kind:
            data = self.socket.recv(timeout=PATIENCE)
            if isinstance(data, bytes):
                sound += data
            else:
                messages.append(json.loads(data))
        return messages, sound


@pytest.fixture
def talk(server):
    """A conversation with the shared server."""
    with connect(f"ws{server.url[4:]}/v1/audio/speech/stream") as socket:
        yield Talk(socket)


def test_sentences_are_spoken_as_they_become_whole(talk, synthesizer):
    talk.send("session.config", seed=3, voice="fenrir", timestamps=True)
    talk.send("input.text", text="Dr. Lee said so. And ")
    messages, sound = talk.until("audio.done")
    start = messages[0]
    assert start["type"] == "audio.start" and start["sentence_text"] == "Dr. Lee said so."
    said = synthesizer.synthesize("Dr. Lee said so.", seed=3, voice="fenrir").audio
    assert start["format"] == "pcm" and start["sample_rate"] == 24_000
    assert np.abs(np.frombuffer(sound, "<i2") / 32768 - said).max() < 1e-3
    words = [word["word"] for message in messages for word in message.get("words", ())]
    assert words == "Dr. Lee said so.".split()
    talk.send("input.text", text="we agreed")
    talk.send("input.done")
    messages, sound = talk.until("session.done")
    assert messages[0]["sentence_text"] == "And we agreed" and sound
    assert messages[0]["sentence_index"] == 1


def test_every_piece_of_text_may_have_its_emotion(talk, synthesizer):
    talk.send("input.text", text="We did it! ", emotion="happy", seed=3)
    talk.send("input.text", text="And now it is over.", emotion="sad", seed=3)
    talk.send("input.done")
    _, first = talk.until("audio.done")
    _, second = talk.until("session.done")
    for sound, text, emotion in (
        (first, "We did it!", "happy"),
        (second, "And now it is over.", "sad"),
    ):
        said = synthesizer.synthesize(text, seed=3, emotion=emotion).audio
        assert len(sound) == 2 * len(said)


def test_an_interruption_stops_the_speech_and_forgets_the_rest(start, slow):
    with start(slow) as server, connect(f"ws{server.url[4:]}/v1/audio/speech/stream") as socket:
        talk = Talk(socket)
        talk.send("input.text", text="We did it at last. And more of it. And ")
        talk.until("audio.start")
        talk.send("input.cancel")
        talk.until("audio.cancelled")
        assert slow.closed.acquire(timeout=PATIENCE)
        talk.send("input.done")
        messages, _ = talk.until("session.done")
        assert not [m for m in messages if m["type"] == "audio.start"]
        assert len(slow.begun) == 1


def test_a_socket_that_is_left_stops_its_work(start, slow):
    with start(slow) as server:
        with connect(f"ws{server.url[4:]}/v1/audio/speech/stream") as socket:
            talk = Talk(socket)
            talk.send("input.text", text="We did it at last. And ")
            talk.until("audio.start")
        assert slow.closed.acquire(timeout=PATIENCE)


@pytest.mark.parametrize(
    "message, part",
    [
        ({"type": "session.config", "voice": "nova"}, "fenrir"),
        ({"type": "session.config", "pitch": 2}, "emotion"),
        ({"type": "session.config", "input": "Hello."}, "input.text"),
        ({"type": "input.text", "text": 5}, "string"),
        ({"type": "input.text", "text": "word " * 1000}, "4096"),
        ({"type": "sing"}, "input.cancel"),
        ([1], "input.cancel"),
    ],
)
def test_a_wrong_message_is_told_and_the_session_goes_on(talk, message, part):
    talk.socket.send(json.dumps(message))
    ((error,), _) = talk.until("error")
    assert part in error["error"]["message"]
    talk.send("input.done")
    talk.until("session.done")


def test_a_page_of_another_origin_gets_no_socket(server):
    from websockets.exceptions import InvalidStatus

    with pytest.raises(InvalidStatus):
        connect(
            f"ws{server.url[4:]}/v1/audio/speech/stream",
            additional_headers={"Origin": "https://elsewhere.example"},
        )


@pytest.mark.parametrize("step", [1, 3, 7, 1000])
def test_sentences_do_not_depend_on_the_pieces(step):
    text = "Dr. Lee paid $5.99. Was it much? No.  It was not…\n\nI left at 5 p.m. on Monday!"
    sentences = Sentences()
    found = []
    for start in range(0, len(text), step):
        found += sentences.push(text[start : start + step])
    assert found + sentences.finish() == [
        "Dr. Lee paid $5.99.",
        "Was it much?",
        "No.",
        "It was not…",
        "I left at 5 p.m. on Monday!",
    ]
