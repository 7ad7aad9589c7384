"""Requests as an attacker frames them, so that two servers in a row read different ones.

`CASES` has each as bytes; what is sent behind them, `PROBE`, is what would be smuggled. A case is
`FINE` (everybody may send it, and it has to be read), `BAD` (it has to be refused) or `EITHER`
(refused or read, as long as both parsers read the same).

RFC numbers in comments are of RFC 9112 unless they say otherwise.
"""

from dataclasses import dataclass

FINE = "fine"
BAD = "bad"
EITHER = "either"

PROBE = b"GET /probe HTTP/1.1\r\nhost: probe\r\n\r\n"
BODY = b"hello"
CHUNKS = b"5\r\nhello\r\n0\r\n\r\n"
HIDDEN = b"GET /hidden HTTP/1.1\r\nhost: a\r\n\r\n"


@dataclass(frozen=True)
class Case:
    name: str
    data: bytes
    kind: str


def show(data: bytes) -> str:
    """The bytes as they would be written in Python, for names."""
    text = repr(data)[2:-1]
    return text if len(text) <= 40 else f"{text[:30]}...{len(data)}"


def post(*lines: bytes, body: bytes = b"", first: bytes = b"POST /a HTTP/1.1") -> bytes:
    """A POST whose header lines are `host` and `lines`."""
    return b"\r\n".join([first, b"host: a", *lines, b"", body])


def chunked(body: bytes) -> bytes:
    return post(b"transfer-encoding: chunked", body=body)


def lengths():
    """6.2, 6.3: Content-Length is digits; a list or repetition of the same MAY be accepted."""
    values = {
        FINE: [b"5", b"  5", b"5  ", b"\t5\t", b"05", b"0000000005"],
        BAD: [
            *(b"+5", b"-5", b"0x5", b"5.0", b"5e0", b"five", b"5 5", b"5;", b"5;a", b"'5'", b'"5"'),
            *(b"5_", b"1_0", b"\xef\xbc\x95", b"5\x00", b"\x005", b"5\x0b", b"\x0c5", b"5\x7f"),
            *(b"5\xa0", b"-0", b"+0", b"5,6", b"5,", b",5", b"5, 6", b"6, 5", b"5,,5", b"0b101"),
            *(b"18446744073709551616", b"18446744073709551621", b"36893488147419103237"),
            *(b"9" * 30, b"5" + b"0" * 100, b"5L", b"5 ,5x", b"5\r5", b"5-5", b"0o5", b"\xb2"),
        ],
        EITHER: [b"", b" ", b"5,5", b"5, 5", b"5 , 5", b"5,\t5"],
    }
    for kind, each in values.items():
        for value in each:
            yield (
                f"content-length: {show(value)}",
                post(b"content-length:" + value, body=BODY),
                kind,
            )
    yield "no length and no body", post(), FINE
    yield "no length and a body: another request", post(body=HIDDEN), FINE
    for method in (b"GET", b"HEAD", b"DELETE", b"PUT", b"OPTIONS"):
        head = method + b" /a HTTP/1.1"
        yield (
            f"{method.decode()} with a body",
            post(b"content-length: 5", body=BODY, first=head),
            FINE,
        )
        yield (
            f"{method.decode()} with a request for a body",
            post(b"content-length: %d" % len(HIDDEN), body=HIDDEN, first=head),
            FINE,
        )


def repeated_lengths():
    for first, second in [
        *((b"5", b"5"), (b"5", b"6"), (b"6", b"5"), (b"0", b"5"), (b"5", b"0"), (b"5", b"")),
        *((b"", b"5"), (b"05", b"5"), (b"5", b"+5"), (b"5,5", b"5"), (b"5", b"x"), (b"5", b" 5")),
    ]:
        is_same = first.strip() == second.strip()
        for other in (b"Content-Length", b"CONTENT-LENGTH"):
            data = post(b"content-length: " + first, other + b": " + second, body=BODY)
            kind = EITHER if is_same else BAD
            yield f"content-length {show(first)}, then {other.decode()} {show(second)}", data, kind
        between = post(b"content-length: " + first, b"x: y", b"content-length: " + second)
        yield f"lengths {show(first)} and {show(second)} apart", between + BODY, EITHER


