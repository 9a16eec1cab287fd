from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("memories", "0004_actions_adjusted_confirmed"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="memoryevent",
            index=models.Index(condition=models.Q(("undoes__isnull", False)), fields=["undoes"], name="event_undoes"),
        ),
    ]
