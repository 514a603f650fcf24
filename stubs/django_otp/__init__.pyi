from collections.abc import Iterator

from django.http import HttpRequest
from django_otp.models import Device

DEVICE_ID_SESSION_KEY: str

def login(request: HttpRequest, device: Device) -> None: ...
def devices_for_user(
    user: object, confirmed: bool | None = True, for_verify: bool = False
) -> Iterator[Device]: ...
def verify_token(user: object, device_id: str, token: str) -> Device | None: ...
