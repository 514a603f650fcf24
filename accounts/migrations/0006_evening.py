from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0005_languages'),
    ]

    operations = [
        migrations.AddField(
            model_name='household',
            name='evening',
            field=models.JSONField(default=dict),
        ),
    ]
