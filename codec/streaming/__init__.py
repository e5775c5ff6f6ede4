"""Decoding in pieces: the samples of all codes at once, with a fixed delay, in constant memory.

decoder = StreamingDecoder(codec)
for codes in pieces:            # [B,k,f]
    play(decoder.push(codes))   # [B,1,t], what is final by now
play(decoder.finish())
"""

from codec.streaming.decoder import StreamingDecoder
from codec.streaming.windows import decode_windows

__all__ = ["StreamingDecoder", "decode_windows"]
