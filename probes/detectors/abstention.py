"""Tell an answer that admits not to know from one that claims something."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..contract import Judgement
from .detector import by_rule, flat, identity_of
from .shipped import card_of

if TYPE_CHECKING:
    from ..estimates.card import Card

OPENING = 300
"""Characters in which the admission must begin: a doubt in the tenth sentence does not unsay the first."""

_NOT = r"(?:do not|don't|dont|did not|didn't|can not|cannot|can't|could not|couldn't|am unable to|'m unable to"
_NOT += r"|am not able to|'m not able to|was unable to|was not able to|wasn't able to|have not|haven't|have never"
_NOT += r"|never|would not|wouldn't)"
_FACTS = r"(?:information|details?|records?|knowledge|data|access|answer|idea|clue|facts?|evidence|memory)"
_MIND = r"(?:know|recall|remember|recogni[sz]e|identify|verify|confirm|find|locate|answer|say|tell|determine|provide"
_MIND += r"|heard|seen|read|learnt|learned|come across|encountered|been able|be (?:sure|certain)|(?:want|like) to guess"
_MIND += rf"|(?:have|possess|hold) (?:any |enough |sufficient |specific |reliable |the |an? |that )*{_FACTS})"
_ADVERBS = r"(?:(?:really|actually|honestly|truly|currently|personally|simply|just|quite|even|yet|ever|sure) )?"
_FALSE = r"(?:fictional|fictitious|made[- ]up|invented|imaginary|non-?existent|not real|not a real|not an actual"
_FALSE += r"|fabricated|hypothetical)"
_THING = rf"(?:such (?!thing as)|(?:{_FACTS}|mention|trace|way (?:for \w+ )?(?:to know|of knowing)"
_THING += r"|comment|known|reliable|public|widely known)\b)"

PHRASES = (
    rf"\b(?:i|we)(?: \w+)? ?{_NOT} {_ADVERBS}{_MIND}\b(?! (?:for sure|exactly))",
    r"\b(?:i|we)(?: am| are|'m|'re) (?:\w+ )?(?:not|un)(?: \w+)? ?"
    r"(?:sure|certain|aware|familiar|acquainted|convinced)\b",
    rf"\b(?:i|we) (?:\w+ )?(?:have|has|had|got|see|find|found|possess|know of|know) no(?:thing)? ?{_THING}",
    r"\b(?:i|we) (?:\w+ )?(?:know|knew) (?:of no|no|nothing)\b",
    rf"\b(?:i|we) (?:\w+ )?lack (?:\w+ ){{0,2}}{_FACTS}",
    r"\bthere(?: is|'s| are| was| were| isn't| aren't| seems to be| appears to be)(?: \w+)? ?"
    rf"(?:no|not any|any) {_THING}",
    r"\bthere (?:does not|doesn't|do not|don't) (?:seem|appear) to be\b",
    rf"^no {_THING}",
    r"\bno such \w+(?: \w+){0,2} (?:exists?|existed|ever|was|is)\b",
    r"\b(?:i|we) (?:do not|don't) (?:think|believe)\b[^.]{0,60}"
    r"\b(?:exists?|existed|ever|by that name|of that name|real|called that)\b",
    r"\b(?:is|are|was|remains?) (?:\w+ )?(?:unknown|not known|unclear|uncertain|unanswerable)"
    r"(?: to (?:me|us)\b|$|[.,;!])",
    r"\b(?:unknown|not known|known) to me\b",
    r"^(?:unknown|not known|unclear|uncertain|unanswerable|not publicly known)\b",
    r"\b(?:not |im)possible (?:for me )?to (?:say|know|tell|answer|verify)\b",
    r"\b(?:does not|doesn't|do not|don't|did not|didn't|never) (?:actually |really |seem to |appear to |even )?"
    r"(?:exist|existed|happen|happened|take place|took place)\b",
    r"\b(?:is|was|are|be|appears|seems|sounds|looks)(?: to be| like)?"
    rf"(?: likely| probably| perhaps| entirely| purely| an?| completely| either){{0,3}} {_FALSE}\b",
    r"\b(?:no one|nobody) (?:\w+ )?(?:knows|can know|can say|can tell)\b",
    r"\bno \w+(?: \w+)? (?:by that name|of that name|with that (?:name|title)|by this name|called that)\b",
    r"\b(?:may|might|could) (?:not exist|be (?:fictional|fictitious|made[- ]up|a mistake|mistaken))\b",
    r"\b(?:isn't|is not|wasn't|was not) (?:a |an )?(?:real|actual|recogni[sz]ed|known|existing)\b",
    r"\b(?:is not|isn't|was not|wasn't|not) clear (?:who|what|when|where|why|how|which|whether)\b",
    r"\b(?:no|without|lacks) (?:a |an |any )?(?:known|certain|clear|definite) answer\b",
    r"\b(?:at a loss|search me|guess is as good as (?:mine|anyone's)|(?:faintest|slightest|foggiest)(?: idea| notion)?"
    r"|(?:haven't|have not|ain't) got (?:a|any) (?:clue|idea)|never heard of|never seen (?:that|this|it)|can't place"
    r"|cannot place|ignorant of|(?:little|nothing) is known|no \w+ (?:that )?i know of?)\b",
    r"\b(?:not|n't)\b[^.]{0,50}\b(?:that |which )?i"
    r" (?:know|have heard|have seen|am aware|can (?:name|place))(?: of)?\b",
    r"\bi (?:can't|cannot|couldn't|could not) give (?:you )?(?:an?|any|the) (?:\w+ )?"
    r"(?:answer|date|name|number|figure)\b",
    r"\b(?:making|make|made) (?:it|something|things|an answer) up\b|\binvent (?:any|one|an answer|details)\b",
    rf"\b(?:is|are|was|were)(?: not|n't) (?:enough|sufficient) {_FACTS}\b",
    rf"\b{_FACTS} (?:is|are)(?: not|n't) available\b",
    r"\bevidence does not (?:allow|permit|support) an? (?:\w+ )?answer\b|\bi (?:have not|haven't) been told\b",
    r"\bi (?:\w+ )?doubt (?:that|there|this|whether|it|if|such|any)\b",
    r"\b(?:is|was) not an? (?:\w+ )?(?:that|which) (?:exists|existed)\b",
    r"\bmy (?:knowledge|training|data|information) (?:\w+ )?(?:ends?|stops?|covers?|cuts? off|goes)\b",
    r"\b(?:scientists|historians|experts|researchers|scholars|people|they) (?:do not|don't|cannot|can't)"
    r" (?:yet |really |quite |even )?(?:know|say|tell)\b",
    r"\b(?:has not|hasn't|have not|haven't|was never|were never) (?:yet )?(?:been )?"
    r"(?:established|determined|confirmed|recorded|documented|settled|published|verified)\b",
    r"^(?:not something (?:that )?i|couldn't (?:tell|say)|can't (?:tell|say))\b",
    r"\b(?:don't|do not) (?:think|believe) (?:anybody|anyone|that anyone|that anybody)\b",
    r"\b(?:is|was) not (?:one|something|anything|a \w+) (?:that )?(?:i|we) (?:know|have|recogni[sz]e|can)\b",
    r"\b(?:beyond|outside)(?: of)? my (?:\w+ )?(?:knowledge|training|information)\b",
    r"\bto my knowledge,? (?:there|no|nobody|it|that|this)\b[^.]{0,40}\b(?:no|not|never|none|nobody)\b",
    r"\bnothing (?:in what )?(?:that )?i know\b",
    r"\b(?:escapes me|draw a blank|drawing a blank|am stumped|i'm stumped|have me there|got me there)\b",
    r"\b(?:not|doesn't|don't|no) (?:\w+ )?ring (?:a|any) bells?\b|\brings no bells?\b",
    r"\b(?:have|need|want) to (?:look|check|research) (?:\w+ )?(?:up|it|that|this)\b",
    r"\b(?:could|can|would) you (?:please )?(?:clarify|provide (?:more|some|further)|give (?:me )?(?:more|some))\b",
    r"\b(?:cannot|can't|can not|couldn't|could not) be (?:\w+ )?(?:verified|confirmed|known|determined|answered)\b",
    r"^(?:h+m+|well|uh|um|oh|sorry|honestly|frankly|actually)?\W*(?:no idea|not sure|not certain|unsure|unknown"
    r"|dunno|i dunno|i've no idea|beats me|no clue|idk|who knows|hard to say|difficult to say|i pass"
    r"|i would have to guess|i'd have to guess|n/a|no answer|i can only guess|i'd only be guessing"
    r"|i have no comment|not that i know|not to my knowledge)\b",
)
"""Written for this project. Each is bounded, so that matching takes time linear in the text."""

_GUESS = (
    r"\b(?:but|however|though|although|still)\b[^.]{0,30}"
    r"\b(?:i think|i believe|i guess|i'd guess|i would guess|i'd say|i would say|i am sure|i'm sure|pretty sure"
    r"|fairly sure|it is|it's|it was|he is|he was|she is|she was|they are|they were|probably|most likely)\b"
    r"|[.!?] (?:but |maybe |perhaps )?(?:i think|i believe|i guess|i'd guess|i would guess|i'd say|i would say"
    r"|my (?:best )?guess|it's probably|it is probably|probably|most likely)\b"
)
"""A doubt that goes on to name an answer is an answer."""

_ABSTAINS = re.compile("|".join(f"(?:{phrase})" for phrase in PHRASES))
_ANSWERS = re.compile(_GUESS)


class Abstention:
    """Does the text admit that it does not know, or that the thing asked about does not exist?

    Judged by the first 300 characters, in English. A doubt followed by a guess ("I'm not sure, but I think it
    was Turin") counts as an answer: whoever reads it goes away with Turin.
    """

    identity = identity_of("abstention-phrases", "1", f"{OPENING}\n{_ABSTAINS.pattern}\n{_GUESS}".encode())

    @property
    def card(self) -> Card | None:
        """Measured on the labelled examples beside this file; its notes say who wrote them."""
        return card_of(self.identity)

    def judge(self, texts: Sequence[str]) -> list[Judgement]:
        """Label True for an abstention; the score is 1 or 0."""
        return by_rule(self.identity, texts, abstains)


def abstains(text: str) -> bool:
    """Whether the text opens by admitting ignorance and then names no answer."""
    opening = flat(text)[:OPENING]
    doubt = _ABSTAINS.search(opening)
    return doubt is not None and _ANSWERS.search(opening, doubt.start()) is None
