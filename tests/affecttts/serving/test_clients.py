"""Stock clients work with the server."""

from __future__ import annotations

import asyncio
import base64
import io

import pytest
import soundfile

from affecttts.serving.run import listen
from affecttts.serving.service import Service
from affecttts.serving.settings import ServerSettings

TEXT = "Hello there. We did it, and nobody was hurt!"


@pytest.fixture
def openai(server):
    """OpenAI's own client."""
    client = pytest.importorskip("openai").OpenAI(base_url=f"{server.url}/v1", api_key="none")
    yield client
    client.close()


ASKED = {"model": "tts-1", "voice": "alloy", "input": TEXT, "extra_body": {"seed": 3}}


def test_the_client_of_openai_speaks(openai, synthesizer):
    said = openai.audio.speech.create(**ASKED, response_format="wav", speed=1.0).content
    audio, rate = soundfile.read(io.BytesIO(said))
    assert len(audio) == len(synthesizer.synthesize(TEXT, seed=3).audio)
    with openai.audio.speech.with_streaming_response.create(
        **ASKED, response_format="wav"
    ) as answer:
        assert b"".join(answer.iter_bytes()) == said
    assert [model.id for model in openai.models.list()] == ["tiny", "tts-1"]


def test_the_client_of_openai_understands_a_refusal(openai):
    errors = pytest.importorskip("openai")
    with pytest.raises(errors.BadRequestError, match="fenrir") as refused:
        openai.audio.speech.create(**ASKED | {"voice": "nova"})
    assert refused.value.param == "voice"
    with pytest.raises(errors.BadRequestError, match="0.5"):
        openai.audio.speech.create(**ASKED, speed=3.5)


def with_wyoming(synthesizer, talk) -> None:
    """Run a conversation with a Wyoming server."""
    from wyoming.client import AsyncTcpClient

    async def main() -> None:
        stop, listener = asyncio.Event(), listen("127.0.0.1", 0)
        service = Service(synthesizer, ServerSettings())
        from affecttts.serving.doors.wyoming import serve

        server = asyncio.create_task(serve(service, listener, stop))
        async with AsyncTcpClient(*listener.getsockname()) as client:
            await asyncio.wait_for(talk(client), 60)
        stop.set()
        await server

    asyncio.run(main())


async def events_until(client, last: str) -> list:
    events = []
    while not events or events[-1].type != last:
        events.append(await client.read_event())
        assert events[-1] is not None
    return events


def sound_of(events: list) -> bytes:
    return b"".join(event.payload for event in events if event.type == "audio-chunk")


def test_the_client_of_wyoming_speaks(synthesizer):
    pytest.importorskip("wyoming")
    from wyoming.info import Describe, Info
    from wyoming.tts import Synthesize, SynthesizeVoice

    async def talk(client) -> None:
        await client.write_event(Describe().event())
        (program,) = Info.from_event(await client.read_event()).tts
        assert [voice.name for voice in program.voices] == ["heart", "fenrir"]
        assert "sad" in [speaker.name for speaker in program.voices[0].speakers]
        voice = SynthesizeVoice(name="fenrir", speaker="sad")
        await client.write_event(Synthesize(TEXT, voice).event())
        events = await events_until(client, "audio-stop")
        assert events[0].type == "audio-start" and len(sound_of(events)) > 10_000
        await client.write_event(Synthesize(TEXT, SynthesizeVoice(name="nobody")).event())
        (error,) = await events_until(client, "error")
        assert "fenrir" in error.data["text"]
        await client.write_event(Synthesize("<speak>Hi.</speak>", text_format="ssml").event())
        assert (await client.read_event()).type == "error"

    with_wyoming(synthesizer, talk)


def test_the_client_of_wyoming_streams_text(synthesizer):
    pytest.importorskip("wyoming")
    from wyoming.tts import SynthesizeChunk, SynthesizeStart, SynthesizeStop

    async def talk(client) -> None:
        await client.write_event(SynthesizeStart().event())
        for piece in ("Hello the", "re. We did", " it, and nobody was hurt!"):
            await client.write_event(SynthesizeChunk(piece).event())
        await events_until(client, "audio-stop")  # before the text has ended
        await client.write_event(SynthesizeStop().event())
        events = await events_until(client, "synthesize-stopped")
        assert [event.type for event in events].count("audio-start") == 1
        assert sound_of(events)

    with_wyoming(synthesizer, talk)


def test_an_assistant_has_a_tool_that_speaks(synthesizer):
    pytest.importorskip("mcp")
    from mcp.client import Client

    from affecttts.serving.doors.mcp import create_server

    async def main() -> None:
        async with Client(create_server(synthesizer, ServerSettings())) as client:
            (tool,) = (await client.list_tools()).tools
            assert tool.name == "speak" and "fenrir" in tool.description
            asked = {"text": TEXT, "emotion": "happy", "voice": "heart", "seed": 3}
            sound, told = (await client.call_tool("speak", asked)).content
            audio, _ = soundfile.read(io.BytesIO(base64.b64decode(sound.data)))
            assert len(audio) > 10_000 and "seed 3" in told.text
            refused = await client.call_tool("speak", asked | {"voice": "nobody"})
            assert refused.is_error and "fenrir" in refused.content[0].text

    asyncio.run(main())
