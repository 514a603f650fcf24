"""The practice door: so that the first evening needs no broker and no rule."""

from django.db import migrations


def make(apps, schema_editor):
    door = apps.get_model("door", "Door").objects.create(
        slug="practice", name="Practice door", practice=True, pin="none", colour="teal"
    )
    apps.get_model("door", "Rule").objects.create(door=door)


class Migration(migrations.Migration):
    dependencies = [("door", "0001_initial")]
    operations = [migrations.RunPython(make, migrations.RunPython.noop)]
