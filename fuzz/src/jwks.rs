use aetherflow_auth::Environment;
use aetherflow_auth::key::KeySet;

/// Imports any text as a JWKS: what is kept is exported as keys that are kept again.
///
/// # Panics
///
/// If an exported set reads back as another.
pub fn jwks_import(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let Ok((keys, _)) = KeySet::read_jwks(text) else { return false };
    let found = !keys.is_empty();
    let Ok(set) = KeySet::new("https://auth.example", Environment::production(), keys) else { return false };
    let exported = set.to_jwks();
    let (again, refused) = KeySet::read_jwks(&exported).expect("an export is a JWKS");
    assert!(refused.is_empty(), "an export holds a key that is refused");
    set.replace(again).expect("an export holds each id once");
    assert_eq!(set.to_jwks(), exported);
    found
}
