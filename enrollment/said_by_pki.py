"""Sentences of the authority about requests and names, word for word: pki knows no other language."""

from django.utils.translation import gettext_noop as _

# Why a file is no request that can be taken (pki/refusals.py, pki/objections.py, pki/keypolicy.py).
REQUESTS = (
    _("This RSA key has %(bits)s bits; accepted are 2048 to 4096."),
    _("This RSA key is known to be weak: %(why)s."),
    _("This Ed25519 key is known to be weak: signatures of it prove nothing."),
    _("The curve %(name)s is not accepted; accepted are %(accepted)s."),
    _("There is nothing in it."),
    _("Paste the request or choose its file; below it says how to make one."),
    _("This is larger than 64 KiB; a certification request is one or two."),
    _(
        "You have probably picked another file. Choose the file whose first line is -----BEGIN "
        "CERTIFICATE REQUEST-----; with openssl it is the one that `req -new` wrote."
    ),
    _("There is more than one PEM block in it, and it is not clear which one is meant."),
    _("Send a single block, from -----BEGIN CERTIFICATE REQUEST----- to its END line."),
    _("This is a certificate, not a certification request."),
    _(
        "Choose the file whose first line is -----BEGIN CERTIFICATE REQUEST-----; with openssl it is "
        "the one that `req -new` wrote."
    ),
    _(
        "This contains a private key. Never send one to anybody: whoever has it can pose as you. It was "
        "not stored."
    ),
    _("Treat this key as spoiled: make a new key and a new request, and send only the request."),
    _("This is a PKCS#12 file (.p12, .pfx); it may hold a private key: never send one. It was not stored."),
    _(
        "Send only the certification request. Choose the file whose first line is -----BEGIN "
        "CERTIFICATE REQUEST-----; with openssl it is the one that `req -new` wrote."
    ),
    _("This is only a public key. A request also has a signature, to prove that you hold the private key."),
    _("Make a request from your key: openssl req -new -key device.key -out device.csr"),
    _("This is an SSH key, not a certification request."),
    _("SSH keys stay where they are. Make a key and a request of their own with the commands shown below."),
    _("This is a PKCS#7 file (.p7b), not a certification request."),
    _("This is a certificate revocation list, not a certification request."),
    _("This PEM block is something else than a certification request."),
    _("The end of the request is missing."),
    _("Copy all of it, including the END line, or choose the file instead of pasting."),
    _("This looks like the inside of a request, without its first and last line."),
    _("Copy all of it, from -----BEGIN CERTIFICATE REQUEST----- to -----END CERTIFICATE REQUEST-----."),
    _("This is not a certification request."),
    _(
        "Choose the file whose first line is -----BEGIN CERTIFICATE REQUEST-----; with openssl it is "
        "the one that `req -new` wrote. Or make one with the commands shown below."
    ),
    _("The list of extensions in this request is malformed; one of them may be there twice."),
    _("Make a new request with the commands shown below and send that file."),
    _("The subject of this request is malformed and cannot be read."),
    _("This looks like a certification request, but it is damaged and cannot be read."),
    _(
        "Copy it again without changes, or choose the file instead of pasting. Otherwise: Make a new "
        "request with the commands shown below and send that file."
    ),
    _("The structures in this file are nested deeper than any certification request has them."),
    _(
        "The signature in this request does not match its key, so it does not prove that you hold the "
        "private key (RFC 2986). It was changed on its way, or made wrongly."
    ),
    _(
        "Copy it again without changes. If that does not help: Make a new request with the commands "
        "shown below and send that file."
    ),
    _("This request is signed with a digest that can be forged (SHA-1, MD5 or older)."),
    _("Make the request again with SHA-256: openssl req -new -sha256 -key device.key -out device.csr"),
    _("This request is signed in a way that is not accepted here."),
    _("RSA keys must have 2048 to 4096 bits."),
    _("Make a new key, for example P-256, with the commands shown below, and a request with it."),
    _("The public exponent of this RSA key is not 65537, the only one accepted here."),
    _("Keys of this kind are not accepted; P-256, P-384, P-521, Ed25519 and RSA of 2048 to 4096 bits are."),
    _("This key is known to be weak: its private key can be worked out from the public one."),
    _("Do not use this key anywhere. Update the program or device that made it, then make a new key."),
    _("This request asks to be a CA, which could make certificates of its own. No device gets that."),
    _("Make the request again without it; the commands shown below ask for nothing extra."),
    _("This request asks for an extension that is marked critical and unknown here: it may not be ignored."),
    _("This request asks for a Windows login name (UPN), which no certificate from here carries."),
    _("This request asks for the name of a website or address that is not this household's."),
    _(
        "Make the request again without it; the commands shown below ask for nothing extra. For a "
        "server of yours choose “Web server” and one of your own names."
    ),
    _("A name in the subject of this request is longer than 200 characters."),
    _(
        "A name in the subject of this request holds characters that cannot be seen, such as NUL, a new "
        "line or a change of writing direction."
    ),
    _("Make the request again with a subject of letters, digits and plain punctuation."),
)

