//! Whether what was printed is what a document says: the same but for spaces, times, curl's version, and ids, which differ
//! each time. Ids are bound: the one that the document shows stands for the one that was printed, wherever the reader uses it
//! later.

/// An id in a document, and the one that it stands for.
#[derive(Debug, Default)]
pub(super) struct Ids(Vec<(String, String)>);

const ID_LENGTH: usize = 36;

impl Ids {
    /// What the reader types, with the ids that she got.
    pub(super) fn in_place(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (shown, printed) in &self.0 {
            text = text.replace(shown, printed);
            // An etag ends with the last digits of an id.
            text = text.replace(&shown[ID_LENGTH - 8..], &printed[ID_LENGTH - 8..]);
        }
        text
    }

    /// Whether it is like what the document shows; if not, both as they were compared.
    pub(super) fn compare(&mut self, shown: &str, printed: &str) -> Result<(), (String, String)> {
        for (shown, printed) in ids(shown).into_iter().zip(ids(printed)) {
            if !self.0.iter().any(|(known, _)| *known == shown) {
                self.0.push((shown, printed));
            }
        }
        let (shown, printed) = (bare(&self.in_place(shown)), bare(printed));
        if shown == printed { Ok(()) } else { Err((shown, printed)) }
    }
}

fn ids(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(|it: char| it.is_ascii_hexdigit()) {
        rest = &rest[start..];
        match rest.get(..ID_LENGTH).filter(|it| is_id(it)) {
            Some(id) => {
                found.push(id.to_owned());
                rest = &rest[ID_LENGTH..];
            }
            None => rest = &rest[1..],
        }
    }
    found
}

fn is_id(text: &str) -> bool {
    text.bytes().enumerate().all(|(n, byte)| match n {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    })
}

/// Without spaces, and with every time and every curl the same.
fn bare(text: &str) -> String {
    let text: Vec<char> = text.chars().filter(|it| !it.is_whitespace()).collect();
    let (mut bare, mut at) = (String::new(), 0);
    while at < text.len() {
        let length = time_length(&text[at..]).max(curl_length(&text[at..]));
        if length > 0 {
            bare.push_str("<differs>");
        } else {
            bare.push(text[at]);
        }
        at += length.max(1);
    }
    bare
}

/// Of `curl/8.0.1`; 0 if it does not begin here.
fn curl_length(text: &[char]) -> usize {
    let name = "curl/";
    if text.len() < name.len() || !name.chars().eq(text[..name.len()].iter().copied()) {
        return 0;
    }
    name.len() + text[name.len()..].iter().take_while(|it| it.is_ascii_digit() || **it == '.').count()
}

/// Of an RFC 3339 time in UTC that begins here; 0 if none does.
fn time_length(text: &[char]) -> usize {
    let form = "0000-00-00T00:00:00".chars();
    let fits = |(form, it): (char, &char)| if form == '0' { it.is_ascii_digit() } else { *it == form };
    if text.len() < 19 || !form.zip(text).all(fits) {
        return 0;
    }
    let fraction = text[19..].iter().take_while(|it| it.is_ascii_digit() || **it == '.').count();
    if text.get(19 + fraction) == Some(&'Z') { 20 + fraction } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOWN: &str = "{\"id\":\"01a206ed-925c-7603-92fc-87af7d38ebc7\",\n \"at\":\"2026-11-23T05:42:42.56Z\",\"etag\":\"1-7d38ebc7\"}";
    const PRINTED: &str = "{\"id\":\"01a9ffff-925c-7603-92fc-87af00000001\",\"at\":\"2027-01-01T00:00:00Z\",\"etag\":\"1-00000001\"}";

    #[test]
    fn ids_times_and_line_breaks_may_differ() {
        let mut ids = Ids::default();
        assert_eq!(ids.compare(SHOWN, PRINTED), Ok(()));
        assert_eq!(
            ids.in_place("get 01a206ed-925c-7603-92fc-87af7d38ebc7"),
            "get 01a9ffff-925c-7603-92fc-87af00000001"
        );
    }

    #[test]
    fn nothing_else_may() {
        let printed = PRINTED.replace("\"1-", "\"2-");
        assert!(Ids::default().compare(SHOWN, &printed).is_err());
    }
}
