use std::collections::HashSet;

use aetherflow_auth::api_key::{
    ApiKey, ApiKeyError, ApiKeyRecord, ApiKeyStore, KeyId, Lookup, MemoryApiKeyStore, Peppers,
};
use aetherflow_auth::audit::{Action, Event};
use aetherflow_auth::{Allowlist, ConfigError, CredentialKind, Environment, Identity, ScopeSet};
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

const NOW: DateTime<Utc> = DateTime::from_timestamp(1_700_000_000, 0).expect("a time chrono can hold");
const LIVE: &str = "af_live_0123456789AB_abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG3MDrMr";

fn peppers() -> Peppers {
    Peppers::new(Environment::production(), "a", &[7; 32]).expect("a pepper of full length")
}

fn alice() -> Identity {
    Identity::new("https://auth.example", Some("acme"), "alice")
}

fn record_of(key: &ApiKey) -> ApiKeyRecord {
    peppers().record(key, alice(), NOW, NOW + TimeDelta::days(90)).expect("a key of the peppers' environment")
}

/// The record as stored, with one member replaced.
fn altered(record: &ApiKeyRecord, member: &str, value: serde_json::Value) -> ApiKeyRecord {
    let mut stored = serde_json::to_value(record).expect("a record is plain data");
    stored[member] = value;
    serde_json::from_value(stored).expect("a value of the member's type")
}

/// The key with its checksum made right again.
fn with_checksum_of(body: &str) -> String {
    const DIGITS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut rest = crc32fast::hash(body.as_bytes()) as usize;
    let mut checksum = String::new();
    for _ in 0..6 {
        checksum.insert(0, char::from(DIGITS[rest % 62]));
        rest /= 62;
    }
    format!("{body}{checksum}")
}

#[test]
fn keys_with_known_checksums_are_read() {
    for (text, environment, shown) in [
        (LIVE, Environment::production(), "af_live_0123456789AB_***"),
        (
            "af_stage_0123456789AB_abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG2qwW10",
            Environment::staging(),
            "af_stage_0123456789AB_***",
        ),
        (
            "af_dev_0123456789AB_abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG0gAaUr",
            Environment::development(),
            "af_dev_0123456789AB_***",
        ),
        (
            "af_eu1_0123456789AB_abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG4BUmJ8",
            Environment::named("eu1").unwrap(),
            "af_eu1_0123456789AB_***",
        ),
    ] {
        let key = ApiKey::parse(text).unwrap();
        assert_eq!((key.environment(), key.id().as_str()), (environment, "0123456789AB"));
        assert_eq!((key.shown().as_str(), key.expose()), (shown, text));
        assert_eq!(format!("{key:?}"), format!("ApiKey({shown})"));
    }
}

#[test]
fn the_hash_of_a_known_key_is_its_hmac() {
    let record = record_of(&ApiKey::parse(LIVE).unwrap());
    let stored = serde_json::to_value(&record).unwrap();
    assert_eq!(stored["hash"]["pepper"], "a");
    assert_eq!(stored["hash"]["mac"], "SOMqdZwWCR8kUyCtBbcCIfjQDFARjSd8kMbl464T47M");
}

#[test]
fn each_single_change_to_the_form_of_a_key_is_malformed() {
    let body = &LIVE[..LIVE.len() - 6];
    for (name, text) in [
        ("no text", String::new()),
        ("another brand", LIVE.replace("af_", "ag_")),
        ("no brand", LIVE.replace("af_", "")),
        ("upper case brand", LIVE.replace("af_", "AF_")),
        ("an environment's name for its prefix", with_checksum_of(&body.replace("live", "production"))),
        ("an empty environment", with_checksum_of(&body.replace("live", ""))),
        ("an upper case environment", with_checksum_of(&body.replace("live", "EU1"))),
        ("an environment of 17 characters", with_checksum_of(&body.replace("live", "0123456789abcdefg"))),
        ("an id of 11 digits", with_checksum_of(&body.replace("0123456789AB", "0123456789A"))),
        ("an id of 13 digits", with_checksum_of(&body.replace("0123456789AB", "0123456789ABC"))),
        ("a dash in the id", with_checksum_of(&body.replace("0123456789AB", "0123456789A-"))),
        ("a letter of two bytes in the id", with_checksum_of(&body.replace("0123456789AB", "0123456789é"))),
        ("a secret of 42 digits", with_checksum_of(&body[..body.len() - 1])),
        ("a secret of 44 digits", with_checksum_of(&format!("{body}0"))),
        ("an underscore in the secret", with_checksum_of(&body.replace("abc", "a_c"))),
        ("a space before", format!(" {LIVE}")),
        ("a line end after", format!("{LIVE}\n")),
        ("letters of two bytes at the end", format!("{}ééé", &LIVE[..LIVE.len() - 6])),
        ("a fifth part", format!("{LIVE}_")),
    ] {
        assert_eq!(ApiKey::parse(&text).unwrap_err(), ApiKeyError::Malformed, "{name}");
    }
}

