"""When the demo model asks for a tool, and how it tells what came back."""

import re
from collections.abc import Iterable, Iterator

from agent.records import JsonObject, JsonValue
from gateway.demo.facts import Fact, read_changes, to_second_person
from gateway.demo.knowledge import find_known
from gateway.demo.scene import Scene, ToolAnswer

CLOCK, CALCULATOR, MEMORY, HUMAN = "current_time", "calculate", "update_user_memory", "request_human"
_ZONES = {
    "Africa/Cairo": "cairo egypt",
    "Africa/Johannesburg": "johannesburg cape_town south_africa",
    "Africa/Lagos": "lagos nigeria",
    "Africa/Nairobi": "nairobi kenya",
    "America/Chicago": "chicago houston dallas",
    "America/Denver": "denver",
    "America/Los_Angeles": "los_angeles san_francisco seattle california",
    "America/Mexico_City": "mexico_city mexico",
    "America/New_York": "new_york boston washington miami",
    "America/Sao_Paulo": "sao_paulo brazil",
    "America/Toronto": "toronto montreal",
    "Asia/Dubai": "dubai",
    "Asia/Hong_Kong": "hong_kong",
    "Asia/Jakarta": "jakarta",
    "Asia/Kolkata": "delhi mumbai kolkata bangalore india",
    "Asia/Seoul": "seoul korea",
    "Asia/Shanghai": "shanghai beijing china",
    "Asia/Singapore": "singapore",
    "Asia/Tokyo": "tokyo osaka kyoto japan",
    "Australia/Sydney": "sydney melbourne",
    "Europe/Athens": "athens greece",
    "Europe/Berlin": "berlin munich hamburg frankfurt germany",
    "Europe/Brussels": "brussels belgium",
    "Europe/Dublin": "dublin ireland",
    "Europe/Helsinki": "helsinki finland",
    "Europe/Istanbul": "istanbul",
    "Europe/Kyiv": "kyiv ukraine",
    "Europe/Lisbon": "lisbon portugal",
    "Europe/London": "london edinburgh manchester england uk",
    "Europe/Madrid": "madrid barcelona spain",
    "Europe/Oslo": "oslo norway",
    "Europe/Paris": "paris lyon france",
    "Europe/Prague": "prague",
    "Europe/Rome": "rome milan italy",
    "Europe/Stockholm": "stockholm sweden",
    "Europe/Vienna": "vienna austria",
    "Europe/Warsaw": "warsaw poland",
    "Europe/Zurich": "zurich geneva switzerland",
    "Pacific/Auckland": "auckland new_zealand",
    "UTC": "utc gmt",
}
_PLACES = {place.replace("_", " "): zone for zone, places in _ZONES.items() for place in places.split()}
_PLACE = re.compile(rf"\b({'|'.join(sorted(_PLACES, key=len, reverse=True))})\b", re.IGNORECASE)
_ZONE_NAME = re.compile(r"\b(?:Africa|America|Asia|Atlantic|Australia|Europe|Indian|Pacific)/[A-Z][A-Za-z_]+\b")
_ASKS_TIME = re.compile(
    r"\bwhat(?:'s| is)? (?:the |is the )?(?:current )?time\b|\btime is it\b|\bcurrent time\b|\btime in\b", re.I
)
_WORDS = (
    (re.compile(r"\bdivided by\b|÷", re.IGNORECASE), "/"),
    (re.compile(r"\bmultiplied by\b|\btimes\b|×|(?<=[\d)]) ?x ?(?=[\d(])", re.IGNORECASE), "*"),
    (re.compile(r"\bplus\b", re.IGNORECASE), "+"),
    (re.compile(r"\bminus\b|\u2212", re.IGNORECASE), "-"),
    (re.compile(r"\^"), "**"),
    (re.compile(r"(?<=\d),(?=\d{3}\b)"), ""),
)
_SUM = re.compile(
    r"(?<![\d.])[(\-]{0,8}\d[\d.]{0,30}(?:[\s)]{0,8}(?:\*\*|//|[-+*/%])[\s(\-]{0,8}\d[\d.]{0,30}){1,50}\){0,8}"
)
_FUNCTION = re.compile(r"\b(?:sqrt|abs|round|floor|ceil|exp|ln|log10|sin|cos|tan)\([\d\s.,+*/-]{1,60}\)")
_ASKS_HUMAN = re.compile(
    r"\b(?:(?:talk|speak|chat|write|connect me|put me through|hand me over) (?:to|with)"
    r"|need|want|get me|call|ask|fetch|is there) (?:a |an |some |the |your )?"
    r"(?:real |live )?(?:human|person|somebody|someone|operator|colleague)\b",
    re.IGNORECASE,
)
_CLOCK_TEXT = re.compile(r"(?P<day>.+), (?P<time>\d\d:\d\d) in ")
_ASKS_SUM = re.compile(
    r"\b(?:what(?:'s| is)|calculate|compute|how much is|solve|work out|evaluate|add up)\b|=\s*\??$", re.I
)


