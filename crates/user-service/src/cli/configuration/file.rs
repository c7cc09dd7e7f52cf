//! A configuration file: TOML, a key and a value a line. No tables: no setting belongs to another.

use std::path::Path;

use toml::Value;

use super::Setting;

pub(super) fn settings(path: &Path) -> Result<Vec<Setting>, String> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read {shown}: {error}"))?;
    parse(&shown.to_string(), &text)
}

fn parse(shown: &str, text: &str) -> Result<Vec<Setting>, String> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        // Its place and what is wrong, never the line: it may hold a password.
        let line = error.span().map_or(0, |span| text[..span.start.min(text.len())].lines().count().max(1));
        format!("{shown}, line {line}: {}", error.message())
    })?;
    table.into_iter().map(|(key, value)| setting(shown, key, value)).collect()
}

fn setting(file: &str, key: String, value: Value) -> Result<Setting, String> {
    let from = format!("{file}, {key}");
    let value = match value {
        Value::String(text) => text,
        Value::Integer(number) => number.to_string(),
        Value::Boolean(yes) => yes.to_string(),
        Value::Float(_) | Value::Datetime(_) | Value::Array(_) | Value::Table(_) => {
            return Err(format!("{from}: must be a text, a whole number, true or false"));
        }
    };
    Ok(Setting { key, value, from })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use user_domain::outside::text;

    use super::*;

    proptest! {
        #[test]
        fn outside_bytes_are_settings_or_none(input in text(&["store = \"postgres://u:s3cret@h/d\"\nlog = 'ä\n", "a = [1,\n", "a.b = 2026-01-01"])) {
            if let Err(told) = parse("FILE", &input) {
                prop_assert!(told.starts_with("FILE") && !told.contains("s3cret"), "{told}");
            }
        }
    }
}
