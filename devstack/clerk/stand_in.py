"""Owns the running Clerk stand-in: creates its parts, and runs its background work. Every view gets it as its argument."""

from __future__ import annotations

import time

from devstack.clerk.config import Config, Instance
from devstack.clerk.jwt_templates import JwtTemplates
from devstack.clerk.keys import Keys
from devstack.clerk.passwords import Passwords
from devstack.clerk.sessions import Sessions
from devstack.clerk.sign_in_tokens import SignInTokens
from devstack.clerk.store import ClerkStore, Document
from devstack.clerk.tokens import Tokens
from devstack.clerk.users import Users
from devstack.clerk.webhooks import TIMEOUT_SECONDS, Webhooks
from devstack.kit.calls import Calls
from devstack.kit.clock import Clock, RealTime
from devstack.kit.faults import Faults
from devstack.kit.sender import HttpSender, Sender
from devstack.kit.store import IN_MEMORY


class StandIn:
    """Clerk, with the instances of one configuration."""

    def __init__(
        self,
        config: Config,
        *,
        database: str = IN_MEMORY,
        sender: Sender | None = None,
        real_time: RealTime = time.time,
    ) -> None:
        self.config = config
        self.store = ClerkStore(database)
        self.clock = Clock(self.store, real_time)
        self.faults = Faults()
        self.calls = Calls()
        self._sender = sender or HttpSender(TIMEOUT_SECONDS)
        self.webhooks = Webhooks(self.store, config, self.clock, self._sender)
        self.deliveries = self.webhooks.deliveries
        self.keys = Keys(self.store)
        self.passwords = Passwords(self.store)
        self.users = Users(self.store, self.clock, self.passwords, self.webhooks)
        self.sessions = Sessions(self.store, self.clock, self.users, self.webhooks)
        self.templates = JwtTemplates(self.store, self.clock)
        self.tokens = Tokens(self.clock, self.keys, self.users, self.sessions, self.templates)
        self.sign_in_tokens = SignInTokens(self.store, self.clock, self.keys, self.users)
        for instance in config.instances:
            self.keys.ensure(instance)
            for name, template in config.jwt_templates.items():
                self.templates.ensure(instance, name, template)

    def delete_user(self, instance: Instance, user_id: str) -> Document:
        """Ends the user's sessions, then deletes the user. Raises ClerkError 404."""
        self.users.get(instance, user_id)
        self.sessions.end_all_of(instance, user_id)
        return self.users.delete(instance, user_id)

    async def run(self) -> None:
        """Sends webhooks while a server runs the app. Runs until cancelled."""
        self.deliveries.wake()
        await self.deliveries.run()

    async def deliver_due(self) -> int:
        """For tests in process: sends the due webhooks and returns their number.

        A webhook that fails becomes due again after `SteppedTime.step`.
        """
        return await self.deliveries.deliver_due()

    async def aclose(self) -> None:
        self.store.close()
        if isinstance(self._sender, HttpSender):
            await self._sender.aclose()
