#!/usr/bin/env python3
"""messages.py FILE...: prints each error or warning of the C sources that breaks the house's form: lower case, no full
stop, no line break, not a word alone."""

import re
import sys

CALL = re.compile(r"\b(?:ap_err_(?:set|sys|wrap)|ap_emit_(?:warn|note)|refuse|wrong)\s*\(")
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
# Names that are written with a capital.
NAMES = re.compile(r"(?:Google|Vertex|HTTP|HOME|OCI|CRC|CPython|JSON|YAML|TOML|SIG[A-Z]|RECORD|METADATA|WHEEL|PKG-INFO|URL|UTF|NUL|GET|PUT)\b|\w*_|[A-Z]\b")


def calls(text):
    """(line, strings joined) of each call."""
    for m in CALL.finditer(text):
        depth, i, quoted = 1, m.end(), False
        while depth and i < len(text):
            c = text[i]
            if quoted:
                i += c == "\\"
                quoted = c != '"'
            else:
                quoted = c == '"'
                depth += (c == "(") - (c == ")")
            i += 1
        found = STRING.findall(text[m.end() : i])
        if found:
            yield text.count("\n", 0, m.start()) + 1, found


def wrong(strings):
    first, whole = strings[0], "".join(strings)
    if re.match(r"[A-Z]", first) and not NAMES.match(first):
        return "begins with a capital"
    if re.search(r"(?<!\.)\.$", whole) and not whole.endswith("%s."):
        return "ends with a full stop"
    if "\\n" in whole:
        return "breaks the line"
    if re.fullmatch(r"(?:failed|error|invalid|bad input|internal error)", whole):
        return "names nothing"
    return None


def main():
    for path in sys.argv[1:]:
        for line, strings in calls(open(path).read()):
            why = wrong(strings)
            if why:
                print(f"{path}:{line}: {why}: {''.join(strings)[:60]}")


if __name__ == "__main__":
    main()
