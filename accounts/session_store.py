"""Sessions in the database, each under a digest of its key: who reads the table, a copy or a dump of it has
nobody's session. The key itself is in the browser's cookie alone."""

import hashlib
from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.base_session import AbstractBaseSession
from django.utils import timezone

_ROOM = 40  # characters, which Django's column takes: 160 bits, and a key has no more than 166


def row_of(key: str) -> str:
    """Under what the session lies whose cookie says `key`: the beginning of its SHA-256, in hex."""
    return hashlib.sha256(key.encode()).hexdigest()[:_ROOM]


class SessionStore(db.SessionStore):
    """Django's, but for the names of the rows. Its coroutines are not ours: nothing here is asynchronous."""

    def exists(self, session_key: str) -> bool:
        return super().exists(row_of(session_key))

    def load(self) -> dict[str, Any]:
        rows = self.model.objects.filter(expire_date__gt=timezone.now())
        found = rows.filter(session_key=row_of(self.session_key or "")).first()
        if found is None:
            self._session_key = None  # a key that somebody else chose is never taken
            return {}
        return self.decode(found.session_data)

    def create_model_instance(self, data: dict[str, Any]) -> AbstractBaseSession:
        made = super().create_model_instance(data)
        made.session_key = row_of(made.session_key)
        return made

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key is not None:
            super().delete(row_of(key))
