"""Importers, on miniature trees in the real layouts."""

import json
from collections import defaultdict
from pathlib import Path

import pytest

from affecttts.data.checking.check import judge_manifest
from affecttts.data.checking.fact_store import FactStore
from affecttts.data.corpora import import_corpus, load_corpora
from affecttts.data.corpora.dividing import Divider
from affecttts.data.corpora.reading import Source
from affecttts.data.corpora.spec import Label, get_corpus, parse_labels, read_labels
from affecttts.data.lineage import Kind, kind_of
from affecttts.data.manifest import read_manifest
from affecttts.emotion.table import load_emotions
from affecttts.errors import RequestError
from corpus_trees import TREES, Tree, plant

NAMED = [name for name in load_corpora() if name != "folder"]
PERMISSIVE = {
    "librispeech",
    "libritts",
    "vctk",
    "aishell-3",
    "crema-d",
    "mesd",
    "resd",
    "emovoice-db",
}


def run(name, tree, tmp_path, **options):
    """Import a tree; returns the result and the rows by id."""
    root = plant(tree, tmp_path / "corpus")
    output = tmp_path / "out" / "m.jsonl"
    output.parent.mkdir(exist_ok=True)
    result = import_corpus(get_corpus(name), root, output, **options)
    return result, {row.id: row for row in read_manifest(output)}


def test_every_corpus_has_a_tree():
    assert set(TREES) == set(NAMED) and len(NAMED) == 18


@pytest.mark.parametrize("name", TREES)
def test_rows_of_a_corpus(name, tmp_path):
    tree = TREES[name]
    result, rows = run(name, tree, tmp_path)
    assert set(rows) == set(tree.rows) and dict(result.rejected) == tree.rejected
    for row_id, expected in tree.rows.items():
        assert {key: getattr(rows[row_id], key) for key in expected} == expected, row_id
    assert result.rows == len(rows) and sum(result.splits.values()) == len(rows)
    for row in rows.values():
        assert row.licence == get_corpus(name).licence and row.speaker.startswith(f"{name}_")
        assert (tmp_path / "out" / row.path).is_file() and not Path(row.path).is_absolute()


@pytest.mark.parametrize("name", TREES)
def test_every_row_passes_the_audio_checks(name, tmp_path):
    run(name, TREES[name], tmp_path)
    verdicts = list(judge_manifest(tmp_path / "out" / "m.jsonl", FactStore(":memory:")))
    assert not [v for v in verdicts if v.reason]


@pytest.mark.parametrize("name", sorted(set(TREES) - {"mesd", "esd", "emovoice-db"}))
def test_no_speaker_is_in_two_splits(name, tmp_path):
    """ESD and EmoVoice-DB have official splits by sentence; MESD has three voices in all."""
    _, rows = run(name, TREES[name], tmp_path)
    splits = defaultdict(set)
    for row in rows.values():
        splits[row.speaker].add(row.split)
    assert all(len(found) == 1 for found in splits.values())


def test_sessions_are_never_divided(tmp_path):
    _, rows = run("iemocap", TREES["iemocap"], tmp_path)
    assert sorted(row.split for row in rows.values()) == [
        "test",
        "train",
        "train",
        "train",
        "valid",
    ]


@pytest.mark.parametrize("name", NAMED)
def test_licences_and_where_to_ask(name):
    corpus = get_corpus(name)
    kind = kind_of(corpus.licence)
    assert kind is not Kind.UNSTATED and (kind < Kind.NON_COMMERCIAL) == (name in PERMISSIVE)
    assert corpus.ask.startswith("http") and corpus.layout and corpus.title
    assert {label.emotion for label in corpus.labels.values()} - {None} <= set(load_emotions().ids)


# -- labels
def test_own_labels_win(tmp_path):
    (tmp_path / "labels.yaml").write_text("xxx: drop\nfru: {emotion: angry, intensity: 0.7}\n")
    result, rows = run(
        "iemocap", TREES["iemocap"], tmp_path, labels=read_labels(tmp_path / "labels.yaml")
    )
    assert result.dropped == 1 and "iemocap_Ses03F_impro01_M000" not in rows
    frustrated = rows["iemocap_Ses05F_impro01_M000"]
    assert (frustrated.emotion, frustrated.intensity) == ("angry", 0.7)
    assert rows["iemocap_Ses01F_impro01_M000"].emotion == "happy"


def test_unknown_labels_are_counted(tmp_path):
    tree = Tree({f"f{i}/xyz-f{i}-b1.wav": "" for i in range(1, 4)}, {})
    result, rows = run("emovo", tree, tmp_path)
    assert not rows and result.rejected == {"label 'xyz' is not in the table of labels": 3}


@pytest.mark.parametrize(
    "values, named",
    [
        ("[a, b]", "mapping"),
        ("{ang: frabjous}", "frabjous"),
        ("{ang: {emotion: angry, colour: 1}}", "colour"),
        ("{ang: {emotion: angry, intensity: 9}}", "intensities"),
        ("{ang: [1", "cannot read"),
    ],
)
def test_bad_labels_are_refused(tmp_path, values, named):
    (tmp_path / "labels.yaml").write_text(values)
    with pytest.raises(RequestError, match=named) as caught:
        read_labels(tmp_path / "labels.yaml")
    assert "labels.yaml" in str(caught.value)


def test_labels_in_short():
    assert parse_labels({"a": "sad", 1: None, "b": "drop"}, "") == {
        "a": Label("sad"),
        "1": Label(),
        "b": Label(drop=True),
    }


