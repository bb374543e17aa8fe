//! Tokens of issuers that are not of this house, each in the shape its issuer writes, and what the rules make of them.

use aetherflow_auth::jwt::{TokenRules, Verified, Verifier};
use aetherflow_auth::key::KeySet;
use aetherflow_auth::revocation::Revocations;
use aetherflow_auth::{ConfigError, Environment, ScopeSet, TokenError};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use std::sync::Arc;

use crate::corpus::forge::signed;
use crate::corpus::keys::{Signer, public_keys};
use crate::corpus::{AUDIENCE, ISSUER, NOW};

const KEYCLOAK: &str = "https://sso.example/realms/acme";
const AUTH0: &str = "https://acme.eu.auth0.com/";
const ENTRA: &str = "https://login.microsoftonline.com/9122040d-6c67-4c5b-b112-36a304b66dad/v2.0";
const ENTRA_AUDIENCE: &str = "6e74172b-be56-4843-9ff4-e66a39bb12e3";

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(NOW, 0).unwrap()
}

fn here() -> Environment {
    Environment::production()
}

fn scopes(text: &str) -> ScopeSet {
    ScopeSet::parse(text).unwrap()
}

/// The keys of the corpus, speaking for another issuer.
fn keys_of(issuer: &str) -> KeySet {
    let (keys, _) = KeySet::read_jwks(&public_keys().to_jwks()).unwrap();
    KeySet::new(issuer, here(), keys).unwrap()
}

fn verify(rules: &TokenRules, header: &Value, claims: &Value) -> Result<Verified, TokenError> {
    let verifier = Verifier::new(rules.clone(), keys_of(rules.issuer())).unwrap();
    verifier.verify_at(signed(Signer::Rs256, header.to_string(), claims.to_string()), now())
}

/// The claims with one changed; null takes it away.
fn with(mut claims: Value, name: &str, value: Value) -> Value {
    let members = claims.as_object_mut().unwrap();
    if value.is_null() {
        members.remove(name)
    } else {
        members.insert(name.into(), value)
    };
    claims
}

fn header() -> Value {
    json!({"alg": "RS256", "typ": "JWT", "kid": "r1"})
}

/// An access token as Keycloak 26 writes it for a user, with an audience mapper.
fn keycloak_claims() -> Value {
    json!({
        "exp": NOW + 300, "iat": NOW, "auth_time": NOW - 60, "jti": "onrtac:8d1d0fa4-6f6b-4a7b-a1f9-0c1f6ad6b0e4",
        "iss": KEYCLOAK, "aud": [AUDIENCE, "account"], "sub": "f1f2c8a4-62a3-4c3a-8c7d-6f1d2f9f7a10", "typ": "Bearer",
        "azp": "dashboard", "sid": "b0f7a4f6-26d2-4a63-9a8b-52a0f4f8a2cd", "acr": "1",
        "allowed-origins": ["https://app.example"],
        "realm_access": {"roles": ["offline_access", "uma_authorization"]},
        "resource_access": {"account": {"roles": ["manage-account", "view-profile"]}},
        "scope": "openid email profile workflows:read", "email_verified": true, "name": "Alice Liddell",
        "preferred_username": "alice", "given_name": "Alice", "family_name": "Liddell", "email": "alice@acme.example",
    })
}

fn keycloak() -> TokenRules {
    TokenRules::from_issuer(KEYCLOAK, AUDIENCE, here(), scopes("read:workflows write:workflows"))
        .unwrap()
        .legacy_typ()
        .with_demanded("typ", "Bearer")
        .unwrap()
        .with_client_from("azp")
        .unwrap()
}

/// An access token of Auth0's own profile, which has no `jti`, with permissions by RBAC.
fn auth0_claims() -> Value {
    json!({
        "https://acme.example/plan": "pro", "iss": AUTH0, "sub": "auth0|65a1c0ffee0ddba11c0ffee0",
        "aud": [AUDIENCE, "https://acme.eu.auth0.com/userinfo"], "iat": NOW, "exp": NOW + 86_400,
        "scope": "openid profile", "org_id": "org_9ybsU1dN2dKfDkBi", "azp": "Vr9lT6uQq7nYpB2mDkXw3sZcJfHgLe0A",
        "permissions": ["read:workflows", "delete:everything"],
    })
}

