"""Made-up English-like conversations for the memory benchmarks: the same for the same seed.

Words are drawn by Zipf's law from a vocabulary of stems with English endings, so that words and
their n-grams are as unevenly frequent as in real text; turns come in sessions, some seconds apart.
"""
import itertools
import random

ONSETS = ("b c d f g h j k l m n p r s t v w br ch cl cr dr fl fr gr pl pr sh sl sp st str th "
          "tr").split()
VOWELS = "a e i o u ai ea ee ou oa".split()
CODAS = "n t r l s d m k p ng nt st ck sh".split()
ENDINGS = ["", "", "", "s", "ed", "ing", "er", "ly", "tion", "ment"]
FUNCTION_WORDS = "the to and a of in is it that for was on with my we at this you have be".split()
VOCABULARY = 20_000
WORDS_MIN, WORDS_MAX = 8, 30
TURN_SECONDS = 20
SESSION_TURNS = 20
SESSION_SECONDS = 86_400
FIRST_SECOND = 1_600_000_000


class Text:
    def __init__(self, seed=7):
        self.chance = random.Random(seed)
        stems = set()
        while len(stems) < VOCABULARY:
            syllables = self.chance.choice((1, 1, 1, 2, 2))
            stems.add("".join(self.chance.choice(ONSETS) + self.chance.choice(VOWELS) +
                              self.chance.choice(CODAS) for _ in range(syllables)))
        # A set of strings has another order in every process.
        stems = sorted(stems)
        self.chance.shuffle(stems)
        self.words = [stem + self.chance.choice(ENDINGS) for stem in stems]
        self.weights = list(itertools.accumulate(1 / (8 + rank) for rank in range(VOCABULARY)))
        functions = itertools.accumulate(1 / (1 + rank) for rank in range(len(FUNCTION_WORDS)))
        self.function_weights = list(functions)

    def _draw(self, count):
        return self.chance.choices(self.words, cum_weights=self.weights, k=count)

    def turn(self):
        count = self.chance.randint(WORDS_MIN, WORDS_MAX) // 2
        functions = self.chance.choices(FUNCTION_WORDS, cum_weights=self.function_weights, k=count)
        return " ".join(itertools.chain(*zip(functions, self._draw(count)))) + "."

    def question(self, turn):
        """About a turn: some of its words, one of them bent, and one that is not there."""
        words = [word for word in turn.strip(".").split() if word not in FUNCTION_WORDS]
        about = self.chance.sample(words, min(len(words), self.chance.randint(2, 5)))
        about[-1] += "s"
        return f"What did you say about the {' '.join(about)} and {self._draw(1)[0]}?"


def second_of(number):
    """When turn `number` was said."""
    session, turn = divmod(number, SESSION_TURNS)
    return FIRST_SECOND + session * SESSION_SECONDS // 24 + turn * TURN_SECONDS
