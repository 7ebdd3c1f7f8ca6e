"""Audio that libsndfile does not read, and what is taken of a recording.

| module | what |
|---|---|
| `ffmpeg` | the second reader, FFmpeg by way of PyAV: M4A, MP4, WebM, WMA, AMR, 3GP, ... |
| `channels` | which channels count, by the recipe's `data.channels` |
| `pieces` | pieces of long recordings, from either reader |
"""
