//! Compiles `proto/` into the messages, the service trait and the client, with no `protoc` on the
//! machine. Two descriptor sets leave here: the one with comments feeds the generator (they become
//! rustdoc), the one without is embedded for reflection. The `OpenAPI` document of the JSON side. The calls as an enum.
//! And a reference for people.

mod methods;
mod openapi;
mod reference;

use std::path::Path;
use std::{env, fs};

use buffa_codegen::MapRepr;
use connectrpc_build::{CodeGenConfig, Config};
use protox::prost_reflect::DescriptorPool;

const PROTO_ROOT: &str = "../../proto";
const SERVICE: &str = "user.v1.UserService";
const FILES: [&str; 5] = [
    "user/v1/user.proto",
    "user/v1/history.proto",
    "user/v1/transfer.proto",
    "user/v1/user_service.proto",
    "google/rpc/error_details.proto",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed={PROTO_ROOT}");
    let out_dir = env::var("OUT_DIR")?;
    let commented = Path::new(&out_dir).join("commented_descriptor_set.bin");
    fs::write(&commented, descriptor_set(true)?)?;
    fs::write(Path::new(&out_dir).join("descriptor_set.bin"), descriptor_set(false)?)?;
    let pool = DescriptorPool::decode(fs::read(&commented)?.as_slice())?;
    fs::write(Path::new(&out_dir).join("openapi.json"), openapi(&pool)?)?;
    let methods = methods::source(&pool, SERVICE).ok_or("the protos have no user service")?;
    fs::write(Path::new(&out_dir).join("methods.rs"), methods)?;
    let reference = reference::page(&pool, SERVICE).ok_or("the protos have no user service")?;
    fs::write(Path::new(&out_dir).join("api.md"), reference)?;
    generate(&commented)
}

fn descriptor_set(comments: bool) -> Result<Vec<u8>, protox::Error> {
    let mut compiler = protox::Compiler::new([PROTO_ROOT])?;
    compiler.include_imports(true).include_source_info(comments).open_files(FILES)?;
    Ok(compiler.encode_file_descriptor_set())
}

fn openapi(pool: &DescriptorPool) -> Result<String, Box<dyn std::error::Error>> {
    let document = openapi::document(pool, SERVICE, env!("CARGO_PKG_VERSION"));
    Ok(serde_json::to_string_pretty(&document.ok_or("the protos have no user service")?)?)
}

fn generate(descriptor_set: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let mut messages = CodeGenConfig::default();
    messages.generate_json = true;
    // A server has no use for fields it does not know, and keeping them costs memory that a caller
    // controls. Without them a struct literal names every field, so the compiler finds each place
    // that a new field concerns.
    messages.preserve_unknown_fields = false;
    // Sorted, so that the same error is the same bytes every time.
    messages.map_fields = vec![(".".to_owned(), MapRepr::BTreeMap)];
    Config::new()
        .buffa_config(messages)
        .descriptor_set(descriptor_set)
        .files(&FILES)
        .client_feature_name("client")
        .include_file("_connectrpc.rs")
        .emit_rerun_directives(false) // its only input is the set written above; cargo watches the protos
        .compile()?;
    Ok(())
}
