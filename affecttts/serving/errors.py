"""Refusals, as OpenAI's clients expect them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from codec.errors import UserError


@dataclass(eq=False)
class ApiError(UserError):
    """An answer that is no speech.

    Attributes:
        status: of HTTP.
        message: what is wrong and what would cure it.
        param: the field that is wrong.
        code: for programs.
        retry_after: seconds after which it may go better.
    """

    status: int
    message: str
    param: str | None = None
    code: str | None = None
    retry_after: int | None = None

    def __str__(self) -> str:
        return self.message

    @property
    def kind(self) -> str:
        """OpenAI's type of the error."""
        if self.status >= 500:
            return "server_error"
        return "authentication_error" if self.status == 401 else "invalid_request_error"

    def to_dict(self) -> dict[str, Any]:
        """OpenAI's error object."""
        error = {"type": self.kind, "param": self.param, "code": self.code}
        return {"error": {"message": writable(self.message)} | error}

    @property
    def headers(self) -> dict[str, str]:
        """Headers of the answer."""
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        return headers | ({"WWW-Authenticate": "Bearer"} if self.status == 401 else {})


def writable(text: str) -> str:
    """A text without the lone surrogates that UTF-8 cannot hold."""
    return text.encode("utf-8", "backslashreplace").decode()


def failed() -> ApiError:
    """What is told of an error of ours; the log has the rest."""
    return ApiError(500, "the server failed on this request; its log says why", code="failed")
