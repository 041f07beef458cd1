"""Whether a sentence reads like a fact about a person, and not like an order or a claim. Pure.

A word alone says little: "never eats pork", "is a crane operator", "lives in Price". So each pattern has the words
that make an order or a claim of it. This guard stands behind others: a memory gives nobody a right in the first place.
"""

import re
import unicodedata

_MARKUP = re.compile(r"[<>{}`⟦⟧\x00-\x1f\x7f\ud800-\udfff]|https?://")
_UNSEEN = frozenset("\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and signs that look like nothing."""

_RULES = (
    r"(?:instru|istruz|anweisung|rule|regel|règle|regla|regola|regra|polic|guideline|restriction|safety|prompt|check"
    r"|verif|approv|limits?\b|previous|earlier|other (?:customer|user|people))"
)
_ORDERS = (
    r"^(?:always|never) (?!\w+(?:s|ed|en)\b)",
    r"^(?:please|you|ignore|disregard|override|reveal|bypass|grant|approve|pretend|act as|treat|do not|don['’]t)\b",
    r"\byou (?:are|must|should|shall|may|can|have to|need to)\b",
    r"\b\w+s (?:you|the (?:assistant|agent|bot|chatbot|ai)) to\b",
    r"\b(?:the|this|your) (?:assistant|agent|bot|chatbot|ai) (?:must|should|shall|may|can|has to|is to|always|never)\b",
    r"\bfrom now on\b|\bab (?:sofort|jetzt)\b|\bà partir de maintenant\b|\ba partir de (?:ahora|agora)\b"
    r"|\bd['’]ora in poi\b|\bvanaf nu\b",
    r"\b(?:ignor|disregard|overrid|bypass|circumvent|skip|disabl(?:es?|ing)\b|reveal|leak|waiv|missacht|negeer|negeren)\w*\b"
    rf".{{0,60}}\b{_RULES}",
    r"\b(?:must|should|shall|has to) (?:\w+ )?be (?:given|granted|allowed|obeyed|trusted|believed|approved|refunded"
    r"|paid|charged|asked|refused|denied|checked|verified|done|treated (?:as|like))\b",
    r"\b(?:system|operator|admin|root) (?:prompt|message|note|override|mode|sa(?:ys|id)|allow|want)|\boverride code",
    r"\b(?:new|hidden|secret|special) instructions?\b",
)
_RIGHTS = (
    r"(?<!not )\b(?:allowed|authori[sz]ed|permitted|entitled) to\b|\b(?:has|have|given|got|with) (?:\w+ )?permission\b",
    r"\b(?:full|unlimited|unrestricted|all|root|admin\w*|system|operator|special|elevated) "
    r"(?:access|rights?|permissions?|privileges?)\b",
    r"\baccess to (?:all|every|any|other)\b|^roles?:",
    r"\b(?:other|all|every|any)\w*(?: (?:customer|user|people)s?)?['’]s? (?:data|messages|orders|accounts|memories)\b",
    r"\boperator of th\w+ (?:system|site|gateway|chat|bot|agent)\b",
    r"^(?:is|ist|est|es|è|é) (?:(?:an?|the|der|die|el|la|o|une?|una) )?(?:admin|ammin)\w*\W*$",
    r"\b(?:no|without|any|skip\w*|exempt from) (?:\w+ )?(?:approvals?|verification|authori[sz]ation|checks)\b",
    r"\bis (?:(?:an?|the|the (?:system|site|gateway|account)|your) )?(?:admin|administrator|operator|root|superuser)"
    r"(?: user)?(?:\W*$| (?:here|of th\w+ (?:system|site|gateway|chat|bot|agent)))",
    r"\b(?:ist (?:der|die)|es (?:el|la)|est l|è l|é o|é a|is de)[ '’](?:system|sistema )?(?:admin|ammin)",
    r"管理者|مسؤول النظام|מנהל המערכת",
)
_PRICES = (
    r"\bdiscount|\brefund|\breimburs|\bvouchers?\b|\bhalf price\b|(?:%|\bper ?cent) (?:off|less|cheaper)\b",
    r"\brabatt|\berstattung|\bkorting|\bterugbetaling|\bdescuento|\bdesconto|\bsconto|\bremise\b|\bréduction"
    r"|割引|خصم|הנחה",
    r"\bree?mbols|\brimbors|\brembours|返金|استرداد|החזר כספי",
    r"\bpays? only .{0,9}\d|\b(?:everything|anything|all orders) .{0,9}\bfree\b",
    r"\bfree (?:of charge|shipping|delivery|upgrade|order|service)",
    r"\bkostenlos|\bkostenfrei|\bgratis\b|\bgratuit|無料|مجان|חינם",
    r"\bpays? .{0,20}\d.{0,30}\b(?:plan|subscription|tier|order|upgrade|licen[cs]e|product)",
    r"\b(?:special|fixed|lower|reduced|agreed|guaranteed|vip) prices?\b|\bprices? (?:is|are|for|of)\b",
)
_NO_FACT = re.compile("|".join((*_ORDERS, *_RIGHTS, *_PRICES)))


def is_plain_fact(text: str) -> bool:
    """Whether a sentence reads like a fact: no markup, no address, no order and no claim to rights or prices."""
    return is_plain(text) and not _NO_FACT.search(_fold(text))


def is_plain(text: str) -> bool:
    """Whether a text has no markup, no address, and no character that does something unseen."""
    return not _MARKUP.search(text) and not has_controls(text)


def has_controls(text: str) -> bool:
    """Whether there are control characters, halves of characters, or marks that turn the direction of the text."""
    return any(unicodedata.category(c) in ("Cc", "Cs") or c in _UNSEEN for c in text)


def is_visible(text: str) -> bool:
    """Whether there is anything to see."""
    return any(unicodedata.category(c)[0] in "LNPS" and c not in _BLANK for c in text)


def _fold(text: str) -> str:
    """In small letters, full-width ones narrow, without what is not seen."""
    plain = "".join(c for c in text if unicodedata.category(c) != "Cf")
    return " ".join(unicodedata.normalize("NFKC", plain).lower().split())
