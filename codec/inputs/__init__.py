"""Where files of strangers come in: opened, bounded and checked before anything else."""
