import uuid

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


def keep_for_ever(apps, schema_editor):
    """A household that is older than this setting kept everything; nothing fades before somebody says so."""
    apps.get_model("accounts", "Household").objects.update(fade_days=0)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0007_ways_back")]

    operations = [
        migrations.AddField("household", "portal_networks", models.JSONField(default=list)),
        migrations.AddField("household", "officer_networks", models.JSONField(default=list)),
        migrations.AddField("household", "idle_minutes", models.PositiveSmallIntegerField(default=15)),
        migrations.AddField("household", "session_hours", models.PositiveSmallIntegerField(default=12)),
        migrations.AddField("household", "fade_days", models.PositiveIntegerField(default=90)),
        migrations.RunPython(keep_for_ever, migrations.RunPython.noop),
        migrations.CreateModel(
            name="SignIn",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("began_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("seen_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("address", models.CharField(blank=True, max_length=45)),
                ("factor", models.CharField(max_length=16)),
                ("browser", models.CharField(blank=True, max_length=16)),
                ("system", models.CharField(blank=True, max_length=16)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sign_ins",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={"indexes": [models.Index(fields=["user", "-began_at"], name="sign_ins_newest")]},
        ),
        migrations.CreateModel(
            name="Familiar",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("digest", models.CharField(max_length=64)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="familiar",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=["user", "digest"], name="familiar_once_per_person")
                ]
            },
        ),
    ]