#[test]
fn a_mistyped_key_fails_its_checksum_wherever_the_mistake_is() {
    for (place, was) in LIVE.bytes().enumerate().skip("af_live_".len()) {
        if was == b'_' {
            continue;
        }
        let mut typed = LIVE.as_bytes().to_vec();
        typed[place] = if was == b'x' { b'y' } else { b'x' };
        let typed = String::from_utf8(typed).unwrap();
        assert_eq!(ApiKey::parse(&typed).unwrap_err(), ApiKeyError::Checksum, "place {place}");
    }
    let moved = LIVE.replace("af_live_", "af_dev_");
    assert_eq!(ApiKey::parse(&moved).unwrap_err(), ApiKeyError::Checksum, "another environment");
}

#[test]
fn a_good_key_verifies_as_the_principal_of_its_record() {
    let key = ApiKey::generate(Environment::production()).unwrap();
    let office = Allowlist::parse(["203.0.113.0/24"]).unwrap();
    let record = record_of(&key)
        .with_scopes(ScopeSet::parse("read:workflows").unwrap())
        .with_plan("pro")
        .with_allowlist(office.clone());
    let principal = peppers().verify_at(&key, Some(&record), NOW).unwrap();
    assert_eq!((principal.identity(), principal.client(), principal.plan()), (&alice(), None, Some("pro")));
    assert_eq!(principal.scopes().as_str(), "read:workflows");
    assert_eq!((principal.kind(), principal.credential_id()), (CredentialKind::ApiKey, key.id().as_str()));
    assert_eq!((principal.issued_at(), principal.expires_at()), (NOW, NOW + TimeDelta::days(90)));
    assert_eq!((principal.environment(), principal.allowlist()), (Environment::production(), Some(&office)));
}

#[test]
fn an_audit_event_of_a_principal_names_caller_credential_and_environment() {
    let key = ApiKey::parse(LIVE).unwrap();
    let principal = peppers().verify_at(&key, Some(&record_of(&key)), NOW).unwrap();
    let event = Event::new(Action::Allowed, NOW).with_principal(&principal);
    assert_eq!((event.identity(), event.client()), (Some(&alice()), None));
    assert_eq!((event.kind(), event.credential()), (Some("api_key"), Some("0123456789AB")));
    assert_eq!(event.environment(), Some(Environment::production()));
}

#[test]
fn a_new_record_grants_nothing() {
    let record = record_of(&ApiKey::parse(LIVE).unwrap());
    assert_eq!((record.scopes().len(), record.plan()), (0, None));
}

