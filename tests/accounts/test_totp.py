"""The TOTP app: each code once, guesses slowed down, the secret encrypted; in parallel too."""

import base64
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import django_otp
import pytest
from django.db import connection
from django.utils import timezone

from accounts import clocks, guesses, recovery, timecodes, totp
from accounts.models import RecoveryDevice, TotpDevice, User, WrongCodes
from audit import trail

pytestmark = pytest.mark.django_db

RFC_6238 = b"12345678901234567890"


@pytest.mark.parametrize(("moment", "code"), [(59, "287082"), (1111111109, "081804"), (2000000000, "279037")])
def test_codes_are_those_of_rfc_6238(monkeypatch: pytest.MonkeyPatch, moment: int, code: str) -> None:
    monkeypatch.setattr(timecodes.time, "time", lambda: float(moment))
    assert timecodes.matching_step(RFC_6238, code) == moment // 30


@pytest.mark.parametrize("offset", [-2, -1, 0, 1, 2])
def test_a_clock_may_be_off_by_one_step(monkeypatch: pytest.MonkeyPatch, offset: int) -> None:
    monkeypatch.setattr(timecodes.time, "time", lambda: 59.0 + 3000)
    code = f"{django_otp.oath.hotp(RFC_6238, 101 + offset):06d}"
    assert (timecodes.matching_step(RFC_6238, code) is not None) == (abs(offset) <= 1)


@pytest.mark.parametrize("code", ["", "28708", "2870822", "28708x", "²87082", "٢٨٧٠٨٢", "-87082", " 287082"])
def test_what_is_not_six_digits_is_no_code(code: str) -> None:
    assert timecodes.matching_step(RFC_6238, code) is None


def test_the_app_gets_household_and_account_in_its_address(alice: User) -> None:
    device = totp.enrol(alice, RFC_6238)
    parts = urlsplit(totp.uri(device))
    values = parse_qs(parts.query)
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert unquote(parts.path) == "/Our household:alice"
    assert values == {"secret": [base64.b32encode(RFC_6238).decode()], "issuer": ["Our household"]}
    assert timecodes.typed_key(RFC_6238).split() == ["GEZD", "GNBV", "GY3T", "QOJQ"] * 2


def test_each_code_works_once(alice: User, code_for: Callable) -> None:
    code = code_for(alice)
    assert totp.verify(alice, code) is not None
    TotpDevice.objects.update(throttling_failure_count=0)
    assert totp.verify(alice, code) is None


def test_an_earlier_code_does_not_work_after_a_later_one(alice: User) -> None:
    device = totp.enrol(alice)
    now = int(timezone.now().timestamp()) // 30
    later, earlier = (f"{django_otp.oath.hotp(device.secret, step):06d}" for step in (now + 1, now))
    assert totp.verify(alice, later) is not None
    TotpDevice.objects.update(throttling_failure_count=0)
    assert totp.verify(alice, earlier) is None


def test_a_wrong_code_makes_one_wait_and_the_right_one_is_not_even_looked_at(
    alice: User, code_for: Callable
) -> None:
    code = code_for(alice)
    assert totp.verify(alice, "000000") is None
    assert totp.verify(alice, code) is None
    device = TotpDevice.objects.get()
    assert device.throttling_failure_count == 1
    assert device.seconds_to_wait() == 1
    TotpDevice.objects.update(throttling_failure_timestamp=timezone.now() - timedelta(seconds=2))
    assert totp.verify(alice, code) is not None
    assert TotpDevice.objects.get().throttling_failure_count == 0


def test_the_wait_doubles_and_stays_short_so_that_nobody_is_kept_out(alice: User) -> None:
    device = totp.enrol(alice)
    waits = []
    for _ in range(20):
        device.throttle_increment()
        waits.append(device.seconds_to_wait())
    assert waits[:6] == [1, 2, 4, 8, 16, 16]
    assert max(waits) == waits[-1] == guesses.LONGEST_WAIT


def test_nobodys_code_works_for_somebody_else(alice: User, charlie: User, code_for: Callable) -> None:
    assert totp.verify(charlie, code_for(alice)) is None
    totp.enrol(charlie)
    assert totp.verify(charlie, code_for(alice)) is None


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> float:
    """Codes stay what they are, however slow the machine is; the moment."""
    now = time.time()
    monkeypatch.setattr(timecodes.time, "time", lambda: now)
    return now


