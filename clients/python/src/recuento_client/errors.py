"""Errors that a registry answers with (RFC 9457)."""

from typing import Any, Self, TypedDict

import httpx2


class Fault(TypedDict):
    """One fault of a request: a JSON pointer to the term, a code and what to do."""

    pointer: str
    code: str
    detail: str


class RecuentoError(Exception):
    """An error response. Decide by `status` and `code`; print `title` and `detail`.

    `errors` names the terms that are wrong. `body` has everything else, such as `today` of a permalink that has ended.
    """

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        self.status = status
        self.body = body
        self.code: str = body.get("code", f"http_{status}")
        self.title: str = body.get("title", "")
        self.detail: str = body.get("detail", "")
        self.errors: list[Fault] = body.get("errors", [])
        faults = [f"{fault['pointer']}: {fault['detail']}" for fault in self.errors]
        super().__init__(" ".join([f"{status} {self.code}: {self.detail}", *faults]))

    @classmethod
    def from_response(cls, response: httpx2.Response) -> Self:
        """Return the error of a response. A proxy may answer with something else than JSON."""
        try:
            body = response.json()
        except ValueError:
            body = {}
        return cls(response.status_code, body if isinstance(body, dict) else {})