CODINGS = {
    FINE: [b"chunked", b"Chunked", b"CHUNKED", b" chunked", b"chunked "],
    BAD: [
        *(b"xchunked", b"chunkedx", b"chunke", b"identity", b"gzip", b"x", b"chunked, identity"),
        *(b"chunked,chunked", b"chunked, chunked", b"chunked, gzip", b"chunked;q=1", b'"chunked"'),
        *(b"'chunked'", b"ch\x00unked", b"\x00chunked", b"chunked\x00", b"\x0bchunked"),
        *(b"chunked\x0b", b"chunked\x0c", b"chun ked", b"chunked identity", b"chun\tked"),
        *(b"chunked\x7f", b"chunk\xe9d", b"\xef\xbb\xbfchunked", b"chunked\xa0", b"chunked;"),
        *(b"chunked, x", b"x, x", b"\\chunked", b"[chunked]", b"chunked:", b": chunked"),
    ],
    EITHER: [
        b"",
        b" ",
        b"\tchunked",
        b"chunked\t",
        b",chunked",
        b"chunked,",
        b", chunked",
        b"identity, chunked",
        b"identity,chunked",
        b"gzip, chunked",
        b"x chunked",
        b"identity chunked",
    ],
}


def codings():
    """6.1: one coding is understood here, chunked; all else is refused."""
    for kind, each in CODINGS.items():
        for value in each:
            name = f"transfer-encoding: {show(value)}"
            yield name, post(b"transfer-encoding:" + value, body=CHUNKS), kind
            yield (
                f"{name}, as a body",
                post(b"transfer-encoding:" + value, body=HIDDEN),
                (BAD if kind == FINE else kind),
            )
    for first in (b"chunked", b"identity", b"x", b""):
        for second in (b"chunked", b"identity", b"x", b""):
            kind = BAD if first == second == b"chunked" else EITHER
            data = post(
                b"transfer-encoding: " + first, b"transfer-encoding: " + second, body=CHUNKS
            )
            yield f"transfer-encoding {show(first)}, then {show(second)}", data, kind
    for version in (b"HTTP/1.0", b"HTTP/1.1"):
        first_line = b"POST /a " + version
        name = version.decode()
        data = post(b"transfer-encoding: chunked", body=CHUNKS, first=first_line)
        yield f"{name} and chunks", data, FINE if version == b"HTTP/1.1" else BAD
        data = post(b"connection: keep-alive", b"transfer-encoding: chunked", body=CHUNKS)
        yield (
            f"{name}, keep-alive and chunks",
            data.replace(b"HTTP/1.1", version),
            (FINE if version == b"HTTP/1.1" else BAD),
        )


def both():
    """6.3: both length headers ought to be handled as an error."""
    for length in (b"5", b"0", b"%d" % len(CHUNKS), b"x", b""):
        for coding in (b"chunked", b"Chunked", b"identity", b"x", b"chunked, identity", b" "):
            lines = [b"content-length: " + length, b"transfer-encoding: " + coding]
            what = f"length {show(length)} and coding {show(coding)}"
            kind = EITHER if coding == b" " or length == b"" else BAD
            yield f"{what}", post(*lines, body=CHUNKS), kind
            yield f"{what}, the other way round", post(*reversed(lines), body=CHUNKS), kind


