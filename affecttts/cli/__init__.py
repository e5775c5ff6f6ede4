"""One module per group of commands; each has `add_to(subparsers)`."""
