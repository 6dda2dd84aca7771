"""A Hub on loopback that the real `huggingface_hub` and `datasets` talk to, and that fails when it is told to."""

from tests.hub.faults import Fault
from tests.hub.server import Hub
from tests.hub.store import Account

__all__ = ["Account", "Fault", "Hub"]
