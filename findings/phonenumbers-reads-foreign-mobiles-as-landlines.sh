#!/bin/sh
# phonenumbers 9.0.43, parse(): call records name numbers by their international digits without a
# "+". Read with the own country as region, foreign numbers become numbers of that country, and
# valid ones: an Austrian, a Swiss and even a German mobile number are German landlines, so that
# is_valid_number() is no guard and the calls are rated as national ones.
# Seen in region DE: 436641234567 -> +49436641234567, 41791234567 -> +4941791234567,
# 4915112345678 -> +494915112345678, all valid FIXED_LINE; the landline 493012345678 is right.
# With a "+" in front of the digits all four are what they are.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check phonenumbers==9.0.43
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType


def read(text, region):
    number = phonenumbers.parse(text, region)
    return (
        phonenumbers.format_number(number, PhoneNumberFormat.E164),
        phonenumbers.is_valid_number(number),
        PhoneNumberType.to_string(phonenumbers.number_type(number)),
    )


print("phonenumbers", version("phonenumbers"))
numbers = ("436641234567", "41791234567", "4915112345678", "493012345678")
bare = [read(digits, "DE") for digits in numbers]
plus = [read(f"+{digits}", None) for digits in numbers]
print(*zip(bare, plus), sep="\n")
assert bare == [
    ("+49436641234567", True, "FIXED_LINE"),
    ("+4941791234567", True, "FIXED_LINE"),
    ("+494915112345678", True, "FIXED_LINE"),
    ("+493012345678", True, "FIXED_LINE"),
], "phonenumbers reads bare digits differently now"
assert plus == [
    ("+436641234567", True, "MOBILE"),
    ("+41791234567", True, "MOBILE"),
    ("+4915112345678", True, "MOBILE"),
    ("+493012345678", True, "FIXED_LINE"),
], "phonenumbers reads numbers with a plus differently now"
PY
