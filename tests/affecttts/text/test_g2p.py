"""Text to phones, against the phones the model is trained on."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from affecttts.errors import InputError, RequestError
from affecttts.text import SYMBOLS, EspeakG2P, text_to_phonemes
from affecttts.text.g2p import (
    MAX_DATA_PATH_BYTES,
    _load_espeak,
    reduce_ipa,
    short_data_path,
)

# As in the training data, but for "live", which espeak alone takes for the adjective.
# Sentences are usage examples of WordNet 3.0, (c) 2006 Princeton University.
GOLDEN = [
    ("This button had fallen off.", "ðɪs bˈʌʔn hæd fˈɔlən ˈɔf."),
    ("The royal road to success.", "ðə ɹˈYəl ɹˈOd tə səksˈɛs."),
    ("A pointed allusion to what was going on.", "ə pˈYntɪd əlˈuʒən tə wʌt wʌz ɡˌOɪŋ ˈɔn."),
    ("It's your birthday, so let's live it up!", "ɪts jʊɹ bˈɜθdA, sˌO lˈɛts lˈɪv ɪɾ ˈʌp!"),
    ("Can you clue me in?", "kæn ju klˈu mˌi ˈɪn?"),
    ("She can't boil potatoes, let alone cook a meal.", "ʃi kˈænt bˈYl pətˈAɾOz, lˈɛt əlˈOn kˈʊk ə mˈil."),
    ("I'm sorry.", "Im sˈɑɹi."),
    ("The role of computers in modern-day medicine.", "ðə ɹˈOl ʌv kəmpjˈuɾəɹz ɪn mˈɑdəɹndˈA mˈɛdəsən."),
    ("This man is obscenely rich.", "ðɪs mˈæn ɪz əbsˈinli ɹˈɪʧ."),
    ("Quit teasing your little brother.", "kwˈɪt tˈizɪŋ jʊɹ lˈɪɾəl bɹˈʌðəɹ."),
    ("Her work at the office is passable.", "hɜ wˈɜk æt ðɪ ˈɑfɪs ɪz pˈæsəbəl."),
    ("We lamented the death of the child.", "wi ləmˈɛntɪd ðə dˈɛθ ʌvðə ʧˈIld."),
    ("The big city's subversion of rural innocence.", "ðə bˈɪɡ sˈɪɾiz səbvˈɜʒən ʌv ɹˈʊɹɹəl ˈɪnəsəns."),
    ("He lived at a fast pace.", "hi lˈɪvd æɾə fˈæst pˈAs."),
    ("The face of the city is changing.", "ðə fˈAs ʌvðə sˈɪɾi ɪz ʧˈAnʤɪŋ."),
    ("The room is pleasant and understated. The veins in his temple throbbed. The only friendly person here.", "ðə ɹˈum ɪz plˈɛzənt ænd ˌʌndəɹstˈAɾɪd. ðə vˈAnz ɪn hɪz tˈɛmpəl θɹˈɑbd. ðɪ ˈOnli fɹˈɛndli pˈɜsən hˈɪɹ."),
]  # fmt: skip


@pytest.mark.parametrize(("text", "phonemes"), GOLDEN)
def test_phones_are_those_of_the_training_data(text: str, phonemes: str) -> None:
    assert text_to_phonemes(text) == phonemes


def test_missing_final_punctuation_is_added() -> None:
    assert text_to_phonemes("Nothing happened") == text_to_phonemes("Nothing happened.")


@pytest.mark.parametrize(
    "text",
    [
        "A croissant by the loch in Llanelli.",
        "Łódź, Zürich, São Paulo, smørrebrød & jalapeño",
        "On 3/14/2025 at 3:30 pm, Dr. Lee paid $5.99 (50% off) for 3 kg!",
        "xqzt brrr hmm psst AAAaaa b2b",
        'it\'s - well; "quoted" [sic] {x} a_b c/d #1 @ 5% ~ ^ | \\',
    ],
)
def test_any_english_text_stays_within_the_inventory(text: str) -> None:
    phonemes = text_to_phonemes(text)
    assert set(phonemes) <= set(SYMBOLS)
    assert phonemes[-1] in ".?!"


def test_affricates_are_told_from_two_phones() -> None:
    assert reduce_ipa("t͡ʃˈɪn") == "ʧˈɪn"
    assert reduce_ipa("nˈʌtʃɛl") == "nˈʌtʃɛl"


def test_language_flags_are_removed() -> None:
    assert reduce_ipa("(͡f͡r)bɔ̃ʒˈuːɹ(͡e͡n) jˈuː") == "bɔnʒˈuɹ jˈu"


def test_text_without_sound_is_refused() -> None:
    with pytest.raises(RequestError, match="only punctuation"):
        text_to_phonemes("?!")


def test_threads_get_what_one_thread_gets() -> None:
    texts = [text for text, _ in GOLDEN] * 4
    with ThreadPoolExecutor(4) as pool:
        said = list(pool.map(lambda text: EspeakG2P().phonemize(text), texts))
    assert said == [EspeakG2P().phonemize(text) for text in texts]


def test_data_at_a_short_path_is_used_in_place() -> None:
    short = Path("/data")
    assert short_data_path(short) == short


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs paths of open folders")
def test_espeak_speaks_from_a_long_path_without_a_temporary_folder(tmp_path: Path) -> None:
    code = """
import shutil, sys, tempfile
from pathlib import Path
import espeakng_loader
from affecttts.text import text_to_phonemes
def refuse(*_, **__): raise OSError(28, "No space left on device")
tempfile.mkdtemp = tempfile.mkstemp = refuse
if len(sys.argv) > 1:
    data = shutil.copytree(espeakng_loader.get_data_path(), sys.argv[1])
    espeakng_loader.get_data_path = lambda: data
print(text_to_phonemes("Hello there."))
"""
    long = tmp_path / ("d" * MAX_DATA_PATH_BYTES) / "espeak-ng-data"
    said = [
        subprocess.run([sys.executable, "-c", code, *path], capture_output=True, text=True)
        for path in ([], [str(long)])
    ]
    assert [run.stdout for run in said] == ["həlˈO ðˈɛɹ.\n"] * 2, said[1].stderr


def test_a_library_that_cannot_be_loaded_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import espeakng_loader

    monkeypatch.setattr(espeakng_loader, "get_library_path", lambda: "/nowhere/libespeak-ng.so")
    with pytest.raises(InputError, match="/nowhere/libespeak-ng.so.*install espeakng-loader"):
        _load_espeak()


def test_reading_a_text_loads_nothing_that_takes_long() -> None:
    code = (
        "import sys; from affecttts.text import read; read('Dr. Lee paid $5.')\n"
        "print({'torch', 'numpy', 'joblib', 'asyncio', 'transformers'} & sys.modules.keys())\n"
        "import phonemizer.backend.base as base, joblib\n"
        "print(base.joblib.Parallel is joblib.Parallel)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n") == ["set()", "True", ""]


def test_import_loads_no_heavy_library() -> None:
    code = (
        "import sys, affecttts.text\n"
        "print({'torch', 'phonemizer', 'espeakng_loader', 'num2words'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
