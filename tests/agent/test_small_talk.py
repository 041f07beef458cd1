"""What is not worth a call, and what must not be missed: words that no model reads are lost for good."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.small_talk import is_small_talk


@pytest.mark.parametrize(
    "text",
    [
        *("", "hi", "ok thanks!", "👍", "42", "3 / 4", "see you", "lol"),
        *("stop", "Again!", "menu", "?", "ja"),
        *("Thank you very much!", "Hello, good morning."),
        *("what is the weather?", "how does it work?", "Hi! What is the weather today?", "hello, is anybody there?"),
        *("Where's the nearest station?", "When do you open? Please.", "What is it?\nHow much does it cost?"),
        *("Vielen Dank!", "Wie wird das Wetter?", "Was kostet das?", "Merci beaucoup", "Quel temps fait-il à Paris ?"),
        *("muchas gracias", "grazie mille!", "muito obrigado", "dank u wel", "你好", "谢谢！"),
        "ありがとうございます。",
        *("こんにちは！", "안녕하세요", "شكرا", "תודה רבה", "> I live in Rome"),
    ],
)
def test_small_talk_is_not_worth_a_call(text: str) -> None:
    """A burst of greetings, and of questions about the world, costs nothing. Proves: UM-3."""
    assert is_small_talk(text)


@pytest.mark.parametrize(
    "text",
    [
        *("I'm vegan", "my name is Ann", "forget that", "Ich bin Bob", "can you call me Al?", "Remember to be brief"),
        *("Vegan", "vegetarisch.", "Vejetaryenim"),
        *("Allergic to peanuts", "Vegan since 2019", "Vegan. What is the weather?", "hello, vegan here"),
        *("What is the weather? Vegan since 2019.", "is there any cake, being vegan?", "Vegan since 2019, ok?"),
        "where can somebody eat who moved to Madrid last year and is vegan?",
        *("我住在上海", "我吃素", "我是素食主义者，住在上海，在银行工作", "私はベジタリアンです。東京に住んでいます。"),
        *("저는 채식주의자입니다", "채식주의자입니다", "ฉันอยู่กรุงเทพ", "أنا نباتي", "אני טבעוני"),
        *("Меня зовут Анна", "Я живу в Москве, какая там погода?", "Mieszkam w Warszawie", "Jag är vegan"),
        *(
            "Vivo en Madrid",
            "Vivo en Madrid, ¿hacéis envíos allí?",
            "¿Dónde puedo comer siendo vegano?",
            "Moro em Lisboa",
        ),
        *("J'habite Paris", "Wie komme ich nach Hause?", "Est-ce que mes enfants peuvent venir ?", "Vivo a Roma"),
        *("Comment venir à Paris, j'habite à Lyon ?", "Ik woon in Gent"),
    ],
)
def test_what_may_tell_something_of_its_author_is(text: str) -> None:
    """Short words may hold what matters, in any language. Proves: UM-3."""
    assert not is_small_talk(text)


@given(st.text())
def test_whatever_is_said_it_never_raises(text: str) -> None:
    """One odd message must not end the work for everybody."""
    assert is_small_talk(text) in (True, False)