#[test]
fn each_single_change_to_a_good_verification_has_its_own_reason() {
    let key = ApiKey::parse(LIVE).unwrap();
    let record = record_of(&key);
    let end = record.expires_at();
    let other_secret =
        ApiKey::parse(&with_checksum_of(&LIVE[..LIVE.len() - 6].replace("abc", "abd"))).unwrap();
    let other_id = altered(&record, "id", "0123456789AC".into());
    let staging = altered(&record, "environment", "staging".into());
    let of_staging = ApiKey::generate(Environment::staging()).unwrap();
    let foreign_pepper = Peppers::new(Environment::production(), "b", &[7; 32]).unwrap();
    let other_pepper = Peppers::new(Environment::production(), "a", &[8; 32]).unwrap();
    let (good, last) = (peppers(), end - TimeDelta::nanoseconds(1));
    assert_eq!(good.verify_at(&key, Some(&record), last).unwrap().credential_id(), "0123456789AB");
    for (name, peppers, key, found, now, want) in [
        ("no record", &good, &key, None, last, ApiKeyError::Unknown),
        ("expires exactly now", &good, &key, Some(&record), end, ApiKeyError::Expired),
        ("another secret", &good, &other_secret, Some(&record), last, ApiKeyError::Mismatch),
        ("another secret, long expired", &good, &other_secret, Some(&record), end, ApiKeyError::Mismatch),
        ("the record of another id", &good, &key, Some(&other_id), last, ApiKeyError::Mismatch),
        ("a record of another environment", &good, &key, Some(&staging), last, ApiKeyError::Environment),
        ("a key of another environment", &good, &of_staging, Some(&record), last, ApiKeyError::Environment),
        ("a pepper of another id", &foreign_pepper, &key, Some(&record), last, ApiKeyError::UnknownPepper),
        ("a pepper of another secret", &other_pepper, &key, Some(&record), last, ApiKeyError::Mismatch),
    ] {
        assert_eq!(peppers.verify_at(key, found, now).unwrap_err(), want, "{name}");
    }
}

#[test]
fn a_key_of_another_environment_is_refused_as_it_is_read() {
    let staging = ApiKey::generate(Environment::staging()).unwrap();
    assert_eq!(peppers().read(staging.expose()).unwrap_err(), ApiKeyError::Environment);
    assert_eq!(peppers().read(LIVE).unwrap().id().as_str(), "0123456789AB");
    assert_eq!(peppers().record(&staging, alice(), NOW, NOW).unwrap_err(), ApiKeyError::Environment);
}

#[test]
fn a_former_pepper_still_verifies_what_was_hashed_under_it() {
    let key = ApiKey::parse(LIVE).unwrap();
    let old = record_of(&key);
    let rotated = Peppers::new(Environment::production(), "b", &[8; 32]).unwrap();
    assert_eq!(rotated.verify_at(&key, Some(&old), NOW).unwrap_err(), ApiKeyError::UnknownPepper);
    let rotated = rotated.with_former("a", &[7; 32]).unwrap();
    assert_eq!(rotated.verify_at(&key, Some(&old), NOW).unwrap().identity(), &alice());
    let new = rotated.record(&key, alice(), NOW, NOW + TimeDelta::days(1)).unwrap();
    assert_eq!(new.hash().pepper_id(), "b");
}

#[test]
fn peppers_that_weaken_or_confuse_are_refused() {
    let production = Environment::production();
    let short = ConfigError::ShortSecret { least: 32 };
    assert_eq!(Peppers::new(production, "a", &[7; 31]).unwrap_err(), short);
    assert_eq!(Peppers::new(production, "", &[7; 32]).unwrap_err(), ConfigError::EmptyName);
    assert_eq!(peppers().with_former("b", &[7; 31]).unwrap_err(), short);
    assert_eq!(peppers().with_former("a", &[8; 32]).unwrap_err(), ConfigError::DuplicatePepper);
}

#[test]
fn neither_a_record_nor_a_pepper_shows_its_secret() {
    let key = ApiKey::parse(LIVE).unwrap();
    let record = record_of(&key);
    let stored = serde_json::to_string(&record).unwrap();
    for text in [format!("{key:?}"), format!("{record:?}"), stored] {
        assert!(!text.contains("abcdefghijklm"), "{text}");
    }
    assert!(!format!("{record:?}").contains("SOMqdZ"));
    assert!(!format!("{:?}", peppers()).contains("7, 7"));
}

#[test]
fn a_record_reads_back_as_it_was_stored() {
    let key = ApiKey::parse(LIVE).unwrap();
    for record in [
        record_of(&key),
        record_of(&key).with_plan("free").with_allowlist(Allowlist::parse::<[&str; 0]>([]).unwrap()),
    ] {
        let stored = serde_json::to_string(&record).unwrap();
        let back: ApiKeyRecord = serde_json::from_str(&stored).unwrap();
        assert_eq!(serde_json::to_string(&back).unwrap(), stored);
        assert_eq!(back.allowlist(), record.allowlist());
        assert_eq!(peppers().verify_at(&key, Some(&back), NOW).unwrap().plan(), record.plan());
    }
}

