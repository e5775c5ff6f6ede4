"""`affecttts synthesize`: formats, standard output, players and timestamps."""

import json

import av
import pytest
import soundfile

TEXT = "Hello there. It costs $5."


@pytest.fixture
def player(monkeypatch, tmp_path):
    """The only player of the machine; it writes what it is given to a file."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "aplay"
    script.write_text(f'#!/bin/sh\nexec /bin/cat > "{tmp_path}/played"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    return script


def test_raw_samples_on_standard_output_are_those_of_the_file(say, tmp_path):
    say("-o", tmp_path / "out.wav")
    done = say("-o", "-", "--format", "pcm", "--quiet")
    samples, _ = soundfile.read(tmp_path / "out.wav", dtype="int16")
    assert done.code == 0 and done.out == samples.tobytes() and done.out


@pytest.mark.parametrize(
    "suffix, codec",
    [("mp3", "mp3float"), ("opus", "opus"), ("ogg", "opus"), ("flac", "flac"), ("aac", "aac")],
)
def test_the_suffix_says_the_format(say, tmp_path, suffix, codec):
    assert say("-o", tmp_path / f"out.{suffix}").code == 0
    with av.open(str(tmp_path / f"out.{suffix}")) as file:
        assert file.streams.audio[0].codec_context.name == codec
        notes = [*file.metadata.values(), *file.streams.audio[0].metadata.values()]
        assert suffix == "aac" or any("synthetic" in note for note in notes)


def test_wav_says_that_it_is_synthetic(say, tmp_path):
    say("-o", tmp_path / "out.wav")
    assert soundfile.SoundFile(tmp_path / "out.wav").comment.startswith("synthetic speech, affec")


def test_an_unknown_suffix_names_the_known_ones(say, tmp_path):
    assert say("-o", tmp_path / "out.wma").refused(2, ".wma", ".mp3", ".opus", ".wav")
    assert not list(tmp_path.iterdir())


def test_a_batch_is_written_in_the_format_asked_for(say, tmp_path):
    (tmp_path / "items.jsonl").write_text('{"id": "a", "text": "Hi.", "seed": 1}')
    done = say("--batch", tmp_path / "items.jsonl", "--output-dir", tmp_path, "--format", "flac")
    assert done.code == 0 and soundfile.info(tmp_path / "a.flac").format == "FLAC"


def test_a_player_gets_what_the_file_gets(say, tmp_path, player):
    assert say("-o", tmp_path / "out.wav", "--play").code == 0
    samples, _ = soundfile.read(tmp_path / "out.wav", dtype="int16")
    assert (tmp_path / "played").read_bytes() == samples.tobytes()


def test_playing_alone_leaves_no_file(say, tmp_path, player):
    assert say("--play").code == 0 and (tmp_path / "played").stat().st_size
    assert {path.name for path in tmp_path.iterdir()} == {"bin", "played"}


def test_without_a_player_the_known_ones_are_named(say, player):
    player.unlink()
    assert say("--play").refused(2, "no player", "aplay", "ffplay")


def test_a_player_that_fails_is_told(say, player):
    player.write_text("#!/bin/sh\nexit 3\n")
    assert say("--play", "--quiet").refused(1, "aplay", "ended")


def test_timestamps_hold_the_words_as_written(say, tmp_path):
    out = tmp_path / "out.wav"
    assert say("--text", TEXT, "-o", out, "--timestamps", tmp_path / "times.json").code == 0
    times = json.loads((tmp_path / "times.json").read_text())
    assert [word["text"] for word in times["words"]] == TEXT.split()
    assert [TEXT[slice(*word["span"])] for word in times["words"]] == TEXT.split()
    assert times["phones"][-1]["end"] == pytest.approx(soundfile.info(out).duration, abs=2e-3)


@pytest.mark.parametrize("suffix, begin", [("srt", "1\n00:00:0"), ("vtt", "WEBVTT\n\n00:00:0")])
def test_captions_hold_the_words(say, tmp_path, suffix, begin):
    path = tmp_path / f"times.{suffix}"
    assert say("--text", TEXT, "-o", tmp_path / "out.wav", "--timestamps", path).code == 0
    assert path.read_text().startswith(begin) and " --> 00:00:0" in path.read_text()
    assert all(word in path.read_text() for word in TEXT.split())


def test_timestamps_of_an_unknown_form_are_refused(say, tmp_path):
    assert say("-o", tmp_path / "a.wav", "--timestamps", tmp_path / "t.txt").refused(2, ".srt")