fn auth0() -> TokenRules {
    TokenRules::from_issuer(AUTH0, AUDIENCE, here(), scopes("read:workflows"))
        .unwrap()
        .legacy_typ()
        .without_token_id()
        .with_scopes_from("permissions")
        .unwrap()
        .with_client_from("azp")
        .unwrap()
        .with_tenant_from("org_id")
        .unwrap()
        .with_plan_from("https://acme.example/plan", ["free", "pro"])
        .unwrap()
}

/// A version 2 access token of Entra for a user; its id is `uti`.
fn entra_claims() -> Value {
    json!({
        "aud": ENTRA_AUDIENCE, "iss": ENTRA, "iat": NOW, "nbf": NOW, "exp": NOW + 4_515,
        "aio": "AXQAi/8IAAAAFm+E/QTG+gFnVxLjWdw8K+61AGrSOuMMF6ebaMj7XO3IbmD3fGmrOyD+NvZyGn2VaT/kDKXw4MIhrgGVq6Bn",
        "azp": "04b07795-8ddb-461a-bbee-02f9e1bf7b46", "azpacr": "0", "name": "Alice Liddell",
        "oid": "690222be-ff1a-4d56-abd1-7e4f7d38e474", "preferred_username": "alice@acme.example",
        "rh": "I", "scp": "Workflows.Read access_as_user", "sub": "HKZpfaHyWadeOouYlitjrI-KffTm222X5rrV3xDqfKQ",
        "tid": "9122040d-6c67-4c5b-b112-36a304b66dad", "uti": "fqiBqXLPj0eQa82S-IYFAA", "ver": "2.0",
    })
}

fn entra() -> TokenRules {
    TokenRules::from_issuer(ENTRA, ENTRA_AUDIENCE, here(), scopes("Workflows.Read"))
        .unwrap()
        .legacy_typ()
        .with_demanded("ver", "2.0")
        .unwrap()
        .with_scopes_from("scp")
        .unwrap()
        .with_id_from("uti")
        .unwrap()
        .with_client_from("azp")
        .unwrap()
        .with_tenant_from("tid")
        .unwrap()
}

type Seen = (String, String, String, String, String, String, String);

/// Issuer, tenant, subject, client, scopes, plan and id.
fn seen(verified: &Verified) -> Seen {
    let (caller, text) = (verified.principal(), |text: Option<&str>| text.unwrap_or("-").to_owned());
    let name = caller.identity();
    (
        name.issuer().to_owned(),
        text(name.named_tenant()),
        name.subject().to_owned(),
        text(caller.client()),
        caller.scopes().as_str().to_owned(),
        text(caller.plan()),
        caller.credential_id().to_owned(),
    )
}

fn words(words: [&str; 7]) -> Seen {
    let [issuer, tenant, subject, client, scopes, plan, id] = words.map(str::to_owned);
    (issuer, tenant, subject, client, scopes, plan, id)
}

#[test]
fn a_keycloak_token_gives_its_client_and_the_scopes_within_the_ceiling() {
    let id = "onrtac:8d1d0fa4-6f6b-4a7b-a1f9-0c1f6ad6b0e4";
    let want = words([
        KEYCLOAK,
        "-",
        "f1f2c8a4-62a3-4c3a-8c7d-6f1d2f9f7a10",
        "dashboard",
        "read:workflows",
        "-",
        id,
    ]);
    assert_eq!(seen(&verify(&keycloak(), &header(), &keycloak_claims()).unwrap()), want);
}

#[test]
fn an_auth0_token_without_an_id_goes_by_its_second_and_subject() {
    let subject = "auth0|65a1c0ffee0ddba11c0ffee0";
    let id = format!("{NOW}:{subject}");
    let client = "Vr9lT6uQq7nYpB2mDkXw3sZcJfHgLe0A";
    let want = words([AUTH0, "org_9ybsU1dN2dKfDkBi", subject, client, "read:workflows", "pro", &id]);
    assert_eq!(seen(&verify(&auth0(), &header(), &auth0_claims()).unwrap()), want);
}

#[test]
fn an_entra_token_goes_by_its_uti_and_tenant() {
    let header = json!({"typ": "JWT", "alg": "RS256", "kid": "r1", "x5t": "7_ZuF1tvkwLxYaHS3q6lUjUYIGw"});
    let want = words([
        ENTRA,
        "9122040d-6c67-4c5b-b112-36a304b66dad",
        "HKZpfaHyWadeOouYlitjrI-KffTm222X5rrV3xDqfKQ",
        "04b07795-8ddb-461a-bbee-02f9e1bf7b46",
        "Workflows.Read",
        "-",
        "fqiBqXLPj0eQa82S-IYFAA",
    ]);
    assert_eq!(seen(&verify(&entra(), &header, &entra_claims()).unwrap()), want);
}

