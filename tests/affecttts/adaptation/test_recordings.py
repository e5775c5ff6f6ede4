"""What a user may hand over, and how mistakes in it are told."""

from __future__ import annotations

import pytest

from affecttts.adaptation.recordings import Recording, gather
from affecttts.errors import InputError, RequestError


@pytest.fixture
def folder(tmp_path):
    for name in ("b.wav", "a.FLAC", "deep/c.ogg", "notes.pdf", ".hidden.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "b.txt").write_text("\ufeffWhat is said in b.\n", encoding="utf-8")
    (tmp_path / "deep" / "c.txt").write_text("  \n")
    return tmp_path


def test_a_folder_with_some_transcripts(folder):
    assert gather(folder) == [
        Recording(folder / "a.FLAC"),
        Recording(folder / "b.wav", "What is said in b."),
        Recording(folder / "deep" / "c.ogg"),
    ]


def test_a_single_file(folder):
    assert gather(folder / "b.wav") == [Recording(folder / "b.wav", "What is said in b.")]


@pytest.mark.parametrize("delimiter", [",", "|", "\t", ";"])
def test_a_csv_table(folder, delimiter):
    rows = [
        ("file", "text", "emotion", "comment"),
        ("b.wav", "Said.", "Joyful", "x"),
        ("deep/c.ogg", "", "", ""),
    ]
    (folder / "list.csv").write_text("\n".join(delimiter.join(row) for row in rows))
    assert gather(folder / "list.csv") == [
        Recording(folder / "b.wav", "Said.", "happy"),
        Recording(folder / "deep" / "c.ogg"),
    ]


def test_quoted_fields_may_hold_the_delimiter_and_line_ends(folder):
    (folder / "metadata.csv").write_text('path,text\nb.wav,"One, two\nthree."\n')
    assert gather(folder) == [Recording(folder / "b.wav", "One, two\nthree.")]


def test_a_jsonl_table_replaces_what_lies_beside(folder):
    (folder / "metadata.jsonl").write_text(
        '{"audio": "b.wav", "transcription": "Ho.", "emotion": '
        '"sad", "intensity": 0.8, "language": "en"}\n\n'
    )
    assert gather(folder) == [Recording(folder / "b.wav", "Ho.", "sad", 0.8, "en")]


def test_nothing_to_hear(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(RequestError, match="no audio found"):
        gather(tmp_path)
    with pytest.raises(InputError, match="no such file or folder"):
        gather(tmp_path / "none")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("t.jsonl", b'{"text": "x"}', r"t.jsonl:1: names no file"),
        ("t.jsonl", b'{"path": "a.wav"}\n{"path": 3}', r"t.jsonl:2: path is 3, must be text"),
        ("t.jsonl", b"[1]", r"t.jsonl:1: not an object"),
        ("t.jsonl", b"{", r"t.jsonl:1: not JSON"),
        (
            "t.jsonl",
            b'{"path": "a.wav", "emotion": "hapy"}',
            r"t.jsonl:1: unknown emotion 'hapy': "
            r"did you mean happy",
        ),
        (
            "t.jsonl",
            b'{"path": "a.wav", "emotion": "sad", "intensity": 9}',
            r"t.jsonl:1: intensity 9",
        ),
        ("t.csv", b"a.wav,hello\nb.wav,there", r"first line must name the columns"),
        ("t.csv", b"path,text\n,hello", r"t.csv:2: names no file"),
        ("t.csv", b"", r"first line must name"),
    ],
)
def test_tables_that_do_not_fit(tmp_path, name, content, reason):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(RequestError, match=reason):
        gather(tmp_path / name)


def test_text_that_is_no_utf8(folder):
    (folder / "b.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="b.txt: not UTF-8"):
        gather(folder)