# Why a name does not do (pki/names.py, pki/hostnames.py).
NAMES = (
    _("The name is too long."),
    _("The name of the household is too long."),
    _("The subject of this request is too long."),
    _("Use at most %(limit)s bytes: letters beyond a-z take two to four each."),
    _("A certificate for “%(kind)s” carries no host names."),
    _("Leave the host names empty."),
    _("A certificate for “%(kind)s” needs at least one host name."),
    _("The name must not contain / + # or $, which have a meaning in MQTT topics."),
    _("The name looks like a host name or an address, but is none of the host names."),
    _("The name latchkey-door is the door's own at the MQTT broker."),
    _("The name is empty or has no letter or digit."),
    _("The name of the household is empty or has no letter or digit."),
    _("The subject of this request is empty or has no letter or digit."),
    _("Write a name, such as “Anna's phone”."),
    _("The name contains an invisible character: %(code)s, %(what)s."),
    _("The name of the household contains an invisible character: %(code)s, %(what)s."),
    _("The subject of this request contains an invisible character: %(code)s, %(what)s."),
    _("The name has accents without a letter, or too many on one."),
    _("The name of the household has accents without a letter, or too many on one."),
    _("The subject of this request has accents without a letter, or too many on one."),
    _("Leave some of them out."),
    _("The name contains “%(char)s”, a styled form of “%(plain)s”."),
    _("The name of the household contains “%(char)s”, a styled form of “%(plain)s”."),
    _("The subject of this request contains “%(char)s”, a styled form of “%(plain)s”."),
    _("Write “%(plain)s” instead."),
    _("“%(text)s” mixes %(scripts)s letters that look alike."),
    _("Write the names and addresses under which people reach it, such as nas.home.arpa or 192.168.1.2."),
    _("Use another name, such as lamp-kitchen."),
    _("Use a label such as “NAS in the attic”, or add this name to the host names."),
    _("Type the name anew instead of pasting it, with letters, digits and plain punctuation."),
    _("Type this word anew in one alphabet."),
    _("This host name is too long."),
    _("A host name has at most 253 characters."),
    _("“%(text)s” is not what its beginning says."),
    _("Write a host name such as nas.home.arpa, or an address such as 192.168.1.2."),
    _("%(address)s is not the address of one machine."),
    _("“%(text)s” is more than a host name."),
    _(
        "Leave out https://, port and path. Write a host name such as nas.home.arpa, or an address such "
        "as 192.168.1.2."
    ),
    _("Names with * are not issued."),
    _("List the host names one by one."),
    _("“%(text)s” contains a blank."),
    _("Write one host name per line."),
    _("“%(text)s” is not a host name."),
    _("“%(text)s” is neither a host name nor a complete address."),
    _("“%(text)s” is not in its normal form."),
    _("Write it as %(text)s."),
    _("An address in a certificate carries no zone."),
    _("Leave out the % and what follows it."),
    _("“%(text)s” cannot be turned into a host name."),
    _(
        "Host names have letters, digits, hyphens and dots, 63 characters between two dots. Write a "
        "host name such as nas.home.arpa, or an address such as 192.168.1.2."
    ),
    _("Write it in its ASCII form, which begins with xn--."),
)
