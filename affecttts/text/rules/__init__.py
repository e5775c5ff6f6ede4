"""The rules that write text out, one family a module, in the order of `FAMILIES`."""
