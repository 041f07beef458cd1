"""Words in which no fact about their author can be, so that no model need be asked. Pure.

What is missed here is lost for good, and what is let through costs a share of a call: in doubt it is no small talk.
"""

import re
import unicodedata

from agent.own_words import own_words

ASKING_WORDS = 10
"""A longer question may tell something in passing."""
_SHORT_RUN = 2
"""So many characters that stand alone tell nothing, in a script without spaces neither."""

_COURTESY = frozenset(
    """
    hi hello hey good morning afternoon evening night day thank thanks thx you very much so many a lot ok okay k yes
    yeah no nope sure great perfect nice cool fine awesome please sorry welcome bye goodbye see later got it sounds lol
    haha hallo guten tag morgen abend danke dank vielen schön sehr bitte ja nein gut alles klar tschüss moin
    bonjour bonsoir salut merci beaucoup oui non d accord parfait au revoir ça va bien s il vous te plaît
    hola buenos buenas días tardes noches gracias muchas sí vale adiós por favor ciao buongiorno buonasera grazie mille
    prego olá oi bom boa dia tarde noite obrigado obrigada muito hoi goedemorgen bedankt u je wel alsjeblieft nee
    مرحبا شكرا السلام عليكم نعم لا שלום תודה רבה כן לא こんにちは こんばんは おはよう おはようございます
    ありがとう ありがとうございます はい いいえ
    안녕하세요 감사합니다 привет спасибо
    """.split()  # noqa: SIM905  read as text
)
_COMMANDS = frozenset(
    "again back cancel continue go help menu more next refresh repeat reset retry start stop test wait".split()  # noqa: SIM905  read as text
)
_ASKS = frozenset(
    """
    what how when where who why which whose is are was were can could do does did will would should has have
    wie wann wo wer warum welche welcher welches ist sind kann können gibt hat habt
    quel quelle quels quelles comment où quand pourquoi combien est
    """.split()  # noqa: SIM905  read as text
)
"""What a question begins with in the languages whose first persons are below; others may hide theirs in the verb."""
_FIRST_PERSON = frozenset(
    """
    i im ive id my me mine myself we our us forget remember ich mein meine meinen meinem meiner mir mich wir uns unser
    unsere je j mon ma mes moi me m nous notre nos
    """.split()  # noqa: SIM905  read as text
)
_WORD = re.compile(r"[^\W_]+")
_CLAUSE = re.compile(r"[^.,;:!?…\n]+[.,;:!?…\n]*")


def is_small_talk(message: str) -> bool:
    """Whether somebody's own words are no words, courtesies, a lone command, or a short question about others.

    Questions are told in English, German and French.
    """
    text = unicodedata.normalize("NFC", own_words(message)).lower()
    words = _WORD.findall(text)
    is_lone = len(words) == 1 and (len(words[0]) <= _SHORT_RUN or words[0] in _COMMANDS)
    if is_lone or not any(c.isalpha() for c in text):
        return True
    return all(_is_courtesy(clause) or _is_question(clause) for clause in _CLAUSE.findall(text))


def _is_courtesy(clause: str) -> bool:
    return _COURTESY.issuperset(_WORD.findall(clause))


def _is_question(clause: str) -> bool:
    words = _WORD.findall(clause)
    is_asked = "?" in clause and words[0] in _ASKS if words else False
    return is_asked and len(words) <= ASKING_WORDS and not _FIRST_PERSON.intersection(words)
