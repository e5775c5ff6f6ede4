"""Importers: from a corpus as its authors publish it to a manifest. Nothing here downloads
anything.
"""

from affecttts.data.corpora.importer import ImportResult, import_corpus
from affecttts.data.corpora.spec import Corpus, load_corpora

__all__ = ["Corpus", "ImportResult", "import_corpus", "load_corpora"]
