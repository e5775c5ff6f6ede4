"""Between the stages: phone durations for a manifest with transcripts, by many processes.

    python recipes/corpora/align_corpus.py corpus/clean.jsonl --output corpus/aligned.jsonl
    # every process takes its share of the shards
    accelerate launch recipes/corpora/align_corpus.py corpus/clean.jsonl \\
        --output corpus/aligned.jsonl --aligner flat-start

The same as `affecttts data align`, for several machines with one file system. Run again, what is
there is recognised, and only the rest is aligned.
"""

from __future__ import annotations

import sys

import torch
from accelerate import PartialState

from affecttts.cli.data import align
from affecttts.cli.script import run_script, script_parser
from affecttts.data.alignment.report import render
from affecttts.data.alignment.shards import align_shards, merged


def main() -> int:
    parser = script_parser(__doc__)
    align.add_options(parser)
    arguments = parser.parse_args()
    state = PartialState()
    if state.is_main_process:
        align.check_options(arguments)
    plan, work = align.plan_of(arguments.manifest), align.working_folder(arguments)
    with state.main_process_first():  # the others find what the first one made
        folder = align.prepare(arguments, plan, quiet=not state.is_main_process)
    torch.set_num_threads(1)
    shards = range(plan.count)[state.process_index :: state.num_processes]
    for _ in align_shards(plan, shards, folder, work, workers=1):
        pass
    state.wait_for_everyone()
    if not state.is_main_process:
        return 0
    report = align.finish(arguments, merged(arguments.manifest, work, plan.count))
    print(render(report))
    return 3 if report["left_out"] else 0


if __name__ == "__main__":
    sys.exit(run_script(main))