def code_at(device: TotpDevice, steps: int) -> str:
    """What the app shows so many steps from now."""
    return f"{django_otp.oath.hotp(device.secret, timecodes.step_now() + steps):06d}"


def test_each_of_several_apps_counts_and_only_with_its_own_codes(alice: User, still: float) -> None:
    first, second = totp.enrol(alice), totp.enrol(alice, name="Tablet")
    for device in (second, first):
        code = code_at(device, 0)
        assert totp.verify(alice, code) == device
        assert totp.verify(alice, code) is None
        TotpDevice.objects.update(throttling_failure_timestamp=None, throttling_failure_count=0)


def test_a_wrong_code_makes_all_apps_wait_and_counts_once_for_each(alice: User, still: float) -> None:
    _, second = totp.enrol(alice), totp.enrol(alice)
    assert totp.verify(alice, "000000") is None
    assert WrongCodes.objects.get().count == 2
    TotpDevice.objects.exclude(pk=second.pk).update(
        throttling_failure_timestamp=timezone.now() + timedelta(hours=1)
    )
    assert totp.seconds_to_wait(alice, "123456") > 1000
    assert totp.verify(alice, code_at(second, 0)) is None


@pytest.mark.parametrize(("steps", "word"), [(-20, "slow"), (-4, "slow"), (2, "fast"), (20, "fast")])
def test_a_clock_that_is_off_is_explained_and_its_code_not_taken(
    alice: User, still: float, steps: int, word: str
) -> None:
    verdict = totp.judge(alice, code_at(totp.enrol(alice), steps))
    assert (verdict.device, verdict.off) == (None, steps)
    assert f" {word}; it is " in clocks.explained(steps)


@pytest.mark.parametrize("steps", [-21, 21, 2000])
def test_a_clock_that_is_off_by_more_is_a_wrong_code(alice: User, still: float, steps: int) -> None:
    assert totp.judge(alice, code_at(totp.enrol(alice), steps)) == totp.Verdict(None)


