"""What `users.info` and `user_change` tell about a person."""

from dataclasses import dataclass

from adapters.slack.records import Origin, object_of, text_of
from agent.ids import new_user_id
from agent.records import JsonObject, User


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A person as Slack shows them. `email` is kept only of full members of the installing organisation.

    Anybody elsewhere could be given any address by their own admin.
    """

    name: str
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    timezone: str | None = None
    is_bot: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """What others call them; nothing for a bot."""
        whole = f"{self.first_name} {self.last_name}" if self.first_name and self.last_name else None
        return tuple(name for name in (self.name, self.first_name, whole) if name and not self.is_bot)

    def as_user(self) -> User:
        """What the gateway keeps. The id counts only for somebody who is not known yet."""
        return User(
            id=new_user_id(),
            email=self.email,
            first_name=self.first_name,
            last_name=self.last_name,
            timezone=self.timezone,
        )


def parse_profile(origin: Origin, user: JsonObject) -> Profile:
    """A `user` object."""
    profile = object_of(user, "profile")
    real = text_of(profile, "real_name") or text_of(user, "real_name")
    shown = text_of(profile, "display_name") or real or text_of(user, "name") or ""
    first, last = text_of(profile, "first_name"), text_of(profile, "last_name")
    if first is None and shown:
        first, _, rest = (real or shown).partition(" ")
        last = rest or None
    return Profile(
        name=shown,
        first_name=first,
        last_name=last,
        email=text_of(profile, "email") if is_full_member(origin, user) else None,
        timezone=text_of(user, "tz"),
        is_bot=user.get("is_bot") is True,
    )


def is_full_member(origin: Origin, user: JsonObject) -> bool:
    """Neither a guest, nor a bot, nor a stranger from a conversation shared with another organisation."""
    if any(
        user.get(flag) is True for flag in ("is_restricted", "is_ultra_restricted", "is_stranger", "is_bot", "deleted")
    ):
        return False
    enterprise = text_of(object_of(user, "enterprise_user"), "enterprise_id")
    return text_of(user, "team_id") in {origin.team, origin.installation} or (
        enterprise is not None and enterprise == origin.installation
    )
