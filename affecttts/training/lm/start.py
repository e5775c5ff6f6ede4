"""What a language model starts from: its token layout, its prompt pieces and its first weights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from affecttts.data.manifest import read_manifest
from affecttts.emotion.table import load_emotions
from affecttts.errors import RequestError
from affecttts.lm.layout import TokenLayout
from affecttts.lm.model import (
    EMBEDDING_NAME,
    build_llama,
    carried_rows,
    load_lm,
    structure_embeddings,
)
from affecttts.lm.pieces import train_pieces
from affecttts.lm.voices import VoiceCodes
from affecttts.training.lm.config import LMTrainingConfig
from codec import Codec, CodecConfig
from codec.atomic import write_bytes
from codec.errors import CheckpointError
from codec.files import fingerprint, load_strictly

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM


def make_layout(config: LMTrainingConfig, voices: VoiceCodes, codec: CodecConfig) -> TokenLayout:
    """Ids for all emotions, the codes of voices and the books that are modelled.

    Raises:
        RequestError: more books than the codec has, or codes that are of no one length.
    """
    if config.num_codebooks > codec.num_codebooks:
        raise RequestError(
            f"num_codebooks is {config.num_codebooks}, but the codec has {codec.num_codebooks}"
        )
    layout = TokenLayout(
        load_emotions().ids, config.num_codebooks, codec.codebook_size, config.num_pieces
    )
    for codes in voices.codes.values():
        for code in codes:
            layout.voice(code)
    return layout


def read_voices(path: Path, manifests: list[str]) -> VoiceCodes:
    """The codes of all speakers of the manifests.

    Raises:
        RequestError: a speaker has none.
        CheckpointError: there is no such file.
    """
    if not path.is_file():
        raise CheckpointError(f"{path}: no codes of voices; make them by recipes/encode_voices.py")
    codes = VoiceCodes.load(path)
    speakers = {row.speaker for manifest in manifests for row in read_manifest(manifest)}
    return VoiceCodes(codes.speaker_encoder, {name: codes[name] for name in sorted(speakers)})


def make_pieces(path: Path, manifests: list[str], init: str | None, count: int) -> bytes:
    """Prompt pieces as `path` has them; at first those of the LM to start from, else trained on the
    prompts' phrasings and the corpus's texts.
    """
    started = load_lm(init).pieces_path if init else None
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() and started:
        write_bytes(path, started.read_bytes())
    if not path.exists():
        texts = [row.text for name in manifests for row in read_manifest(name) if row.text]
        texts += [phrase for emotion in load_emotions().emotions for phrase in emotion.phrasings]
        write_bytes(path, train_pieces(texts, count))
    return path.read_bytes()


@dataclass(frozen=True)
class Vocabulary:
    """What the tokens of a run mean."""

    layout: TokenLayout
    codebooks: list[Tensor]  # [codebook_size, D] of every book that the LM models
    codec_fingerprint: str
    speaker_encoder: str  # fingerprint of what made the codes of voices


def fresh_llama(config: LMTrainingConfig, vocabulary: Vocabulary) -> LlamaForCausalLM:
    """A Llama whose embeddings start from what is known of the tokens."""
    model = build_llama(config.shape, vocabulary.layout)
    structure_embeddings(model, vocabulary.layout, vocabulary.codebooks, config.seed)
    return model


def started_llama(
    config: LMTrainingConfig, vocabulary: Vocabulary, init: str, init_codec: Path | None
) -> LlamaForCausalLM:
    """Weights of another LM folder of the same vocabulary; it may model fewer books, or be of
    another codec.

    The rows of its missing books, or all codec tokens of another codec, start from the
    codebooks as in a fresh model. Where this codec went on from that one (`init_codec`), its
    rows are carried over to the moved codebooks.

    Raises:
        CheckpointError: its vocabulary is another, or `init_codec` is not its codec.
    """
    start, layout = load_lm(init), vocabulary.layout
    if replace(layout, num_codebooks=start.layout.num_codebooks) != start.layout:
        raise CheckpointError(
            f"{init}: its token layout is not that of this run; train without --init"
        )
    if start.voices.speaker_encoder != vocabulary.speaker_encoder:
        raise CheckpointError(
            f"{init}: its voices are of the speaker encoder {start.voices.speaker_encoder}, this "
            f"run's of {vocabulary.speaker_encoder}; encode the voices with that one"
        )
    same_codec = start.codec_fingerprint == vocabulary.codec_fingerprint
    if same_codec and start.layout == layout:
        return start.llama()
    shared = min(start.layout.num_codebooks, layout.num_codebooks)
    model = fresh_llama(config, vocabulary)
    rows = start.layout.book(shared if same_codec else 0)
    embedding = model.get_input_embeddings().weight.detach().clone()
    embedding[:rows] = start.tensors[EMBEDDING_NAME][:rows]
    if init_codec is not None:
        if start.codec_fingerprint != fingerprint(init_codec):
            raise CheckpointError(
                f"{init_codec}: not the codec of {init}, which is {start.codec_fingerprint}"
            )
        before = Codec.from_pretrained(init_codec).quantizer.code_vectors()
        for book, (old, new) in enumerate(zip(before[:shared], vocabulary.codebooks)):
            place = slice(start.layout.book(book), start.layout.book(book + 1))
            embedding[place] = carried_rows(start.tensors[EMBEDDING_NAME][place].float(), old, new)
    tied = {EMBEDDING_NAME: embedding, "lm_head.weight": embedding}
    load_strictly(model, start.tensors | tied, Path(init))
    return model
