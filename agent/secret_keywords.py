"""The words that announce a secret, in the plain spelling of `agent.secret_text`: no accents, any case."""

import re

from agent.secret_text import fold


def _any(*phrases: str) -> str:
    return "|".join(fold(phrase).text for phrase in phrases)


_ANYWHERE = (
    r"(?:p[a@4][s$5]{2}w[o0]r[dt]|p[a@4][s$5]{2}wd|kennw[o0]rt|p[a@]ssphrase|p[a@]ssc[o0]de|contrasen[a@])(?:s|es|e)?"
)
_PASSWORD = _any(
    r"(?:pass[ _-](?:words?|phrase|code)|p a s s w o r d|pswd|pwd|pw|mots? de passe|mdp|losungswort)",
    r"(?:senhas?|palavra[ -]passe|parola(?: d'ordine)?|wachtwoord(?:en)?|losenord(?:et)?|adgangskode)",
    r"(?:requirepass|kodeord|passord(?:et)?|salasana|haslo|heslo|sifrem?|jelszo|contrasenya|mat khau)",
    r"pasword|passwrd|passwrod|psswd|pword|kata sandi",
    r"(?:code|cle|clave|clave del?|wlan|netzwerk)[ -]?(?:wi-?fi|schlussel)",
    r"пароль|密码|密碼|口令|暗証番号|パスワード|비밀번호|كلمة المرور|كلمة السر|סיסמה|รหัสผ่าน",
)
# Words with other meanings: what follows must look like a password by itself.
_WEAK = _any(
    r"(?<!tests )(?<!test )pass(?=\"?'?\s{0,2}[:=])|(?:my|the|our|your|his|her|their|user|root|admin|db|wifi) pass",
    r"(?:clave|zugang)",
)
_KEY = _any(
    r"(?:api|access|auth|authentication|secret|secret[ _-]?access|private|signing|encryption|master|client|app|bot"
    r"|webhook|deploy|service|account|personal[ _-]access|refresh|bearer|session|shared|storage|application|server"
    r"|license|consumer|admin|root|integration|wpa2?|wi-?fi|wlan|network)[ _-]?(?:key|token|secret)s?",
    r"(?:php|j)?sess(?:ion)?[_-]?id(?==)|(?:tokens?|secrets?|apikeys?|signature|sig|credentials?)",
    r"(?:my|our|your|his|her|their|user's|the [a-z]{1,20}) key",
    r"(?:api|zugriffs|geheim|privater)[ -]?schlussel|cle (?:d')?api|cle secrete|cle privee|jeton(?: d'acces)?",
    r"clave (?:de )?(?:la )?api|clave secreta|clave privada|chave (?:de |da )?api|chiave api|api[ -]?sleutel",
    r"密钥|令牌|トークン|ключ|токен|비밀키",
)
_BARE_KEY = (
    r"(?<!cache )(?<!primary )(?<!foreign )(?<!sort )(?<!partition )(?<!object )(?<!public )(?<!idempotency )"
    r"(?<!dedupe )(?<!issue )(?<!s3 )(?<!row )(?<!hash )(?<!lookup )(?:(?<![a-z_-])|(?-i:(?<=[A-Z0-9]_)))key"
)
_LOCKS = (
    r"(?:front |back |main )?(?:door|gate|alarm|safe|lock(?:box|er)?|padlock|garage|building|keypad|elevator|vault"
    r"|entrance|gym|bike|suitcase)"
)
_CODE = _any(
    r"pin(?:[ _-]?(?:code|number|nummer|nr|no))?s?|pincode|(?-i:\bTAN\b)|digi-?code|geheimzahl|geheimnummer"
    r"|lock ?box|key ?safe|keypad|пин(?:-?код)?|код (?:от|для) \w{1,15}",
    r"(?:cvv2?|cvc2?|otp|totp|puk|nip)(?:[ -](?:code|number|no))?",
    r"(?:door|gate|alarm|access|entry|security|unlock|verification|confirmation|authentication|login|key"
    r"|one[- ]time|2fa|mfa|two[- ]factor|sms|garage|lock ?box|lock|safe|keypad|building|entrance|backup|recovery"
    r"|locker|vault|phone|card|screen|voicemail|pass|emergency|bike lock)[ -]"
    r"(?:pass)?(?:code|pin)|(?:backup|recovery|2fa|emergency|access) codes?",
    r"(?:my|your|our|his|her|their|new) (?!zip|post|area|country|dial|error|status|exit|promo|discount|coupon"
    r"|voucher|refer|friend|product|qr|source|sort|tax|booking|class|course|dress|invit)"
    r"(?:[a-z0-9]{2,15} )?code(?=\s?[:=]|'s|\s(?:is|was|\d))",
    rf"code (?:for|to|of|on) (?:[a-z']{{1,15}} ){{0,3}}{_LOCKS}|{_LOCKS}:? code",
    rf"{_LOCKS}(?:'s)? comb(?:o|ination)|comb(?:o|ination) (?:for|to|of) (?:[a-z']{{1,15}} ){{0,2}}{_LOCKS}",
    r"(?:haus)?tu(?:e)?r-?code|(?:alarm|tor|zugangs|sicherheits|entsperr|bestatigungs|garagen|safe|tresor)-?code",
    r"code (?:fur|zu|zum|zur|von|vom|der|des) (?:[a-z]{1,15} ){0,3}(?:haus|wohnungs|keller)?"
    r"(?:tur|tor|alarm\w{0,9}|garage\w{0,6}|safe|tresor|gebaude|schloss|handy)",
    r"code (?:pin|secret)|code (?:d[eu]s? ?|d')?(?:[a-z']{1,15} ){0,2}(?:l')?(?:porte|portail|alarme"
    r"|acces|immeuble|coffre|securite|verification|telephone|carte(?: bleue)?|confirmation|garage)",
    r"codigo (?:pin|secreto)|codigo (?:de |del )(?:la |el )?(?:puerta|alarma|acceso|seguridad|verificacion|caja"
    r"|tarjeta|telefono|garaje|porton)",
    r"codice (?:pin|segreto|di sicurezza)",
)
# One named group per class. No letter may follow, so that "passwordless" is none of them.
_BEGINS = r"(?:(?<![a-z])|(?-i:(?<=[a-z])(?=[A-Z])))"  # a word, or a part of oneLikeThis
KEYWORD = re.compile(
    rf"(?:(?P<password>{_ANYWHERE}|{_BEGINS}(?:{_PASSWORD}))|{_BEGINS}(?:(?P<weak>{_WEAK})|(?P<key>{_KEY})"
    rf"|(?P<code>{_CODE}))|(?P<bare>{_BARE_KEY}))"
    r"(?:(?-i:(?:_[A-Z0-9]{1,12}){1,4}(?=\s?[=:])))?(?![A-Za-z0-9])",
    re.I,
)

