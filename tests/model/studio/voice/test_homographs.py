"""Tests of the pronunciation of English homographs and of song spellings."""

from model.studio.lyrics.readings import read_line
from tests.support.table import table


def phones(line: str, word: int) -> str:
    """Return the phones of word number `word` in an English line."""
    words: list[list[str]] = []
    for syllable in read_line(line, chinese=False).syllables:
        if syllable.starts_word:
            words.append([])
        words[-1].append(syllable.reading)
    return " ".join(words[word])


@table(
    ("line", "word", "said"),
    [
        ("A cold wind tonight", 2, "w ih n d"),
        ("Wind me up again", 0, "w ay n d"),
        ("These tears I cry", 1, "t ih r z"),
        ("It tears me apart", 1, "t eh r z"),
        ("Don't tear it down", 1, "t eh r"),
        ("A single tear", 2, "t ih r"),
        ("We live forever", 1, "l ih v"),
        ("A live show", 1, "l ay v"),
        ("Changing our lives", 2, "l ay v z"),
        ("She lives alone", 1, "l ih v z"),
        ("Lead me to the light", 0, "l iy d"),
        ("Heavy like lead", 2, "l eh d"),
        ("I close my eyes", 1, "k l ow z"),
        ("Stay close tonight", 1, "k l ow s"),
        ("So close", 1, "k l ow s"),
        ("Close every window", 0, "k l ow z"),
        ("What's the use", 2, "y uw s"),
        ("Use your heart", 0, "y uw z"),
        ("I used to know", 1, "y uw s t"),
        ("No excuse for me", 1, "ih k s k y uw s"),
        ("I have read your letter", 2, "r eh d"),
        ("Read my mind", 0, "r iy d"),
        ("Take a bow", 2, "b aw"),
        ("Bow and arrow", 0, "b ow"),
        ("Play that record", 2, "r eh k er d"),
        ("They record every word", 1, "r ih k ao r d"),
        ("Out in the desert", 3, "d eh z er t"),
        ("Never desert me", 1, "d ih z er t"),
        ("Turn up the bass", 3, "b ey s"),
        ("A white dove", 2, "d ah v"),
        ("We dove into the sea", 1, "d ow v"),
        ("An open wound", 2, "w uw n d"),
        ("One more minute", 2, "m ih n ax t"),
        ("Winding road", 0, "w ay n d ih ng"),
    ],
)
def test_a_word_of_two_readings_has_that_of_its_neighbours(line: str, word: int, said: str) -> None:
    assert phones(line, word) == said


@table(
    ("written", "plain"),
    [
        ("yeaaaah", "yeah"),
        ("yeaah", "yeah"),
        ("nooooo", "no"),
        ("sooo", "so"),
        ("looove", "love"),
        ("goood", "good"),
        ("babyyy", "baby"),
        ("heyyy", "hey"),
        ("freeee", "free"),
        ("whoooa", "whoa"),
        ("YEAAAH", "yeah"),
        ("forevverrr", "forever"),
        ("luv", "love"),
        ("nite", "night"),
        ("thru", "through"),
        ("u", "you"),
    ],
)
def test_stretched_and_chatted_words_are_the_words_they_stand_for(written: str, plain: str) -> None:
    assert phones(written, 0) == phones(plain, 0)


@table(
    ("written", "said"),
    [
        ("dreamin'", "d r iy m ih n"),
        ("somethin’ else", "s ah m th ih n"),
        ("nothin' but", "n ah th ih n"),
        ("'til dawn", "t ih l"),
        ("'cause I", "k ah z"),
        ("hmmm", "hh ah m"),
        ("shhhh", "sh ih"),
        ("lalala", "l aa l aa l aa"),
        ("hahaha", "hh aa hh aa hh aa"),
        ("MC", "eh m s iy"),
        ("DNA", "d iy eh n ey"),
    ],
)
def test_clipped_words_and_sounds_are_sung_as_they_are_meant(written: str, said: str) -> None:
    assert phones(written, 0) == said


@table("word", ["glass", "free", "soon", "moon", "hello", "kiss", "begin", "within", "cabin"])
def test_words_of_the_dictionary_keep_their_double_letters_and_endings(word: str) -> None:
    from model.studio.voice.english import looked_up

    found = looked_up(word)
    assert found is not None
    assert phones(word, 0).split() == list(found)
