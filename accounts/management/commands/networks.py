"""`manage.py networks`: from where the portal can be reached, and the way back for who is locked out."""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand
from django.db import transaction

from accounts import household
from accounts.models import Household
from audit import trail

FIELDS = {"portal_networks": "The portal", "officer_networks": "Officers, auditors and administrators"}


class Command(BaseCommand):
    help = "Say from which networks the portal can be reached; with --clear it can be from everywhere again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--clear", action="store_true", help="name no networks any more")

    def handle(self, *args: object, clear: bool, **options: object) -> None:
        if clear:
            _clear()
        house = household.current()
        for name, words in FIELDS.items():
            self.stdout.write(f"{words}: {', '.join(getattr(house, name)) or 'from everywhere'}")


def _clear() -> None:
    with transaction.atomic():
        house = Household.objects.select_for_update().get(pk=household.current().pk)
        before = {name: {"before": found, "after": []} for name in FIELDS if (found := getattr(house, name))}
        Household.objects.filter(pk=house.pk).update(**{name: [] for name in FIELDS})
        if before:
            trail.record("household.changed", target=house.name, detail=before)
