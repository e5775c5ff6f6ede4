"""Tables of strangers: every line is a row of its own, or a fault that names it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from affecttts.adaptation.recordings import gather
from affecttts.data.corpora import import_corpus
from affecttts.data.corpora.reading import Reading
from affecttts.data.corpora.spec import get_corpus
from affecttts.data.tables import read_rows
from affecttts.errors import RequestError
from soak import soak

EXAMPLES = 150  # of a short run
MINUTE = 8_000  # of a long one


def rows(text, suffix=".csv"):
    return [(row.line, row.fault or row.values) for row in read_rows(text, suffix)]


def lines_of(text, suffix=".csv"):
    return [row.line for row in read_rows(text, suffix)]


def test_a_quote_that_is_not_closed_takes_no_row_with_it():
    for end in ("", '"'):
        text = f'path|text\na.wav|"Hello\nb.wav|there{end}\nc.wav|you\n'
        assert [row.values["path"] for row in read_rows(text, ".csv")] == [
            "a.wav",
            "b.wav",
            "c.wav",
        ]
    text = 'path,text\na.wav,"Hello\nb.wav,there\nc.wav,you\n'
    (first, fault), *others = rows(text)
    assert first == 2 and "quote" in fault
    assert others == [
        (3, {"path": "b.wav", "text": "there"}),
        (4, {"path": "c.wav", "text": "you"}),
    ]
    text = 'path,text\na.wav,"Hello\nb.wav,there\nc.wav,you"\n'
    assert lines_of(text) == [2, 3, 4]


def test_a_text_with_commas_outside_of_quotes_is_a_fault_of_its_line():
    (line, fault), other = rows('path,text\na.wav,Well, yes, sir\nb.wav,"Well, no"\n')
    assert line == 2 and "double quotes" in fault
    assert other == (3, {"path": "b.wav", "text": "Well, no"})


def test_spaces_blank_lines_and_quoted_line_breaks_do_not_move_the_numbers():
    text = 'Path , Text\r\n\r\na.wav, "one, two"\r\n\r\n\r\nb.wav,"first\nsecond"\nc.wav,x\n'
    assert lines_of(text) == [3, 6, 8]
    assert list(read_rows(text, ".csv"))[0].lowered() == {"path": "a.wav", "text": "one, two"}


@pytest.mark.parametrize(
    "line, fault",
    [
        ("{", "not JSON"),
        ("[1]", "not an object"),
        ('{"text": "\\ud800"}', "surrogate"),
        ('{"text": "a\\u0000b"}', "NUL"),
        ('{"a": ' + "[" * 5000 + "]" * 5000 + "}", "nested"),
        ('{"a": ' + "9" * 5000 + "}", "not JSON"),
    ],
)
def test_a_bad_line_of_json_fails_alone(line, fault):
    good = '{"path": "a.wav"}'
    first, bad, last = rows(f"{good}\n{line}\n{good}\n", ".jsonl")
    assert (first, last) == ((1, {"path": "a.wav"}), (3, {"path": "a.wav"}))
    assert bad[0] == 2 and fault in bad[1]


CELL = st.text(
    st.characters(blacklist_categories=("Cs",), blacklist_characters="\0\r"), max_size=12
)


def check_round_trip(cells, delimiter):
    import csv
    import io

    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(["path", "text"])
    # a text that spans lines which look like rows is refused, so such lines are left out here
    cells = [[cell.replace("\n", " ") for cell in row] for row in cells]
    writer.writerows(cells)
    found = [row.values for row in read_rows(buffer.getvalue(), ".csv")]
    wanted = [{"path": a.strip("\ufeff \t"), "text": b.strip("\ufeff \t")} for a, b in cells]
    assert found == wanted


def check_no_line_is_lost(text, suffix):
    try:
        found = list(read_rows(text, suffix))
    except ValueError:
        assert suffix == ".json"
        return
    assert all(row.fault or row.values is not None for row in found)
    numbers = [row.line for row in found]
    assert numbers == sorted(set(numbers))
    if suffix == ".jsonl":
        assert numbers == [n for n, x in enumerate(text.split("\n"), start=1) if x.strip()]


TABLES = st.text('path,text|\t;"\n\r abä\0\ufeff{}[]:1\\ud8', max_size=200)
SUFFIXES = st.sampled_from([".csv", ".tsv", ".jsonl", ".json"])


@settings(max_examples=EXAMPLES, derandomize=True, deadline=None)
@given(st.lists(st.tuples(CELL, CELL), max_size=6), st.sampled_from(",;"))
def test_what_was_written_in_quotes_is_read(cells, delimiter):
    check_round_trip(cells, delimiter)


@settings(max_examples=EXAMPLES, derandomize=True, deadline=None)
@given(TABLES, SUFFIXES)
def test_no_line_of_any_table_is_lost(text, suffix):
    check_no_line_is_lost(text, suffix)


@soak
@settings(max_examples=MINUTE, derandomize=True, deadline=None)
@given(st.lists(st.tuples(CELL, CELL), max_size=6), st.sampled_from(",;"), TABLES, SUFFIXES)
def test_many_tables(cells, delimiter, text, suffix):
    check_round_trip(cells, delimiter)
    check_no_line_is_lost(text, suffix)


# -- the commands that read them
@pytest.mark.parametrize("name", ["happy", "Happy", "HAPPY", " joyful ", "Joy"])
def test_an_emotion_is_known_by_any_name_in_any_case(tmp_path, name, wav_file):
    from affecttts.emotion.table import load_emotions

    wanted = load_emotions().get(name).id
    (tmp_path / "t.jsonl").write_text(f'{{"path": "tone.wav", "emotion": "{name}"}}')
    assert gather(tmp_path / "t.jsonl")[0].emotion == wanted
    folder = tmp_path / "corpus" / "Anna" / name.strip()
    folder.mkdir(parents=True)
    (folder / "a.wav").write_bytes(wav_file.read_bytes())
    result = import_corpus(get_corpus("folder"), tmp_path / "corpus", tmp_path / "m.jsonl")
    assert dict(result.emotions) == {wanted: 1} and result.speakers == {"Anna"}


@pytest.mark.parametrize(
    "row, why",
    [
        ('{"path": "a.wav", "emotion": 3}', "emotion is 3, must be text"),
        ('{"path": "a.wav", "language": 5}', "language is 5, must be text"),
        ('{"path": "a.wav", "intensity": 1.2}', "an intensity without an emotion"),
        ('{"path": "a.wav", "start": "x", "seconds": 1}', "start is 'x'"),
        ('{"path": "a.wav", "start": 1}', "start without seconds"),
        ('{"path": ["a.wav"]}', "path is"),
        ('{"path": "a\\u0000.wav"}', "NUL"),
    ],
)
def test_rows_of_recordings_are_checked_before_any_work(tmp_path, row, why):
    (tmp_path / "t.jsonl").write_text('\n{"path": "a.wav"}\n\n' + row)
    with pytest.raises(RequestError, match=f"t.jsonl:4: .*{why}"):
        gather(tmp_path / "t.jsonl")


def test_several_parts_of_one_file_are_rows_of_their_own(tmp_path, wav_file):
    table = "file_name,start,seconds,text\ntone.wav,0,0.2,one\ntone.wav,0.2,0.2,two\n"
    (tmp_path / "metadata.csv").write_text(table)
    result = import_corpus(get_corpus("folder"), tmp_path, tmp_path / "m.jsonl", None, Reading())
    assert result.rows == 2 and not result.rejected
    assert [(r.text, r.start) for r in gather(tmp_path)] == [("one", 0.0), ("two", 0.2)]


def test_bad_rows_of_a_table_are_counted_and_the_others_imported(tmp_path, wav_file):
    table = (
        'path,text,emotion,intensity\ntone.wav,"Hello\n\ntone.wav,Well, yes,happy,1\n'
        ",no,happy,1\ntone.wav,loud,ANGER,2.5\ntone.wav,fine,Happy,1.2\n"
    )
    (tmp_path / "metadata.csv").write_text(table)
    result = import_corpus(get_corpus("folder"), tmp_path, tmp_path / "m.jsonl")
    assert result.rows == 1 and sum(result.rejected.values()) == 4
    named = " ".join(name for names in result.examples.values() for name in names)
    assert all(f"metadata.csv:{line}" in named for line in (2, 4, 5))
    assert "intensity 2.5 is outside" in named
