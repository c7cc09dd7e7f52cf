//! The JSON side of the contract as an `OpenAPI` 3.1 document, made from the protos and their comments. Every method maps
//! the same way, so that the document needs nothing that the protos do not say. Streams are left to their own clients.

use std::collections::BTreeSet;

use protox::prost_reflect::prost_types::{
    FileDescriptorProto, MethodOptions, method_options::IdempotencyLevel,
};
use protox::prost_reflect::{
    DescriptorPool, EnumDescriptor, FieldDescriptor, FileDescriptor, Kind, MessageDescriptor,
    MethodDescriptor, ServiceDescriptor,
};
use serde_json::{Map, Value, json};

/// The document of one service.
pub(crate) fn document(pool: &DescriptorPool, service: &str, version: &str) -> Option<Value> {
    let service = pool.get_service_by_name(service)?;
    let mut schemas = Schemas::default();
    let paths: Map<String, Value> = service
        .methods()
        .filter(|method| !method.is_server_streaming() && !method.is_client_streaming())
        .map(|method| (format!("/{}/{}", service.full_name(), method.name()), path(&method, &mut schemas)))
        .collect();
    Some(json!({
        "openapi": "3.1.0",
        "info": { "title": service.full_name(), "version": version, "description": about(&service) },
        "paths": paths,
        "components": { "schemas": schemas.all(), "responses": { "Error": error_response() } },
    }))
}

fn about(service: &ServiceDescriptor) -> String {
    comment(&service.parent_file(), service.path()).unwrap_or_default()
}

fn path(method: &MethodDescriptor, schemas: &mut Schemas) -> Value {
    let call = operation(method, schemas);
    let reads = method.method_descriptor_proto().options.as_ref().map(MethodOptions::idempotency_level);
    if reads != Some(IdempotencyLevel::NoSideEffects) {
        return json!({ "post": call });
    }
    let mut get = call.clone();
    get["operationId"] = json!(format!("{}ByGet", method.name()));
    get.as_object_mut().expect("an operation is an object").remove("requestBody");
    get["parameters"] = json!([
        {
            "name": "message", "in": "query", "required": true, "description": "The request as JSON.",
            "content": { "application/json": { "schema": schemas.of_message(&method.input()) } },
        },
        { "name": "encoding", "in": "query", "required": true, "schema": { "const": "json" } },
        { "name": "connect", "in": "query", "required": false, "schema": { "const": "v1" } },
    ]);
    get["responses"]["431"] = json!({ "description": "The address is too long; POST takes more." });
    json!({ "post": call, "get": get })
}

fn operation(method: &MethodDescriptor, schemas: &mut Schemas) -> Value {
    let text = comment(&method.parent_service().parent_file(), method.path()).unwrap_or_default();
    json!({
        "operationId": method.name(),
        "summary": text.split(". ").next().unwrap_or_default().trim_end_matches('.'),
        "description": text,
        "requestBody": {
            "required": true,
            "content": { "application/json": { "schema": schemas.of_message(&method.input()) } },
        },
        "responses": {
            "200": {
                "description": "Done.",
                "content": { "application/json": { "schema": schemas.of_message(&method.output()) } },
            },
            "default": { "$ref": "#/components/responses/Error" },
        },
    })
}

fn error_response() -> Value {
    let detail = json!({
        "type": "object",
        "required": ["type", "value"],
        "properties": {
            "type": { "type": "string", "description": "`google.rpc.ErrorInfo`, `google.rpc.BadRequest` …" },
            "value": { "type": "string", "description": "The message in base64, without padding." },
            "debug": { "type": "object", "description": "The same, to be read." },
        },
    });
    json!({
        "description": "Not done. `code` is a gRPC code in snake_case; the ErrorInfo among the details has a stable reason.",
        "content": { "application/json": { "schema": {
            "type": "object",
            "required": ["code"],
            "properties": {
                "code": { "type": "string" },
                "message": { "type": "string" },
                "details": { "type": "array", "items": detail },
            },
        } } },
    })
}

/// The messages and enums that the methods mention, directly or not.
#[derive(Default)]
struct Schemas {
    named: Map<String, Value>,
    /// So that a message which mentions itself ends.
    begun: BTreeSet<String>,
}

impl Schemas {
    fn all(self) -> Map<String, Value> {
        self.named
    }