def test_a_code_that_was_called_early_is_not_taken_later(
    alice: User, still: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else whoever guesses, and is told that a phone would be fast, had only to wait."""
    device = totp.enrol(alice)
    code, later = code_at(device, 5), code_at(device, 6)
    assert totp.judge(alice, code).off == 5
    monkeypatch.setattr(timecodes.time, "time", lambda: still + 150)
    TotpDevice.objects.update(throttling_failure_timestamp=None, throttling_failure_count=0)
    assert totp.verify(alice, code) is None
    TotpDevice.objects.update(throttling_failure_timestamp=None, throttling_failure_count=0)
    assert totp.verify(alice, later) is not None


def test_nothing_is_told_while_one_has_to_wait_or_of_two_codes(alice: User, still: float) -> None:
    device = totp.enrol(alice)
    assert totp.judge(alice, "111111" + code_at(device, 5)) == totp.Verdict(None)
    TotpDevice.objects.update(throttling_failure_timestamp=timezone.now() + timedelta(hours=1))
    assert totp.judge(alice, code_at(device, 5)) == totp.Verdict(None)


def test_this_machines_clock_is_doubted_when_several_people_are_off_alike(db: None) -> None:
    trail.record("login.failed", target="alice", detail={"off": 10})
    assert clocks.doubted() == ""
    trail.record("code.refused", actor="bob", detail={"off": 11})
    assert "may be about 6 minutes slow" in clocks.doubted()
    trail.record("login.failed", target="bob", detail={"off": -9})
    assert clocks.doubted() == ""


def raw_database() -> bytes:
    """All text and bytes of the tables that hold something of a second factor."""
    found = b""
    with connection.cursor() as cursor:
        for table in ("accounts_totpdevice", "accounts_recoverycode", "accounts_recoverydevice"):
            cursor.execute(f"SELECT * FROM {table}")
            for row in cursor.fetchall():
                found += b"\n".join(
                    bytes(v) if isinstance(v, bytes | memoryview) else str(v).encode() for v in row
                )
    return found


def test_secrets_are_encrypted_at_rest(alice: User) -> None:
    secret = totp.enrol(alice).secret
    codes = recovery.renew(alice)
    raw = raw_database()
    forms = [secret, secret.hex().encode(), base64.b32encode(secret), base64.b64encode(secret)]
    forms += [base64.urlsafe_b64encode(secret), secret.hex().upper().encode()]
    forms += [code.encode() for code in codes] + [code.replace("-", "").encode() for code in codes]
    assert not [form for form in forms if form in raw]
    assert TotpDevice.objects.get().secret == secret


def test_a_sealed_secret_opens_for_its_owner_only(alice: User, charlie: User) -> None:
    sealed = totp.enrol(alice).sealed_secret
    totp.enrol(charlie)
    TotpDevice.objects.filter(user=charlie).update(sealed_secret=sealed)
    with pytest.raises(ValueError, match="not something sealed"):
        _ = TotpDevice.objects.get(user=charlie).secret


def test_ten_recovery_codes_each_work_once(alice: User) -> None:
    codes = recovery.renew(alice)
    assert len(set(codes)) == 10
    for code in codes:
        assert totp.verify(alice, code) is not None
    assert recovery.left(alice) == 0
    for code in codes[:2]:
        RecoveryDevice.objects.update(throttling_failure_count=0)
        assert totp.verify(alice, code) is None


def test_new_recovery_codes_replace_the_old_ones(alice: User) -> None:
    old = recovery.renew(alice)
    new = recovery.renew(alice)
    assert totp.verify(alice, old[0]) is None
    RecoveryDevice.objects.update(throttling_failure_count=0)
    assert totp.verify(alice, new[0]) is not None


def test_who_types_wrong_recovery_codes_holds_up_no_right_one(alice: User) -> None:
    code = recovery.renew(alice)[0]
    for _ in range(3):
        assert totp.verify(alice, "abcd-efgh-jkmn") is None
    assert totp.seconds_to_wait(alice, "abcd-efgh-jkmn") > 0
    assert totp.seconds_to_wait(alice, code) == 0
    assert totp.verify(alice, code) is not None
    assert totp.verify(alice, code) is None


def test_a_recovery_code_never_looks_like_a_code_of_the_app() -> None:
    assert recovery.looks_like_code("ABCD efgh–jkmn")
    assert not any(map(recovery.looks_like_code, ["123456", "123 456", "", "abcd-efgh", "abcd-efgh-jkmo"]))


def in_parallel(count: int, work: Callable[[], object]) -> list[object]:
    """What `count` threads got, all let go at the same moment, each with its own connection."""
    results: list[object] = []
    start = threading.Barrier(count)

    def run() -> None:
        try:
            start.wait()
            results.append(work())
        except Exception as error:
            results.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.django_db(transaction=True)
def test_the_tests_run_where_locking_is_real(alice: User) -> None:
    settings = connection.settings_dict
    if connection.vendor == "sqlite":
        assert settings["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
        assert "memory" not in str(settings["NAME"])


@pytest.mark.django_db(transaction=True)
def test_of_sixteen_at_once_with_one_code_exactly_one_is_accepted(alice: User, code_for: Callable) -> None:
    code = code_for(alice)
    results = in_parallel(16, lambda: totp.verify(alice, code) is not None)
    assert sorted(results) == [False] * 15 + [True]


@pytest.mark.django_db(transaction=True)
def test_of_sixteen_at_once_with_one_recovery_code_exactly_one_is_accepted(alice: User) -> None:
    code = recovery.renew(alice)[0]
    results = in_parallel(16, lambda: totp.verify(alice, code) is not None)
    assert sorted(results) == [False] * 15 + [True]


@pytest.mark.django_db(transaction=True)
def test_of_sixteen_wrong_ones_at_once_one_is_evaluated(
    alice: User, totp_device: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    totp_device(alice)
    looked_at: list[str] = []
    accepts = TotpDevice.accepts
    monkeypatch.setattr(TotpDevice, "accepts", lambda self, t: looked_at.append(t) or accepts(self, t))
    results = in_parallel(16, lambda: totp.verify(alice, "000000"))
    assert results == [None] * 16
    assert len(looked_at) == 1
    assert TotpDevice.objects.get().throttling_failure_count == 1
