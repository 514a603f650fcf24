"""Which lines there are, how much is the whole of each, and what is counted."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    name: str  # of the module, and after ONLY=
    full: int
    title: str
    unit: str  # of what is tried


LINES = {
    line.name: line
    for line in (
        Line("mixed", 50_000, "Mixed requests to every face", "requests"),
        Line("csrs", 500_000, "Damaged certification requests through HTTP", "requests"),
        Line("messages", 100_000, "Damaged SCEP messages through HTTP", "messages"),
        Line("signer", 1_000, "Kills of the signer while it signs", "kills"),
        Line("processes", 1_400, "Kills of every other process under load", "kills"),
        Line(
            "officers", 1_000, "16 officers approve the same 500 requests, SQLite and PostgreSQL", "requests"
        ),
        Line("disk", 10, "The disk is full, then free again", "times"),
        Line("readonly", 10, "The data folder becomes read-only, then writable again", "times"),
        Line("clock", 10, "The clock jumps an hour ahead and an hour back", "jumps"),
        Line("locked", 10, "Somebody else locks the database", "times"),
        Line("away", 20, "Broker and mail server go and come back", "times"),
        Line("trail", 10_000, "Edits and truncations of the audit trail", "changes"),
    )
}
