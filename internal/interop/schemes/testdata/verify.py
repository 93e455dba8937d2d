# Verifies signatures with Python's securesystemslib: a list of cases from standard input, a list of answers to standard output.
import base64
import json
import sys

from securesystemslib.signer import Signature, SSlibKey

answers = []
for c in json.load(sys.stdin):
    try:
        key = SSlibKey("00", c["type"], c["scheme"], {"public": c["public"]})
        key.verify_signature(Signature("00", base64.b64decode(c["sig"]).hex()), base64.b64decode(c["data"]))
        answers.append("")
    except Exception as e:  # whatever it is, it is a refusal
        answers.append(f"{type(e).__name__}: {e.__cause__ or e}"[:80])
json.dump(answers, sys.stdout)
