"""docs/widget.md says what there is: attributes, methods, events, variables, parts, and code that runs."""

import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from adapters.widget.keys import SigningKey
from adapters.widget.tokens import verify_site_token

ROOT = Path(__file__).parents[2]
SOURCES = "".join(path.read_text() for path in sorted((ROOT / "widget/src").rglob("*.ts")))
DOCS = (ROOT / "docs/widget.md").read_text()
KEY = "a-secret-of-thirty-two-characters-and-more"


def block(language: str, start: str) -> str:
    """The documented code in a language that holds `start`."""
    found: list[str] = re.findall(rf"```{language}\n(.*?)```", DOCS, re.DOTALL)
    return next(code for code in found if start in code)


def words(pattern: str, text: str) -> set[str]:
    """The words that the pattern's group finds."""
    return {word for group in re.findall(pattern, text) for word in group.split()}


def test_every_variable_of_the_theme_is_documented() -> None:
    """What a site may set, it can read of; what it reads of, it can set."""
    used = set(re.findall(r"--parley-[a-z-]+", SOURCES))
    assert used == set(re.findall(r"--parley-[a-z-]+", DOCS))


def test_every_part_is_documented() -> None:
    """Parts are an interface: a site's style sheet depends on them. Proves: WI-54."""
    used = words(r'part: "([a-z ]+)"', SOURCES) | {"message", "mine"}
    told = words(r"Parts: `([a-z ]+)`", DOCS) | {"mine"}
    assert used == told


def test_every_attribute_is_documented() -> None:
    """What the script tag and the element understand."""
    read = set(re.findall(r'(?:attribute|Attribute)\("([a-z]+)"\)', SOURCES))
    listed = set(re.findall(r'"([a-z]+)"', re.findall(r"\[([^]]+)\]\.map\(attribute\)", SOURCES)[0]))
    styled = set(re.findall(r":host\(\[([a-z]+)=", SOURCES))
    told = set(re.findall(r"^\| `([a-z]+)` \|", DOCS.split("## From JavaScript")[0], re.MULTILINE))
    assert read | listed | styled == told


def test_every_method_and_event_is_documented() -> None:
    """The interface that pages are written against. Proves: WI-54."""
    api = (ROOT / "widget/src/api.d.ts").read_text()
    methods = set(re.findall(r"^  ([a-z]+)(?:<.*>)?\(", api, re.MULTILINE))
    events = set(re.findall(r"^  ([a-z]+): ", api.split("interface ParleyEvents")[1].split("\n}")[0], re.MULTILINE))
    table = DOCS.split("| method |")[1].split("## Who")[0]
    first_column = " ".join(re.findall(r"^\|([^|]*)\|", table, re.MULTILINE))
    assert methods == set(re.findall(r"`([a-z]+)\(", first_column))
    assert events == set(re.findall(r"`([a-z]+)`", first_column))


def verify(token: str) -> str:
    """Whom the gateway takes the bearer for."""
    key = SigningKey(kid="key-1", algorithm="HS256", material=KEY)
    return verify_site_token(token, "YOUR-SITE", (key,), time.time()).subject


def test_the_documented_python_signs_a_token_that_the_gateway_takes() -> None:
    """Copied from the page into a server, it works. Proves: WI-54."""
    space: dict[str, object] = {}
    exec(block("python", "def sign"), space)
    sign = space["sign"]
    assert callable(sign)
    assert verify(sign("user-7", KEY)) == "user-7"


PROGRAMS = {
    "js": ("node", "function sign", "{code}\nconsole.log(sign({user!r}, {key!r}));", "token.mjs"),
    "php": ("php", "function sign", "<?php {code}\necho sign({user!r}, {key!r});", "token.php"),
    "ruby": ("ruby", "def sign", "{code}\nputs sign({user!r}, {key!r})", "token.rb"),
    "java": ("java", "static String sign", "{code}", "Token.java"),
    "go": ("go", "func Sign", "{code}", "token.go"),
}
"""How the code of each language is run: the tool, what its block holds, the program around it, the file's name."""
GO_IMPORTS = 'import ("crypto/hmac"; "crypto/rand"; "crypto/sha256"; "encoding/base64"; "encoding/json"; "fmt"; "time")'


def program(language: str) -> str:
    """The documented code, and that it signs a token for `user-7` and prints it."""
    _, start, around, _ = PROGRAMS[language]
    code = block(language, start)
    if language == "java":
        say = f'System.out.println(sign("user-7", "{KEY}"));'
        code = code.replace(
            "class Token {", f"class Token {{ public static void main(String[] a) throws Exception {{ {say} }}"
        )
    if language == "go":
        say = f'fmt.Println(Sign("user-7", []byte("{KEY}")))'
        code = f"package main\n{GO_IMPORTS}\nfunc main() {{ {say} }}\n{code}"
    return around.replace("{code}", code).replace("{user!r}", "'user-7'").replace("{key!r}", f"'{KEY}'")


@pytest.mark.parametrize("language", sorted(PROGRAMS))
def test_the_documented_code_of_other_languages_signs_a_token_that_the_gateway_takes(
    language: str, tmp_path: Path
) -> None:
    """Copied from the page into a server, it works. Proves: WI-54."""
    tool, _, _, name = PROGRAMS[language]
    path = shutil.which(tool)
    if path is None:
        pytest.skip(f"{tool} is not installed: its example is not run")
    (tmp_path / name).write_text(program(language))
    command = [path, "run", name] if language == "go" else [path, name]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60)
    assert verify(done.stdout.strip()) == "user-7"
