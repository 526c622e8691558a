"""What demandes hears: nothing yet; its worker relays what it tells."""

from chassis.topology import Subscription

SUBSCRIPTIONS: tuple[Subscription, ...] = ()


def build() -> type:
    """Make the nameko class of this service."""

    class DemandesEvents:
        """No handler yet."""

        name = "demandes"

    return DemandesEvents