def find_calls(scene: Scene) -> Iterator[tuple[str, JsonObject]]:
    """The tools to ask for, with their arguments; several at once where several things are asked."""
    names = {str(tool["name"]): tool for tool in scene.tools}
    if CLOCK in names and asks_time(scene.question):
        for zone in find_zones(scene) or ("UTC",):
            yield CLOCK, {"timezone": zone}
    if CALCULATOR in names:
        for expression in find_sums(scene.question):
            yield CALCULATOR, {"expression": expression}
    if HUMAN in names and _ASKS_HUMAN.search(scene.question):
        yield HUMAN, {"reason": "They asked for a person.", "summary": " ".join(scene.question.split())[:300]}
    if MEMORY in names:
        for operation, text, slot in _find_changes(scene):
            yield MEMORY, _memory_arguments(names[MEMORY], operation, text, slot)


def asks_time(text: str) -> bool:
    """Whether the time is asked for."""
    return bool(_ASKS_TIME.search(text))


def find_zones(scene: Scene) -> tuple[str, ...]:
    """The time zones of the places named, in order; else of the asker's home, where that is known."""
    named = _zones_in(scene.question)
    home = (known.text for known in find_known(scene) if known.slot in ("home_city", "timezone"))
    return named or tuple(zone for text in home for zone in _zones_in(text))[:1]


def find_sums(text: str) -> tuple[str, ...]:
    """The expressions to be worked out: `17*23`."""
    plain = text
    for pattern, sign in _WORDS:
        plain = pattern.sub(sign, plain)
    if called := [found.group() for found in _FUNCTION.finditer(plain)]:
        return tuple(dict.fromkeys(called))
    sums = [" ".join(found.group().split()) for found in _SUM.finditer(plain)]
    is_all = any(_SUM.fullmatch(line.strip(" =?.!")) for line in plain.splitlines())
    return tuple(dict.fromkeys(_balanced(one) for one in sums)) if is_all or _ASKS_SUM.search(plain.strip()) else ()


def tell_results(results: Iterable[ToolAnswer]) -> str:
    """What the tools gave back, one line each."""
    return "\n".join(_tell(result) for result in results)


def _zones_in(text: str) -> tuple[str, ...]:
    found = [(match.start(), _PLACES[match.group().lower()]) for match in _PLACE.finditer(text)]
    found += [(match.start(), match.group()) for match in _ZONE_NAME.finditer(text)]
    return tuple(dict.fromkeys(zone for _, zone in sorted(found)))


def _balanced(expression: str) -> str:
    """Without brackets that the pattern took too many of."""
    while expression.count(")") > expression.count("(") and expression.endswith(")"):
        expression = expression[:-1].rstrip()
    while expression.count("(") > expression.count(")") and expression.startswith("("):
        expression = expression[1:].lstrip()
    return expression


def _find_changes(scene: Scene) -> Iterator[tuple[str, str, str | None]]:
    """What is to be done to the memory, with a fact and its slot: only what the person asks for, not what they say."""
    for change in read_changes(scene.question):
        if isinstance(change, Fact):
            if change.is_asked:
                yield "add", change.text, change.slot
        elif change.is_all:
            yield "clear", "", None
        else:
            meant = [fact for fact in scene.memory or () if change.covers(fact)]
            for text in meant or [change.text or change.slot or ""]:
                yield "delete", text, None


def _memory_arguments(tool: JsonObject, operation: str, text: str, slot: str | None) -> JsonObject:
    """Arguments after the tool's own schema: its choices get the operation and the slot, its first text the fact."""
    schema = tool.get("input_schema")
    properties = schema.get("properties") if isinstance(schema, dict) else None
    arguments: JsonObject = {}
    for name, about in properties.items() if isinstance(properties, dict) else ():
        if not isinstance(about, dict):
            continue
        choices = _choices(about)
        if chosen := next((value for value in (operation, slot) if value in choices), None):
            arguments[name] = chosen
        elif about.get("type") == "string" and not choices and text not in arguments.values():
            arguments[name] = text
    return arguments


def _choices(about: JsonObject) -> list[JsonValue]:
    """The values that a property may have, where they are listed, also beside null."""
    forms = about.get("anyOf")
    for form in (about, *(forms if isinstance(forms, list) else ())):
        if isinstance(form, dict) and isinstance(values := form.get("enum"), list):
            return values
    return []


def _tell(result: ToolAnswer) -> str:
    if result.is_error:
        return f"The tool {result.name} could not do it: {result.text}"
    if result.name == CLOCK:
        place = str(result.arguments.get("timezone", "")).rpartition("/")[2].replace("_", " ")
        clock = _CLOCK_TEXT.match(result.text)
        return f"In {place} it is {clock['time']} on {clock['day']}." if clock else f"In {place} it is: {result.text}"
    if result.name == CALCULATOR:
        return result.text if "=" in result.text else f"{result.arguments.get('expression', '')} = {result.text}"
    if result.name == HUMAN:
        return result.text.partition(". ")[0] + "."
    if result.name == MEMORY:
        fact = next((str(v) for v in result.arguments.values() if " " in str(v)), "")
        done = "Forgotten" if {"delete", "clear"} & {str(v) for v in result.arguments.values()} else "Done"
        return f"{done}: {to_second_person(fact)}." if fact else f"{done}."
    return f"{result.name} says: {result.text}"
