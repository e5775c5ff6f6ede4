"""Miniature corpora in the layout of the real ones: paths, texts, and what must become of them.

A path ending in an audio suffix stands for a short tone; any other for its text (bytes as they
are).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile

AUDIO = {".wav", ".flac"}


@dataclass(frozen=True)
class Tree:
    """Files of a corpus, the rows expected by id, and the reasons for which files are rejected."""

    files: dict[str, str | bytes]
    rows: dict[str, dict]
    rejected: dict[str, int] = field(default_factory=dict)


def plant(tree: Tree, root: Path) -> Path:
    """Write the files below root."""
    for index, (name, content) in enumerate(tree.files.items()):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in AUDIO:
            seconds = float(content or 0.2)
            soundfile.write(
                path, 0.2 * np.sin(np.arange(round(8000 * seconds)) * (0.1 + 0.01 * index)), 8000
            )
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def _ratings(*rows: tuple) -> str:
    names = ["anger", "disgust", "fear", "happiness", "sadness", "surprise"]
    header = ",".join(
        ["HITId", "Input.VIDEO_ID", "Input.CLIP", *(f"Answer.{name}" for name in names)]
    )
    return "\n".join([header, *(",".join(["x", *map(str, row)]) for row in rows)])


IEMOCAP_TURN = (
    "[6.2901 - 8.2357]\t{}\t{}\t[{}, {}, {}]\nC-E2:\tNeutral;\t()\nA-E3:\tval 3; act "
    "2; dom  2;\t()\n"
)
IEMOCAP_LABELS = "IEMOCAP/Session1/dialog/EmoEvaluation/Categorical"
NNIME_HEADER = (
    "FileName,angry,frustrated,disappointed,sad,fear,neutral,surprise,excited,happy,relax,joy,"
    "EmoAct,EmoVal,SpkrID,Gender,Split_Set"
)
PODCAST_HEADER = "FileName,EmoClass,EmoAct,EmoVal,EmoDom,SpkrID,Gender,Split_Set"

TREES = {
    "librispeech": Tree(
        {
            "LibriSpeech/train-clean-100/19/198/19-198-0000.flac": "",
            "LibriSpeech/train-clean-100/19/198/19-198.trans.txt": "19-198-0000 NOT ONE\n",
            "LibriSpeech/dev-clean/84/121/84-121-0001.flac": "",
            "LibriSpeech/dev-clean/84/121/84-121.trans.txt": "84-121-0000 OTHER\n84-121-0001 HE "
            "WENT\n",
            "LibriSpeech/test-other/61/70/61-70-0000.flac": "",
            "LibriSpeech/SPEAKERS.TXT": "; nothing",
        },
        {
            "librispeech_19-198-0000": {
                "speaker": "librispeech_19",
                "split": "train",
                "text": "not one",
                "licence": "CC-BY-4.0",
            },
            "librispeech_84-121-0001": {"split": "valid", "text": "he went", "emotion": None},
            "librispeech_61-70-0000": {"split": "test", "text": None},
        },
    ),
    "libritts": Tree(
        {
            "train-clean-360/103/1240/103_1240_000000_000001.wav": "",
            "train-clean-360/103/1240/103_1240_000000_000001.normalized.txt": "Twenty of them.",
            "train-clean-360/103/1240/103_1240_000000_000001.original.txt": "20 of them.",
            "dev-clean/84/1/84_1_000000_000000.wav": "",
        },
        {
            "libritts_103_1240_000000_000001": {
                "split": "train",
                "text": "Twenty of them.",
                "speaker": "libritts_103",
            },
            "libritts_84_1_000000_000000": {"split": "valid"},
        },
    ),
    "vctk": Tree(
        {
            f"VCTK/wav48_silence_trimmed/p22{i}/p22{i}_001_mic{mic}.flac": ""
            for i in range(5, 10)
            for mic in (1, 2)
        }
        | {"VCTK/txt/p225/p225_001.txt": "Please call.\n", "VCTK/speaker-info.txt": "p225"},
        {"vctk_p225_001": {"speaker": "vctk_p225", "text": "Please call."}}
        | {f"vctk_p22{i}_001": {"speaker": f"vctk_p22{i}"} for i in range(6, 10)},
    ),
    "aishell-3": Tree(
        {f"train/wav/SSB000{i}/SSB000{i}0001.wav": "" for i in range(1, 4)}
        | {
            "train/content.txt": "SSB00010001.wav\t广 guang3 州 zhou1\nSSB00020001.wav\t你 ni3 好 "
            "hao3\n",
            "test/wav/SSB0099/SSB00990001.wav": "",
            "test/content.txt": "SSB00990001.wav\t好 hao3\n",
        },
        {
            "aishell-3_SSB00010001": {"text": "广州", "language": "zh", "licence": "Apache-2.0"},
            "aishell-3_SSB00020001": {"text": "你好"},
            "aishell-3_SSB00030001": {"text": None},
            "aishell-3_SSB00990001": {"text": "好", "split": "test"},
        },
    ),
    "esd": Tree(
        {
            "ESD/0001/Angry/0001_000351.wav": "",
            "ESD/0001/0001.txt": "0001_000351\t打远一看\t生气\n".encode("gb18030"),
            "ESD/0012/Sad/0012_001092.wav": "",
            "ESD/0012/0012.txt": "0012_001092\tI say neither.\tSad\n".encode("utf-16"),
            "ESD/0016/Surprise/train/0016_001401.wav": "",
            "ESD/0016/0016.txt": b"0016_001401\tIt\x92s me.\tSurprise\n",
            "ESD/0016/Happy/0016_000999.wav": "",
        },
        {
            "esd_0001_000351": {
                "emotion": "angry",
                "split": "valid",
                "language": "zh",
                "text": "打远一看",
            },
            "esd_0012_001092": {
                "emotion": "sad",
                "split": "test",
                "language": "en",
                "text": "I say neither.",
            },
            "esd_0016_001401": {"emotion": "surprised", "split": "train", "text": "It’s me."},
            "esd_0016_000999": {
                "emotion": "happy",
                "split": "train",
                "speaker": "esd_0016",
                "licence": "LicenseRef-ESD",
            },
        },
    ),
    "crema-d": Tree(
        {
            "AudioWAV/1001_DFA_ANG_XX.wav": "",
            "AudioWAV/1002_IEO_HAP_HI.wav": "",
            "AudioWAV/1003_IEO_SAD_LO.wav": "",
            "AudioWAV/1004_IEO_NEU_XX.wav": "",
            "README.md": "# CREMA-D\n- Take this one (IEO).\n",
        },
        {
            "crema-d_1001_DFA_ANG_XX": {
                "emotion": "angry",
                "intensity": 1.0,
                "text": None,
                "licence": "ODbL-1.0",
            },
            "crema-d_1002_IEO_HAP_HI": {
                "emotion": "happy",
                "intensity": 1.3,
                "text": "Take this one",
            },
            "crema-d_1003_IEO_SAD_LO": {"emotion": "sad", "intensity": 0.7},
            "crema-d_1004_IEO_NEU_XX": {"emotion": "neutral", "speaker": "crema-d_1004"},
        },
    ),
    "ravdess": Tree(
        {
            f"Audio_Speech/Actor_0{actor}/03-01-0{actor}-02-0{said}-01-0{actor}.wav": ""
            for actor, said in ((2, 1), (5, 2), (8, 1))
        }
        | {"Audio_Song/Actor_01/03-02-05-02-01-01-01.wav": ""},
        {
            "ravdess_03-01-02-02-01-01-02": {
                "emotion": "calm",
                "intensity": 1.3,
                "speaker": "ravdess_02",
                "text": "Kids are talking by the door.",
            },
            "ravdess_03-01-05-02-02-01-05": {
                "emotion": "angry",
                "text": "Dogs are sitting by the door.",
                "licence": "CC-BY-NC-SA-4.0",
            },
            "ravdess_03-01-08-02-01-01-08": {"emotion": "surprised"},
        },
    ),
    "emov-db": Tree(
        {
            "bea/Amused/amused_1-15_0001.wav": "",
            "bea/Sleepy/sleepiness_1-15_0001.wav": "",
            "jenie_Angry/anger_1-28_0011.wav": "",
            "sam/Neutral/neutral_1-28_0002.wav": "",
            "cmuarctic.data": '( arctic_a0001 "Words of the first." )\n( arctic_b0001 "Not '
            'these." )\n',
        },
        {
            "emov-db_bea_amused_1-15_0001": {
                "emotion": "happy",
                "text": "Words of the first.",
                "speaker": "emov-db_bea",
            },
            "emov-db_bea_sleepiness_1-15_0001": {"emotion": None, "text": "Words of the first."},
            "emov-db_jenie_anger_1-28_0011": {"emotion": "angry", "text": None},
            "emov-db_sam_neutral_1-28_0002": {
                "emotion": "neutral",
                "licence": "LicenseRef-EmoV-DB",
            },
        },
    ),
    "emovo": Tree(
        {
            f"EMOVO/{name[4:6]}/{name}.wav": ""
            for name in ("dis-f1-b1", "gio-f2-l2", "pau-m1-d1", "sor-m2-b1")
        }
        | {"EMOVO/sentences.tsv": "b1\tDue parole.\n"},
        {
            "emovo_dis-f1-b1": {"emotion": "disgusted", "language": "it", "text": "Due parole."},
            "emovo_gio-f2-l2": {
                "emotion": "happy",
                "text": "Ora prendo la felpa di là ed esco per fare una passeggiata.",
            },
            "emovo_pau-m1-d1": {
                "emotion": "fearful",
                "speaker": "emovo_m1",
                "text": "Sabato sera cosa farà?",
            },
            "emovo_sor-m2-b1": {"emotion": "surprised"},
        },
    ),
    "mesd": Tree(
        {"MESD/Anger_C_A_abajo.wav": "", "MESD/Sadness_M_B_por_favor.wav": ""},
        {
            "mesd_Anger_C_A_abajo": {
                "emotion": "angry",
                "text": "abajo",
                "speaker": "mesd_C",
                "language": "es",
            },
            "mesd_Sadness_M_B_por_favor": {"emotion": "sad", "text": "por favor"},
        },
    ),
    "shemo": Tree(
        {f"female/F0{i}A01.wav": "" for i in range(1, 4)}
        | {
            "male/M04W12.wav": "",
            "shemo.json": '[{"id": "M04W12", "gender": "male", "emotion": '
            '"surprise", "transcript": "\\ufeffآخه", "ipa": '
            '"x"}]',
        },
        {
            f"shemo_F0{i}A01": {"emotion": "angry", "language": "fa", "text": None}
            for i in range(1, 4)
        }
        | {"shemo_M04W12": {"emotion": "surprised", "text": "آخه", "speaker": "shemo_M04"}},
    ),
    "resd": Tree(
        {
            f"audio/happiness_enthusiasm_{i}/{i}_happiness_enthusiasm_h_120.wav": ""
            for i in (30, 31, 32)
        }
        | {
            "audio/x/33_fear_anger_a_1.wav": "",
            "audio/x/34_fear_anger_f_1.wav": "",
            "train.csv": "name,path,emotion,text\n"
            + "".join(
                f'{i}_happiness_enthusiasm_h_120,p,enthusiasm,"Да, да"\n' for i in (30, 31, 32)
            ),
            "test.csv": "name,path,emotion\n33_fear_anger_a_1,p,anger\n",
        },
        {
            f"resd_{i}_happiness_enthusiasm_h_120": {
                "emotion": "happy",
                "text": "Да, да",
                "language": "ru",
            }
            for i in (30, 31, 32)
        }
        | {
            "resd_33_fear_anger_a_1": {
                "emotion": "angry",
                "split": "test",
                "speaker": "resd_33_fear_anger_a",
            }
        },
        {"not in the label table": 1},
    ),
    "iemocap": Tree(
        {
            f"IEMOCAP/Session{i}/sentences/wav/Ses0{i}F_impro01/Ses0{i}F_impro01_M000.wav": ""
            for i in range(1, 6)
        }
        | {
            f"IEMOCAP/Session{i}/dialog/EmoEvaluation/Ses0{i}F_impro01.txt": "% header\n"
            + IEMOCAP_TURN.format(f"Ses0{i}F_impro01_M000", label, 1.0, 3.0, 5.0)
            for i, label in enumerate(("exc", "ang", "xxx", "neu", "fru"), start=1)
        }
        | {
            "IEMOCAP/Session1/dialog/transcriptions/Ses01F_impro01.txt": "Ses01F_impro01_M000 "
            "[006.2901-008.2357]: "
            "Well, [LAUGHTER] no.\n",
            f"{IEMOCAP_LABELS}/Ses01F_impro01_e2_cat.txt": "Ses01F_impro01_M000 :Anger; ()",
            "IEMOCAP/Session2/sentences/wav/Ses02F_impro01/Ses02F_impro01_F099.wav": "",
        },
        {
            "iemocap_Ses01F_impro01_M000": {
                "emotion": "happy",
                "vad": (-1.0, 0.0, 1.0),
                "speaker": "iemocap_Ses01M",
                "text": "Well, no.",
            },
            "iemocap_Ses02F_impro01_M000": {"emotion": "angry", "licence": "LicenseRef-IEMOCAP"},
            "iemocap_Ses03F_impro01_M000": {"emotion": None},
            "iemocap_Ses04F_impro01_M000": {"emotion": "neutral"},
            "iemocap_Ses05F_impro01_M000": {"emotion": None},
        },
        {"not in the label table": 1},
    ),
    "msp-improv": Tree(
        {f"Audio/session{i}/S01A/P/MSP-IMPROV-S01A-F0{i}-P-FM01.wav": "" for i in range(1, 5)}
        | {
            "Evaluation.txt": "".join(
                f"UTD-IMPROV-S01A-F0{i}-P-FM01.avi; {label}; A:1.0; V:5.0; D:{dominance} ; "
                "N:4.0;\n  ws1; Angry; A:2; V:2;\n\n"
                for i, label, dominance in (
                    (1, "A", "3.0"),
                    (2, "X", "NaN"),
                    (3, "H", "2.0"),
                    (4, "N", "1.0"),
                )
            ),
            "All_human_transcriptions/session1/MSP-IMPROV-S01A-F01-P-FM01.txt": "Is that so?\n",
        },
        {
            "msp-improv_MSP-IMPROV-S01A-F01-P-FM01": {
                "emotion": "angry",
                "vad": (1.0, -1.0, 0.0),
                "text": "Is that so?",
            },
            "msp-improv_MSP-IMPROV-S01A-F02-P-FM01": {"emotion": None, "vad": None},
            "msp-improv_MSP-IMPROV-S01A-F03-P-FM01": {"emotion": "happy"},
            "msp-improv_MSP-IMPROV-S01A-F04-P-FM01": {
                "emotion": "neutral",
                "speaker": "msp-improv_F04",
            },
        },
    ),
    "msp-podcast": Tree(
        {f"Audios/MSP-PODCAST_0001_000{i}.wav": "" for i in range(1, 6)}
        | {
            "Labels/labels_consensus.csv": "\n".join(
                [
                    PODCAST_HEADER,
                    "MSP-PODCAST_0001_0001.wav,U,7.0,4.0,1.0,12,Male,Train",
                    "MSP-PODCAST_0001_0002.wav,C,4.0,4.0,4.0,Unknown,Unknown,Development",
                    "MSP-PODCAST_0001_0003.wav,D,4,4,4,13,Female,Test1",
                    "MSP-PODCAST_0001_0004.wav,H,4,4,4,14,Female,Test2",
                ]
            ),
            "Transcripts/MSP-PODCAST_0001_0001.txt": "So I said\n",
        },
        {
            "msp-podcast_MSP-PODCAST_0001_0001": {
                "emotion": "surprised",
                "vad": (0.0, 1.0, -1.0),
                "split": "train",
                "text": "So I said",
            },
            "msp-podcast_MSP-PODCAST_0001_0002": {
                "emotion": None,
                "split": "valid",
                "speaker": "msp-podcast_podcast0001",
            },
            "msp-podcast_MSP-PODCAST_0001_0003": {
                "emotion": "disgusted",
                "split": "test",
                "speaker": "msp-podcast_13",
            },
            "msp-podcast_MSP-PODCAST_0001_0004": {"split": "test"},
        },
        {"not in the label table": 1},
    ),
    "cmu-mosei": Tree(
        {
            f"CMU_MOSEI/Raw/Audio/Full/WAV_16000/{video}.wav": "4"
            for video in ("-abc_", "def", "ghi", "silent")
        }
        | {
            "CMU_MOSEI/Raw/Transcript/Segmented/Combined/-abc_.txt": "-abc____0___0.5___1.25___I "
            "liked it\n-abc____1___2.0___3.5___It _____ was so\n",
            "CMU_MOSEI/Raw/Transcript/Segmented/Combined/def.txt": "def___7___0.0___1.0___Hm\n",
            "CMU_MOSEI/Raw/Transcript/Segmented/Combined/ghi.txt": "ghi___0___0.0___1.0___Or\n",
            "CMU_MOSEI/cmu_mosei_std_folds.py": "standard_train_fold=['def', "
            "'x']\nstandard_valid_fold = [\n "
            "'-abc_',\n]\nstandard_test_fold=['ghi']\n",
            "CMU_MOSEI/Raw/Labels/5000_batch_raw.csv": _ratings(
                ("-abc_", 0, 0, 0, 0, 2, 1, 0),
                ("-abc_", 0, 0, 0, 0, 1, 0, 0),
                ("-abc_", 1, 0, 0, 0, 0, 0, 0),
                ("def", 7, 1, 1, 0, 0, 0, 0),
                ("def", 7, "", 3, 0, 0, 0, 0),
            ),
        },
        {
            "cmu-mosei_-abc__0": {
                "emotion": "happy",
                "start": 0.5,
                "seconds": 0.75,
                "text": "I liked it",
                "split": "valid",
            },
            "cmu-mosei_-abc__1": {
                "emotion": "neutral",
                "start": 2.0,
                "seconds": 1.5,
                "text": "It _____ was so",
                "speaker": "cmu-mosei_-abc_",
            },
            "cmu-mosei_def_7": {"emotion": None, "split": "train"},
            "cmu-mosei_ghi_0": {
                "emotion": None,
                "split": "test",
                "licence": "LicenseRef-CMU-MOSEI",
            },
        },
        {"no transcript": 1},
    ),
    "nnime": Tree(
        {
            "Audios/angry_01_A_002.wav": "",
            "Audios/happy_02_B_010.wav": "",
            "Audios/sad_03_A_001.wav": "",
            "Audios/angry_01_A_002.txt": "你好",
        }
        | {
            "labels_consensus_1.csv": "\n".join(
                [
                    NNIME_HEADER,
                    "angry_01_A_002.wav,0.1,0,0,0,0,0.8,0,0,0,0.1,0,2,3,1,Female,Train",
                    "happy_02_B_010.wav,0,0,0,0,0,0.4,0,0,0.4,0,0.2,2,3,4,Male,Test",
                ]
            ),
        },
        {
            "nnime_angry_01_A_002": {
                "emotion": "neutral",
                "speaker": "nnime_1",
                "split": "train",
                "text": "你好",
                "language": "zh",
            },
            "nnime_happy_02_B_010": {"emotion": None, "speaker": "nnime_4", "split": "test"},
            "nnime_sad_03_A_001": {"emotion": "sad", "speaker": "nnime_03A"},
        },
    ),
    "emovoice-db": Tree(
        {f"audio/angry/gpt4o_{i}_angry_ash.wav": "" for i in range(3)}
        | {
            f"{split}.jsonl": f'{{"key": "gpt4o_{i}_angry_ash", "target_text": "No {i}!", '
            f'"emotion": "angry", "target_wav": "w"}}\n'
            for i, split in enumerate(("train", "val", "test"))
        }
        | {"train_shuffled_5times.jsonl": '{"key": "gpt4o_2_angry_ash", "target_text": "wrong"}\n'},
        {
            f"emovoice-db_gpt4o_{i}_angry_ash": {
                "emotion": "angry",
                "speaker": "emovoice-db_ash",
                "split": split,
                "text": f"No {i}!",
            }
            for i, split in enumerate(("train", "valid", "test"))
        },
    ),
}