# -- what goes wrong
def test_an_absent_or_other_corpus_is_told_where_to_get(tmp_path):
    for folder in (tmp_path / "none", tmp_path):
        with pytest.raises(RequestError, match="https://zenodo.org/records/1188976"):
            import_corpus(get_corpus("ravdess"), folder, tmp_path / "m.jsonl")
    with pytest.raises(RequestError, match="librispeech, libritts"):
        get_corpus("nothing")
    assert not (tmp_path / "m.jsonl").exists()


def test_unreadable_audio_is_counted(tmp_path):
    root = plant(TREES["emovo"], tmp_path / "corpus")
    (root / "EMOVO/f1/dis-f1-b1.wav").write_bytes(b"no audio")
    (root / "EMOVO/f1/._dis-f1-b1.wav").write_bytes(b"left by an archive")
    result = import_corpus(get_corpus("emovo"), root, tmp_path / "m.jsonl")
    assert result.rows == 3 and result.rejected == {"audio unreadable": 1}
    assert "dis-f1" in result.examples["audio unreadable"][0]


# -- splits
def sources(*pairs):
    fields = [
        {"speaker": group, "stem": str(i), "split": split} for i, (group, split) in enumerate(pairs)
    ]
    return [Source(Path(f"{each['stem']}.wav"), each) for each in fields]


def test_groups_without_official_split_are_divided_by_tenths():
    made = sources(*[(f"s{i % 40}", "") for i in range(200)])
    divider = Divider(get_corpus("emovo"), made)
    splits = {source.fields["speaker"]: divider(source) for source in made}
    assert [list(splits.values()).count(name) for name in ("train", "valid", "test")] == [32, 4, 4]
    assert splits == {
        source.fields["speaker"]: Divider(get_corpus("emovo"), reversed(made))(source)
        for source in made
    }


def test_a_missing_valid_split_is_taken_from_train():
    made = sources(*[(f"s{i}", "train" if i < 10 else "test") for i in range(12)])
    divider = Divider(get_corpus("aishell-3"), made)
    assert sorted(map(divider, made)) == ["test"] * 2 + ["train"] * 9 + ["valid"]


def test_one_speaker_is_split_by_sentence():
    made = [
        Source(Path("a"), {"speaker": "s", "stem": str(i), "text": f"t{i // 2}"})
        for i in range(400)
    ]
    divider = Divider(get_corpus("emovo"), made)
    splits = [divider(source) for source in made]
    assert (
        splits[::2] == splits[1::2]
        and set(splits) == {"train", "valid", "test"}
        and splits.count("train") > 320
    )


# -- folders of one's own
def test_a_tree_of_speakers_and_emotions(tmp_path):
    files = {
        f"{who}/{mood}/{i}.wav": ""
        for who in ("ann", "bob", "cem")
        for mood in ("happy", "furious")
        for i in range(2)
    }
    result, rows = run("folder", Tree(files | {"ann/happy/0.txt": "Well\n done"}, {}), tmp_path)
    assert (
        len(rows) == 12
        and result.emotions == {"happy": 6, "angry": 6}
        and result.speakers == {"ann", "bob", "cem"}
    )
    assert rows["ann_happy_0"].text == "Well done" and rows["ann_happy_0"].licence is None
    assert len({row.split for row in rows.values()}) == 3


@pytest.mark.parametrize(
    "table",
    [
        (
            "metadata.csv",
            "file_name,transcription,speaker_id,emotion,intensity,split\n"
            'a.wav,"Ja, so",x,sad,0.8,test\nsub/b.wav,Nein,y,,,\n',
        ),
        (
            "metadata.tsv",
            "path\ttext\tspeaker\temotion\tintensity\tsplit\na.wav\tJa, "
            "so\tx\tsad\t0.8\ttest\nsub/b.wav\tNein\ty\n",
        ),
        (
            "metadata.jsonl",
            '{"audio": "a.wav", "text": "Ja, so", "speaker": "x", "emotion": "sad", "intensity": '
            "0.8, "
            '"split": "test"}\n{"audio": "sub/b.wav", "text": "Nein", "speaker": "y"}\n',
        ),
    ],
    ids=["csv", "tsv", "jsonl"],
)
def test_a_table(tmp_path, table):
    _, rows = run("folder", Tree({"a.wav": "", "sub/b.wav": "", table[0]: table[1]}, {}), tmp_path)
    first, second = rows["a"], rows["b"]
    assert (first.text, first.speaker, first.emotion, first.intensity, first.split) == (
        "Ja, so",
        "x",
        "sad",
        0.8,
        "test",
    )
    assert (second.text, second.speaker, second.emotion, second.intensity) == (
        "Nein",
        "y",
        None,
        1.0,
    )


def test_a_table_with_parts_of_files_and_faults(tmp_path):
    lines = [
        {"path": "a.wav", "id": "part", "start": 0.05, "seconds": 0.1},
        {"path": "a.wav", "id": "torn", "start": 0.05},
        {"path": "none.wav", "id": "gone"},
        {"path": "a.wav", "id": "odd", "valence": 0.1, "arousal": 0.2, "dominance": "x"},
    ]
    files = {"a.wav": "", "metadata.jsonl": "\n".join(map(json.dumps, lines))}
    result, rows = run("folder", Tree(files, {}), tmp_path)
    assert set(rows) == {"part"} and (rows["part"].start, rows["part"].seconds) == (0.05, 0.1)
    assert result.rejected == {"start without seconds": 1, "audio missing": 1, "row not valid": 1}


def test_a_table_without_paths_is_refused(tmp_path):
    with pytest.raises(RequestError, match="no path"):
        run("folder", Tree({"metadata.csv": "name,text\na,b\n"}, {}), tmp_path)
