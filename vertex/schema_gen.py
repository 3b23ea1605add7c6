#!/usr/bin/env python3
"""Write vertex/schema_table.c from the public definition of the Vertex AI API.

`make schema` runs it.  The definition is read from the message types of the
PyPI package google-cloud-aiplatform (v1 and v1beta1), of the version that
tests/tools/setup.sh names; for a newer API, write the newer version there.

The table is committed, so that a build needs neither Python nor the package.
"""
import re
import sys
from importlib import metadata

from google.cloud.aiplatform_v1 import types as v1
from google.cloud.aiplatform_v1beta1 import types as v1beta1

ROOTS = [
    "CustomJob", "PersistentResource", "HyperparameterTuningJob",
    "TrainingPipeline", "PipelineJob",
]
VERSIONS = [(1, v1), (2, v1beta1)]
SCALARS = {
    1: "DOUBLE", 2: "FLOAT", 3: "INT64", 4: "UINT64", 5: "INT32", 8: "BOOL",
    9: "STRING", 12: "BYTES", 13: "UINT32", 17: "SINT32", 18: "SINT64",
}
WELL_KNOWN = {
    "google.protobuf.Struct": "STRUCT", "google.protobuf.Value": "VALUE",
    "google.protobuf.ListValue": "LIST_VALUE", "google.protobuf.Duration": "DURATION",
    "google.protobuf.Timestamp": "TIMESTAMP", "google.protobuf.FieldMask": "FIELDMASK",
    "google.protobuf.Any": "STRUCT", "google.protobuf.Empty": "STRUCT",
    "google.protobuf.DoubleValue": "DOUBLE", "google.protobuf.FloatValue": "FLOAT",
    "google.protobuf.Int64Value": "INT64", "google.protobuf.UInt64Value": "UINT64",
    "google.protobuf.Int32Value": "INT32", "google.protobuf.UInt32Value": "UINT32",
    "google.protobuf.BoolValue": "BOOL", "google.protobuf.StringValue": "STRING",
    "google.protobuf.BytesValue": "BYTES",
}
BEHAVIOUR = {"Required": "REQUIRED", "Output only": "OUTPUT"}


def behaviours(cls):
    """field -> flags, from the words that begin a field's description.

    The generated Python types carry no field_behavior option.
    """
    found = {}
    for name, words in re.findall(r"\n {8}(\w+) \([^)]*(?:\([^)]*\)[^)]*)*\):\n\s+([^\n]*)", cls.__doc__ or ""):
        found[name] = {flag for word, flag in BEHAVIOUR.items() if words.startswith(word)}
    return found


def find_class(module, desc):
    """The Python class of a message, nested ones too."""
    path = short(desc.full_name).split(".")
    cls = getattr(module, path[0], None)
    for part in path[1:]:
        cls = getattr(cls, part, None)
    return cls


def short(full):
    for prefix in ("google.cloud.aiplatform.v1beta1.", "google.cloud.aiplatform.v1."):
        if full.startswith(prefix):
            return full[len(prefix):]
    return full


class Table:
    def __init__(self):
        self.messages = {}  # name -> {field: dict}, in the order of the definition
        self.enums = {}     # name -> {value: versions}

    def add_enum(self, desc, bit):
        values = self.enums.setdefault(short(desc.full_name), {})
        for value in desc.values:
            if value.number == 0 and value.name.endswith("UNSPECIFIED"):
                continue
            values[value.name] = values.get(value.name, 0) | bit

    def kind(self, field, bit):
        """(kind, name of the type or None) of one value of the field."""
        if field.message_type is not None:
            full = field.message_type.full_name
            if full in WELL_KNOWN:
                return WELL_KNOWN[full], None
            self.add_message(field.message_type, bit)
            return "MESSAGE", short(full)
        if field.enum_type is not None:
            self.add_enum(field.enum_type, bit)
            return "ENUM", short(field.enum_type.full_name)
        return SCALARS[field.type], None

    def add_message(self, desc, bit):
        name = short(desc.full_name)
        fields = self.messages.setdefault(name, {})
        if fields.get("", 0) & bit:
            return
        fields[""] = fields.get("", 0) | bit
        said = behaviours(find_class(dict(VERSIONS)[bit], desc)) if find_class(
            dict(VERSIONS)[bit], desc) else {}
        for field in desc.fields:
            message = field.message_type
            flags = set(said.get(field.name, ()))
            if message is not None and message.GetOptions().map_entry:
                flags.add("MAP")
                kind, ref = self.kind(message.fields_by_name["value"], bit)
            else:
                if field.is_repeated:
                    flags.add("LIST")
                kind, ref = self.kind(field, bit)
            oneof = field.containing_oneof
            group = oneof.name if oneof is not None and len(oneof.fields) > 1 else None
            entry = fields.setdefault(field.name, {
                "json": field.json_name, "kind": kind, "ref": ref, "flags": flags,
                "oneof": group, "versions": 0})
            assert entry["kind"] == kind and entry["ref"] == ref, (name, field.name)
            entry["versions"] |= bit


def main():
    table = Table()
    for bit, module in VERSIONS:
        for root in ROOTS:
            table.add_message(getattr(module, root).pb().DESCRIPTOR, bit)
    messages = sorted(table.messages)
    enums = sorted(table.enums)
    out = sys.stdout.write
    out("/*\n * Made by `make schema` from google-cloud-aiplatform %s.  Do not edit.\n */\n"
        % metadata.version("google-cloud-aiplatform"))
    out('#include "vertex/schema.h"\n\n/* clang-format off */\n')
    for number, name in enumerate(enums):
        out("static const struct ap_schema_value values_%d[] = {\n" % number)
        for value, versions in table.enums[name].items():
            out('\t{ "%s", %d },\n' % (value, versions))
        out("};\n")
    out("\nconst struct ap_schema_enum ap_schema_enums[] = {\n")
    for number, name in enumerate(enums):
        out('\t{ "%s", values_%d, AP_LEN(values_%d) },\n' % (name, number, number))
    out("};\nconst size_t ap_schema_n_enums = AP_LEN(ap_schema_enums);\n\n")
    for number, name in enumerate(messages):
        fields = {k: v for k, v in table.messages[name].items() if k}
        if not fields:
            continue
        groups = {}
        out("static const struct ap_schema_field fields_%d[] = {\n" % number)
        for snake, f in fields.items():
            index = messages.index(f["ref"]) if f["kind"] == "MESSAGE" else (
                enums.index(f["ref"]) if f["kind"] == "ENUM" else 0)
            group = groups.setdefault(f["oneof"], len(groups) + 1) if f["oneof"] else 0
            flags = " | ".join("AP_SCHEMA_" + x for x in sorted(f["flags"])) or "0"
            out('\t{ "%s", "%s", AP_SCHEMA_%s, %d, %s, %d, %d },\n'
                % (f["json"], snake, f["kind"], index, flags, group, f["versions"]))
        out("};\n")
    out("\nconst struct ap_schema_message ap_schema_messages[] = {\n")
    for number, name in enumerate(messages):
        count = len([k for k in table.messages[name] if k])
        out('\t{ "%s", %s, %d },\n' % (name, "fields_%d" % number if count else "NULL", count))
    out("};\nconst size_t ap_schema_n_messages = AP_LEN(ap_schema_messages);\n")


if __name__ == "__main__":
    main()
