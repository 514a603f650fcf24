"""Who is to be invited: each line judged, and all of them beside one another and beside who is here."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import names, people, roster_text
from accounts.models import Invitation, Role, User, role_words

MAX_PEOPLE = 200
MAX_EMAIL = 254  # RFC 5321 4.5.3.1.3, less the brackets
_TWO = gettext_lazy("If they are two people, give each a user name in a table: name,username")


def _roles() -> dict[str, str]:
    """What may stand in a list for each role: in English, and in the language of whoever reads it."""
    return {str(word).casefold(): role.value for role in Role for word in (role.value, role.label)}


@dataclass(frozen=True)
class Entry:
    """One person. What is faulty stands here as typed; `faults` are sentences for people."""

    line: int
    name: str
    username: str = ""
    email: str = ""
    device: str = ""
    roles: frozenset[str] = frozenset()
    faults: tuple[str, ...] = ()

    @property
    def role_words(self) -> str:
        return role_words(self.roles)


@dataclass(frozen=True)
class Known:
    """Somebody who is here already, or whose invitation is open: `what` begins the sentence that says so."""

    name: str
    username: str
    email: str
    what: str


def read(text: str, *, by: User, roles: frozenset[str]) -> tuple[list[Entry], list[str]]:
    """The people in `text`, and headings that mean nothing; `roles` for whoever has none of their own.

    `by` says which roles may be given. Raises ValidationError for what is wrong with all of it.
    """
    lines, unused = roster_text.lines(text)
    if not lines:
        raise ValidationError(_("Write at least one name, for example Anna Huber."))
    if len(lines) > MAX_PEOPLE:
        raise ValidationError(
            _("These are %(number)d people; at most %(limit)d are invited at once. Make two lists.")
            % {"number": len(lines), "limit": MAX_PEOPLE}
        )
    judged = [_entry(line, roles, people.grantable(by)) for line in lines]
    return _beside(judged, list(_known())), unused


def _entry(line: roster_text.Line, roles: frozenset[str], grantable: frozenset[str]) -> Entry:
    """One line, by itself."""
    faults = [line.fault] if line.fault else []
    cells = line.cells

    def judged(column: str, label: str, judge: Callable[[str], str]) -> str:
        typed = cells.get(column, "")
        if line.fault or (not typed and column != "name"):
            return names.printable(typed, 80)
        try:
            return judge(typed)
        except ValidationError as error:
            faults.append(f"{label}: {error.messages[0]}" if label else error.messages[0])
            return names.printable(typed, 80)

    given = _roles().keys() & _words(cells.get("roles", "")) if not line.fault else set()
    faults += _role_faults(cells.get("roles", ""), roles, grantable) if not line.fault else []
    return Entry(
        line.number,
        judged("name", "", names.plain_name),
        judged("username", _("User name"), names.username),
        judged("email", _("E-mail"), _email),
        judged("device", _("Device"), names.plain_name),
        frozenset(_roles()[word] for word in given) or roles,
        tuple(faults),
    )


def _words(text: str) -> set[str]:
    return {word.casefold() for word in re.split(r"[\s,;/|+]+", text) if word}


def _role_faults(text: str, roles: frozenset[str], grantable: frozenset[str]) -> list[str]:
    unknown = sorted(_words(text) - _roles().keys())
    if unknown:
        known = ", ".join(str(role.label) for role in Role)
        sentence = _("Roles: there is no “%(word)s”. There are: %(known)s.")
        return [sentence % {"word": names.printable(unknown[0]), "known": known}]
    wanted = {_roles()[word] for word in _words(text)} or roles
    if not wanted <= grantable:
        sentence = _("Roles: you may not make somebody %(roles)s. Ask an administrator.")
        return [sentence % {"roles": role_words(wanted - grantable)}]
    return []


def _email(typed: str) -> str:
    if len(typed) > MAX_EMAIL:
        raise ValidationError(
            _("This is too long; an address has at most %(limit)d characters.") % {"limit": MAX_EMAIL}
        )
    try:
        validate_email(typed)
    except ValidationError:
        raise ValidationError(
            _("This is no address. Write it like anna@example.org, or leave it out.")
        ) from None
    return typed


def _known() -> Iterator[Known]:
    for user in User.objects.only("username", "full_name", "email"):
        yield Known(
            user.full_name,
            user.username,
            user.email,
            _("%(person)s is here already.") % {"person": user.both_names},
        )
    waiting = Invitation.objects.filter(used_at=None, account=None, lapses_at__gt=timezone.now())
    for link in waiting.only("full_name", "username", "email"):
        what = _("%(person)s was invited already, and that link can still be used.") % {
            "person": link.full_name
        }
        yield Known(link.full_name, link.username, link.email, what)


def _beside(entries: list[Entry], known: list[Known]) -> list[Entry]:
    """The same, with faults for whoever is twice in the list, or here already."""
    by_name: dict[str, list[Known]] = {}
    by_username: dict[str, Known] = {}
    for one in known:
        _remember(one, by_name, by_username)
    found = []
    for entry in entries:
        faults = [] if entry.faults else _already(entry, by_name, by_username)
        found.append(replace(entry, faults=(*entry.faults, *faults)))
        what = _("Line %(line)s has the same name.") % {"line": entry.line}
        _remember(Known(entry.name, entry.username, entry.email, what), by_name, by_username)
    return found


def _remember(one: Known, by_name: dict[str, list[Known]], by_username: dict[str, Known]) -> None:
    by_name.setdefault(one.name.casefold(), []).append(one)
    if one.username:
        by_username.setdefault(one.username, one)


def _already(entry: Entry, by_name: dict[str, list[Known]], by_username: dict[str, Known]) -> list[str]:
    taken = by_username.get(entry.username)
    if taken:
        return [
            _("User name: %(name)s is taken. %(what)s Choose another, or leave it empty.")
            % {"name": entry.username, "what": taken.what}
        ]
    same = (one for one in by_name.get(entry.name.casefold(), []) if not _two_people(entry, one))
    sentence = _("%(what)s Leave this line out. %(way_out)s")
    return [sentence % {"what": one.what, "way_out": _TWO} for one in same][:1]


def _two_people(entry: Entry, other: Known) -> bool:
    """Whether two of the same name are told apart: by user names, which differ, or by other addresses."""
    mails = entry.email.casefold(), other.email.casefold()
    return bool(entry.username and other.username) or (all(mails) and mails[0] != mails[1])
