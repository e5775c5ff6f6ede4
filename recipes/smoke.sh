#!/usr/bin/env bash
# The whole reference chain (small.sh) on a dozen clips with tiny networks, to speech. CPU, minutes.
#   recipes/smoke.sh [OUTPUT_FOLDER]
set -euo pipefail
SIZE=tiny exec "$(dirname "$0")/small.sh" "${1:-$(mktemp -d)}"
