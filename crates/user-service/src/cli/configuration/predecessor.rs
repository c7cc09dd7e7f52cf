//! The names by which the Go service that this one replaces was configured, so that its deployment starts this one.
//! Ours stand before them.

use super::Setting;

/// What `DB_SSL_MODE` may be.
const SSL_MODES: [&str; 4] = ["disable", "require", "verify-ca", "verify-full"];

/// What they come to. `variable` reads the environment.
pub(super) fn settings(variable: impl Fn(&str) -> Option<String>) -> Result<Vec<Setting>, String> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let mut settings = Vec::new();
    for (name, key) in [("GRPC_PORT", "grpc_addr"), ("PORT", "http_addr")] {
        if let Some(port) = set(name) {
            let wrong = || format!("{name} must be a port, 0 to 65535, not {port:?}");
            let port: u16 = port.parse().map_err(|_| wrong())?;
            settings.push(setting(key, format!("127.0.0.1:{port}"), name));
        }
    }
    if let Some(host) = set("DB_HOST") {
        settings.push(setting("store", store(&host, &set)?, "DB_HOST and the other DB_ variables"));
    }
    Ok(settings)
}

/// Its defaults. It took `DB_SSL_MODE` and never asked for TLS; here the same values mean what libpq says, with the roots
/// where libpq has them from.
fn store(host: &str, set: &impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let or = |name: &str, usual: &str| set(name).unwrap_or_else(|| usual.to_owned());
    let mode = or("DB_SSL_MODE", "disable");
    if !SSL_MODES.contains(&mode.as_str()) {
        return Err(format!("DB_SSL_MODE must be one of {}, not {mode:?}", SSL_MODES.join(", ")));
    }
    let roots = set("PGSSLROOTCERT");
    if mode.starts_with("verify-") && roots.is_none() {
        return Err(format!(
            "DB_SSL_MODE={mode} needs PGSSLROOTCERT: a file with the certificates of who signs for the server"
        ));
    }
    let roots = roots.map(|file| format!("&sslrootcert={}", escaped(&file))).unwrap_or_default();
    let port = or("DB_PORT", "5432");
    let port: u16 = port.parse().map_err(|_| format!("DB_PORT must be a port, not {port:?}"))?;
    let user = escaped(&or("DB_USER", "postgres"));
    let password = set("DB_PASSWORD").map(|password| format!(":{}", escaped(&password))).unwrap_or_default();
    let name = escaped(&or("DB_NAME", "user_service"));
    Ok(format!("postgres://{user}{password}@{host}:{port}/{name}?sslmode={mode}{roots}"))
}

/// As a part of an address.
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let escape = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(escape).collect()
}

fn setting(key: &str, value: String, from: &str) -> Setting {
    Setting { key: key.to_owned(), value, from: from.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(environment: &[(&str, &str)]) -> Result<Vec<(String, String)>, String> {
        let read = |name: &str| environment.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        settings(read).map(|all| all.into_iter().map(|one| (one.key, one.value)).collect())
    }

    #[test]
    fn a_deployment_of_the_predecessor_is_understood() {
        let environment = [
            ("GRPC_PORT", "50051"),
            ("DB_HOST", "db.internal"),
            ("DB_USER", "svc"),
            ("DB_PASSWORD", "p@ss/word%"),
            ("DB_NAME", "users"),
            ("DB_SSL_MODE", "disable"),
        ];
        let wanted = [
            ("grpc_addr", "127.0.0.1:50051"),
            ("store", "postgres://svc:p%40ss%2Fword%25@db.internal:5432/users?sslmode=disable"),
        ];
        assert_eq!(
            of(&environment),
            Ok(wanted.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec())
        );
        assert_eq!(of(&[("DB_USER", "svc")]), Ok(vec![]), "without a host there is no database");
    }

    #[test]
    fn tls_is_asked_for_as_libpq_is() {
        let of = |more: &[(&str, &str)]| {
            of(&[&[("DB_HOST", "db")], more].concat()).map(|settings| settings[0].1.clone())
        };
        let address = "postgres://postgres@db:5432/user_service?sslmode=";
        assert_eq!(of(&[("DB_SSL_MODE", "require")]), Ok(format!("{address}require")));
        let verified = of(&[("DB_SSL_MODE", "verify-full"), ("PGSSLROOTCERT", "/etc/a b.pem")]);
        assert_eq!(verified, Ok(format!("{address}verify-full&sslrootcert=%2Fetc%2Fa%20b.pem")));
    }

    #[test]
    fn what_cannot_be_kept_is_refused() {
        let refused = |environment: &[(&str, &str)]| of(environment).unwrap_err();
        assert!(refused(&[("PORT", "http")]).starts_with("PORT must be a port"));
        assert!(refused(&[("DB_HOST", "db"), ("DB_PORT", "x")]).starts_with("DB_PORT must be a port"));
        assert!(
            refused(&[("DB_HOST", "db"), ("DB_SSL_MODE", "prefer")])
                .starts_with("DB_SSL_MODE must be one of")
        );
        assert!(refused(&[("DB_HOST", "db"), ("DB_SSL_MODE", "verify-ca")]).contains("needs PGSSLROOTCERT"));
    }
}
