//! The calls of the contract as an enum, so that a `match` over them can be made to name each.

use std::fmt::Write as _;

use protox::prost_reflect::DescriptorPool;

/// The source of the enum, of its names, and of the way back from a name. `None` if there is no such service.
pub(crate) fn source(pool: &DescriptorPool, service: &str) -> Option<String> {
    let service = pool.get_service_by_name(service)?;
    let names: Vec<String> = service.methods().map(|method| method.name().to_owned()).collect();
    let each = |line: &dyn Fn(&str) -> String| {
        names.iter().fold(String::new(), |mut text, name| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "    {}", line(name));
            text
        })
    };
    Some(format!(
        "/// A call of the contract.\n\
         #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]\n\
         pub enum Rpc {{\n{variants}}}\n\n\
         impl Rpc {{\n    /// Each of them, in the order of the contract.\n    \
         pub const ALL: &'static [Self] = &[\n{all}];\n\n    \
         /// Their names, in the same order.\n    pub const NAMES: &'static [&'static str] = &[\n{texts}];\n\n    \
         /// Its name in the contract.\n    #[must_use]\n    pub const fn name(self) -> &'static str {{\n        \
         match self {{\n{arms}        }}\n    }}\n}}\n",
        variants = each(&|name| format!("/// `{name}`.\n    {name},")),
        all = each(&|name| format!("Self::{name},")),
        texts = each(&|name| format!("{name:?},")),
        arms = each(&|name| format!("Self::{name} => {name:?},")),
    ))
}
