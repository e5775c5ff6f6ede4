"""`affecttts explain` and the options on reading."""

import json

import pytest

from affecttts.cli.main import main


def test_explain_prints_pieces_and_warnings_as_json(capsys) -> None:
    assert main(["explain", "--text", "Dr. Lee paid $5 😀 today.", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == {
        "pieces": [
            {
                "text": "Dr. Lee paid $5 today.",
                "normalized": "Doctor Lee paid five dollars today.",
                "phones": "dˈɑktəɹ lˈi pˈAd fˈIv dˈɑləɹz tədˈA.",
                "pause": 0.0,
            }
        ],
        "warnings": ["skipped '😀' (GRINNING FACE), which has no reading"],
    }


def test_explain_reads_a_file_and_warns_on_the_error_stream(tmp_path, capsys) -> None:
    path = tmp_path / "text.txt"
    path.write_text("See 4/5/2026 ☃.", encoding="utf-8")
    assert main(["explain", "--input", str(path), "--date-order", "day-month"]) == 0
    out, err = capsys.readouterr()
    assert "the fourth of May, twenty twenty six" in out
    assert err == "affecttts: skipped '☃' (SNOWMAN), which has no reading\n"


def test_lexicon_and_strict_go_with_explain(tmp_path, capsys) -> None:
    lexicon = tmp_path / "words.tsv"
    lexicon.write_text("lee\tleɪ\n", encoding="utf-8")
    assert main(["explain", "--text", "Lee!", "--lexicon", str(lexicon), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pieces"][0]["phones"] == "lˈA!"
    assert main(["explain", "--text", "Lee ☃", "--strict"]) == 2
    assert "take it out, or read without strict" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "?!", "Привет"])
def test_explain_refuses_what_cannot_be_spoken(text: str, capsys) -> None:
    assert main(["explain", "--text", text]) == 2
    assert capsys.readouterr().err.startswith("affecttts: text ")
