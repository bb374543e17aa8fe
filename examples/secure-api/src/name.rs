//! Names: those people choose, and those drawn at random.

use rand::RngExt as _;
use rand::distr::Alphanumeric;

/// Whether `text` can name something: 1 to 200 characters, one of them to be seen, none that controls a terminal.
pub(crate) fn is_plain(text: &str) -> bool {
    let length = text.chars().take(MOST_CHARACTERS + 1).count();
    length <= MOST_CHARACTERS && !text.trim().is_empty() && !text.chars().any(char::is_control)
}

/// A name nobody can guess, beginning with `prefix`.
pub(crate) fn random(prefix: &str) -> String {
    let drawn = rand::rng().sample_iter(Alphanumeric).take(RANDOM_CHARACTERS).map(char::from);
    prefix.chars().chain(drawn).collect()
}

const MOST_CHARACTERS: usize = 200;
// 62^22 > 2^128
const RANDOM_CHARACTERS: usize = 22;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_visible_and_plain() {
        for (text, want) in [
            ("daily report", true),
            ("é".repeat(200).as_str(), true),
            ("é".repeat(201).as_str(), false),
            ("", false),
            (" \u{2003}", false),
            ("nul\0", false),
            ("\u{1b}[2J", false),
        ] {
            assert_eq!(is_plain(text), want, "{text:?}");
        }
    }

    #[test]
    fn random_names_are_of_the_path_and_differ() {
        let (one, other) = (random("wf_"), random("wf_"));
        assert_eq!(one.len(), 25);
        assert!(one.starts_with("wf_") && one[3..].bytes().all(|byte| byte.is_ascii_alphanumeric()), "{one}");
        assert_ne!(one, other);
    }
}
