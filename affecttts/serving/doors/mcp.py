"""MCP: a tool by which assistants speak (modelcontextprotocol.io)."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import AudioContent, TextContent

from affecttts import __version__
from affecttts.serving.calls import parse_request
from affecttts.serving.errors import ApiError
from affecttts.serving.service import COMMENT, Service
from affecttts.serving.settings import ServerSettings
from affecttts.serving.speech import sound
from codec.errors import UserError

if TYPE_CHECKING:
    from affecttts.synthesis.synthesizer import Synthesizer


def create_server(synthesizer: Synthesizer, settings: ServerSettings) -> MCPServer:
    """A server with one tool, `speak`."""
    server = MCPServer("affecttts", version=__version__)
    service = Service(synthesizer, settings)
    voices, emotions = ", ".join(synthesizer.voices), ", ".join(synthesizer.emotions)

    async def speak(
        text: str,
        emotion: str | None = None,
        intensity: float | None = None,
        voice: str | None = None,
        prompt: str | None = None,
        seed: int | None = None,
    ) -> list[AudioContent | TextContent]:
        fields: dict[str, Any] = {
            "input": text,
            "emotion": emotion,
            "intensity": intensity,
            "voice": voice,
            "instructions": prompt,
            "seed": seed,
        }
        given = {name: value for name, value in fields.items() if value is not None}
        try:
            request = parse_request(given, service.catalogue, settings.max_text)
            prepared = await service.prepare(request)
            job = await service.start(prepared, lambda c: sound("mp3", service.sample_rate, c))
            data = b"".join([piece async for piece in job])
        except (ApiError, UserError) as error:
            raise ToolError(str(error)) from error
        told = f"{COMMENT}; voice {prepared.voice}, seed {prepared.seed}"
        return [
            AudioContent(data=base64.b64encode(data).decode(), mime_type="audio/mpeg"),
            TextContent(text=told),
        ]

    description = (
        f"Speak English text. voice: {voices}. emotion: {emotions}; intensity 0 to 1.5. "
        "prompt: the emotion in free words instead."
    )
    server.tool(name="speak", description=description, structured_output=False)(speak)
    return server
