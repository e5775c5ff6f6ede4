#!/usr/bin/env bash
# The whole chain on a dozen clips with the tiny presets: manifest, codec (both stages, detail), tokens, LM, phone classifier, speech. CPU, minutes.
#   recipes/smoke.sh [OUTPUT_FOLDER]
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-$(mktemp -d)}
python=${PYTHON:-python}
configs=recipes/configs
"$python" recipes/make_manifest.py --rows tests/data/manifest.jsonl --output "$out/manifest.jsonl"
"$python" recipes/train_codec.py $configs/tiny/codec.yaml --manifest "$out/manifest.jsonl" --cache "$out/cache" --output "$out/codec"
"$python" recipes/train_codec.py $configs/tiny/codec_gan.yaml --manifest "$out/manifest.jsonl" --cache "$out/cache" \
    --init "$out/codec/codec" --output "$out/codec_gan"
"$python" recipes/encode_corpus.py --manifest "$out/manifest.jsonl" --codec "$out/codec_gan/codec" --output "$out/tokens" --shards 3
"$python" recipes/train_lm.py $configs/tiny/lm.yaml --manifest "$out/manifest.jsonl" --tokens "$out/tokens" \
    --codec "$out/codec_gan/codec" --output "$out/lm"
"$python" recipes/train_phone_classifier.py --manifest "$out/manifest.jsonl" --cache "$out/cache" --output "$out/phone_classifier" --steps 10 --dim 16
"$python" recipes/fit_detail.py --codec "$out/codec_gan/codec" --manifest "$out/manifest.jsonl" --cache "$out/cache" \
    --output "$out/detail" --codebooks 2 --bands 8
"$python" recipes/package_model.py --codec "$out/detail/codec" --lm "$out/lm/lm" --name smoke --output "$out/model" \
    --phone-classifier "$out/phone_classifier/phone_classifier" --replay-manifest "$out/manifest.jsonl" --replay-tokens "$out/tokens"
"$python" -m affecttts synthesize --model "$out/model" --text "The whole chain runs." --emotion happy --voice heart --seed 1 \
    --output "$out/speech.wav" --force --json