    fn of_message(&mut self, message: &MessageDescriptor) -> Value {
        match message.full_name() {
            "google.protobuf.Timestamp" => return json!({ "type": "string", "format": "date-time" }),
            "google.protobuf.FieldMask" => {
                return json!({ "type": "string", "description": "Names in lowerCamelCase with commas between." });
            }
            name => {
                if self.begun.insert(name.to_owned()) {
                    let schema = self.object(message);
                    self.named.insert(name.to_owned(), schema);
                }
            }
        }
        reference(message.full_name())
    }

    fn object(&mut self, message: &MessageDescriptor) -> Value {
        let file = message.parent_file();
        let properties: Map<String, Value> = message
            .fields()
            .map(|field| (field.json_name().to_owned(), self.property(&file, &field)))
            .collect();
        let mut schema = json!({ "type": "object", "properties": properties });
        if let Some(text) = comment(&file, message.path()) {
            schema["description"] = json!(text);
        }
        schema
    }

    fn property(&mut self, file: &FileDescriptor, field: &FieldDescriptor) -> Value {
        let value = if field.is_map() {
            let Kind::Message(entry) = field.kind() else { unreachable!("a map is a message of entries") };
            json!({ "type": "object", "additionalProperties": self.value(&entry.map_entry_value_field()) })
        } else if field.is_list() {
            json!({ "type": "array", "items": self.value(field) })
        } else {
            self.value(field)
        };
        let choice = field.containing_oneof().filter(|it| it.fields().len() > 1);
        let choice = choice.map(|it| format!("At most one of `{}` may be set.", it.name()));
        let texts: Vec<String> = comment(file, field.path()).into_iter().chain(choice).collect();
        if texts.is_empty() {
            return value;
        }
        // Beside a `$ref`, as OpenAPI 3.1 has it.
        let mut value = value;
        value["description"] = json!(texts.join(" "));
        value
    }

    fn value(&mut self, field: &FieldDescriptor) -> Value {
        match field.kind() {
            Kind::Bool => json!({ "type": "boolean" }),
            Kind::String => json!({ "type": "string" }),
            Kind::Bytes => json!({ "type": "string", "contentEncoding": "base64" }),
            Kind::Float | Kind::Double => json!({ "type": ["number", "string"] }),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => json!({ "type": "integer", "format": "int32" }),
            Kind::Uint32 | Kind::Fixed32 => json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX }),
            // Told as strings, because numbers in JavaScript end at 2^53; understood as both.
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
                json!({ "type": ["string", "integer"], "pattern": "^-?[0-9]{1,19}$" })
            }
            Kind::Uint64 | Kind::Fixed64 => {
                json!({ "type": ["string", "integer"], "pattern": "^[0-9]{1,20}$", "minimum": 0 })
            }
            Kind::Message(message) => self.of_message(&message),
            Kind::Enum(kind) => self.of_enum(&kind),
        }
    }

    fn of_enum(&mut self, kind: &EnumDescriptor) -> Value {
        if self.begun.insert(kind.full_name().to_owned()) {
            let names: Vec<_> = kind.values().map(|value| value.name().to_owned()).collect();
            let mut schema = json!({ "type": "string", "enum": names });
            let file = kind.parent_file();
            let values = kind.values().filter_map(|value| {
                comment(&file, value.path()).map(|text| format!("- `{}`: {text}", value.name()))
            });
            let texts: Vec<_> = comment(&file, kind.path()).into_iter().chain(values).collect();
            schema["description"] = json!(texts.join("\n"));
            self.named.insert(kind.full_name().to_owned(), schema);
        }
        reference(kind.full_name())
    }
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// What stands above a declaration, as one paragraph a paragraph.
pub(crate) fn comment(file: &FileDescriptor, path: &[i32]) -> Option<String> {
    let file: &FileDescriptorProto = file.file_descriptor_proto();
    let locations = &file.source_code_info.as_ref()?.location;
    let text = locations.iter().find(|location| location.path == path)?.leading_comments.as_ref()?;
    let paragraphs = text.split("\n\n").map(|paragraph| {
        let lines: Vec<_> = paragraph.lines().map(str::trim).collect();
        let list = lines.iter().any(|line| line.starts_with("- "));
        lines.join(if list { "\n" } else { " " })
    });
    Some(paragraphs.collect::<Vec<_>>().join("\n\n").trim().to_owned()).filter(|text| !text.is_empty())
}
