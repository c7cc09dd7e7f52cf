//! The contract as it was last agreed: names, numbers, labels, presence, options. A difference here
//! breaks somebody's client, or is an addition that the snapshot has to learn deliberately.

mod error;
mod any;
mod method;

use buffa::{Enumeration, Message as _};
use buffa_descriptor::generated::descriptor::field_descriptor_proto::Label;
use buffa_descriptor::generated::descriptor::method_options::IdempotencyLevel;
use buffa_descriptor::generated::descriptor::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet,
    MethodDescriptorProto, ServiceDescriptorProto,
};

#[test]
fn the_contract_is_what_was_agreed() {
    let set = FileDescriptorSet::decode_from_slice(user_api::DESCRIPTOR_SET).expect("our own bytes");
    let ours = set.file.iter().filter(|file| !name(file.name.as_ref()).starts_with("google/protobuf/"));
    insta::assert_snapshot!(ours.flat_map(file_lines).collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_password_does_not_show_when_a_request_is_printed() {
    let secret = "correct horse battery staple".to_owned();
    let request = user_api::v1::CreateUserRequest { password: secret.clone(), ..Default::default() };
    assert!(!format!("{request:?}").contains(&secret));
}

#[test]
fn the_openapi_document_has_every_unary_method_once() {
    let document: serde_json::Value = serde_json::from_str(user_api::OPENAPI).expect("our own text");
    let paths = document["paths"].as_object().expect("paths by address");
    let set = FileDescriptorSet::decode_from_slice(user_api::DESCRIPTOR_SET).expect("our own bytes");
    let methods = set.file.iter().flat_map(|file| &file.service).flat_map(|service| &service.method);
    let unary = methods.filter(|it| it.server_streaming != Some(true) && it.client_streaming != Some(true));
    let unary: Vec<_> =
        unary.map(|it| format!("/{}/{}", user_api::SERVICE_NAME, name(it.name.as_ref()))).collect();
    assert_eq!(paths.keys().collect::<Vec<_>>(), unary.iter().collect::<Vec<_>>());
}

#[test]
fn the_reference_for_people_is_fresh() {
    let fresh = include_str!(concat!(env!("OUT_DIR"), "/api.md"));
    let page = include_str!("../../../../docs/api.md");
    let made = concat!(env!("OUT_DIR"), "/api.md");
    assert!(page == fresh, "the protos have changed: cp {made} docs/api.md");
}

fn file_lines(file: &FileDescriptorProto) -> Vec<String> {
    let mut lines =
        vec![format!("file {}: package {}", name(file.name.as_ref()), name(file.package.as_ref()))];
    lines.extend(file.service.iter().flat_map(service_lines));
    lines.extend(file.enum_type.iter().flat_map(enum_lines));
    lines.extend(file.message_type.iter().flat_map(|message| message_lines(message, "")));
    lines
}

fn service_lines(service: &ServiceDescriptorProto) -> Vec<String> {
    let mut lines = vec![String::new(), format!("service {}", name(service.name.as_ref()))];
    lines.extend(service.method.iter().map(method_line));
    lines
}

fn method_line(method: &MethodDescriptorProto) -> String {
    let stream = |is: Option<bool>| if is == Some(true) { "stream " } else { "" };
    let level = method.options.idempotency_level.unwrap_or(IdempotencyLevel::IDEMPOTENCY_UNKNOWN);
    format!(
        "  {}({}{}) -> {}{} {}",
        name(method.name.as_ref()),
        stream(method.client_streaming),
        name(method.input_type.as_ref()),
        stream(method.server_streaming),
        name(method.output_type.as_ref()),
        level.proto_name(),
    )
}

fn enum_lines(it: &EnumDescriptorProto) -> Vec<String> {
    let mut lines = vec![String::new(), format!("enum {}", name(it.name.as_ref()))];
    lines.extend(
        it.value.iter().map(|value| format!("  {} {}", value.number.unwrap_or(0), name(value.name.as_ref()))),
    );
    lines
}

fn message_lines(message: &DescriptorProto, parent: &str) -> Vec<String> {
    let path = format!("{parent}{}", name(message.name.as_ref()));
    let mut lines = vec![String::new(), format!("message {path}")];
    lines.extend(message.field.iter().map(|field| field_line(message, field)));
    lines.extend(message.nested_type.iter().flat_map(|nested| message_lines(nested, &format!("{path}."))));
    lines
}

fn field_line(message: &DescriptorProto, field: &FieldDescriptorProto) -> String {
    let kind = field.r#type.map_or("", |kind| kind.proto_name());
    let redacted = if field.options.debug_redact == Some(true) { " redacted" } else { "" };
    format!(
        "  {} {} {}{}{redacted}",
        field.number.unwrap_or(0),
        name(field.name.as_ref()),
        presence(message, field),
        field.type_name.as_deref().unwrap_or(kind),
    )
}

/// What a caller can tell apart: absent from empty, one of several, many.
fn presence(message: &DescriptorProto, field: &FieldDescriptorProto) -> String {
    match (field.label, field.proto3_optional, field.oneof_index) {
        (Some(Label::LABEL_REPEATED), _, _) => "repeated ".to_owned(),
        (_, Some(true), _) => "optional ".to_owned(),
        (_, _, Some(index)) => {
            let oneof = usize::try_from(index).ok().and_then(|index| message.oneof_decl.get(index));
            format!("oneof {} ", oneof.map_or("?", |oneof| name(oneof.name.as_ref())))
        }
        (_, _, None) => String::new(),
    }
}

fn name(name: Option<&String>) -> &str {
    name.map_or("", String::as_str)
}
