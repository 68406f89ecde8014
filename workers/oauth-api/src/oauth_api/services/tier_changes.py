"""Changes the tiers of a project: creates what is needed at Stripe first, then stores the change and its effects in one batch."""

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
from dream.runtime.bindings import Bound
from dream.runtime.context import Context
from dream.services.catalog import tier_cache
from dream.services.catalog.drafts import Draft, creating, open_draft
from dream.services.platforms.connection import StripeNotConnected
from oauth_api.services.stripe_prices import StripePrice, create_price


@dataclass(frozen=True, slots=True)
class TierEditor:
    """Changes the tiers of one project.

    `account` is the Stripe account that is connected in its mode; `actor` is the developer's Clerk user id.
    """

    context: Context
    platform_id: str
    publishable_key: str
    mode: Mode
    account: str | None
    actor: str

    async def update(self, tier: Tier, updates: TierUpdates) -> bool:
        """Updates the columns that `updates` names. Returns False if the tier was archived meanwhile.

        A changed amount needs a new price at Stripe. It replaces the price that the tier has at the commit.
        """
        now, key = self.context.now(), self.publishable_key
        wanted = updates.applied_to(tier)
        draft, stripe = None, dict[str, str | None]()
        if wanted.price_cents != tier.price:
            if wanted.is_free:
                stripe = {"priceId": None}
            else:
                draft, price = await self._create_price("update-tier", wanted, tier)
                stripe = price.to_row()
        enqueue_before: list[Bound] = []
        enqueue_after: list[Bound] = []
        if self.account is not None and stripe:
            enqueue_before = tiers.enqueue_archiving_replaced(key, tier.name, stripe, self.mode, self.account, now)
        if self.account is not None and updates.show_at_stripe:
            enqueue_after.append(tiers.enqueue_describing_product(key, tier.name, self.mode, self.account, now))
        return await self._commit(
            enqueue_before,
            tiers.update(key, tier.name, {**updates.columns, **stripe}, now),
            "tier.updated",
            {"tier": tier.name, "changes": dict(updates.columns)},
            [*enqueue_after, *self._close(draft)],
        )

    async def add(self, tier: TierDefinition) -> bool:
        """Add the tier. Returns False when one of that name exists, or the project has the most tiers it may have."""
        draft, price = await self._create_price("add-tier", tier, None)
        row = {**tier.to_row(), **price.to_row()}
        return await self._commit(
            [],
            tiers.add(self.publishable_key, [row], self.context.now(), MAXIMUM_TIERS),
            "tier.added",
            {"tier": tier.name, "price": tier.price_cents},
            self._close(draft),
        )

    async def archive(self, tier: Tier, *, force: bool) -> bool:
        """Archive the tier. Returns False while the tier has subscribers (unless forced), and for the last tier of a saas project."""
        now = self.context.now()
        product_ids = [] if tier.product_id is None else [tier.product_id]
        price_ids = [] if tier.price_id is None else [tier.price_id]
        return await self._commit(
            [],
            tiers.archive(self.publishable_key, tier.name, now, force=force),
            "tier.archived",
            {"tier": tier.name, "force": force},
            self._unused(product_ids, price_ids),
        )

    async def _create_price(self, work: str, wanted: TierDefinition, tier: Tier | None) -> tuple[Draft, StripePrice]:
        """Creates the price of `wanted`. `tier` is the stored tier; an equal request that starts from it creates nothing twice."""
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
        async with creating(self.context, draft, self.mode, account):
            price = await create_price(draft, stripe, self.publishable_key, wanted, product_id)
        await checkpoints.reached(f"{work}:made")
        return draft, price

    def _unused(self, product_ids: Sequence[str], price_ids: Sequence[str]) -> list[Bound]:
        if self.account is None:
            return []
        return tiers.enqueue_archiving_unused(
            self.publishable_key, self.mode, self.account, product_ids, price_ids, self.context.now()
        )

    def _close(self, draft: Draft | None) -> list[Bound]:
        """Deletes the draft, and archives what it created if another request's change replaced it already."""
        if draft is None:
            return []
        return [*self._unused(draft.ids("prod_"), draft.ids("price_")), project_drafts.delete(draft.draft_id)]

    async def _commit(
        self, before: Sequence[Bound], change: Bound, action: str, details: Mapping[str, Any], after: Sequence[Bound]
    ) -> bool:
        """Commits the change with its audit entry. Returns whether it changed a row. Drops the tiers from this isolate's cache."""
        audit = audit_log.record_if_changed(
            self.platform_id, self.publishable_key, self.actor, action, details, self.context.now()
        )
        changed = await audit_log.commit_change(self.context.db, change, audit, before=before, after=after)
        tier_cache.forget(self.publishable_key)
        await checkpoints.reached(f"{action}:stored")
        if before or after:
            self.context.deliver_soon()
        return changed
