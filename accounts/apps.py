from django.apps import AppConfig

from memorychat.lib.crypto import register_data_key_store


class AccountsConfig(AppConfig):
    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Rows can be imported only once the apps are loaded.
        from accounts import personal_data  # noqa: PLC0415
        from accounts.belongings import BELONGINGS  # noqa: PLC0415
        from accounts.data_keys import DataKeyRows  # noqa: PLC0415

        register_data_key_store(DataKeyRows())
        personal_data.register(BELONGINGS)
