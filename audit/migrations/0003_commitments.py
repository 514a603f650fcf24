from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_target")]

    operations = [
        migrations.AddField("auditevent", "commitment", models.CharField(blank=True, default="", max_length=64), preserve_default=False),
        migrations.AddField("auditevent", "salt", models.CharField(blank=True, default="", max_length=32), preserve_default=False),
    ]
