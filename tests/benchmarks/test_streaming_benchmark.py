"""The benchmark of streaming, with the tiny model."""

from __future__ import annotations

import streaming


def test_it_prints_latencies_and_speeds(tiny_model_dir, capsys):
    command = ["--model", str(tiny_model_dir), "--sentences", "1"]
    assert streaming.main(command) == 0
    assert "first chunk, processor s" in capsys.readouterr().out
    assert streaming.main([*command, "--speeds", "2"]) == 0
    assert "| 2 " in capsys.readouterr().out
