use aetherflow_auth::{CredentialKind, Environment, EnvironmentError, Identity};
use proptest::prelude::*;

#[test]
fn each_environment_has_a_name_and_a_key_prefix() {
    for (environment, name, prefix) in [
        (Environment::production(), "production", "live"),
        (Environment::staging(), "staging", "stage"),
        (Environment::development(), "development", "dev"),
        (Environment::named("eu1").unwrap(), "eu1", "eu1"),
        (Environment::named("0123456789abcdef").unwrap(), "0123456789abcdef", "0123456789abcdef"),
    ] {
        assert_eq!((environment.as_str(), environment.key_prefix()), (name, prefix));
        assert_eq!(name.parse::<Environment>().unwrap(), environment);
        assert_eq!(Environment::from_key_prefix(prefix).unwrap(), environment);
        assert_eq!(environment.to_string(), name);
    }
}

#[test]
fn a_name_that_could_mean_another_environment_is_refused() {
    for (name, want) in [
        ("", EnvironmentError::Name),
        ("0123456789abcdefg", EnvironmentError::Name),
        ("Production", EnvironmentError::Name),
        ("eu_1", EnvironmentError::Name),
        ("eu-1", EnvironmentError::Name),
        ("eu1\0", EnvironmentError::Name),
        ("é", EnvironmentError::Name),
        ("live", EnvironmentError::Reserved),
        ("stage", EnvironmentError::Reserved),
        ("dev", EnvironmentError::Reserved),
        ("production", EnvironmentError::Reserved),
        ("staging", EnvironmentError::Reserved),
        ("development", EnvironmentError::Reserved),
    ] {
        assert_eq!(Environment::named(name).unwrap_err(), want, "{name}");
    }
}

#[test]
fn the_words_of_one_place_are_refused_in_the_other() {
    assert_eq!("live".parse::<Environment>().unwrap_err(), EnvironmentError::Reserved);
    assert_eq!(Environment::from_key_prefix("production").unwrap_err(), EnvironmentError::Reserved);
}

#[test]
fn an_environment_travels_as_its_name() {
    let environment: Environment = serde_json::from_str(r#""staging""#).unwrap();
    assert_eq!(environment, Environment::staging());
    assert_eq!(serde_json::to_string(&environment).unwrap(), r#""staging""#);
    assert!(serde_json::from_str::<Environment>(r#""stage""#).unwrap_err().to_string().contains("kept"));
}

#[test]
fn an_identity_is_issuer_tenant_and_subject() {
    let alice = Identity::new("https://a", None, "alice");
    assert_eq!(
        (alice.issuer(), alice.tenant(), alice.named_tenant(), alice.subject()),
        ("https://a", "alice", None, "alice")
    );
    for (name, other, is_same) in [
        ("the same again", Identity::new("https://a", None, "alice"), true),
        ("its own tenant, spelt out", Identity::new("https://a", Some("alice"), "alice"), true),
        ("another issuer", Identity::new("https://b", None, "alice"), false),
        ("another tenant", Identity::new("https://a", Some("acme"), "alice"), false),
        ("another subject", Identity::new("https://a", Some("alice"), "bob"), false),
    ] {
        assert_eq!(alice == other, is_same, "{name}");
    }
}

#[test]
fn an_identity_keeps_whether_its_tenant_was_named_when_stored() {
    for tenant in [None, Some("acme")] {
        let identity = Identity::new("https://a", tenant, "alice");
        let text = serde_json::to_string(&identity).unwrap();
        let back: Identity = serde_json::from_str(&text).unwrap();
        assert_eq!((back.named_tenant(), &back), (tenant, &identity));
    }
}

#[test]
fn each_credential_kind_prints_its_own_word() {
    let kinds = [CredentialKind::AccessToken, CredentialKind::ApiKey, CredentialKind::Foreign("session")];
    assert_eq!(kinds.map(CredentialKind::as_str), ["token", "api_key", "session"]);
}

proptest! {
    #[test]
    fn every_environment_reads_back_from_name_and_prefix(name in "[a-z0-9]{1,17}") {
        if let Ok(environment) = name.parse::<Environment>() {
            prop_assert_eq!(environment.as_str(), name.as_str());
            prop_assert_eq!(Environment::from_key_prefix(environment.key_prefix()).unwrap(), environment);
        } else {
            prop_assert!(name.len() == 17 || ["live", "stage", "dev"].contains(&name.as_str()));
        }
    }
}