def disguised_names():
    """5.1: no white space before the colon; a name is a token, and only one name is the name."""
    for name, value, body in [
        (b"content-length", b"5", BODY),
        (b"transfer-encoding", b"chunked", CHUNKS),
    ]:
        half = len(name.split(b"-")[0])
        for shown, line in {
            "white space before the colon": name + b" : " + value,
            "a tab before the colon": name + b"\t: " + value,
            "white space before the name": b" " + name + b": " + value,
            "a tab before the name": b"\t" + name + b": " + value,
            "a NUL behind the name": name + b"\x00: " + value,
            "a NUL before the name": b"\x00" + name + b": " + value,
            "a vertical tab behind the name": name + b"\x0b: " + value,
            "a CR behind the name": name + b"\r: " + value,
            "a LF behind the name": name + b"\n: " + value,
            "a CR behind the colon": name + b":\r" + value,
            "a LF behind the colon": name + b":\n" + value,
            "a LF and white space behind the colon": name + b":\n " + value,
            "no colon": name + b" " + value,
            "a high byte in the name": name + b"\xff: " + value,
            "behind a bare CR": b"x: y\r" + name + b": " + value,
            "behind a NUL": b"x: y\x00" + name + b": " + value,
            "an encoded colon": name + b"%3a " + value,
            "in quotes": b'"' + name + b'": ' + value,
            "white space in the name": name[:half] + b" " + name[half + 1 :] + b": " + value,
        }.items():
            yield f"{name.decode()}, {shown}", post(line, body=body), BAD
        underscored = name.replace(b"-", b"_") + b": " + value
        yield f"{name.decode()}, an underscore", post(underscored, body=HIDDEN), FINE
        yield f"{name.decode()}, in capitals", post(name.upper() + b": " + value, body=body), FINE
        yield f"{name.decode()}, two colons", post(name + b":: " + value, body=body), BAD
        lf = post(b"x: y\n" + name + b": " + value, body=body)
        yield f"{name.decode()}, behind a bare LF", lf, BAD
        for fold in (b"\r\n ", b"\r\n\t", b"\r\n  \t "):
            folded = post(name + b":" + fold + value, body=body)
            yield f"{name.decode()}, folded by {show(fold)}", folded, BAD
            folded = post(b"x: y" + fold + name + b": " + value, body=HIDDEN)
            yield f"{name.decode()}, in a line folded by {show(fold)}", folded, EITHER