# What may stand between a keyword and its value: what it is for, "is" or a sign.
_SIGN = (
    r"(?:\s{0,3}(?:[:=]{1,2}>?|[-=]{0,3}>|→|⇒)\s{0,4}(?!//|=)|\s{1,3}-{1,2}\s{1,3}"
    rf"|\s{{0,2}}(?:{_any('は|が|是|为|為|는|은|이|가')})\s{{0,2}})"
)
_PURPOSE = (
    r"\s+(?:for|to|of|on|in|at|from|with|under|i|we|you|he|she|they|that|which|furs?|zum|zur|zu|vom|von|beim?|des|der"
    r"|im|am|auf|an|mit|(?:m|d|s)?eine[rsnm]?|unsere[rs]|pour|d[eu]s?|del|della|dello|di|do|da|dos|das|para|per|voor|van"
    r"|op|till|que)\b(?:[^.,:;=!?\n]|\.(?=\S)|:(?=//)){0,60}?"
)
_ADVERB = r"(?:now|still|just|currently|always|actually|simply|jetzt|noch|immer|aktuell|toujours|ahora|nun)"
_SET_TO = r"(?:been )?(?:changed|set|reset|updated|switched) (?:back )?to"
_IS = (
    r"(?:\s+(?:is|was|equals|(?:will|would|should|might|may|could|used to|is going to) be|remains|has|became|ist"
    r"|war|lautet|lautete|heisst|bleibt|wird|est|etait|c'est|sera|es|era)\b|'s\b"
    r"|(?=\s+(?:been )?(?:changed|set|reset|updated|switched) (?:back )?to\b))"
)
_TALK_NOUN = (
    r"(?:manager|(?:reset|update|change)s?\b(?! to)|polic|field|prompt|hint|page|hash|protect|strength|length|generator"
    r"|error|count|attempt|version|column|table|type\b|format"
    r"|rule|requirement|history|expir|last\b|rotation|verlauf|vergessen)"
)
_NO_NAME = (
    r"(?:and|or|but|if|when|because|has|have|does|did|do|must|should|can|cannot|contains|needs?|isn't|doesn't|won't"
    r"|never|not)\b"
)
CONNECTOR = re.compile(
    rf"[\"'`*)\]]{{0,3}}(?:(?:\s?\([^)\n]{{1,40}}\))?{_SIGN}"
    rf"|(?:{_PURPOSE})?(?:,[^,.\n]{{1,30}},)?(?:{_IS}(?:\s+(?:{_ADVERB}|{_SET_TO})\b){{0,3}}(?:\s{{0,2}}[:=])?\s{{1,4}}"
    r"|\s?[:=→]\s{1,3}(?!//)))",
    re.I,
)
# The same with a name instead of a purpose ("password Netflix is …"), and in languages where "is" means other things.
LOOSE = re.compile(
    rf"(?:(?:\s+(?!{_TALK_NOUN}|{_NO_NAME})[^\W\d_][\w'.-]{{0,20}}){{1,3}}?(?:{_IS}|\s?[:=])\s{{1,3}}(?!//)"
    rf"|(?:{_PURPOSE})?\s+(?:e|ar|er|je|jest|are|were|sind|sont|son|as)\s+"
    rf"|(?:\s(?:{_any('שלי|الخاصة بي|الخاص بي')}))?\s(?:{_any('היא|הוא|هي|هو')})\s+"
    rf"|(?:{_PURPOSE})?\s\w{{0,12}}(?:card|karte|bank|phone|handy|carte|tarjeta)\s+(?=\d)"
    r"|[^.:;\n?]{0,30}(?:\?\s(?=\d)|[?.,]\s+(?:it's|it is|that's|es ist|c'est)\s+(?:still\s|now\s|just\s)?))",
    re.I,
)
CHANGED = re.compile(r"(?<![a-z])(?:re)?(?:chang|set|updat|switch|ge?ander|ander|ge?setz|cambi|modifi|mis\b|mud)", re.I)
TO = re.compile(
    r"(?:\s+(?:for|of|on|fur|pour|del?|du)\s[^.,:;=!?\n]{1,40}?)?\s+(?:back )?(?:to|auf|in|zu|en|a|par|por)\s+", re.I
)
DIRECT = re.compile(r"[\"'`*]{0,2}[ \t]{1,2}(?:(?:to|on)[ \t])?", re.I)
TALK_AFTER = re.compile(rf"[ -]{_TALK_NOUN}", re.I)
OWNED = re.compile(r"(?:my|your|the|his|her|our|their|bank|card|phone|sim) (?:\w{1,20} )?$", re.I)

