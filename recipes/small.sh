#!/usr/bin/env bash
# The reference chain: the shipped model from nothing, stage by stage. Run it again and it goes on: what is finished is skipped.
#   KOKORO=kokoro-js/voices SOUNDS=sounds/usr/share/asterisk/sounds recipes/small.sh OUTPUT
# KOKORO and SOUNDS are needed for the corpus alone (recipes/corpora/kokoro_affect/README.md says where they come from); a corpus
# that lies in OUTPUT/corpus/{emotive,voices,human} already is taken as it is.
#   SIZE=tiny recipes/small.sh OUTPUT       the same stages on a dozen clips and tiny networks, for tests
set -euo pipefail
out=$(realpath -m "${1:?usage: recipes/small.sh OUTPUT}")
cd "$(dirname "$0")/.."
size=${SIZE:-small} python=${PYTHON:-python}
[[ $size = small || $size = tiny ]] || { echo "small.sh: SIZE is $size; give small or tiny" >&2; exit 2; }
configs=recipes/configs/$size
mkdir -p "$out/done"

plan=() hours=0
stage() {  # NAME HOURS FUNCTION: planned where it is not finished
    if [[ -e $out/done/$1 ]]; then echo "small.sh: $1: finished before" >&2; return; fi
    plan+=("$1 $3") hours=$(awk "BEGIN { print $hours + $2 }")
}
recipe() { "$python" "recipes/$1.py" "${@:2}"; }
codec() {  # STAGE OPTION ..: one stage of the codec
    recipe train_codec "$configs/$1.yaml" "${speech[@]}" --cache "$out/cache" --output "$out/$1" "${@:2}"
}
generate() { "$python" -m recipes.corpora.kokoro_affect.generate --voices "${KOKORO:?small.sh: give KOKORO}" "$@"; }
corpus() {  # FOLDER OPTION ..
    [[ -e $1/manifest.jsonl ]] && return
    generate --output "$@" --shard 0/2 &
    generate --output "$@" --shard 1/2
    wait $!
    generate --output "$@" --merge
}
fitted() { [[ -e $2 ]] || recipe refine_offsets --manifest "$1" --output "$2"; }  # MANIFEST MANIFEST

make_corpus() {
    local emotive=(--sentences 1400 --long 50 --templates 0 --emotions 2 4)
    local further=(--sentences 1200 --long 0 --templates 0 --emotions 1 1 --seed 1)
    corpus "$out/corpus/emotive" "${emotive[@]}"
    [[ -e $out/corpus/voices/manifest.jsonl ]] || further+=(--speakers "$(further_voices)")
    corpus "$out/corpus/voices" "${further[@]}"
    [[ -e $out/corpus/human/manifest.jsonl ]] || "$python" -m recipes.corpora.kokoro_affect.human \
        --sounds "${SOUNDS:?small.sh: give SOUNDS}" --output "$out/corpus/human"
}
further_voices() {
    find "${KOKORO:?small.sh: give KOKORO}" -name '[ab][fm]_*.bin' -printf '%f\n' | sort |
        grep -vE '^(af_heart|af_bella|am_fenrir|am_michael)\.bin$' | sed 's/\.bin$//; s/.*/&=&/' | paste -sd,
}
make_timelines() { for part in emotive voices; do fitted "$out/corpus/$part/manifest.jsonl" "$out/corpus/$part.jsonl"; done; }
make_tiny_corpus() { recipe make_manifest --rows tests/data/manifest.jsonl --output "$lm_manifest"; }
make_codec_1() { codec codec_1_base; }
make_codec_2() { codec codec_2_distil --init "$out/codec_1_base/codec"; }
make_classifier() {
    recipe train_phone_classifier "${timed[@]}" --cache "$out/cache_timed" --output "$out/phone_classifier" "${classifier[@]}"
}
make_codec_3() { codec codec_3_modules --init "$out/codec_2_distil/codec" "${heard[@]}"; }
make_tokens() {
    recipe encode_corpus --manifest "$lm_manifest" --codec "$out/codec_3_modules/codec" --output "$out/tokens"
    recipe merge_tokens --manifest "$lm_manifest" --tokens "$out/tokens"
}
make_speaker_encoder() {
    recipe train_speaker_encoder "$configs/speaker_encoder.yaml" "${speech[@]}" --output "$out/speaker_encoder"
}
make_voices() {
    recipe encode_voices --manifest "$lm_manifest" --speaker-encoder "$out/speaker_encoder/speaker_encoder" --output "$out/tokens"
}
make_lm() {
    recipe train_lm "$configs/lm.yaml" --manifest "$lm_manifest" --tokens "$out/tokens" \
        --codec "$out/codec_3_modules/codec" --output "$out/lm"
}
make_predicted() {
    recipe predict_corpus --manifest "$lm_manifest" --tokens "$out/tokens" --lm "$out/lm/lm" \
        --codec "$out/codec_3_modules/codec" --output "$out/predicted"
}
make_codec_4() { codec codec_4_tune --init "$out/codec_3_modules/codec" --predicted "$out/predicted" "${heard[@]}"; }
make_codec_5() { codec codec_5_cycle --init "$out/codec_4_tune/codec" "${heard[@]}"; }
make_detail() {
    recipe fit_detail --codec "$out/codec_5_cycle/codec" "${speech[@]}" --cache "$out/cache" --output "$out/detail" "${detail[@]}"
}
make_model() {
    recipe package_model --codec "$out/detail/codec" --lm "$out/lm/lm" --name "affecttts-$size" --output "$out/model" \
        --speaker-encoder "$out/speaker_encoder/speaker_encoder" \
        --phone-classifier "$out/phone_classifier/phone_classifier" --replay-manifest "$lm_manifest" --replay-tokens "$out/tokens"
}
make_speech() {
    "$python" -m affecttts synthesize --model "$out/model" --text "The whole chain runs." --emotion happy --voice heart \
        --seed 1 --output "$out/speech.wav" --force --json
}

heard=(--phone-classifier "$out/phone_classifier/phone_classifier")
if [[ $size = tiny ]]; then
    lm_manifest=$out/manifest.jsonl
    speech=(--manifest "$lm_manifest") timed=("${speech[@]}") classifier=(--steps 10 --dim 16) detail=(--codebooks 2 --bands 8)
    stage corpus 0 make_tiny_corpus
else
    lm_manifest=$out/corpus/emotive.jsonl
    timed=(--manifest "$lm_manifest" --manifest "$out/corpus/voices.jsonl")
    speech=("${timed[@]}" --manifest "$out/corpus/human/manifest.jsonl") classifier=(--steps 2200) detail=()
    stage corpus 2.5 make_corpus
    stage timelines 0.2 make_timelines
fi
stage codec_1 0.8 make_codec_1  # hours on two CPU cores, of the small size
stage codec_2 0.4 make_codec_2
stage phone_classifier 0.1 make_classifier
stage codec_3 0.6 make_codec_3
stage tokens 0.1 make_tokens
stage speaker_encoder 1.0 make_speaker_encoder
stage voices 0.1 make_voices
stage lm 1.5 make_lm
stage predicted 0.1 make_predicted
stage codec_4 0.6 make_codec_4
stage codec_5 0.2 make_codec_5
stage detail 0.4 make_detail
stage model 0 make_model
stage speech 0 make_speech

[[ $size = tiny ]] || echo "small.sh: about $hours hours on two CPU cores to go" >&2
for entry in "${plan[@]}"; do
    read -r name work <<<"$entry"
    echo "small.sh: $name" >&2
    "$work"
    touch "$out/done/$name"
done