#[test]
fn each_single_change_to_a_foreign_token_has_its_own_reason() {
    use TokenError::{Audience, Bound, Ceiling, Issuer, Malformed, MissingClaim, Type};
    for (change, rules, claims, name, value, want) in [
        ("an ID token of Keycloak", keycloak(), keycloak_claims(), "typ", json!("ID"), Type),
        ("a refresh token of Keycloak", keycloak(), keycloak_claims(), "typ", json!("Refresh"), Type),
        ("no kind in the claims", keycloak(), keycloak_claims(), "typ", Value::Null, Type),
        ("a kind that is a list", keycloak(), keycloak_claims(), "typ", json!(["Bearer"]), Malformed),
        (
            "another realm",
            keycloak(),
            keycloak_claims(),
            "iss",
            json!("https://sso.example/realms/x"),
            Issuer,
        ),
        ("Keycloak's own audience", keycloak(), keycloak_claims(), "aud", json!("account"), Audience),
        ("no id", keycloak(), keycloak_claims(), "jti", Value::Null, MissingClaim),
        ("a client that is empty", keycloak(), keycloak_claims(), "azp", json!(""), Malformed),
        ("a client that is a number", keycloak(), keycloak_claims(), "azp", json!(7), Malformed),
        ("bound to a certificate", keycloak(), keycloak_claims(), "cnf", json!({"x5t#S256": "a"}), Bound),
        ("scopes that are numbers", auth0(), auth0_claims(), "permissions", json!([1]), Malformed),
        ("two scopes in one text", auth0(), auth0_claims(), "permissions", json!(["a b"]), Malformed),
        ("an empty scope", auth0(), auth0_claims(), "permissions", json!(["a", ""]), Malformed),
        (
            "a plan of no one's",
            auth0(),
            auth0_claims(),
            "https://acme.example/plan",
            json!("enterprise"),
            Ceiling,
        ),
        ("an id of another type", auth0(), auth0_claims(), "jti", json!(7), Malformed),
        ("no `uti`", entra(), entra_claims(), "uti", Value::Null, MissingClaim),
        ("a tenant that is a list", entra(), entra_claims(), "tid", json!(["a"]), Malformed),
        ("a token of version 1", entra(), entra_claims(), "ver", json!("1.0"), Type),
        ("scopes that are an object", entra(), entra_claims(), "scp", json!({"a": 1}), Malformed),
    ] {
        let got = verify(&rules, &header(), &with(claims, name, value)).map(|good| seen(&good));
        assert_eq!(got, Err(want), "{change}");
    }
}

#[test]
fn what_an_issuer_of_another_house_calls_env_tenant_plan_or_ip_means_nothing() {
    let plain = seen(&verify(&keycloak(), &header(), &keycloak_claims()).unwrap());
    for (name, value) in [
        ("env", json!("staging")),
        ("env", json!(7)),
        ("tenant", json!("other")),
        ("plan", json!("enterprise")),
        ("ip", json!("10.0.0.1")),
        ("client_id", json!("another")),
    ] {
        let verified = verify(&keycloak(), &header(), &with(keycloak_claims(), name, value)).unwrap();
        assert_eq!(seen(&verified), plain, "{name}");
        assert_eq!(verified.principal().allowlist(), None, "{name}");
    }
}

#[test]
fn the_type_jwt_is_accepted_only_where_that_is_said() {
    let strict = TokenRules::from_issuer(KEYCLOAK, AUDIENCE, here(), scopes("read:workflows")).unwrap();
    let typed = |typ: &str| json!({"alg": "RS256", "typ": typ, "kid": "r1"});
    let answer = |rules: &TokenRules, header: &Value| verify(rules, header, &keycloak_claims()).map(|_| ());
    assert_eq!(answer(&strict, &typed("JWT")), Err(TokenError::Type));
    for typ in ["at+jwt", "application/at+jwt"] {
        assert_eq!(answer(&strict, &typed(typ)), Ok(()), "{typ}");
    }
    let legacy = strict.legacy_typ();
    for typ in ["JWT", "jwt", "application/jwt", "at+jwt"] {
        assert_eq!(answer(&legacy, &typed(typ)), Ok(()), "{typ}");
    }
    for header in [typed("id+jwt"), typed("logout+jwt"), typed(""), json!({"alg": "RS256", "kid": "r1"})] {
        assert_eq!(answer(&legacy, &header), Err(TokenError::Type), "{header}");
    }
}

