from typing import Any

from memorychat.lib import localpg
from memorychat.lib.postgres import base


class DatabaseWrapper(base.DatabaseWrapper):
    """The one of any PostgreSQL, except that whoever first wants a connection starts the server."""

    def get_connection_params(self) -> dict[str, Any]:
        server = localpg.ensure(self.settings_dict["DATA_DIR"])
        self.settings_dict["HOST"] = str(server.socket)
        return super().get_connection_params()
