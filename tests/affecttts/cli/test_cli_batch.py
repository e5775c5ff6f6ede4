"""`affecttts synthesize --batch`."""

import json

import pytest

GOOD = {"id": "good", "text": "Hi.", "seed": 3}


@pytest.fixture
def batch(say, tmp_path):
    """Speak items (or raw lines) into tmp_path/out."""

    def run(*items, extra=(), model=None):
        lines = [
            item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)
            for item in items
        ]
        (tmp_path / "items.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return say(
            "--batch",
            tmp_path / "items.jsonl",
            "--output-dir",
            tmp_path / "out",
            *extra,
            **({"model": model} if model else {}),
        )

    return run


def names(tmp_path):
    return sorted(path.name for path in (tmp_path / "out").iterdir())


def test_every_item_becomes_a_file(batch, say, tmp_path):
    done = batch(
        GOOD,
        "",
        {
            "id": "sad one",
            "text": "Hello there.",
            "seed": 3,
            "emotion": "sad",
            "voice": "fenrir",
            "intensity": 1,
        },
    )
    assert done.code == 0 and "2 of 2" in done.err and not done.out
    assert names(tmp_path) == ["good.wav", "sad one.wav"]
    say("--emotion", "sad", "--voice", "fenrir", "-o", tmp_path / "single.wav")
    assert (tmp_path / "single.wav").read_bytes() == (tmp_path / "out" / "sad one.wav").read_bytes()


BAD_ITEMS = {
    "unknown emotion": GOOD | {"id": "bad", "emotion": "hapy"},
    "unknown voice": GOOD | {"id": "bad", "voice": "hart"},
    "unknown key": GOOD | {"id": "bad", "colour": "red"},
    "no text": {"id": "bad"},
    "empty text": GOOD | {"id": "bad", "text": ""},
    "text is null": GOOD | {"id": "bad", "text": None},
    "text is a number": GOOD | {"id": "bad", "text": 5},
    "seed is a word": GOOD | {"id": "bad", "seed": "three"},
    "seed is a truth": GOOD | {"id": "bad", "seed": True},
    "intensity out of range": GOOD | {"id": "bad", "intensity": 7},
    "intensity beyond floats": GOOD | {"id": "bad", "intensity": 10**400},
    "a number beyond reading": '{"id": "bad", "text": "Hi.", "seed": ' + "9" * 5000 + "}",
    "no JSON": '{"id": "bad"',
    "a list": "[]",
    "nested without end": "[" * 100_000,
    "parent folder": GOOD | {"id": "../bad"},
    "subfolder": GOOD | {"id": "sub/bad"},
    "absolute path": GOOD | {"id": "/bad"},
    "backslash": GOOD | {"id": "..\\bad"},
    "hidden": GOOD | {"id": ".bad"},
    "no name": GOOD | {"id": ""},
    "line feed": GOOD | {"id": "bad\nname"},
    "NUL": GOOD | {"id": "bad\0name"},
    "name too long": GOOD | {"id": "b" * 300},
    "same id": GOOD | {"text": "Again."},
    "same id in capitals": GOOD | {"id": "GOOD"},
}


@pytest.mark.parametrize("item", BAD_ITEMS.values(), ids=BAD_ITEMS)
def test_a_bad_item_does_not_stop_the_others(batch, tmp_path, item):
    done = batch(GOOD, item, extra=["--quiet"])
    assert done.code == 3 and not done.out
    assert len(done.err.splitlines()) == 1 and done.err.startswith("affecttts: "), done.err
    assert names(tmp_path) == ["good.wav"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["items.jsonl", "out"]


def test_json_has_a_line_for_every_item(batch, tmp_path):
    done = batch(GOOD, GOOD | {"id": "bad", "emotion": "hapy"}, extra=["--json", "--quiet"])
    rows = {row["id"]: row for row in map(json.loads, done.out.splitlines())}
    assert set(rows) == {"good", "bad"} and done.code == 3
    assert "hapy" in rows["bad"]["error"]
    assert (
        rows["good"]["path"] == str(tmp_path / "out" / "good.wav")
        and rows["good"]["finish_reason"] == "end"
    )
    assert set(rows["good"]) == {
        "id",
        "path",
        "seconds",
        "real_time_factor",
        "seed",
        "finish_reason",
        "warnings",
    }


def test_an_item_that_hits_the_cap_fails_alone(batch, capped_model_dir, tmp_path):
    long = GOOD | {
        "id": "long",
        "text": "Hello there, this is a text that needs more frames than it is given.",
    }
    done = batch(long, GOOD, model=capped_model_dir)
    assert done.code == 3 and "1 of 2" in done.err and names(tmp_path) == ["good.wav"]


def test_existing_files_are_kept_unless_forced(batch, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "good.wav").write_bytes(b"precious")
    assert batch(GOOD, GOOD | {"id": "new"}).code == 3
    assert (tmp_path / "out" / "good.wav").read_bytes() == b"precious" and names(tmp_path) == [
        "good.wav",
        "new.wav",
    ]
    assert batch(GOOD, extra=["--force"]).code == 0
    assert (tmp_path / "out" / "good.wav").read_bytes().startswith(b"RIFF")


def test_no_weights_are_loaded_for_bad_items_only(batch, model_copy):
    for weights in model_copy.rglob("*.safetensors"):
        weights.write_bytes(b"broken")
    assert batch(GOOD | {"emotion": "hapy"}, model=model_copy).code == 3
    assert batch(GOOD, model=model_copy).refused(1)


@pytest.mark.parametrize(
    "option",
    ["--emotion=sad", "--voice=heart", "--seed=1", "-ox.wav", "--prompt=sadly", "--intensity=1"],
)
def test_settings_of_one_text_do_not_go_with_a_batch(batch, option):
    assert batch(GOOD, extra=[option]).refused(2, "--batch")


def test_guidance_goes_with_a_batch(batch, tmp_path):
    assert batch(GOOD | {"emotion": "sad"}, extra=["--guidance", "3"]).code == 0
    guided = (tmp_path / "out" / "good.wav").read_bytes()
    assert batch(GOOD | {"emotion": "sad"}, extra=["--force"]).code == 0
    assert (tmp_path / "out" / "good.wav").read_bytes() != guided


def test_batches_that_cannot_be_read(say, batch, tmp_path):
    missing = say("--batch", tmp_path / "none.jsonl", "--output-dir", tmp_path / "out")
    assert missing.refused(missing.code, "none.jsonl") and missing.code in (1, 2)
    assert not (tmp_path / "out").exists()
    assert batch("", "  ").refused(2, "no items")
    assert say("--batch", tmp_path / "items.jsonl").refused(2, "--output-dir")


def test_no_item_of_a_long_batch_is_lost_silently(batch, tmp_path, monkeypatch):
    monkeypatch.setattr("affecttts.cli.source.MAX_TEXT_BYTES", 80)
    done = batch(*[GOOD | {"id": f"item {i}"} for i in range(4)])
    assert done.code in (1, 2) or (done.code == 0 and len(names(tmp_path)) == 4)


def test_a_line_separator_inside_a_text_ends_no_line(batch, tmp_path):
    assert batch(GOOD | {"text": "Hi.\u2028Hello."}).code == 0
    assert names(tmp_path) == ["good.wav"]
