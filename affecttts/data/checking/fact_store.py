"""Measurements that outlive the process: one SQLite file, keyed by what was measured."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from affecttts.errors import OutputError, RequestError


class FactStore:
    """Texts by integer key; what `put` wrote before a kill is there after it.

    Raises:
        OutputError: the file cannot be made.
        RequestError: it is no such file.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        try:
            self._connection = sqlite3.connect(self.path)
            self._connection.execute("PRAGMA cache_size = -65536")  # KiB
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS facts (key INTEGER PRIMARY KEY, value TEXT NOT NULL)"
            )
        except sqlite3.OperationalError as error:
            raise OutputError(
                f"{path}: cannot be written ({error}); name another place with --cache"
            ) from error
        except sqlite3.DatabaseError as error:
            raise RequestError(
                f"{path}: not a file of measurements ({error}); remove it or name "
                "another with --cache"
            ) from error

    def get(self, key: int) -> str | None:
        """The text of a key, None where there is none."""
        found = self._connection.execute("SELECT value FROM facts WHERE key = ?", (key,)).fetchone()
        return found and found[0]

    def put(self, items: list[tuple[int, str]]) -> None:
        """Add or replace all items or, where the process dies, none.

        Raises:
            OutputError: the disk is full, or another run holds the file.
        """
        try:
            with self._connection:
                self._connection.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", items)
        except sqlite3.OperationalError as error:
            raise OutputError(f"{self.path}: cannot be written ({error})") from error

    def __len__(self) -> int:
        return self._connection.execute("SELECT count(*) FROM facts").fetchone()[0]

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
