"""Which words behind "password is" are talk about it, and which values only stand for one. All of it folded."""

import re

_FUNCTION_WORDS = """
a an the this that these those it its i me my mine we our us you your he his him she her they their them who what
which where when why how and or but so because since if then than as at by for from in into of off on onto out over to
under until up with without about after before is are was were be been being am do does did done has have had can
could will would shall should may might must not no never nothing none neither nor every each any some all both only
just also even still yet now here there again too very please thanks thank everywhere anyway btw lol ok okay somewhere
nowhere anywhere elsewhere while during yours hers ours theirs whatever der die das den dem des ein eine einen einem
einer mein meine dein unser und oder aber weil auf aus bei mit nach von vor zu zum zur im ist war sind wird wurde
nicht kein keine immer noch schon nur auch sehr wie als bitte danke wo wer wenn dass es er sie wir ihr man fur
dasselbe derselbe dort hier mir dir ihm ihnen mich dich sich leider eigentlich uberall etwas nichts irgendwo irgendwie
irgendwas le la les un une du de d l et ou mais car que qui quoi est etait sont au aux en dans sur sous pour par avec
sans ne pas plus tres trop mon ma mes ton votre notre ce cette il elle merci si encore toujours deja el los las una
unos y o pero porque con sin por para era son mi tu su muy mas ya todo cada siempre gracias del al lo se como e os um
uma nao muito com em het een van niet te ikke og jest nie between among within behind above below inside outside per
via whether either though although once through against across despite like near unless
"""
_TALK_WORDS = """
required optional wrong incorrect right correct invalid valid missing empty blank weak strong stronger long longer
short shorter safe secure insecure secret private public unknown known different same similar identical unique new old
older good bad better worse best worst hard easy difficult simple complex complicated compromised case sensitive stuck
lost gone due stolen broken forgotten hidden written kept sent set reset shown given found stored saved working fine
great stupid silly terrible annoying useless fake real random temporary permanent default standard available
unavailable ready active inactive visible accepted rejected denied locked unlocked disabled enabled protected leaked
hashed salted encrypted masked redacted changed updated expired shared needed asked typed entered pending important
confidential personal impossible possible obvious obviously guessable common uncommon complete incomplete almost
really pretty quite super extremely totally probably maybe perhaps apparently supposedly definitely always usually
often sometimes yesterday today tomorrow something anything everything someone somebody nobody one two three four five
six seven eight nine ten first last next minimum maximum least most less many much forgot forget reuse leave enter
type use see ask call click check choose pick contact email mail keep string text number numeric alphanumeric
characters chars digits letters words value field form file page link birthday name dog cat mother pet anniversary
address nickname bitwarden lastpass keepass keychain vault help question issue problem trouble error failed fails
failure out back down away later soon early late dumb ancient obsolete outdated stale fresh current mandatory implied
irrelevant classified exposed dead alive likely unlikely meh garbage trash crap trivial single double triple nil null
unset absent present insufficient sufficient adequate alright unclear clear cleartext plaintext mixed crazy awful
horrible legit perfect excellent acceptable memorable blurry unreadable legible handwritten insensitive intact tough
robust solid rubbish nonsense overdue expiring read chosen taken made held put left seen told spoken built drawn yes
nope commands tools things wanted str int bool bytes any object none settings profile menu account inbox desk drawer
wall fridge monitor vergessen falsch richtig abgelaufen geheim kurz lang zu sicher unsicher schwach stark neu alt
gesperrt gultig ungultig geandert zuruckgesetzt gespeichert bekannt unbekannt gleich notig erforderlich pflicht leer
weg verloren schlecht gut einfach schwer komplett leicht kompromittiert verschlusselt oublie expire court longue faux
fausse bon bonne mauvais obligatoire requis faible fort securise change vide perdu valide invalide compromis
enregistre facile difficile nouveau nouvelle olvidada incorrecta correcta segura insegura debil fuerte larga corta
nueva vieja obligatoria necesaria valida invalida facil dificil caducada guardada cambiada secreta igual distinta mala
buena vacia perdida perime bloque refuse accepte rejete affiche cache stocke chiffre hache connu inconnu identique
meme complique reinitialise modifie partage note ecrit protege vole facultatif demande envoye temporaire schwieriger
langer kurzer hinterlegt unklar klar egal weiterhin vorhanden aktiv inaktiv abgelehnt entfallen verlopen vergeten
verkeerd fout goed zwak sterk kwijt onjuist juist sbagliata scaduta errada expirou upper lower uppercase lowercase
part siehe voir ver look refer tba tbd frag steht liegt kommt folgt demander preguntar wherever handled managed partly
"""
# What may follow a password that is one plain word; any other function word tells more about the word.
_CONTINUATIONS = """
and but for so because since if when until now here there too please thanks thank everywhere anyway btw lol ok okay i we
und aber weil bitte danke et mais car merci y pero porque gracias e mas en
"""
CONTINUATIONS = frozenset(_CONTINUATIONS.split())
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())
TALK_WORDS = frozenset(_TALK_WORDS.split())
_KNOWN_NAME = re.compile(
    r"(?:sha-?\d{1,3}|md5|bcrypt|argon2(?:id?)?|pbkdf2|aes-?\d*|rsa-?\d*|[rhe]s256|oauth-?2?|saml-?2?|2fa|mfa|utf-?\d*"
    r"|base-?64|1password|keepassxc?|lastpass|bitwarden|github|gitlab|icloud|gpt-?[\w.]*|ipv[46]|wpa[23]?|s3|ec2"
    r"|http2?|erc-?\d+|v?\d{1,6}(?:\.\d{1,6}){1,5}(?:-\w+)?|v\d+|\d{4}-\d\d-\d\d.*|\d\d?\.\d\d?\.\d{2,4}|\d\d?/\d\d?/\d{2,4}"
    r"|\d\d?:\d\d(?::\d\d)?(?:am|pm)?|\d{1,3}(?:st|nd|rd|th|am|pm|x|k|%|\+)?"
    r"|\d{1,3}\+?-?(?:char|digit|day|year|bit|min|hour|month|week)\w*)$",
    re.I,
)
_UNIT = re.compile(
    r"[\s-](?:to |or |bis |a |ou |oder )?(?:\d+ )?(?:more |mehr |mas |plus )?(?:alphanumeric |random )?"
    r"(?:char|letter|digit|symbol|word|zeichen|ziffer|stell|buchstabe|caract|chiffre|lettre|letra|digito|cifra|year|month"
    r"|week|day|hour|minute|second|jahr|monat|tag|line|time|bit|byte|%|percent|attempt|user|people|per)",
    re.I,
)
_PLACEHOLDER = re.compile(
    r"[*•.?_\-…#]{2,}$|x{3,}$|<[^>]*>?$|\$\{|\$\(|(?-i:\$[A-Z_]+$)|\{\{|\{[a-z_. ]*\}|%\(|%s$|%[a-z_]+%$|![a-z]+$"
    r"|\[[a-z ]*\]?$|(?:your|my|the)[-_ ][a-z_ -]*$|change[-_ ]?(?:me|it|this)[a-z_-]*$|[=!]=$"
    r"|(?:redacted|removed|hidden|null|none|nil|undefined|true|false|empty|n/a)$"
    r"|(?:self|os|env|process|config|settings|cfg|args|options|this|request|req|params|user|props|secrets|vault)\.\w"
    r"|[a-z_.]+\((?![^)]*\d)|[a-z_.]+\[[\"'\w]|[a-z-]+=[\"']",
    re.I,
)
_SYMBOL = re.compile(r"[!@#$%^&*_+=?~|\\]")
_WORD_EDGE = "\"'`*()[]!?"

