"""Does the API's own message type take a body?

Run with a Python that has google-cloud-aiplatform; reads one JSON line
{"version", "message", "body"} after the other and answers with a line: null,
or what is wrong.  Unknown fields are wrong.

    types = Types()          starts it (build/env-vertex, made by `make setup`)
    types("v1", "CustomJob", {...}) -> None or a text
"""

import json
import pathlib
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
        with self.lock:
            self.child.stdin.write(json.dumps({"version": version, "message": message, "body": body}) + "\n")
            self.child.stdin.flush()
            line = self.child.stdout.readline()
        assert line, "the checker of message types ended"
        return json.loads(line)

    def close(self):
        self.child.stdin.close()
        self.child.wait()


def main():
    from google.cloud import aiplatform_v1, aiplatform_v1beta1
    from google.protobuf import json_format

    modules = {"v1": aiplatform_v1.types, "v1beta1": aiplatform_v1beta1.types}
    for line in sys.stdin:
        q = json.loads(line)
        types, wrong = modules[q["version"]], None
        try:
            json_format.ParseDict(q["body"], getattr(types, q["message"]).pb()())
            inputs = q["body"].get("trainingTaskInputs")
            if inputs:
                json_format.ParseDict(inputs, types.CustomJobSpec.pb()())
        except json_format.ParseError as e:
            wrong = str(e)
        print(json.dumps(wrong), flush=True)


if __name__ == "__main__":
    main()
