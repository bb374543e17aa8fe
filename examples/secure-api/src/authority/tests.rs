use chrono::{DateTime, TimeDelta};
use proptest::prelude::*;

use super::*;
use crate::credential::Kind;

const ISSUER: &str = "https://auth.example";

fn scopes(text: &str) -> ScopeSet {
    ScopeSet::parse(text).unwrap()
}

fn list(ranges: &[&str]) -> Option<Allowlist> {
    Some(Allowlist::parse(ranges).unwrap())
}

fn alice(text: &str) -> Authority {
    Authority {
        identity: Identity::new(ISSUER, None, "alice"),
        scopes: scopes(text),
        plan: PlanName::Pro,
        environment: Environment::production(),
        allowlist: list(&["203.0.113.0/24"]),
    }
}

fn wish() -> Wish {
    Wish { subject: None, scopes: scopes("read:workflows"), plan: None, environment: None, allowlist: None }
}

fn credential(granted: &Granted) -> Credential {
    let created_at = DateTime::UNIX_EPOCH;
    Credential {
        id: "id".to_owned(),
        kind: Kind::Token,
        owner: granted.owner.clone(),
        scopes: granted.scopes.clone(),
        plan: granted.plan,
        allowlist: granted.allowlist.clone(),
        created_at,
        expires_at: created_at + TimeDelta::hours(1),
        ends_at: created_at + TimeDelta::hours(1),
        replaced_by: None,
        last_used_at: None,
    }
}

#[test]
fn what_is_left_out_is_as_the_givers_own() {
    let alice = alice("manage:credentials read:workflows");
    let granted = alice.grant(wish()).unwrap();
    assert_eq!(granted.owner, alice.identity);
    assert_eq!(granted.plan, PlanName::Pro);
    assert_eq!(granted.allowlist, list(&["203.0.113.0/24"]));
}

#[test]
fn each_single_step_beyond_the_givers_own_is_denied_for_its_reason() {
    let without = "manage:credentials read:workflows";
    let with = "manage:accounts manage:credentials read:workflows";
    let base = wish();
    let wide = scopes("read:workflows write:workflows");
    for (name, wish, denied, denied_to_managers) in [
        ("its own", base.clone(), None, None),
        ("its own subject, by name", Wish { subject: Some("alice".to_owned()), ..base.clone() }, None, None),
        (
            "another subject",
            Wish { subject: Some("bob".to_owned()), ..base.clone() },
            Some(Denied::Account),
            None,
        ),
        ("a smaller plan", Wish { plan: Some(PlanName::Free), ..base.clone() }, None, None),
        (
            "a larger plan",
            Wish { plan: Some(PlanName::Enterprise), ..base.clone() },
            Some(Denied::Account),
            None,
        ),
        (
            "a further scope",
            Wish { scopes: wide.clone(), ..base.clone() },
            Some(Denied::Scopes(wide.clone())),
            Some(Denied::Scopes(wide.clone())),
        ),
        (
            "another environment",
            Wish { environment: Some(Environment::staging()), ..base.clone() },
            Some(Denied::Environment),
            Some(Denied::Environment),
        ),
        ("a narrower list", Wish { allowlist: list(&["203.0.113.7"]), ..base.clone() }, None, None),
        ("an empty list", Wish { allowlist: list(&[]), ..base.clone() }, None, None),
        (
            "a wider list",
            Wish { allowlist: list(&["203.0.112.0/23"]), ..base.clone() },
            Some(Denied::Address),
            Some(Denied::Address),
        ),
    ] {
        assert_eq!(alice(without).grant(wish.clone()).err(), denied, "{name}");
        assert_eq!(alice(with).grant(wish).err(), denied_to_managers, "{name}, by a manager of accounts");
    }
}

#[test]
fn a_credential_of_another_subject_tenant_or_larger_plan_is_not_seen() {
    let alice = alice("manage:credentials read:workflows");
    let own = credential(&alice.grant(wish()).unwrap());
    for (name, owner, plan, want) in [
        ("its own", Identity::new(ISSUER, None, "alice"), PlanName::Pro, true),
        ("another subject", Identity::new(ISSUER, None, "bob"), PlanName::Pro, false),
        ("its name in another tenant", Identity::new(ISSUER, Some("acme"), "alice"), PlanName::Pro, false),
        ("its own on a larger plan", Identity::new(ISSUER, None, "alice"), PlanName::Enterprise, false),
    ] {
        assert_eq!(alice.sees(&Credential { owner, plan, ..own.clone() }), want, "{name}");
    }
}

#[test]
fn a_credential_without_a_list_is_not_renewed_by_one_that_has_a_list() {
    let alice = alice("manage:credentials read:workflows");
    let own = credential(&alice.grant(wish()).unwrap());
    assert_eq!(alice.renew(&own), Ok(()));
    assert_eq!(alice.renew(&Credential { allowlist: None, ..own.clone() }), Err(Denied::Address));
    let stronger = scopes("read:audit");
    let credential = Credential { scopes: stronger.clone(), ..own };
    assert_eq!(alice.renew(&credential), Err(Denied::Scopes(stronger)));
}

fn any_wish() -> impl Strategy<Value = Wish> {
    let subject = prop::option::of(prop::sample::select(vec!["alice", "bob"]));
    let scopes = prop::sample::subsequence(
        vec!["manage:accounts", "manage:credentials", "read:workflows", "write:workflows", "read:audit"],
        0..=5,
    );
    let plan =
        prop::option::of(prop::sample::select(vec![PlanName::Free, PlanName::Pro, PlanName::Enterprise]));
    let ranges = vec!["203.0.113.0/24", "203.0.113.0/25", "203.0.113.7", "198.51.100.0/24", "0.0.0.0/0"];
    let allowlist = prop::option::of(prop::sample::subsequence(ranges, 0..=5));
    (subject, scopes, plan, allowlist).prop_map(|(subject, scopes, plan, allowlist)| Wish {
        subject: subject.map(str::to_owned),
        scopes: ScopeSet::parse(&scopes.join(" ")).unwrap(),
        plan,
        environment: None,
        allowlist: allowlist.map(|ranges| Allowlist::parse(ranges).unwrap()),
    })
}

fn holder(granted: &Granted) -> Authority {
    Authority {
        identity: granted.owner.clone(),
        scopes: granted.scopes.clone(),
        plan: granted.plan,
        environment: Environment::production(),
        allowlist: granted.allowlist.clone(),
    }
}

proptest! {
    /// Whatever is issued from whatever was issued before, nothing goes beyond the first credential.
    #[test]
    fn no_sequence_of_issues_makes_a_stronger_credential(
        wishes in prop::collection::vec((any_wish(), any::<prop::sample::Index>()), 1..30)
    ) {
        let root = alice("manage:credentials read:workflows write:workflows");
        let mut held = vec![root.clone()];
        for (wish, by) in wishes {
            if let Ok(granted) = by.get(&held).grant(wish) {
                prop_assert!(root.scopes.contains_all(&granted.scopes));
                prop_assert!(granted.allowlist.as_ref().unwrap().is_within(root.allowlist.as_ref().unwrap()));
                prop_assert_eq!(&granted.owner, &root.identity);
                prop_assert!(granted.plan <= root.plan);
                prop_assert!(root.sees(&credential(&granted)));
                prop_assert_eq!(root.renew(&credential(&granted)), Ok(()));
                held.push(holder(&granted));
            }
        }
    }
}
