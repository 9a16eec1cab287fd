from django.apps import AppConfig

from memorychat.lib.crypto import register_data_key_store


class AccountsConfig(AppConfig):
    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts import personal_data  # noqa: PLC0415 - rows, once apps are loaded
        from accounts.belongings import BELONGINGS  # noqa: PLC0415 - rows, once apps are loaded
        from accounts.data_keys import DataKeyRows  # noqa: PLC0415 - rows, once apps are loaded

        register_data_key_store(DataKeyRows())
        personal_data.register(BELONGINGS)
