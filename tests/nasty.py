"""Sixty strings that have broken something somewhere: pages, logs, CSV, mail, file names, terminals, MQTT."""

HIDDEN = (  # must never be part of a name
    "\0",
    "anna\0admin",
    "anna\nadmin",
    "anna\r\nBcc: everybody@example.com",
    "anna\ttab",
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "bell\x07",
    "back\x08\x08\x08space",
    "\x7f",
    "\x85next line",
    "\x9b31m",
    "line\u2028separator",
    "paragraph\u2029separator",
    "\u202eenohp s'annA",
    "anna\u202dadmin\u202c",
    "\u2066isolate\u2069",
    "\u200fright",
    "an\u200bna",
    "an\u200cna",
    "an\u200dna",
    "soft\u00adhyphen",
    "\ufeffanna",
    "an\u2060na",
    "tag\U000e0041\U000e007f",
    "heart\u2764\ufe0f",
    "variation\U000e0100",
    "private\ue000",
    "private\U0010fffd",
    "unassigned\u0378",
    "noncharacter\uffff",
    "half\ud800surrogate",
    "hangul\u3164filler",
    "braille\u2800blank",
    "grapheme\u034fjoiner",
)
DECEIVING = (  # look like something else
    "",
    "   ",
    "...",
    "p\u0430ypal",  # Cyrillic a
    "\u0410nna",  # Cyrillic A
    "\u039fscar",  # Greek O
    "\uff21\uff4e\uff4e\uff41",  # full width
    "\U0001d400nna",  # mathematical bold
    "\ufb01ne",  # ligature
    "Z" + "\u0351" * 40 + "algo",
    "\u0301leading accent",
    "a" * 10_000,
    "\u00fc" * 64,
    "\U0001f600" * 40,
)
AWKWARD = (  # allowed as names, so everything that shows or stores them must cope
    "<script>alert(1)</script>",
    "\"><img src=x onerror='alert(1)'>",
    "Robert'); DROP TABLE users;--",
    "=HYPERLINK(1)",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "../../etc/passwd",
    "{{ 7*7 }} {% debug %} ${jndi:x} %s %(x)s",
    "$(id) `id` -rf ~ | & ;",
    "lamp/+/#/$SYS",
    "CN=admin, O=Other+OU=x\\, y",
    "Ann\u0061\u0300 M\u00fcller, \u5f20\u4f1f \u0410\u043d\u043d\u0430 \u0623\u0646\u0627",
)

NASTY: tuple[str, ...] = (*HIDDEN, *DECEIVING, *AWKWARD)