# Before the keyword: "… is my password", "…, that's my password".
REVERSED = re.compile(
    r"(?P<value>\S{3,64}?),?\s+(?P<verb>is|are|was|as|ist|sind|war|als|est|comme|es|como|e"
    r"|(?:that|this|which|it)(?:'s|\s+is|\s+was))"
    r"\s+(?:[a-z']{1,15}\s+){0,4}$",
    re.I,
)
PAIR = re.compile(
    r"(?<![a-z])(?:(?P<explicit>user(?:name)?\s?/\s?pass(?:word)?)|logins?|credentials?|creds"
    r"|(?:log|sign) ?in(?:to [^.:;\n]{1,40}?)? (?:with|as|using)|(?:wi-?fi|wlan|ssid)(?=\s?[:=])|zugang(?:sdaten)?"
    r"|anmeldedaten|identifiants|credenciales)"
    r"(?:\s(?:for|to|on|fur|pour|para)\s[^.:;\n]{1,40}?)?(?:\s?[:=]|\s(?:is|are|sind|sont|son)\b:?)?\s{1,2}"
    r"(?:(?:user(?:name)?|benutzer(?:name)?|usuario|utilisateur) )?[\"'`]?[^\s/:|\"']{2,64}"
    r"(?:\s?[/|]\s?|:)(?P<value>[^\s/]{4,64})",
    re.I,
)
COMMAND = re.compile(
    r"(?:curl\b[^\n]{0,200}?\s(?:-u|--user)\s{1,3}[\"']?[^\s:]{1,64}:|sshpass -p\s?[\"']?"
    r"|mysql(?:dump|admin)?\s[^\n]{0,80}?-p)(?P<value>[^\s\"']{4,64})"
)
SEED_PHRASE = re.compile(
    r"(?:seed|recovery|mnemonic|wallet|backup)[ -](?:phrase|words)\W{1,5}(?:(?:is|are)\W{1,3})?"
    r"(?P<value>(?:\d{1,2}[.)] ?)?[a-z]{3,8}(?:[\s,]{1,3}(?:\d{1,2}[.)] ?)?[a-z]{3,8}){11,23})(?![a-z])",
    re.I,
)
# After one password: ", the new one is …".
ANOTHER = re.compile(
    r"[,;.]?\s(?:(?:and|but|the|my)\s){0,2}(?:new|old|other|second|current)(?: one)?(?:\s(?:is|was)|:)\s", re.I
)
