"""What looks wrong with a corpus, though each of its files is in order: sentences with counts."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from mtlser.data.confounds import Confound
from mtlser.data.overview import Overview
from mtlser.records import Record

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
    corpus: Overview,
    confounds: Sequence[Confound],
    release_hz: Mapping[str, int] | None = None,
) -> tuple[DataWarning, ...]:
    """What looks wrong, in the order in which it should be looked at.

    Args:
        corpus: its utterances, and what was measured of their clips.
        confounds: properties that go with the class.
        release_hz: sample rates of published releases by the name of their corpus.
    """
    found = [
        *_rates(corpus, release_hz or {}),
        *_lengths(corpus),
        *_clips(corpus),
        *_texts(corpus),
        *_classes(corpus),
        *_corpora(corpus),
        *_confounded(confounds),
    ]
    return tuple(found)


def _rates(corpus: Overview, release_hz: Mapping[str, int]) -> Iterator[DataWarning]:
    names = corpus.corpus.names
    for name, rate_hz in release_hz.items():
        if name not in names:
            continue
        counts = corpus.rate_hz.counts(corpus.corpus.code_n == names.index(name))
        own = {int(rate): count for rate, count in counts.items() if rate is not None}
        other = {rate: count for rate, count in own.items() if rate != rate_hz}
        if other:
            shown = ", ".join(f"{count} have {rate} Hz" for rate, count in sorted(other.items()))
            release = f"release of {name}" if len(release_hz) > 1 else "release"
            yield DataWarning(
                kind="sample rate",
                text=f"the {release} has {rate_hz} Hz and of {sum(own.values())} files {shown}: "
                "this copy was converted",
                count=sum(other.values()),
            )


def _lengths(corpus: Overview) -> Iterator[DataWarning]:
    if len(corpus) < FEWEST:
        return
    lengths = Counter(round(length_s, 3) for length_s in corpus.number("duration_s").flat)
    length_s, count = lengths.most_common(1)[0]
    if count > SAME_LENGTH * len(corpus):
        yield DataWarning(
            kind="equal lengths",
            text=f"{count} of {len(corpus)} clips last {length_s:g} s: they were cut to one "
            "length, and a transcript may hold words that were cut off",
            count=count,
        )


def _clips(corpus: Overview) -> Iterator[DataWarning]:
    """What was measured of the clips."""
    clipped_n, end_db_n = corpus.number("clipped"), corpus.number("end_db")
    measured = int(np.isfinite(end_db_n).sum())
    cut, clipped = int((end_db_n > CUT_DB).sum()), int((clipped_n > 0.001).sum())
    if measured >= FEWEST and cut > MOST * measured:
        yield DataWarning(
            kind="cut off",
            text=f"in {cut} of {measured} clips sound runs into the last sample (within "
            f"{-CUT_DB:g} dB of the clip's level in its last 20 ms): their ends may be missing",
            count=cut,
        )
    if clipped:
        yield DataWarning(
            kind="clipping",
            text=f"{clipped} of {measured} recordings have over 0.1 % of their samples at "
            "full scale: they were recorded too loud",
            count=clipped,
        )
    if corpus.silent_channels:
        yield DataWarning(
            kind="silent channel",
            text=f"{corpus.silent_channels} of {measured} recordings have a channel without sound: "
            "their mean is lower than the speech; `data.channels` names the channel that counts",
            count=corpus.silent_channels,
        )


def _texts(corpus: Overview) -> Iterator[DataWarning]:
    spoken = int(corpus.text.known_n.sum())
    fast_n = corpus.number("characters") > CHARACTERS_S * corpus.number("duration_s")
    fast = int(fast_n.sum())
    if fast:
        yield DataWarning(
            kind="transcript too long",
            text=f"{fast} of {spoken} transcripts have over {CHARACTERS_S:g} characters "
            f"a second of audio, more than anybody says (first: {corpus.id[int(fast_n.argmax())]})",
            count=fast,
        )
    texts = len(np.unique(corpus.text.hash_n[corpus.text.known_n]))
    if spoken >= FEWEST and texts < FEW_TEXTS * spoken:
        yield DataWarning(
            kind="few transcripts",
            text=f"{spoken} clips have {texts} different transcripts: a WER measured "
            "here is of sentences known from training",
            count=spoken,
        )


def _classes(corpus: Overview) -> Iterator[DataWarning]:
    """Classes that one speaker or one gender has."""
    speakers, genders = len(corpus.speaker.known), len(corpus.gender.known)
    for name in sorted(corpus.emotion.known):
        own_n = corpus.emotion.code_n == corpus.emotion.names.index(name)
        own = int(own_n.sum())
        counts = corpus.speaker.counts(own_n)
        counts.pop(None, None)
        who, most = max(counts.items(), key=lambda pair: pair[1], default=("", 0))
        if speakers > 1 and counts and (len(counts) == 1 or most > MOST * own):
            kind = "one speaker" if len(counts) == 1 else "one speaker has most"
            yield DataWarning(
                kind=kind,
                text=f"{most} of {own} {name} utterances are by speaker {who}: the class is "
                "known by the voice",
                count=most,
            )
        of_class = corpus.gender.counts(own_n).keys() - {None}
        if genders > 1 and len(of_class) == 1:
            (gender,) = of_class
            word = {"F": "women", "M": "men"}[str(gender)]
            yield DataWarning(
                kind="one gender",
                text=f"all {own} {name} utterances are by {word}, other classes have both: "
                "the gender gives part of the answer",
                count=own,
            )


def _corpora(corpus: Overview) -> Iterator[DataWarning]:
    """Classes and recordings of joined corpora: what one alone has, and what two have."""
    corpora = len(corpus.corpus.known)
    if corpora < 2:
        return
    for name in sorted(corpus.emotion.known):
        counts = corpus.corpus.counts(corpus.emotion.code_n == corpus.emotion.names.index(name))
        if len(counts) == 1:
            ((only, count),) = counts.items()
            yield DataWarning(
                kind="one corpus",
                text=f"all {count} {name} utterances are of {only}, one of {corpora} corpora: "
                "how a corpus was recorded gives part of the answer",
                count=count,
            )
    pairs = np.unique(np.stack([corpus.audio.hash_n, corpus.corpus.code_n]), axis=1)
    audio, in_corpora = np.unique(pairs[0], return_counts=True)
    places = np.flatnonzero(np.isin(corpus.audio.hash_n, audio[in_corpora > 1]))
    groups: dict[int, list[int]] = defaultdict(list)
    for place in places.tolist():
        groups[int(corpus.audio.hash_n[place])].append(place)
    if groups:
        first = min(groups.values(), key=lambda own: corpus.id[own[0]])
        yield DataWarning(
            kind="in two corpora",
            text=f"{len(groups)} recordings are in more than one corpus, sample by sample (first: "
            f"{' and '.join(corpus.id[place] for place in first)}): leave them out of one, or say "
            "that two names are one person with `data.merge_speakers`",
            count=len(places),
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
