"""Changing what a project sells: Stripe first where it has to make something, then one batch in D1 with what is owed to Stripe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dream.clients.stripe.account import connected_account
from dream.db import audit_log, project_drafts, tiers
from dream.domain.keys import Mode
from dream.domain.project_definitions import digest
from dream.domain.tier_definitions import MAXIMUM_TIERS, TierDefinition, TierUpdates
from dream.domain.tiers import Tier
from dream.runtime import checkpoints
from dream.runtime.bindings import Bound, Row
from dream.runtime.context import Context
from dream.services.catalog import tier_cache
from dream.services.catalog.drafts import Draft, making, open_draft
from dream.services.platforms.connection import StripeNotConnected
from oauth_api.services.stripe_prices import StripePrice, create_price


@dataclass(frozen=True, slots=True)
class TierEditor:
    """Whoever changes the tiers of one project. `account` is the Stripe account connected in its mode."""

    context: Context
    platform_id: str
    publishable_key: str
    mode: Mode
    account: str | None
    actor: str

    async def update(self, tier: Tier, updates: TierUpdates) -> bool:
        """Set what the updates name; whether the tier was still there. A new price replaces the present one, whichever that is."""
        now, key = self.context.now(), self.publishable_key
        wanted = updates.applied_to(tier)
        draft, stripe = None, dict[str, str | None]()
        if wanted.price_cents != tier.price:
            if wanted.is_free:
                stripe = {"priceId": None}
            else:
                draft, price = await self._create_price("update-tier", wanted, tier)
                stripe = price.to_row()
        owed_before: list[Bound] = []
        owed_after: list[Bound] = []
        if self.account is not None and stripe:
            owed_before = tiers.enqueue_archiving_replaced(key, tier.name, stripe, self.mode, self.account, now)
        if self.account is not None and updates.show_at_stripe:
            owed_after.append(tiers.enqueue_describing_product(key, tier.name, self.mode, self.account, now))
        rows = await self._commit(
            owed_before,
            tiers.update(key, tier.name, {**updates.columns, **stripe}, now),
            "tier.updated",
            {"tier": tier.name, "changes": dict(updates.columns)},
            [*owed_after, *self._settled(draft)],
        )
        return bool(rows)

    async def add(self, tier: TierDefinition) -> bool:
        """Add the tier. Returns False when one of that name exists, or the project has the most tiers it may have."""
        draft, price = await self._create_price("add-tier", tier, None)
        row = {**tier.to_row(), **price.to_row()}
        rows = await self._commit(
            [],
            tiers.add(self.publishable_key, [row], self.context.now(), MAXIMUM_TIERS),
            "tier.added",
            {"tier": tier.name, "price": tier.price_cents},
            self._settled(draft),
        )
        return bool(rows)

    async def archive(self, tier: Tier, *, force: bool) -> bool:
        """Archive the tier. Returns False while the tier has subscribers (unless forced), and for the last tier of a saas project."""
        now = self.context.now()
        product_ids = [] if tier.product_id is None else [tier.product_id]
        price_ids = [] if tier.price_id is None else [tier.price_id]
        rows = await self._commit(
            [],
            tiers.archive(self.publishable_key, tier.name, now, force=force),
            "tier.archived",
            {"tier": tier.name, "force": force},
            self._unused(product_ids, price_ids),
        )
        return bool(rows)

    async def _create_price(self, work: str, wanted: TierDefinition, tier: Tier | None) -> tuple[Draft, StripePrice]:
        """The tier at Stripe, made once for the state that the change starts from."""
        if wanted.is_free:
            account, product_id = None, None
        elif self.account is None:
            raise StripeNotConnected(self.mode)
        else:
            account, product_id = self.account, None if tier is None else tier.product_id
        state = None if tier is None else [tier.price, tier.price_id, tier.product_id]
        draft = await open_draft(
            self.context,
            self.platform_id,
            digest(work, self.publishable_key, wanted.name, wanted.shown_at_stripe(), state, account),
            self.publishable_key,
            self.mode,
            work=work,
        )
        if account is None:
            return draft, StripePrice(None, None)
        stripe = connected_account(self.context, self.mode, account)
        async with making(self.context, draft, self.mode, account):
            price = await create_price(draft, stripe, self.publishable_key, wanted, product_id)
        await checkpoints.reached(f"{work}:made")
        return draft, price

    def _unused(self, product_ids: Sequence[str], price_ids: Sequence[str]) -> list[Bound]:
        if self.account is None:
            return []
        return tiers.enqueue_archiving_unused(
            self.publishable_key, self.mode, self.account, product_ids, price_ids, self.context.now()
        )

    def _settled(self, draft: Draft | None) -> list[Bound]:
        """The draft is done; what somebody else's change made useless is archived."""
        if draft is None:
            return []
        return [*self._unused(draft.ids("prod_"), draft.ids("price_")), project_drafts.drop(draft.draft_id)]

    async def _commit(
        self, before: Sequence[Bound], change: Bound, action: str, details: Mapping[str, Any], after: Sequence[Bound]
    ) -> list[Row]:
        """The rows that the change returned. Afterwards nobody here remembers the old tiers, and Stripe learns of it."""
        noted = audit_log.record_if_changed(
            self.platform_id, self.publishable_key, self.actor, action, details, self.context.now()
        )
        rows = await self.context.db.batch([*before, change, noted, *after])
        tier_cache.forget(self.publishable_key)
        await checkpoints.reached(f"{action}:stored")
        if before or after:
            self.context.deliver_soon()
        return rows[len(before)]
