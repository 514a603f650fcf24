"""What root may do beyond files: given up by processes that talk to strangers, should they run as root."""

import ctypes

VERSION_3 = 0x20080522  # _LINUX_CAPABILITY_VERSION_3: two words of 32 capabilities each
# capabilities(7). Files of another user of this machine are met when `make run` is started with sudo.
CHOWN, DAC_OVERRIDE, FOWNER, NET_BIND_SERVICE = 0, 1, 3, 10
KEPT = (CHOWN, DAC_OVERRIDE, FOWNER, NET_BIND_SERVICE)

_libc = ctypes.CDLL(None, use_errno=True)


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Word(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def drop() -> None:
    """Keep only KEPT, for good: no other processes' memory, raw devices, mounts. Raises OSError."""
    header, words = _Header(VERSION_3, 0), (_Word * 2)()
    if _libc.capget(ctypes.byref(header), words):
        raise OSError(ctypes.get_errno(), "capget")
    kept = sum(1 << capability for capability in KEPT)
    for word, mask in zip(words, (kept, 0), strict=True):
        word.effective &= mask
        word.permitted &= mask
        word.inheritable = 0
    if _libc.capset(ctypes.byref(header), words):
        raise OSError(ctypes.get_errno(), "capset")
