"""Sound on its way out: encoders that give bytes as samples come, for files and for streams."""

from codec.encoders.files import write_audio, write_stream
from codec.encoders.formats import (
    FORMATS,
    AudioFormat,
    AudioWriter,
    format_of,
    known_format,
    open_writer,
)

__all__ = [
    "FORMATS",
    "AudioFormat",
    "AudioWriter",
    "format_of",
    "known_format",
    "open_writer",
    "write_audio",
    "write_stream",
]
