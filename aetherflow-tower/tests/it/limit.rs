//! Plans: whose requests count together, and what every answer says of them.

use chrono::TimeDelta;

use crate::service::{Service, get, grant, header, mint, request, token, with_token};

#[test]
fn a_request_passes_again_after_exactly_retry_after() {
    let service = Service::new();
    let token = token("");
    let ask = || service.send(with_token("GET", "/v2/usage", &token)).status().as_u16();
    assert_eq!((0..61).map(|_| ask()).filter(|status| *status == 200).count(), 60);
    service.clock.advance(TimeDelta::milliseconds(999));
    assert_eq!(ask(), 429);
    service.clock.advance(TimeDelta::milliseconds(1));
    assert_eq!((ask(), ask()), (200, 429));
}

#[test]
fn every_answer_after_the_limit_carries_both_windows_and_none_before() {
    let service = Service::new();
    let (good, key) = (token("read:workflows"), service.key("read:workflows"));
    let bad = [("authorization", "Bearer abc")];
    for (name, answer, wants_fields) in [
        ("served", service.send(with_token("GET", "/v2/workflows", &good)), true),
        ("not found", service.send(with_token("GET", "/unlisted", &good)), true),
        ("method", service.send(with_token("PUT", "/v2/workflows", &good)), true),
        ("scope", service.send(with_token("POST", "/v2/workflows", &good)), true),
        ("plan", service.send(with_token("GET", "/v2/files/a", &good)), true),
        ("kind", service.send(get("/v2/workflows", &[("x-api-key", key.expose())])), true),
        ("optional with a token", service.send(with_token("GET", "/feed", &good)), true),
        ("optional without", service.send(get("/feed", &[])), false),
        ("public", service.send(with_token("GET", "/healthz", &good)), false),
        ("no credential", service.send(get("/v2/workflows", &[])), false),
        ("bad credential", service.send(get("/v2/workflows", &bad)), false),
        ("ambiguous", service.send(with_token("GET", "/a//b", &good)), false),
    ] {
        for field in ["ratelimit", "ratelimit-policy"] {
            let found = header(&answer, field).map(|text| text.matches("\"hour\"").count());
            assert_eq!(found, wants_fields.then_some(1), "{field}, {name}");
        }
    }
}

#[test]
fn limits_count_per_tenant_where_there_is_one_and_else_per_caller() {
    let service = Service::new();
    let acme = |subject: &str| {
        let grant = aetherflow_auth::jwt::Grant::new(
            crate::service::environment(),
            subject,
            crate::service::AUDIENCE,
            TimeDelta::hours(1),
        );
        mint(&grant.with_tenant("acme"))
    };
    for (name, token, want) in [
        ("a caller of a tenant", acme("alice"), "59"),
        ("another of the same", acme("bob"), "58"),
        ("a caller without a tenant", token(""), "59"),
        ("the same with another token", token("read:workflows"), "58"),
        ("the tenant's again", acme("alice"), "57"),
    ] {
        let answer = service.send(with_token("GET", "/v2/usage", &token));
        let left = header(&answer, "ratelimit").unwrap().split(['=', ';']).nth(2).map(str::to_owned);
        assert_eq!(left.as_deref(), Some(want), "{name}");
    }
}

#[test]
fn the_plan_is_the_credentials_and_free_where_it_names_none_or_an_unknown_one() {
    let service = Service::new();
    for (plan, want) in [
        (None, "\"minute\";q=60;w=60, \"hour\";q=1000;w=3600"),
        (Some("pro"), "\"minute\";q=300;w=60, \"hour\";q=10000;w=3600"),
        (Some("enterprise"), "\"minute\";q=1000;w=60, \"hour\";q=50000;w=3600"),
        (Some("gold"), "\"minute\";q=60;w=60, \"hour\";q=1000;w=3600"),
    ] {
        let grant = plan.into_iter().fold(grant(""), |grant, plan| grant.with_plan(plan));
        let answer = service.send(with_token("GET", "/v2/usage", &mint(&grant)));
        assert_eq!(header(&answer, "ratelimit-policy"), Some(want), "{plan:?}");
    }
    assert_eq!(service.log.lock().unwrap().len(), 1);
}

#[test]
fn the_fields_are_left_off_or_doubled_by_configuration() {
    let (off, older) = (
        Service::with(|gate| gate.without_rate_limit_fields()),
        Service::with(|gate| gate.with_x_rate_limit_fields()),
    );
    let token = token("");
    let answer = off.send(with_token("GET", "/v2/usage", &token));
    assert_eq!((header(&answer, "ratelimit"), header(&answer, "ratelimit-policy")), (None, None));
    for _ in 0..59 {
        off.send(with_token("GET", "/v2/usage", &token));
    }
    let refused = off.send(with_token("GET", "/v2/usage", &token));
    assert_eq!(
        header(&refused, "ratelimit"),
        Some("\"minute\";r=0;t=1"),
        "a refusal must say when to come back"
    );

    let answer = older.send(with_token("GET", "/v2/usage", &token));
    let fields = ["limit", "remaining", "reset"].map(|name| header(&answer, &format!("x-ratelimit-{name}")));
    assert_eq!(fields, [Some("60"), Some("59"), Some("1")]);
    assert_eq!(header(&answer, "ratelimit"), Some("\"minute\";r=59;t=59, \"hour\";r=999;t=3597"));
}

#[test]
fn head_counts_like_get() {
    let service = Service::new();
    let token = token("");
    let bearer = format!("Bearer {token}");
    let answer = service.send(request("HEAD", "/v2/usage", &[("authorization", &bearer)]));
    assert_eq!(
        (answer.status().as_u16(), header(&answer, "ratelimit")),
        (200, Some("\"minute\";r=59;t=59, \"hour\";r=999;t=3597"))
    );
}
