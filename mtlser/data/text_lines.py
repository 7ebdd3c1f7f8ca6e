"""Text of files that other programs wrote, whatever its encoding."""

from mtlser.files import marked_encoding


def decoded(content: bytes, encoding: str = "cp1252") -> str:
    """Bytes as text, without a byte order mark.

    By what the byte order mark names, as UTF-8 where they are, else in the encoding given, else as
    Latin-1.

    Args:
        content: of a file.
        encoding: of texts that are not Unicode.

    >>> decoded("grün".encode("utf-16")), decoded("grün".encode("cp1252"))
    ('grün', 'grün')
    """
    for name in (marked_encoding(content) or "utf-8", encoding):
        try:
            return content.decode(name).removeprefix("\ufeff")
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1")
