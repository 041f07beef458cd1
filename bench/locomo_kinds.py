"""Things that people tell each other over the months: what is asked, told, remembered and asked about later.

A question uses words of the telling or quite other ones, as people do; what goes before often holds the words that the
telling lacks. `{o}` is the other speaker, `{s}` the one who tells; `{a}` and `{b}` are drawn from lists.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of thing to tell. `question` asks in other words, `detail` in some of the same."""

    topic: str
    ask: str
    tell: str
    react: str
    fact: str
    question: str
    detail: str
    a: tuple[str, ...]
    b: tuple[str, ...] = ("",)


KINDS = (
    Kind(
        topic="pottery",
        ask="Hey {s}, how did the pottery workshop go?",
        tell="So relaxing! I ended up with a {a}, all {b}. Still drying on the shelf.",
        react="That sounds lovely, clay is so calming.",
        fact="{s} made a {b} {a} in a pottery workshop.",
        question="What did {s} make in the pottery class?",
        detail="When did {s} make the {b} {a}?",
        a=("bowl", "vase", "mug", "plate", "teapot", "candle holder"),
        b=("blue", "black and white", "green", "speckled"),
    ),
    Kind(
        topic="running",
        ask="Did you get out running this week?",
        tell="Yes! Did {a} miles {b}, my legs are still sore.",
        react="Wow, you are getting faster every time.",
        fact="{s} ran {a} miles {b}.",
        question="How far did {s} run {b}?",
        detail="When did {s} run {a} miles {b}?",
        a=("five", "eight", "ten", "thirteen"),
        b=("along the river", "for the charity", "in the rain", "up the hill"),
    ),
    Kind(
        topic="camping",
        ask="How was the trip to the mountains?",
        tell="We put up the tent near {a} and the kids {b} until midnight.",
        react="Nature really is the best medicine.",
        fact="{s} went camping near {a} with the children, who {b}.",
        question="Where did {s} sleep on the trip to the mountains?",
        detail="When did {s} put up a tent near {a}?",
        a=("Silver Lake", "Pine Creek", "Eagle Rock", "the north beach"),
        b=("roasted marshmallows", "told ghost stories", "counted shooting stars"),
    ),
    Kind(
        topic="music",
        ask="Are you still practising in the evenings?",
        tell="Every day. I finally picked up the {a} again, started on {b}.",
        react="I would love to hear you play some time.",
        fact="{s} plays the {a} and is learning {b}.",
        question="What instrument does {s} practise?",
        detail="When did {s} start on {b} with the {a}?",
        a=("violin", "clarinet", "cello", "ukulele", "piano"),
        b=("an old waltz", "some Bach", "a film tune"),
    ),
    Kind(
        topic="pets",
        ask="Any news from the animal shelter?",
        tell="We brought one home on Sunday! A {b} little thing, we call him {a}.",
        react="Aww, give him a cuddle from me.",
        fact="{s} adopted a {b} puppy named {a}.",
        question="Which animal did {s} get from the shelter?",
        detail="When did {s} bring {a} home?",
        a=("Biscuit", "Rocket", "Pepper", "Waffles", "Shadow"),
        b=("brown", "spotted", "fluffy"),
    ),
    Kind(
        topic="work",
        ask="So how did the interview turn out?",
        tell="They called this morning, I start at the {a} in {b}!",
        react="Congratulations, you earned it.",
        fact="{s} got a new job at the {a}, starting in {b}.",
        question="Where did {s} find a job after the interview?",
        detail="When does {s} start at the {a}?",
        a=("library", "hospital", "bakery", "museum", "city council"),
        b=("March", "June", "September"),
    ),
    Kind(
        topic="study",
        ask="What made you look into going back to school?",
        tell="I keep thinking about {a}. {b} told me I would be good at it.",
        react="You have such a big heart, it fits you.",
        fact="{s} considers studying {a}.",
        question="What would {s} learn on going back to school?",
        detail="Who told {s} to think about {a}?",
        a=("counselling", "nursing", "landscape design", "marine biology"),
        b=("My sister", "An old teacher", "My neighbour"),
    ),
    Kind(
        topic="painting",
        ask="Look at that! Is it yours?",
        tell="Finished it last night. It is a {a} at {b}, took me weeks.",
        react="The colours are stunning.",
        fact="{s} painted a {a} at {b}.",
        question="What is the subject of the picture that {s} painted?",
        detail="How long did {s} take for the {a} at {b}?",
        a=("lighthouse", "horse", "sunflower field", "harbour"),
        b=("sunrise", "dusk", "winter"),
    ),
    Kind(
        topic="travel",
        ask="Where are you off to this summer?",
        tell="Booked it at last, two weeks in {a}. I want to {b}.",
        react="Send me lots of photos.",
        fact="{s} is going on holiday to {a} to {b}.",
        question="Which country will {s} visit in the summer?",
        detail="How many weeks will {s} stay in {a}?",
        a=("Portugal", "Iceland", "Japan", "Morocco", "Norway"),
        b=("try all the food", "hike the coast", "see the old towns"),
    ),
    Kind(
        topic="cooking",
        ask="What smells so good over there?",
        tell="Grandma's {a}. The trick is {b}, she never told anyone.",
        react="I need that recipe.",
        fact="{s} cooks a {a} after the grandmother's recipe, with {b}.",
        question="What dish does {s} prepare from the family recipe?",
        detail="What is the trick of the {a} that {s} makes?",
        a=("lentil stew", "apple strudel", "fish pie", "dumplings"),
        b=("a bit of cinnamon", "browned butter", "lemon peel"),
    ),
    Kind(
        topic="books",
        ask="Read anything good lately?",
        tell="Could not put down {a}. {b}, I was in tears.",
        react="Adding it to my list right now.",
        fact="{s} read the book {a}.",
        question="What has {s} read lately?",
        detail="What did {s} think of {a}?",
        a=('"The Glass Orchard"', '"Seven Winters"', '"A Map of Rain"', '"The Quiet Tide"'),
        b=("That ending", "The sisters' story", "The last chapter"),
    ),
    Kind(
        topic="volunteering",
        ask="How do you find time to help out as well?",
        tell="It is only Saturdays. We hand out {a} at the {b}, people are so grateful.",
        react="The world needs more of you.",
        fact="{s} volunteers on Saturdays, handing out {a} at the {b}.",
        question="In what way does {s} help out?",
        detail="Where does {s} hand out {a} on Saturdays?",
        a=("warm meals", "school books", "winter coats"),
        b=("shelter", "community centre", "church hall"),
    ),
    Kind(
        topic="health",
        ask="You looked tired last time, is everything fine?",
        tell="The doctor says it is my {a}. No {b} for a month, ugh.",
        react="Take it slow and rest.",
        fact="{s} has trouble with the {a} and must avoid {b}.",
        question="Why did {s} look tired?",
        detail="How long must {s} do without {b} because of the {a}?",
        a=("knee", "back", "shoulder", "blood pressure"),
        b=("coffee", "lifting", "football"),
    ),
    Kind(
        topic="childhood",
        ask="Do you still keep things from back then?",
        tell="Only the {a}. It reminds me of {b} and of home.",
        react="What a treasure to have.",
        fact="{s} treasures a {a} that is a reminder of {b}.",
        question="What does {s} keep and treasure?",
        detail="What does the {a} remind {s} of?",
        a=("necklace", "music box", "wooden horse", "quilt"),
        b=("my grandfather", "the village", "my mother's kitchen"),
    ),
)

GREETINGS = (
    "Hey {s}! Long time no talk, how are you?",
    "Hi {s}, good to hear from you again!",
    "{s}! I was just thinking about you.",
    "Hello {s}, what have you been up to?",
)
CHATTER = (
    "Yeah, I get that. Life has been busy here too.",
    "Thanks, {s}, that really means a lot to me.",
    "You always know what to say.",
    "The kids kept us up all night, so I am running on coffee.",
    "I made some time for myself this week, it felt good.",
    "It was a great day, we had so much fun with the family.",
    "Totally agree. Small steps.",
    "That is so cool, {s}! I am proud of you.",
    "I have been thinking about what really matters lately.",
    "Work was a lot, but we got through it.",
    "What about you, any plans for the weekend?",
    "Oh, by the way, the weather has been awful here.",
    "I love how we can talk about these things.",
    "My sister came to visit and we cooked together, it was fun.",
    "We should go to the lake again some day, I miss the trips.",
    "Playing music in the car makes every drive better.",
    "Our dog chased a squirrel up the tree again, what a day.",
    "I want to read more this year, but who finds the time.",
)
FAREWELLS = ("Take care, {s}!", "Talk soon, {s}.", "Gotta run, bye {s}!")
