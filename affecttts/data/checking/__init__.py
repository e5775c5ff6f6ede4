"""`affecttts data check`: open every file, measure it, report."""
