"""The environment object, which clerk-js reads first: the instance's settings and the URLs of its pages."""

from __future__ import annotations

from typing import Any

from devstack.clerk.config import Instance

_OFF: dict[str, Any] = {
    "enabled": False,
    "required": False,
    "used_for_first_factor": False,
    "first_factors": [],
    "used_for_second_factor": False,
    "second_factors": [],
    "verifications": [],
    "verify_at_sign_up": False,
}


def environment(instance: Instance) -> dict[str, Any]:
    """The answer of GET and PATCH /v1/environment."""
    return {
        "object": "environment",
        "id": f"env_{instance.id}",
        "auth_config": {
            "object": "auth_config",
            "id": f"aconf_{instance.id}",
            "single_session_mode": True,
            "claimed_at": None,
            "reverification": True,
            "session_minter": False,
            "preferred_channels": None,
            "native_settings": None,
        },
        "display_config": _display_config(instance),
        "user_settings": _user_settings(),
        "organization_settings": {
            "enabled": False,
            "max_allowed_memberships": 5,
            "force_organization_selection": False,
            "actions": {"admin_delete": True},
            "domains": {"enabled": False, "enrollment_modes": [], "default_role": None},
            "slug": {"disabled": True},
        },
        "commerce_settings": {
            "billing": {
                "stripe_publishable_key": None,
                "organization": {"enabled": False, "has_paid_plans": False},
                "user": {"enabled": False, "has_paid_plans": False},
            }
        },
        "api_keys_settings": {"user_api_keys_enabled": False, "orgs_api_keys_enabled": False},
        "protect_config": {"object": "protect_config", "id": f"pconf_{instance.id}", "loaders": []},
        "maintenance_mode": False,
        "client_debug_mode": False,
        "partitioned_cookies": False,
    }


def _display_config(instance: Instance) -> dict[str, Any]:
    page = instance.hosted_url
    return {
        "object": "display_config",
        "id": f"dconf_{instance.id}",
        "instance_environment_type": instance.environment_type,
        "application_name": instance.application_name,
        "backend_host": instance.frontend_api,
        "home_url": page("user"),
        "sign_in_url": page("sign-in"),
        "sign_up_url": page("sign-up"),
        "user_profile_url": page("user"),
        "waitlist_url": page("waitlist"),
        "organization_profile_url": page("organization"),
        "create_organization_url": page("create-organization"),
        "after_sign_in_url": page("user"),
        "after_sign_up_url": page("user"),
        "after_sign_out_all_url": page("sign-in"),
        "after_sign_out_one_url": page("sign-in"),
        "after_sign_out_url": page("sign-in"),
        "after_switch_session_url": page("user"),
        "after_create_organization_url": page("user"),
        "after_leave_organization_url": page("user"),
        "after_join_waitlist_url": page("user"),
        "branded": False,
        "captcha_public_key": None,
        "captcha_widget_type": None,
        "captcha_public_key_invisible": None,
        "captcha_provider": "turnstile",
        "captcha_oauth_bypass": [],
        "captcha_heartbeat": False,
        "preferred_sign_in_strategy": "password",
        "logo_image_url": "",
        "favicon_image_url": "",
        "privacy_policy_url": "",
        "terms_url": "",
        "support_email": "",
        "show_devmode_warning": instance.is_development,
        "google_one_tap_client_id": None,
        "clerk_js_version": "6",
        "theme": {},
    }


def _user_settings() -> dict[str, Any]:
    email = _OFF | {
        "enabled": True,
        "required": True,
        "used_for_first_factor": True,
        "first_factors": ["email_code"],
        "verifications": ["email_code"],
        "verify_at_sign_up": True,
    }
    password = _OFF | {"enabled": True, "required": True}
    name = _OFF | {"enabled": True}
    off = ("phone_number", "username", "web3_wallet", "authenticator_app", "backup_code", "passkey", "ticket")
    return {
        "attributes": {
            "email_address": email,
            "password": password,
            "first_name": name,
            "last_name": name,
            **dict.fromkeys(off, _OFF),
        },
        "actions": {"delete_self": True, "create_organization": False},
        "sign_in": {"second_factor": {"required": False, "enabled": False}},
        "sign_up": {
            "allowlist_only": False,
            "captcha_enabled": False,
            "legal_consent_enabled": False,
            "mode": "public",
            "progressive": True,
            "mfa": {"required": False},
        },
        "password_settings": {
            "disable_hibp": False,
            "min_length": 8,
            "max_length": 72,
            "require_special_char": False,
            "require_numbers": False,
            "require_uppercase": False,
            "require_lowercase": False,
            "show_zxcvbn": False,
            "min_zxcvbn_strength": 0,
            "enforce_hibp_on_sign_in": False,
            "allowed_special_characters": "",
        },
        "passkey_settings": {"allow_autofill": False, "show_sign_in_button": False},
        "social": {},
        "enterprise_sso": {"enabled": False},
        "saml": {"enabled": False},
        "attack_protection": {"enumeration_protection": {"enabled": False}},
        "username_settings": {"min_length": 4, "max_length": 64},
    }
