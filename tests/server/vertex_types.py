"""Does the API's own message type take a body?

Run with a Python that has google-cloud-aiplatform; reads one JSON line
{"version", "message", "body"} after the other and answers with a line:
{"wrong": null or what is wrong, "missing": the fields that its documentation
calls required, "message": the body as the message itself is written}.
Unknown fields are wrong.

    types = Types()          starts it (build/env-vertex, made by `make setup`)
    types("v1", "CustomJob", {...}) -> None or a text
    types.missing("v1", "CustomJob", {...}) -> ["jobSpec.workerPoolSpecs", ...]
    types.canonical("v1", "CustomJob", {...}) -> the body, keys and numbers as the API writes them
"""

import json
import pathlib
import re
import subprocess
import sys
import threading

PYTHON = pathlib.Path(__file__).resolve().parents[2] / "build" / "env-vertex" / "bin" / "python"


class Types:
    def __init__(self, python=PYTHON):
        self.lock = threading.Lock()
        self.child = subprocess.Popen(
            [str(python), __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, version, message, body):
        return self._ask(version, message, body)["wrong"]

    def missing(self, version, message, body):
        return self._ask(version, message, body)["missing"]

    def canonical(self, version, message, body):
        answer = self._ask(version, message, body)
        assert not answer["wrong"], answer["wrong"]
        return answer["message"]

    def _ask(self, version, message, body):
        with self.lock:
            self.child.stdin.write(json.dumps({"version": version, "message": message, "body": body}) + "\n")
            self.child.stdin.flush()
            line = self.child.stdout.readline()
        assert line, "the checker of message types ended"
        return json.loads(line)

    def close(self):
        self.child.stdin.close()
        self.child.wait()


# An attribute in the documentation of a type: its name, and all that is said of it.
ATTRIBUTE = re.compile(r"^ {8}(\w+) \(.*\):\n((?: {12}.*\n|\n)*)", re.M)


def missing(types, message, where=""):
    """The fields that are not set, where the documentation of their type says that they are required."""
    out = []
    documentation = getattr(types, message.DESCRIPTOR.name).__doc__ or ""
    for name, text in ATTRIBUTE.findall(documentation):
        field = message.DESCRIPTOR.fields_by_name.get(name)
        words = " ".join(text.split())
        if field and (words.startswith("Required.") or "this field is required" in words):
            if field not in [f for f, _ in message.ListFields()]:
                out.append(where + field.json_name)
    for field, value in message.ListFields():
        if field.message_type and hasattr(types, field.message_type.name):
            for i, v in enumerate(value if field.is_repeated else [value]):
                out += missing(types, v, f"{where}{field.json_name}{f'[{i}]' if field.is_repeated else ''}.")
    return out


def main():
    from google.cloud import aiplatform_v1, aiplatform_v1beta1
    from google.protobuf import json_format

    modules = {"v1": aiplatform_v1.types, "v1beta1": aiplatform_v1beta1.types}
    for line in sys.stdin:
        q = json.loads(line)
        types, answer = modules[q["version"]], {"wrong": None, "missing": [], "message": None}
        try:
            message = json_format.ParseDict(q["body"], getattr(types, q["message"]).pb()())
            answer["missing"] = missing(types, message)
            answer["message"] = json_format.MessageToDict(message)
            inputs = q["body"].get("trainingTaskInputs")
            if inputs:
                json_format.ParseDict(inputs, types.CustomJobSpec.pb()())
        except json_format.ParseError as e:
            answer["wrong"] = str(e)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
