"""What travels between the fake workspace and the app: JSON objects, as Slack writes them."""

from typing import Any

Json = dict[str, Any]
