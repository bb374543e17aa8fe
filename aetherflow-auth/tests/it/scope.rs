use std::collections::BTreeSet;

use aetherflow_auth::{Scope, ScopeError, ScopeSet};
use proptest::prelude::*;

#[test]
fn both_spellings_are_one_scope_and_all_else_stays_as_written() {
    for (written, canonical) in [
        ("workflows:read", "read:workflows"),
        ("read:workflows", "read:workflows"),
        ("workflows:write", "write:workflows"),
        ("workflows:execute", "execute:workflows"),
        ("workflows:delete", "delete:workflows"),
        ("credentials:manage", "manage:credentials"),
        ("read:write", "read:write"),
        ("write:read", "write:read"),
        ("workflows:list", "workflows:list"),
        ("workflows:Read", "workflows:Read"),
        ("a:b:read", "a:b:read"),
        ("read:a:b", "read:a:b"),
        ("a::read", "a::read"),
        (":read", ":read"),
        ("read:", "read:"),
        (":", ":"),
        ("read", "read"),
        ("openid", "openid"),
        ("https://example.com/auth", "https://example.com/auth"),
        ("!#[]~", "!#[]~"),
    ] {
        assert_eq!(Scope::parse(written).unwrap().as_str(), canonical, "{written}");
    }
}

#[test]
fn a_text_outside_the_grammar_of_rfc_6749_is_no_scope() {
    for (name, text, want) in [
        ("no text", "", ScopeError::Empty),
        ("a space", "read workflows", ScopeError::Character),
        ("a quote", "read:\"", ScopeError::Character),
        ("a backslash", "read:\\", ScopeError::Character),
        ("a tab", "read:\t", ScopeError::Character),
        ("a delete character", "read:\x7f", ScopeError::Character),
        ("a NUL", "\0", ScopeError::Character),
        ("not ASCII", "read:flüsse", ScopeError::Character),
    ] {
        assert_eq!(Scope::parse(text).unwrap_err(), want, "{name}");
    }
}

#[test]
fn a_set_is_sorted_and_holds_each_scope_once_in_canonical_spelling() {
    let set = ScopeSet::parse("workflows:write read:workflows workflows:read openid").unwrap();
    assert_eq!(set.as_str(), "openid read:workflows write:workflows");
    assert_eq!(set.iter().collect::<Vec<_>>(), ["openid", "read:workflows", "write:workflows"]);
    assert_eq!(set.len(), 3);
}

#[test]
fn no_text_is_the_empty_set() {
    let empty = ScopeSet::parse("").unwrap();
    assert_eq!(empty, ScopeSet::default());
    assert_eq!((empty.len(), empty.is_empty(), empty.iter().next()), (0, true, None));
    assert!(empty.is_subset_of(&empty));
    assert!(!empty.contains(&Scope::parse("openid").unwrap()));
}

#[test]
fn only_single_spaces_separate_scopes() {
    for (name, text, want) in [
        ("leading", " a", ScopeError::Empty),
        ("trailing", "a ", ScopeError::Empty),
        ("doubled", "a  b", ScopeError::Empty),
        ("alone", " ", ScopeError::Empty),
        ("a tab", "a\tb", ScopeError::Character),
        ("a line end", "a\nb", ScopeError::Character),
        ("a fault behind scopes out of order", "b a \"", ScopeError::Character),
    ] {
        assert_eq!(ScopeSet::parse(text).unwrap_err(), want, "{name}");
    }
}

#[test]
fn a_scope_is_never_held_by_its_prefix() {
    let held = ScopeSet::parse("read:work read:workflows2").unwrap();
    assert!(!held.contains(&Scope::parse("read:workflows").unwrap()));
    assert!(!held.contains_all(&ScopeSet::parse("read:workflows").unwrap()));
    assert!(held.contains_all(&ScopeSet::parse("read:workflows2").unwrap()));
}

#[test]
fn no_scope_implies_another() {
    let held = ScopeSet::parse("manage:workflows write:workflows").unwrap();
    assert!(!held.contains(&Scope::parse("read:workflows").unwrap()));
}

#[test]
fn scopes_and_sets_travel_as_text() {
    let set: ScopeSet = serde_json::from_str(r#""workflows:read openid""#).unwrap();
    assert_eq!(serde_json::to_string(&set).unwrap(), r#""openid read:workflows""#);
    let scope: Scope = serde_json::from_str(r#""workflows:read""#).unwrap();
    assert_eq!(serde_json::to_string(&scope).unwrap(), r#""read:workflows""#);
    assert!(serde_json::from_str::<ScopeSet>(r#""a  b""#).unwrap_err().to_string().contains("at least one"));
}

/// Few enough words that sets often meet.
fn token() -> impl Strategy<Value = String> {
    prop_oneof!["[ab]{1,2}", "(read|write|a|b):(read|write|a|b|aa)", "[!#-\\[\\]-~]{1,6}"]
}

fn model(tokens: &[String]) -> BTreeSet<String> {
    let canonical = |token: &String| Scope::parse(token).map(|scope| scope.to_string());
    tokens.iter().map(canonical).collect::<Result<_, _>>().expect("tokens of the grammar")
}

proptest! {
    #[test]
    fn canonical_text_parses_to_itself(tokens in prop::collection::vec(token(), 0..8)) {
        let set = ScopeSet::parse(&tokens.join(" ")).unwrap();
        prop_assert_eq!(&ScopeSet::parse(set.as_str()).unwrap(), &set);
        let wanted = Vec::from_iter(model(&tokens));
        prop_assert_eq!(set.iter().collect::<Vec<_>>(), wanted);
    }

    #[test]
    fn a_set_answers_as_a_set_of_texts_does(
        held in prop::collection::vec(token(), 0..8),
        wanted in prop::collection::vec(token(), 0..4),
    ) {
        let (set, asked) = (ScopeSet::parse(&held.join(" ")).unwrap(), ScopeSet::parse(&wanted.join(" ")).unwrap());
        let (held, wanted) = (model(&held), model(&wanted));
        prop_assert_eq!(set.contains_all(&asked), wanted.is_subset(&held));
        prop_assert_eq!(asked.is_subset_of(&set), wanted.is_subset(&held));
        for token in wanted {
            prop_assert_eq!(set.contains(&Scope::parse(&token).unwrap()), held.contains(&token));
        }
    }

    #[test]
    fn a_set_collected_from_scopes_is_the_set_parsed_from_them(tokens in prop::collection::vec(token(), 0..8)) {
        let collected: ScopeSet = tokens.iter().map(|token| Scope::parse(token).unwrap()).collect();
        prop_assert_eq!(collected, ScopeSet::parse(&tokens.join(" ")).unwrap());
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let is_scope = !text.is_empty()
            && text.chars().all(|c| matches!(c, '!' | '#'..='[' | ']'..='~'));
        prop_assert_eq!(Scope::parse(&text).is_ok(), is_scope);
    }
}