#[test]
fn a_record_that_lost_its_allowlist_is_not_read() {
    let mut stored = serde_json::to_value(record_of(&ApiKey::parse(LIVE).unwrap())).unwrap();
    stored.as_object_mut().unwrap().remove("allowlist");
    let refused = serde_json::from_value::<ApiKeyRecord>(stored).unwrap_err();
    assert!(refused.to_string().contains("missing field `allowlist`"), "{refused}");
}

#[test]
fn only_an_expired_key_is_genuine() {
    for (error, want) in [
        (ApiKeyError::Malformed, false),
        (ApiKeyError::Checksum, false),
        (ApiKeyError::Environment, false),
        (ApiKeyError::Unknown, false),
        (ApiKeyError::UnknownPepper, false),
        (ApiKeyError::Mismatch, false),
        (ApiKeyError::Expired, true),
    ] {
        assert_eq!(error.is_genuine(), want, "{error}");
    }
}

#[test]
fn a_removed_record_is_not_found_by_the_next_look_up() {
    let store = MemoryApiKeyStore::new();
    let record = record_of(&ApiKey::parse(LIVE).unwrap());
    let id = *record.id();
    let find = |store: &MemoryApiKeyStore| match store.find(&id) {
        Lookup::Ready(found) => found.unwrap().map(|record| *record.id()),
        Lookup::Wait(_) => panic!("memory is at hand"),
    };
    assert_eq!(find(&store), None);
    assert!(store.insert(record.clone()).is_none());
    assert_eq!(find(&store), Some(id));
    assert_eq!(store.insert(record).map(|replaced| *replaced.id()), Some(id));
    assert_eq!(store.list().iter().map(|record| *record.id()).collect::<Vec<_>>(), [id]);
    assert_eq!(store.remove(&id).map(|record| *record.id()), Some(id));
    assert_eq!((find(&store), store.list().len()), (None, 0));
}

#[test]
fn no_two_generated_keys_share_an_id_or_a_secret() {
    let keys: Vec<_> = (0..1_000).map(|_| ApiKey::generate(Environment::development()).unwrap()).collect();
    assert_eq!(keys.iter().map(|key| *key.id()).collect::<HashSet<KeyId>>().len(), 1_000);
    assert_eq!(keys.iter().map(|key| &key.expose()[20..63]).collect::<HashSet<_>>().len(), 1_000);
}

proptest! {
    #[test]
    fn every_generated_key_reads_back(name in "[a-z0-9]{1,16}") {
        prop_assume!(!["live", "stage", "dev", "production", "staging", "development"].contains(&name.as_str()));
        let environment = Environment::named(&name).unwrap();
        let key = ApiKey::generate(environment).unwrap();
        let back = ApiKey::parse(key.expose()).unwrap();
        prop_assert_eq!((back.id(), back.environment()), (key.id(), environment));
        prop_assert_eq!(key.expose().len(), "af___".len() + name.len() + 12 + 49);
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let refused = ApiKey::parse(&text).unwrap_err();
        prop_assert!(matches!(refused, ApiKeyError::Malformed | ApiKeyError::Checksum));
    }

    #[test]
    fn any_text_of_nearly_the_form_is_read_or_refused(
        environment in "(live|dev|eu1|\\PC{0,3})",
        id in "[0-9A-Za-zé]{11,13}",
        tail in "[0-9A-Za-zé]{47,50}",
    ) {
        let text = format!("af_{environment}_{id}_{tail}");
        if let Ok(key) = ApiKey::parse(&text) {
            prop_assert_eq!(key.expose(), &text);
            prop_assert_eq!(with_checksum_of(&text[..text.len() - 6]), text);
        }
    }

    #[test]
    fn an_id_is_exactly_twelve_digits(text in "([0-9A-Za-z]{11,13}|\\PC{4,12})") {
        let is_id = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        match KeyId::parse(&text) {
            Ok(id) => prop_assert_eq!((is_id, id.as_str()), (true, text.as_str())),
            Err(refused) => prop_assert_eq!((is_id, refused), (false, ApiKeyError::Malformed)),
        }
    }
}
