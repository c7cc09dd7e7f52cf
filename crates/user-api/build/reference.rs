//! The contract as a page for people, `docs/api.md`: each call with what it takes and answers, in the words of the protos'
//! comments.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use protox::prost_reflect::{
    DescriptorPool, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor,
};

use super::openapi::comment;

const HEAD: &str = "\
# API reference

Made from the comments of `proto/user/v1`, which say what holds; a test keeps this page fresh. Over gRPC the names of fields
are as they stand here, in JSON in lowerCamelCase. Every method is `POST /user.v1.UserService/METHOD`, those that only read
take `GET`, too. What goes wrong is in [errors.md](errors.md), how to call it in [clients.md](clients.md).
";

/// The page of one service.
pub(crate) fn page(pool: &DescriptorPool, service: &str) -> Option<String> {
    let service = pool.get_service_by_name(service)?;
    let mut page = Page { text: HEAD.to_owned(), ..Page::default() };
    page.paragraph(comment(&service.parent_file(), service.path()));
    for method in service.methods() {
        page.call(&method);
    }
    page.heading("## What calls have in common");
    while let Some(shared) = page.wanted.pop() {
        page.shared(&shared);
    }
    Some(page.text)
}

#[derive(Default)]
struct Page {
    text: String,
    /// What has been mentioned and not been described, the next one last.
    wanted: Vec<Kind>,
    described: BTreeSet<String>,
}

impl Page {
    fn heading(&mut self, text: &str) {
        writeln!(self.text, "\n{text}").expect("memory does not fail");
    }

    fn paragraph(&mut self, text: Option<String>) {
        if let Some(text) = text {
            writeln!(self.text, "\n{text}").expect("memory does not fail");
        }
    }

    fn call(&mut self, method: &MethodDescriptor) {
        self.heading(&format!("## {}", method.name()));
        self.paragraph(comment(&method.parent_service().parent_file(), method.path()));
        let stream = |is: bool| if is { "A stream of these" } else { "" };
        self.message(&method.input(), "takes", stream(method.is_client_streaming()));
        self.message(&method.output(), "answers", stream(method.is_server_streaming()));
    }

    /// A table of the fields, in the order of the contract.
    fn message(&mut self, message: &MessageDescriptor, head: &str, remark: &str) {
        self.described.insert(message.full_name().to_owned());
        if !remark.is_empty() {
            self.heading(&format!("{remark}:"));
        }
        self.heading(&format!("| {head} | type | |\n|---|---|---|"));
        self.text.truncate(self.text.trim_end().len());
        for field in message.fields() {
            let text = about(&field);
            let kind = self.kind(&field);
            write!(self.text, "\n| `{}` | {kind} | {text} |", field.name()).expect("memory does not fail");
        }
        self.text.push('\n');
    }

    fn kind(&mut self, field: &FieldDescriptor) -> String {
        let name = match field.kind() {
            Kind::Message(message) => self.mention(message.full_name(), message.name(), field.kind()),
            Kind::Enum(kind) => self.mention(kind.full_name(), kind.name(), field.kind()),
            kind => format!("{kind:?}").to_lowercase(),
        };
        if field.is_list() { format!("list of {name}") } else { name }
    }

    /// A link to what is described further down; what Google's own types are is known.
    fn mention(&mut self, full_name: &str, name: &str, kind: Kind) -> String {
        if full_name.starts_with("google.") {
            return name.to_owned();
        }
        if self.described.insert(full_name.to_owned()) {
            self.wanted.insert(0, kind);
        }
        format!("[{name}](#{})", name.to_lowercase())
    }

    fn shared(&mut self, kind: &Kind) {
        match kind {
            Kind::Message(message) => {
                self.heading(&format!("### {}", message.name()));
                self.paragraph(comment(&message.parent_file(), message.path()));
                self.message(message, "field", "");
            }
            Kind::Enum(kind) => self.choice(kind),
            _ => unreachable!("only messages and enums are mentioned"),
        }
    }

    fn choice(&mut self, kind: &EnumDescriptor) {
        self.heading(&format!("### {}", kind.name()));
        self.paragraph(comment(&kind.parent_file(), kind.path()));
        self.text.push('\n');
        for value in kind.values() {
            let text = comment(&kind.parent_file(), value.path()).map(|text| format!(": {text}"));
            let text = text.unwrap_or_default().replace('\n', " ");
            writeln!(self.text, "- `{}`{text}", value.name()).expect("memory does not fail");
        }
    }
}

/// What stands beside a field, on one line.
fn about(field: &FieldDescriptor) -> String {
    let choice = field.containing_oneof().filter(|it| it.fields().len() > 1);
    let choice = choice.map(|it| format!("At most one of `{}` may be set.", it.name()));
    let file = field.parent_message().parent_file();
    let texts: Vec<String> = comment(&file, field.path()).into_iter().chain(choice).collect();
    texts.join(" ").replace("\n\n", "<br>").replace('\n', " ").replace('|', "\\|")
}
