"""`affecttts serve`: how it starts and how it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys

import httpx
import pytest

from affecttts.serving.run import listen, load
from codec.errors import UserError
from tiny_models import REPOSITORY


def test_a_broken_model_ends_the_start_with_one_line(cli, model_copy):
    (model_copy / "lm" / "config.json").write_text("{")
    assert cli("serve", "--model", model_copy).refused(1, str(model_copy))


@pytest.mark.parametrize(
    "options, part",
    [
        (("--host", "0.0.0.0"), "--api-key-file"),
        (("--workers", "0"), "workers"),
        (("--voices", "/nonexistent"), "/nonexistent"),
        (("--port", "70000"), "65535"),
    ],
)
def test_a_wrong_setting_ends_it_before_anything_is_served(cli, tiny_model_dir, options, part):
    assert cli("serve", "--model", tiny_model_dir, *options).refused(2, part)


def test_an_address_in_use_is_told():
    with listen("127.0.0.1", 0) as taken, pytest.raises(UserError, match="another port"):
        listen(*taken.getsockname())


def test_voices_come_from_the_folder_named_at_the_start(tiny_model_dir, tmp_path):
    from tiny_voices import write_random_voice

    write_random_voice(tmp_path / "allison", tiny_model_dir, "allison")
    (tmp_path / "notes").mkdir()
    assert load(tiny_model_dir, tmp_path).voices == ("heart", "fenrir", "allison")


def test_a_server_that_is_told_to_stop_ends_what_it_has_begun(tiny_model_dir):
    """The answer at work comes whole, new clients find nobody, and then the process is gone."""
    command = [sys.executable, "-m", "affecttts", "serve", "--port", "0", "--drain", "300"]
    process = subprocess.Popen(
        [*command, "--model", str(tiny_model_dir)],
        stderr=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
    )
    try:
        (port,) = re.findall(r":(\d+)$", process.stderr.readline())
        body = {"input": "And so it goes on and on. " * 10, "stream_format": "sse", "seed": 3}
        url = f"http://127.0.0.1:{port}/v1/audio/speech"
        with httpx.stream("POST", url, json=body, timeout=60) as answer:
            lines = answer.iter_lines()
            next(lines)
            process.send_signal(signal.SIGTERM)
            events = [json.loads(line[len("data: ") :]) for line in lines if line]
        assert events[-1]["type"] == "speech.audio.done"
        process.wait(60)
        assert process.returncode in (0, -signal.SIGTERM)
        assert not process.stderr.read()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", int(port)))
    finally:
        process.kill()
        process.wait()
