"""What looks wrong with a corpus, though each of its files is in order: sentences with counts."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from mtlser.data.clip_facts import ClipFacts
from mtlser.data.confounds import Confound
from mtlser.records import Record, Utterance

FEWEST = 20
"""Utterances, below which a share means nothing."""
SAME_LENGTH = 0.2
"""Share of clips of one length, to the millisecond, that chance does not make."""
MOST = 0.5
"""Share that is most."""
CUT_DB = -20.0
"""A clip whose last 20 ms are louder than this, relative to the clip, ends within speech."""
CHARACTERS_S = 25.0
"""Characters a second that nobody speaks."""
FEW_TEXTS = 0.05
"""Different transcripts a clip: with fewer, words are recognised as sentences."""
STRONG = 0.5
"""Effect size above which a property of the recording gives much of the class."""
RECORDING = ("sample rate", "level", "duration")
"""Properties of the recording, not of who speaks."""


class DataWarning(Record):
    """One thing that looks wrong."""

    kind: str
    """A word or two, the same for all corpora."""
    text: str
    """One sentence with counts."""
    count: int
    """Utterances that it is about."""


def warnings(
    utterances: Sequence[Utterance],
    facts: Mapping[str, ClipFacts] | None,
    confounds: Sequence[Confound],
    release_hz: Mapping[str, int] | None = None,
) -> tuple[DataWarning, ...]:
    """What looks wrong, in the order in which it should be looked at.

    Args:
        utterances: the manifest.
        facts: measured at ingest, by utterance id; `None`: not known.
        confounds: properties that go with the class.
        release_hz: sample rates of published releases by the name of their corpus.
    """
    measured = [facts[u.id] for u in utterances if u.id in facts] if facts else []
    found = [
        *_rates(utterances, facts or {}, release_hz or {}),
        *_lengths(utterances),
        *_cut(measured),
        *_clipped(measured),
        *_silent(measured),
        *_texts(utterances),
        *_classes(utterances),
        *_corpora(utterances),
        *_confounded(confounds),
    ]
    return tuple(found)


def _rates(
    utterances: Sequence[Utterance], facts: Mapping[str, ClipFacts], release_hz: Mapping[str, int]
) -> Iterator[DataWarning]:
    for corpus, rate_hz in release_hz.items():
        own = [facts[u.id] for u in utterances if u.corpus == corpus and u.id in facts]
        other = Counter(each.rate_hz for each in own if each.rate_hz != rate_hz)
        if other:
            shown = ", ".join(f"{count} have {rate} Hz" for rate, count in sorted(other.items()))
            release = f"release of {corpus}" if len(release_hz) > 1 else "release"
            yield DataWarning(
                kind="sample rate",
                text=f"the {release} has {rate_hz} Hz and of {len(own)} files {shown}: this copy "
                "was converted",
                count=sum(other.values()),
            )


def _lengths(utterances: Sequence[Utterance]) -> Iterator[DataWarning]:
    if len(utterances) < FEWEST:
        return
    length_s, count = Counter(round(u.duration_s, 3) for u in utterances).most_common(1)[0]
    if count > SAME_LENGTH * len(utterances):
        yield DataWarning(
            kind="equal lengths",
            text=f"{count} of {len(utterances)} clips last {length_s:g} s: they were cut to one "
            "length, and a transcript may hold words that were cut off",
            count=count,
        )


def _cut(measured: Sequence[ClipFacts]) -> Iterator[DataWarning]:
    cut = sum(each.end_db > CUT_DB for each in measured)
    if len(measured) >= FEWEST and cut > MOST * len(measured):
        yield DataWarning(
            kind="cut off",
            text=f"in {cut} of {len(measured)} clips sound runs into the last sample (within "
            f"{-CUT_DB:g} dB of the clip's level in its last 20 ms): their ends may be missing",
            count=cut,
        )


def _clipped(measured: Sequence[ClipFacts]) -> Iterator[DataWarning]:
    clipped = sum(each.clipped > 0.001 for each in measured)
    if clipped:
        yield DataWarning(
            kind="clipping",
            text=f"{clipped} of {len(measured)} recordings have over 0.1 % of their samples at "
            "full scale: they were recorded too loud",
            count=clipped,
        )


def _silent(measured: Sequence[ClipFacts]) -> Iterator[DataWarning]:
    silent = sum(each.silent_channels > 0 for each in measured)
    if silent:
        yield DataWarning(
            kind="silent channel",
            text=f"{silent} of {len(measured)} recordings have a channel without sound: their mean "
            "is lower than the speech; `data.channels` names the channel that counts",
            count=silent,
        )


def _texts(utterances: Sequence[Utterance]) -> Iterator[DataWarning]:
    spoken = [(u, u.text) for u in utterances if u.text is not None]
    fast = [u.id for u, text in spoken if len(text) > CHARACTERS_S * u.duration_s]
    if fast:
        yield DataWarning(
            kind="transcript too long",
            text=f"{len(fast)} of {len(spoken)} transcripts have over {CHARACTERS_S:g} characters "
            f"a second of audio, more than anybody says (first: {fast[0]})",
            count=len(fast),
        )
    texts = Counter(text for _, text in spoken)
    if len(spoken) >= FEWEST and len(texts) < FEW_TEXTS * len(spoken):
        yield DataWarning(
            kind="few transcripts",
            text=f"{len(spoken)} clips have {len(texts)} different transcripts: a WER measured "
            "here is of sentences known from training",
            count=len(spoken),
        )


def _classes(utterances: Sequence[Utterance]) -> Iterator[DataWarning]:
    """Classes that one speaker or one gender has."""
    by_class: dict[str, list[Utterance]] = defaultdict(list)
    for utterance in utterances:
        by_class[utterance.emotion].append(utterance)
    speakers = {u.speaker for u in utterances} - {None}
    genders = {u.gender for u in utterances} - {None}
    for name, own in sorted(by_class.items()):
        counts = Counter(u.speaker for u in own if u.speaker is not None)
        who, most = counts.most_common(1)[0] if counts else ("", 0)
        if len(speakers) > 1 and counts and (len(counts) == 1 or most > MOST * len(own)):
            kind = "one speaker" if len(counts) == 1 else "one speaker has most"
            yield DataWarning(
                kind=kind,
                text=f"{most} of {len(own)} {name} utterances are by speaker {who}: the class is "
                "known by the voice",
                count=most,
            )
        of_class = {u.gender for u in own} - {None}
        if len(genders) > 1 and len(of_class) == 1:
            (gender,) = of_class
            word = {"F": "women", "M": "men"}[str(gender)]
            yield DataWarning(
                kind="one gender",
                text=f"all {len(own)} {name} utterances are by {word}, other classes have both: "
                "the gender gives part of the answer",
                count=len(own),
            )


def _corpora(utterances: Sequence[Utterance]) -> Iterator[DataWarning]:
    """Classes and recordings of joined corpora: what one alone has, and what two have."""
    corpora = sorted({u.corpus for u in utterances})
    by_class: dict[str, set[str]] = defaultdict(set)
    first: dict[str, str] = {}
    several: dict[str, list[Utterance]] = {}
    for utterance in utterances if len(corpora) > 1 else ():
        by_class[utterance.emotion].add(utterance.corpus)
        if first.setdefault(utterance.audio_sha256, utterance.corpus) != utterance.corpus:
            several[utterance.audio_sha256] = []
    for utterance in utterances if several else ():
        if utterance.audio_sha256 in several:
            several[utterance.audio_sha256].append(utterance)
    for name, of_class in sorted(by_class.items()):
        if len(of_class) == 1:
            (only,) = of_class
            count = sum(u.emotion == name for u in utterances)
            yield DataWarning(
                kind="one corpus",
                text=f"all {count} {name} utterances are of {only}, one of {len(corpora)} corpora: "
                "how a corpus was recorded gives part of the answer",
                count=count,
            )
    if several:
        twice = sorted(several.values(), key=lambda own: own[0].id)
        yield DataWarning(
            kind="in two corpora",
            text=f"{len(twice)} recordings are in more than one corpus, sample by sample (first: "
            f"{' and '.join(u.id for u in twice[0])}): leave them out of one, or say that two "
            "names are one person with `data.merge_speakers`",
            count=sum(map(len, twice)),
        )


def _confounded(confounds: Sequence[Confound]) -> Iterator[DataWarning]:
    for each in confounds:
        if each.property in RECORDING and each.effect > STRONG:
            yield DataWarning(
                kind=f"{each.property} by class",
                text=f"the {each.property} of a recording goes with its class (effect size "
                f"{each.effect:.2f} of 1): a model may learn how a class was recorded",
                count=each.utterances,
            )
