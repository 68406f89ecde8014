"""The stand-in's parts, put together once: configuration, store, and every noun."""

from __future__ import annotations

from dataclasses import dataclass

from devstack.clerk.clock import Clock
from devstack.clerk.config import Config, Instance
from devstack.clerk.faults import Faults
from devstack.clerk.jwt_templates import JwtTemplates
from devstack.clerk.keys import Keys
from devstack.clerk.passwords import Passwords
from devstack.clerk.sessions import Sessions
from devstack.clerk.sign_in_tokens import SignInTokens
from devstack.clerk.store import Document, Store
from devstack.clerk.tokens import Tokens
from devstack.clerk.users import Users
from devstack.clerk.webhooks import Webhooks


@dataclass(frozen=True)
class StandIn:
    """What every route works with."""

    config: Config
    store: Store
    clock: Clock
    keys: Keys
    passwords: Passwords
    users: Users
    sessions: Sessions
    templates: JwtTemplates
    tokens: Tokens
    sign_in_tokens: SignInTokens
    webhooks: Webhooks
    faults: Faults

    def delete_user(self, instance: Instance, user_id: str) -> Document:
        """End the user's sessions, then the user; raises ClerkError 404."""
        self.users.get(instance, user_id)
        self.sessions.end_all_of(instance, user_id)
        return self.users.delete(instance, user_id)


def build(config: Config, db_path: str) -> StandIn:
    """Open the store, make missing keys and configured templates."""
    store = Store(db_path)
    clock = Clock(store)
    keys = Keys(store)
    passwords = Passwords(store)
    endpoints = {instance.name: instance.webhook for instance in config.instances}
    webhooks = Webhooks(store, clock, endpoints, config.retry_seconds)
    users = Users(store, clock, passwords, webhooks)
    sessions = Sessions(store, clock, users, webhooks)
    templates = JwtTemplates(store, clock)
    for instance in config.instances:
        keys.ensure(instance)
        for name, template in config.jwt_templates.items():
            templates.ensure(instance, name, template)
    return StandIn(
        config=config,
        store=store,
        clock=clock,
        keys=keys,
        passwords=passwords,
        users=users,
        sessions=sessions,
        templates=templates,
        tokens=Tokens(clock, keys, users, sessions, templates),
        sign_in_tokens=SignInTokens(store, clock, keys, users),
        webhooks=webhooks,
        faults=Faults(),
    )
