"""Playing while it is spoken, by a player that is installed."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable, Iterator

import numpy as np

from affecttts.errors import OutputError, RequestError
from codec.encoders import open_writer

# Each reads signed 16-bit little-endian samples of one channel; {rate} is in Hz.
PLAYERS = {
    "pw-play": "--raw --format s16 --rate {rate} --channels 1 -",
    "paplay": "--raw --format=s16le --rate={rate} --channels=1",
    "aplay": "-q -t raw -f S16_LE -r {rate} -c 1",
    "play": "-q -t raw -e signed -b 16 -L -r {rate} -c 1 -",
    "ffplay": "-loglevel error -nodisp -autoexit -f s16le -ar {rate} -ac 1 -",
    "mpv": "--really-quiet --demuxer=rawaudio --demuxer-rawaudio-format=s16le "
    "--demuxer-rawaudio-rate={rate} --demuxer-rawaudio-channels=1 -",
}


def installed_player() -> str:
    """The first of the known players that is there.

    Raises:
        RequestError: there is none.
    """
    for name in PLAYERS:
        if shutil.which(name):
            return name
    raise RequestError(f"--play finds no player; install one of {', '.join(PLAYERS)}")


def played(chunks: Iterable[np.ndarray], sample_rate: int, player: str) -> Iterator[np.ndarray]:
    """Pass float32 chunks [t] on, and give them to the player on the way.

    Raises:
        OutputError: the player ended with an error.
    """
    writer = open_writer("pcm", sample_rate)
    command = [player, *PLAYERS[player].format(rate=sample_rate).split()]
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    assert process.stdin is not None
    try:
        for samples in chunks:
            process.stdin.write(writer.write(samples))
            process.stdin.flush()
            yield samples
        process.stdin.close()
        if code := process.wait():
            raise OutputError(f"{player} ended with exit code {code}; use -o FILE instead")
    except BrokenPipeError as error:
        raise OutputError(f"{player} ended before the speech; use -o FILE instead") from error
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