#[test]
fn a_custom_type_is_the_only_one_accepted() {
    let custom = |typ| TokenRules::custom(ISSUER, AUDIENCE, here(), typ, ScopeSet::default());
    let claims =
        json!({"iss": ISSUER, "sub": "alice", "aud": AUDIENCE, "exp": NOW + 60, "iat": NOW, "jti": "t1"});
    let answer = |typ: &str| {
        let header = json!({"alg": "RS256", "typ": typ, "kid": "r1"});
        verify(&custom("application/reset+jwt").unwrap(), &header, &claims).map(|_| ())
    };
    assert_eq!(["reset+jwt", "application/reset+JWT"].map(answer), [Ok(()), Ok(())]);
    assert_eq!(["at+jwt", "JWT", "reset"].map(answer), [Err(TokenError::Type); 3]);
    for typ in ["", "JWT", "jwt", "application/jwt", "application/"] {
        assert_eq!(custom(typ).unwrap_err(), ConfigError::TokenType, "{typ}");
    }
}

#[test]
fn scopes_beyond_the_ceiling_are_lost_and_plans_and_tenants_beyond_it_refused() {
    let rules = TokenRules::access_token(ISSUER, AUDIENCE, here())
        .unwrap()
        .with_scope_ceiling(scopes("read:workflows read:profile"))
        .with_plan_ceiling(["free", "pro"])
        .with_tenant_ceiling(["acme", "bob"]);
    let claims = json!({
        "iss": ISSUER, "sub": "alice", "aud": AUDIENCE, "exp": NOW + 60, "iat": NOW, "jti": "t1", "env": "production",
        "scope": "workflows:read workflows:write", "plan": "pro", "tenant": "acme",
    });
    let answer = |name, value| {
        let header = json!({"alg": "RS256", "typ": "at+jwt", "kid": "r1"});
        let verified = verify(&rules, &header, &with(claims.clone(), name, value));
        verified.map(|good| good.principal().scopes().as_str().to_owned())
    };
    let good = || Ok("read:workflows".to_owned());
    for (change, name, value, want) in [
        ("within", "x", json!(1), good()),
        ("no plan", "plan", Value::Null, good()),
        ("a plan beyond", "plan", json!("enterprise"), Err(TokenError::Ceiling)),
        ("a tenant beyond", "tenant", json!("other"), Err(TokenError::Ceiling)),
        ("no tenant, so that of alice", "tenant", Value::Null, Err(TokenError::Ceiling)),
        ("scopes all beyond", "scope", json!("manage:keys"), Ok(String::new())),
        ("scopes in the other spelling", "scope", json!("profile:read"), Ok("read:profile".to_owned())),
    ] {
        assert_eq!(answer(name, value), want, "{change}");
    }
}