# Endings of adjectives and participles, by the language of the keyword.
_ENDINGS = {
    "de": re.compile(r"(?:(?:ge|ver|ent|be|zer|uber)\w{3,}(?:t|en)|\w{3,}(?:iert|bar|lich|isch|haft|sam|los))$"),
    "fr": re.compile(r"\w{3,}(?:ise|isee|ifie|ifiee|ique|able|ible|aire|eux|euse|ant|if|ive)$"),
    "es": re.compile(r"\w{3,}(?:ado|ada|ido|ida|able|ible|oso|osa|ivo|iva|ente|ante)$"),
    "en": re.compile(
        r"(?!(?:light|even|morn|wedd|pudd|darl|ster|spr|str|v?ik)ing)\w{3,}"
        r"(?:ed|ing|able|ible|less|ful|ous|(?:al|ous|ent|ant|ite|ete|ab|ib|ar|ive|ed|ing)ly)$"
    ),
}
_LANGUAGES = (
    ("de", re.compile(r"wort|zugang", re.I)),
    ("fr", re.compile(r"passe|mdp", re.I)),
    ("es", re.compile(r"contrase|clave|senha", re.I)),
)


def language_of(keyword: str) -> str:
    """The language a keyword belongs to, English unless known better; a key for `is_phrase`."""
    return next((language for language, pattern in _LANGUAGES if pattern.search(keyword)), "en")


def is_placeholder(value: str) -> bool:
    """Whether a value only stands for one: asterisks, `<password>`, `${VARIABLE}`, `[password removed]`, code."""
    return _PLACEHOLDER.match(value) is not None


def is_known_name(token: str) -> bool:
    """Whether a token with digits is something everyone knows: an algorithm, a version, a date, "8-digit"."""
    return _KNOWN_NAME.match(token) is not None


def is_counted(text: str, end: int) -> bool:
    """Whether the number that ends here counts something: "12 characters", "90 days"."""
    return _UNIT.match(text, end) is not None


def is_plain(token: str) -> bool:
    """Whether a token is a word, or words joined by a hyphen, as they stand in any sentence."""
    parts = token.strip(_WORD_EDGE).replace("'", "").split("-")
    return all(part.isalpha() and (part.islower() or part.istitle() or part.isupper()) for part in parts)


def is_strong(token: str) -> bool:
    """Whether a token shows by itself that it is a password: digits or signs among letters, or a chain of words."""
    if token.count("-") >= 2 and is_plain(token):
        return is_phrase([token], "en")
    if is_plain(token) or is_placeholder(token) or is_known_name(token) or "://" in token:
        return False
    has_digit, has_letter = any(map(str.isdigit, token)), any(map(str.isalpha, token))
    return len(token) >= 5 and has_letter and (has_digit or bool(_SYMBOL.search(token)))


def is_phrase(tokens: list[str], language: str) -> bool:
    """Whether words that follow "password is" are the password itself, and no judgement about it."""
    lowered = [part for token in tokens for part in token.lower().strip(_WORD_EDGE).split("-")]
    if any(word in FUNCTION_WORDS or is_known_name(word) for word in lowered):
        return False
    if len(lowered) >= 4:
        return sum(word in TALK_WORDS for word in lowered) <= 1
    return not any(word in TALK_WORDS or _ENDINGS[language].match(word) for word in lowered)
