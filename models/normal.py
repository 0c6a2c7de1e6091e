"""Normal forms: what is compared to tell whether two texts mean the same. Never what is shown."""

import re
import unicodedata

# Unicode's Default_Ignorable_Code_Point, and the blank Braille pattern: drawn as nothing.
INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)


def normal_words(text: str) -> str:
    """A name or an item: NFKC, case-folded, single spaces, invisible characters removed (domain: normal forms)."""
    if text.isascii():
        return " ".join(text.lower().split())  # nothing of what follows is in it
    # What is invisible goes first, or it would keep an accent from its letter. Folding can undo the composition, and
    # composing can bring back a capital: fold between two NFKCs.
    composed = unicodedata.normalize("NFKC", INVISIBLE.sub("", text))
    folded = unicodedata.normalize("NFKC", composed.casefold())
    return " ".join(INVISIBLE.sub("", folded).split())


def normal_email(text: str) -> str:
    """An address that email-validator has passed: NFC, case-folded whole."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