def header_lines():
    token = set(b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    for code in [*range(0x30), *range(0x3A, 0x41), *range(0x5B, 0x61), *range(0x7B, 0x81), 0xFF]:
        byte = bytes([code])
        if byte != b":":
            kind = FINE if code in token else BAD
            yield f"{show(byte)} in a name", post(b"a" + byte + b"b: c"), kind
        if code in b"\t" or 0x20 <= code != 0x7F:
            yield f"{show(byte)} in a value", post(b"a: b" + byte + b"c"), FINE
        else:  # RFC 9110, 5.5: CR, LF and NUL are dangerous; other controls MAY be kept
            kind = BAD if byte in (b"\r", b"\n", b"\x00") else EITHER
            yield f"{show(byte)} in a value", post(b"a: b" + byte + b"c"), kind
    yield "a header without a name", post(b": x"), BAD
    yield "a header without a colon", post(b"x"), BAD
    yield "a header without a value", post(b"x:"), FINE
    yield "a header of nothing but white space", post(b" "), BAD
    yield "a fold before the first header", b"GET /a HTTP/1.1\r\n host: a\r\n\r\n", BAD
    yield "a fold behind a header", post(b"x: y", b" z"), BAD


def line_ends():
    """2.2: a bare LF MAY end a line, a bare CR never does; the listener takes neither."""
    for end in (b"\n", b"\r", b"\r\r\n", b"\n\r", b"\r\n\r"):
        shown = show(end)
        yield f"{shown} behind the first line", b"GET /a HTTP/1.1" + end + b"host: a\r\n\r\n", BAD
        yield f"{shown} behind a header", b"GET /a HTTP/1.1\r\nhost: a" + end + b"x: y\r\n\r\n", BAD
        is_over = end.startswith(b"\r\n")  # and what follows is before the next request
        kind = EITHER if is_over else BAD
        yield f"{shown} behind the head", b"GET /a HTTP/1.1\r\nhost: a\r\n" + end, kind
        yield f"{shown} twice behind the head", b"GET /a HTTP/1.1\r\nhost: a" + end + end, BAD
        data = post(b"content-length: 5")[:-2] + end + BODY
        yield f"{shown} before a body", data, BAD
        yield f"{shown} behind a chunk's size", chunked(b"5" + end + b"hello\r\n0\r\n\r\n"), BAD
        yield f"{shown} behind a chunk", chunked(b"5\r\nhello" + end + b"0\r\n\r\n"), BAD
        yield f"{shown} behind the last chunk", chunked(b"5\r\nhello\r\n0" + end + b"\r\n"), BAD
        yield f"{shown} at the end of chunks", chunked(b"5\r\nhello\r\n0\r\n" + end), kind
        yield f"{shown} behind a trailer", chunked(b"0\r\na: b" + end + b"\r\n"), BAD


def chunk_sizes():
    """7.1: hexadecimal digits, then perhaps extensions."""
    for kind, sizes in {
        FINE: [b"5", b"05", b"0005", b"0" * 15 + b"5"],
        BAD: [
            *(b"+5", b"-5", b"0x5", b"0X5", b"x5", b"5x", b"g", b"", b"5.0", b"5_", b"\x005"),
            *(b"5\x00", b" ", b"5,5", b"5 5", b"'5'", b"\xef\xbc\x95", b"-0", b"5\x0b", b"\\x5"),
            *(b"10000000000000005", b"100000000000000000005", b"F" * 17, b"F" * 40),
            *(b"80000000000000005", b"5\xa0", b"5h", b"#5", b"5\r5", b"5:"),
        ],
        EITHER: [
            b"5 ",
            b"5\t",
            b" 5",
            b"\t5",
            b"0" * 16 + b"5",
            b"0" * 19 + b"5",
            b"0" * 40 + b"5",
            b"FFFFFFFF",
            b"F" * 16,
            b"7FFFFFFFFFFFFFFF",
            b"100000005",
        ],
    }.items():
        for size in sizes:
            yield f"chunk size {show(size)}", chunked(size + b"\r\nhello\r\n0\r\n\r\n"), kind
    for kind, ends in {
        FINE: [b"0", b"00", b"0000"],
        BAD: [b"-0", b"+0", b"0x0", b"0\x00", b"0g", b"g", b"0,"],
        EITHER: [b"0 ", b"0\t", b" 0", b"0" * 20],
    }.items():
        for end in ends:
            data = chunked(b"5\r\nhello\r\n" + end + b"\r\n\r\n")
            yield f"last chunk {show(end)}", data, kind


def chunk_data():
    for shown, body, kind in [
        ("one chunk", CHUNKS, FINE),
        ("no chunk but the last", b"0\r\n\r\n", FINE),
        ("two chunks", b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", FINE),
        ("upper case", b"A\r\n0123456789\r\n0\r\n\r\n", FINE),
        ("lower case", b"a\r\n0123456789\r\n0\r\n\r\n", FINE),
        ("a request for data", b"%x\r\n%s\r\n0\r\n\r\n" % (len(HIDDEN), HIDDEN), FINE),
        ("line ends for data", b"4\r\n\r\n\r\n\r\n0\r\n\r\n", FINE),
        ("what looks like the last chunk for data", b"5\r\n0\r\n\r\n\r\n0\r\n\r\n", FINE),
        ("longer than its size", b"4\r\nhello\r\n0\r\n\r\n", BAD),
        ("shorter than its size", b"6\r\nhello\r\n0\r\n\r\n", BAD),
        ("two line ends behind it", b"5\r\nhello\r\n\r\n0\r\n\r\n", BAD),
        ("no line end behind it", b"5\r\nhello0\r\n\r\n", BAD),
        ("any two bytes behind it", b"5\r\nhelloxx0\r\n\r\n", BAD),
        ("white space behind it", b"5\r\nhello \r\n0\r\n\r\n", BAD),
        ("a line end before the first", b"\r\n5\r\nhello\r\n0\r\n\r\n", BAD),
        ("no last chunk", b"5\r\nhello\r\n", BAD),
        ("no end behind the last chunk", b"5\r\nhello\r\n0\r\n", BAD),
        ("no body", b"", BAD),
    ]:
        yield f"chunk: {shown}", chunked(body), kind


def chunk_extensions():
    """7.1.1: unknown ones are ignored; a line end in them is where parsers differ."""
    for kind, extensions in {
        FINE: [b";a", b";a=b", b';a="b"', b";a=b;c=d", b";a;b;c", b';a="b;c"'],
        BAD: [
            *(b";a\x00b", b";a\nb", b";\n5", b";a\rb", b"h", b",a", b"=a", b";a=b\n", b";\x00"),
            *(b';a="b\nc"', b';a="b\r\nc"', b"\n;a", b";a\x7f"),
        ],
        EITHER: [
            b";",
            b"; a",
            b" ;a",
            b"\t;a",
            b"; a = b",
            b';a="b',
            b";;",
            b";=",
            b';a="\\""',
            b";a=b c",
            b";\xff",
            b';"a"',
            b";a=\x01",
        ],
    }.items():
        for extension in extensions:
            name = f"chunk extension {show(extension)}"
            yield name, chunked(b"5" + extension + b"\r\nhello\r\n0\r\n\r\n"), kind
            yield f"{name}, last", chunked(b"5\r\nhello\r\n0" + extension + b"\r\n\r\n"), kind


def trailers():
    """6.5, 7.1.2: read as header lines, and then nobody looks at them."""
    for kind, fields in {
        FINE: [b"a: b", b"a:b\r\nc: d", b"a:", b"A-B: c", b"host: b"],
        BAD: [
            *(b"a", b"a b: c", b"a : b", b"a: b\x00", b"a\x00: b", b" a: b", b"a: b\r\n c"),
            *(b"a: b\nc: d", b": b", b"GET /hidden HTTP/1.1", b"a: b\rc: d", b"\ta: b", b"a\n: b"),
        ],
        EITHER: [
            *(b"content-length: 5", b"transfer-encoding: chunked", b"transfer-encoding: x"),
            *(
                b"connection: close",
                b"content-length: x",
                b"content-length: 5\r\ncontent-length: 6",
                b"upgrade: h2c",
            ),
        ],
    }.items():
        for field in fields:
            yield (
                f"trailer {show(field)}",
                chunked(b"5\r\nhello\r\n0\r\n" + field + b"\r\n\r\n"),
                kind,
            )


def first_lines():
    """3: method SP target SP version; white space of any other kind, or more of it, is refused."""
    for kind, lines in {
        FINE: [
            *(
                b"GET / HTTP/1.1",
                b"GET /a?b=c HTTP/1.1",
                b"GET http://b/c HTTP/1.1",
                b"PUT /a HTTP/1.1",
            ),
            *(b"OPTIONS * HTTP/1.1", b"GET //a//b HTTP/1.1", b"GET /a/../b HTTP/1.1"),
            *(b"GET /%00%0d%0a HTTP/1.1", b"GET /a;b HTTP/1.1", b"HEAD /a HTTP/1.1"),
            *(b"DELETE /a HTTP/1.1", b"PATCH /a HTTP/1.1", b"TRACE /a HTTP/1.1"),
        ],
        BAD: [
            *(b"", b"GET", b"GET ", b"GET /a", b"GET /a ", b"GET  HTTP/1.1", b" HTTP/1.1"),
            *(b"/a HTTP/1.1", b"GET /a\tHTTP/1.1", b"GET\t/a HTTP/1.1", b"GET\x0b/a HTTP/1.1"),
            *(b"GET /a b HTTP/1.1", b"GET /a\x00b HTTP/1.1", b"GET /a\rb HTTP/1.1"),
            *(b"GET /a\nb HTTP/1.1", b"GET /a\n HTTP/1.1", b"GET \n/a HTTP/1.1"),
            *(b"GET /a HTTP/1.1 x", b"GET /a HTTP/1.1 HTTP/1.1", b"GET /a HTTP/1.1\x00"),
            *(b"GET /a http/1.1", b"GET /a HTTP/1", b"GET /a HTTP/1.", b"GET /a HTTP/.1"),
            *(b"GET /a HTTP/1.10", b"GET /a HTTP/11", b"GET /a HTTP/1,1", b"GET /a HTTP/01.1"),
            *(b"GET /a HTTP/ 1.1", b"GET /a HTTP /1.1", b"GET /a HTTP/x.y", b"GET /a HTTPS/1.1"),
            *(b"GET /a XTTP/1.1", b"GET /a HTTP/-1.1", b"GET /a HTTP/1.1.1", b"GET /a HTTP\\1.1"),
            *(b"GET /a HTTP/2.0", b"GET /a HTTP/3.0", b"GET /a HTTP/0.9", b"GET /a HTTP/1.2"),
            *(b"GET /a HTTP/9.9", b"GET /a HTTP/0.0", b"PRI * HTTP/2.0", b"GET /a ICE/1.0"),
            *(b"G\x00T /a HTTP/1.1", b"GE\nT /a HTTP/1.1", b"(GET) /a HTTP/1.1"),
            *(b"G@T /a HTTP/1.1", b"G\xc9T /a HTTP/1.1", b'"GET" /a HTTP/1.1', b"GET: /a HTTP/1.1"),
            *(b"GET\t\t/a HTTP/1.1", b"GET \t/a HTTP/1.1", b"GET\t /a HTTP/1.1"),
            *(b"GET /a \tHTTP/1.1", b"GET /a\t HTTP/1.1", b"GET /a\r HTTP/1.1"),
            *(b"GET \r/a HTTP/1.1", b"GET\r/a HTTP/1.1", b"GET /a \rHTTP/1.1"),
            *(b"GET /a HTTP/1.1\rx", b"GET http://b/c\rd HTTP/1.1", b"GET /a#b\rc HTTP/1.1"),
            *(b"GET /a HTTP/1.100", b"GET /a HTTP/1.1a", b"GET /a HTTP/10.1", b"GET /a HTTP/1.01"),
            *(b"GET /a HTTP/1 .1", b"GET /a HTTP/1. 1", b"GET /a Http/1.1", b"GET /a HTTp/1.1"),
            *(b"GET  /a HTTP/1.1", b"GET /a  HTTP/1.1", b"GET  /a  HTTP/1.1", b"GET  /a HTTP/1.0"),
            *(b"GET   /a HTTP/1.1", b"GET /a   HTTP/1.1", b"GET" + b" " * 5000 + b"/a HTTP/1.1"),
            *(b"OPTIONS *  HTTP/1.1", b"GET http://b/  HTTP/1.1", b"CONNECT  a:80 HTTP/1.1"),
            *(b"GET  /a RTSP/1.0", b"GET /a  RTSP/1.1", b"GET  / HTTP/1.1  HTTP/1.1"),
        ],
        EITHER: [
            *(b"GET /a RTSP/1.0", b"GET /a RTSP/1.1"),
            *(b" GET /a HTTP/1.1", b"GET /a HTTP/1.1 "),
            *(b"GET /a HTTP/1.1\t", b"\tGET /a HTTP/1.1", b"GET a HTTP/1.1", b"GET ?a HTTP/1.1"),
            *(
                b"GET * HTTP/1.1",
                b"GET /a#b HTTP/1.1",
                b"GET /\x7f HTTP/1.1",
                b"GET /\xe9 HTTP/1.1",
            ),
            *(b"GET /\x01 HTTP/1.1", b"get /a HTTP/1.1", b"Get /a HTTP/1.1", b"FOO /a HTTP/1.1"),
            *(b"GET# /a HTTP/1.1", b"M-SEARCH /a HTTP/1.1", b"SOURCE /a HTTP/1.1"),
            *(b"X" * 300 + b" /a HTTP/1.1", b"GETGET /a HTTP/1.1", b"GET a:80 HTTP/1.1"),
            *(b"GET http:/a HTTP/1.1", b"GET http://a b HTTP/1.1", b"GET \\a HTTP/1.1"),
            *(b"GET ftp://a/b HTTP/1.1", b"GET http://a@b/c HTTP/1.1", b"GET http:// HTTP/1.1"),
            *(b"GET /a HTTP/1.1  ", b"GET /a HTTP/1.1 \t", b"GET /a HTTP/1.1\t\t"),
            *(b"gET /a HTTP/1.1", b"pOST /a HTTP/1.1", b"GET /#b HTTP/1.1", b"GET #b HTTP/1.1"),
            *(b"GET /a?b#c HTTP/1.1", b"GET http://b/c#d HTTP/1.1", b"GET http://b#c HTTP/1.1"),
            *(b"GET http://b:81/c HTTP/1.1", b"GET https://b/c HTTP/1.1", b"GET HTTP://B HTTP/1.1"),
            *(b"GET http://b?c HTTP/1.1", b"GET http://b@a/c HTTP/1.1", b"GET b/c HTTP/1.1"),
            *(
                b'GET /" HTTP/1.1',
                b"GET /<> HTTP/1.1",
                b"GET /{}|^` HTTP/1.1",
                b"GET http HTTP/1.1",
            ),
        ],
    }.items():
        for line in lines:
            yield f"first line {show(line)}", post(first=line), kind
    for line in (b"GET  /a HTTP/1.1", b"GET /a  HTTP/1.1"):
        head = line + b"\r\nhost: a\r\n\r\n"
        for where, before in {
            "a body": post(b"content-length: 5", body=b"GET  "),
            "a body that says so, too": post(b"content-length: %d" % len(line), body=line),
            "chunks": chunked(CHUNKS),
            "a head": post(),
        }.items():
            yield f"first line {show(line)} behind {where}", before + head, BAD
        inside = post(b"content-length: %d" % len(head), body=head)
        yield f"first line {show(line)} in a body", inside, FINE
        yield (
            f"first line {show(line)} in chunks",
            chunked(b"%x\r\n%s\r\n0\r\n\r\n" % (len(head), head)),
            FINE,
        )
        yield f"first line {show(line)} in a header", post(b"x: " + line, b"y:  " + line), FINE
    yield "HTTP/0.9", b"GET /a\r\n", BAD
    yield "HTTP/0.9 with a bare LF", b"GET /a\n", BAD


def before_the_first():
    """2.2: an empty line before a request SHOULD be ignored; nothing else."""
    for kind, beginnings in {
        FINE: [b"\r\n", b"\r\n\r\n"],
        BAD: [
            b" ",
            b"\t",
            b"\x00",
            b" \r\n",
            b"\t\r\n",
            b"\xef\xbb\xbf",
            b"x\r\n",
            b":\r\n",
            b"\x0b",
            b"0\r\n\r\n",
            b"a: b\r\n\r\n",
            b"\xff",
            b"{}",
            b"HTTP/1.1 200 OK\r\n\r\n",
        ],
        EITHER: [b"\n", b"\r", b"\n\n", b"\r\n\n", b"\r\r\n", b"\n\r\n", b"\r\n" * 50],
    }.items():
        for beginning in beginnings:
            yield f"{show(beginning)} before the request", beginning + post(), kind
            yield (
                f"{show(beginning)} between two requests",
                post(b"content-length: 5", body=BODY) + beginning + post(),
                kind,
            )


def hosts():
    """3.2: exactly one Host in HTTP/1.1."""
    yield "no host", b"GET /a HTTP/1.1\r\n\r\n", BAD
    yield "no host but other headers", b"GET /a HTTP/1.1\r\nx: y\r\n\r\n", BAD
    yield "no host in HTTP/1.0", b"GET /a HTTP/1.0\r\n\r\n", FINE
    yield "two hosts", post(b"host: b"), BAD
    yield "two equal hosts", post(b"Host: a"), BAD
    yield "two hosts in HTTP/1.0", post(b"host: b", first=b"GET /a HTTP/1.0"), BAD
    yield "an empty host", b"GET /a HTTP/1.1\r\nhost:\r\n\r\n", FINE
    yield "a host with white space before the colon", b"GET /a HTTP/1.1\r\nhost : a\r\n\r\n", BAD
    yield "a host in the target and another", post(first=b"GET http://b/ HTTP/1.1"), FINE


def connections():
    """9.3, RFC 9110 7.6.1 and 7.8: what keeps a connection, ends it, or offers another protocol."""
    for value in (b"close", b"Close", b"keep-alive", b"keep-alive, close", b"close, keep-alive"):
        for version in (b"HTTP/1.1", b"HTTP/1.0"):
            data = post(b"connection: " + value, first=b"GET /a " + version)
            kind = EITHER if b"," in value else FINE
            yield f"{version.decode()}, connection: {value.decode()}", data, kind
    yield (
        "connection: transfer-encoding",
        post(b"connection: transfer-encoding", b"transfer-encoding: chunked", body=CHUNKS),
        FINE,
    )
    yield (
        "connection: content-length",
        post(b"connection: content-length", b"content-length: 5", body=BODY),
        FINE,
    )
    for protocol in (b"h2c", b"websocket", b"x"):
        offer = (b"connection: upgrade", b"upgrade: " + protocol)
        name = f"upgrade: {protocol.decode()}"
        yield name, post(*offer), FINE
        yield f"{name}, with a body", post(*offer, b"content-length: 5", body=BODY), FINE
        hidden = post(*offer, b"content-length: %d" % len(HIDDEN), body=HIDDEN)
        yield f"{name}, with a request for a body", hidden, FINE
        yield f"{name}, chunked", post(*offer, b"transfer-encoding: chunked", body=CHUNKS), EITHER
        yield f"{name}, bad length", post(*offer, b"content-length: +5", body=BODY), BAD
        yield f"{name}, no connection header", post(b"upgrade: " + protocol), FINE
    for value in (b"100-continue", b"100-Continue"):
        data = post(b"expect: " + value, b"content-length: 5", body=BODY)
        yield f"expect: {value.decode()}", data, FINE
        data = post(b"expect: " + value, b"transfer-encoding: chunked", body=CHUNKS)
        yield f"expect: {value.decode()}, chunked", data, FINE
        data = post(b"expect: " + value, b"content-length: 5", body=BODY, first=b"POST /a HTTP/1.0")
        yield f"expect: {value.decode()}, HTTP/1.0", data, FINE
    yield "expect: anything", post(b"expect: x", b"content-length: 5", body=BODY), EITHER
    yield "CONNECT", post(first=b"CONNECT a:80 HTTP/1.1"), EITHER
    yield (
        "CONNECT with a length",
        post(b"content-length: 5", body=BODY, first=b"CONNECT a:80 HTTP/1.1"),
        EITHER,
    )
    yield (
        "CONNECT with chunks",
        post(b"transfer-encoding: chunked", body=CHUNKS, first=b"CONNECT a:80 HTTP/1.1"),
        EITHER,
    )


FAMILIES = (
    lengths,
    repeated_lengths,
    codings,
    both,
    disguised_names,
    header_lines,
    line_ends,
    chunk_sizes,
    chunk_data,
    chunk_extensions,
    trailers,
    first_lines,
    before_the_first,
    hosts,
    connections,
)
CASES = tuple(Case(*found) for family in FAMILIES for found in family())

_EMPTY_LINE = (
    "2.2: a server SHOULD ignore an empty line before a request; h11 takes none. llhttp skips CR "
    "and LF there, in any order: they are part of no request, so nothing can be hidden in them"
)
_TUNNEL = (
    "RFC 9110, 9.3.6: what follows CONNECT is for the tunnel. No tunnel is opened here, and h11 "
    "reads on after the refusal; we close, so nothing behind it can be taken for a request"
)
_RTSP = (
    "llhttp reads RTSP as it does HTTP of the same version, and does not tell. Framing is the same "
    "in both, so the requests behind it are where h11 would see them. To look for it in what is "
    "received would cost each new head as much again as to look for several spaces"
)
_PERSISTS = (
    "9.3: a connection of HTTP/1.0 persists if it asks for that and the server agrees; h11 never "
    "does. The answer says keep-alive"
)

ARGUED = {
    **{
        f"{show(beginning)} {where}": _EMPTY_LINE
        for beginning in (
            b"\r\n",
            b"\r\n\r\n",
            b"\n",
            b"\r",
            b"\n\n",
            b"\r\n\n",
            b"\r\r\n",
            b"\n\r\n",
            b"\r\n" * 50,
        )
        for where in ("before the request", "between two requests")
    },
    f"{show(bytes([13, 10, 13]))} behind the head": _EMPTY_LINE,
    f"{show(bytes([13, 10, 13]))} at the end of chunks": _EMPTY_LINE,
    "first line GET /a RTSP/1.0": _RTSP,
    "first line GET /a RTSP/1.1": _RTSP,
    f"chunk size {show(b'0' * 40 + b'5')}": (
        "7.1: any number of hexadecimal digits; leading zeros do not overflow. h11 takes 20"
    ),
    "HTTP/1.0, connection: keep-alive": _PERSISTS,
    "CONNECT": _TUNNEL,
    "CONNECT with a length": _TUNNEL,
    "CONNECT with chunks": _TUNNEL,
}
"""Cases that the listener reads and h11 refuses or reads otherwise, and why we do not follow."""
