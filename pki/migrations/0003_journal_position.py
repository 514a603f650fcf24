from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("pki", "0002_lists"),
    ]

    operations = [
        migrations.AddField(
            model_name="certificate",
            name="invalidity",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.CreateModel(
            name="JournalPosition",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.BigIntegerField(default=0)),
                ("serial", models.CharField(blank=True, max_length=40)),
            ],
        ),
    ]
