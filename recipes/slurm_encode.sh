#!/usr/bin/env bash
# Encode a corpus as a SLURM array, one of 64 shards a task; then verify the set once all tasks are through:
#   jobs=$(sbatch --parsable --array=0-63 recipes/slurm_encode.sh corpus/manifest.jsonl runs/codec/codec runs/tokens 64)
#   sbatch --dependency=afterok:$jobs --wrap "python recipes/merge_tokens.py --manifest corpus/manifest.jsonl --tokens runs/tokens"
# Tasks that failed are submitted again, all of them or some (--array=7,12): shards that are there are recognised and skipped.
#SBATCH --job-name=encode
#SBATCH --cpus-per-task=2
#SBATCH --mem=8G
#SBATCH --time=02:00:00
#SBATCH --requeue
#SBATCH --output=encode-%A-%a.log
set -euo pipefail
manifest=$1 codec=$2 output=$3 shards=$4
export OMP_NUM_THREADS=${SLURM_CPUS_PER_TASK:-1}
python recipes/encode_corpus.py --manifest "$manifest" --codec "$codec" --output "$output" \
    --shard "$SLURM_ARRAY_TASK_ID/$shards"