#[test]
fn a_binding_is_accepted_only_by_the_method_the_host_proves() {
    let rules = keycloak().binding_proven_by_host("x5t#S256");
    let answer = |cnf| verify(&rules, &header(), &with(keycloak_claims(), "cnf", cnf)).map(|_| ());
    assert_eq!(answer(json!({"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"})), Ok(()));
    assert_eq!(answer(Value::Null), Ok(()));
    for cnf in [
        json!({"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}),
        json!({"x5t#S256": "a", "jkt": "b"}),
        json!({}),
        json!("x5t#S256"),
        json!(["x5t#S256"]),
    ] {
        assert_eq!(answer(cnf.clone()), Err(TokenError::Bound), "{cnf}");
    }
}

#[test]
fn a_foreign_token_is_revoked_by_the_name_it_goes_by() {
    for (rules, claims, id) in [
        (keycloak(), keycloak_claims(), "onrtac:8d1d0fa4-6f6b-4a7b-a1f9-0c1f6ad6b0e4".to_owned()),
        (auth0(), auth0_claims(), format!("{NOW}:auth0|65a1c0ffee0ddba11c0ffee0")),
        (entra(), entra_claims(), "fqiBqXLPj0eQa82S-IYFAA".to_owned()),
    ] {
        let revocations = Arc::new(Revocations::new());
        let verifier = Verifier::new(rules.clone(), keys_of(rules.issuer())).unwrap();
        let verifier = verifier.with_revocations(Arc::clone(&revocations));
        let token = signed(Signer::Rs256, header().to_string(), claims.to_string());
        assert_eq!(verifier.verify_at(&token, now()).map(|_| ()), Ok(()), "{id}");
        revocations.revoke_token(rules.issuer(), &id, now() + TimeDelta::days(1));
        assert_eq!(verifier.verify_at(&token, now()).map(|_| ()), Err(TokenError::Revoked), "{id}");
    }
}

#[test]
fn issuers_of_several_houses_are_told_apart_by_name_and_each_by_its_own_rules() {
    let own = TokenRules::access_token(ISSUER, AUDIENCE, here()).unwrap();
    let mut verifier = Verifier::new(own, public_keys()).unwrap();
    for rules in [keycloak(), auth0(), entra()] {
        let keys = keys_of(rules.issuer());
        verifier = verifier.with_issuer(rules, keys).unwrap();
    }
    let answer = |claims: &Value| {
        let token = signed(Signer::Rs256, header().to_string(), claims.to_string());
        verifier.verify_at(&token, now()).map(|good| good.principal().identity().issuer().to_owned())
    };
    for claims in [keycloak_claims(), auth0_claims(), entra_claims()] {
        assert_eq!(answer(&claims), Ok(claims["iss"].as_str().unwrap().to_owned()));
    }
    // What this house reads as something else must not hinder the choice of the issuer.
    let odd = with(with(keycloak_claims(), "tenant", json!({"a": 1})), "env", json!(["x"]));
    assert_eq!(answer(&odd), Ok(KEYCLOAK.to_owned()));
    // A token of one issuer that names another is judged by the other's rules.
    assert_eq!(answer(&with(keycloak_claims(), "iss", json!(ISSUER))), Err(TokenError::Type));
    assert_eq!(answer(&with(keycloak_claims(), "iss", json!(ENTRA))), Err(TokenError::Audience));
    assert_eq!(
        answer(&with(keycloak_claims(), "iss", json!("https://x.example"))),
        Err(TokenError::UnknownKey)
    );
}

#[test]
fn a_claim_is_given_one_meaning_and_a_registered_one_none_other() {
    let rules = || TokenRules::from_issuer(ISSUER, AUDIENCE, here(), ScopeSet::default()).unwrap();
    for name in ["", "iss", "sub", "aud", "exp", "nbf", "iat", "cnf", "jti", "client_id"] {
        assert_eq!(rules().with_scopes_from(name).unwrap_err(), ConfigError::ClaimName, "{name}");
        assert_eq!(rules().with_tenant_from(name).unwrap_err(), ConfigError::ClaimName, "{name}");
    }
    assert_eq!(rules().with_client_from("scope").unwrap_err(), ConfigError::ClaimName);
    let twice = rules().with_demanded("ver", "1.0").unwrap().with_demanded("ver", "2.0");
    assert_eq!(twice.unwrap_err(), ConfigError::ClaimName);
    let renamed = rules().with_scopes_from("scp").unwrap().with_scopes_from("scope");
    assert_eq!(renamed.map(|_| ()), Ok(()));
}

#[test]
fn our_own_tokens_keep_all_their_rules_when_one_name_is_changed() {
    let rules = TokenRules::access_token(ISSUER, AUDIENCE, here()).unwrap().with_client_from("azp").unwrap();
    let claims = json!({
        "iss": ISSUER, "sub": "alice", "aud": AUDIENCE, "exp": NOW + 60, "iat": NOW, "jti": "t1", "env": "production",
        "tenant": "acme", "plan": "pro", "scope": "read:a", "azp": "app", "ip": ["203.0.113.0/24"],
    });
    let header = json!({"alg": "RS256", "typ": "at+jwt", "kid": "r1"});
    let verified = verify(&rules, &header, &claims).unwrap();
    assert_eq!(seen(&verified), words([ISSUER, "acme", "alice", "app", "read:a", "pro", "t1"]));
    assert_eq!(verified.principal().allowlist().map(|list| list.iter().count()), Some(1));
    for (name, value, want) in [
        ("env", json!("staging"), TokenError::Environment),
        ("env", Value::Null, TokenError::MissingClaim),
        ("jti", Value::Null, TokenError::MissingClaim),
        ("plan", json!(7), TokenError::Malformed),
        ("scope", json!(7), TokenError::Malformed),
    ] {
        let got = verify(&rules, &header, &with(claims.clone(), name, value)).map(|_| ());
        assert_eq!(got, Err(want), "{name}");
    }
}
