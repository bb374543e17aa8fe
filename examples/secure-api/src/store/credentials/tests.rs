use aetherflow_crypto::{KeyId, KeyRing, Purpose, RingKey, Secret};

use super::*;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn store(folder: &tempfile::TempDir) -> Store {
    let id = KeyId::new(1);
    let ring = KeyRing::new(id, [RingKey::new(id, Purpose::Field, &Secret::new(&[1; 32]))]).unwrap();
    Store::open(&folder.path().join("db"), ring).unwrap()
}

fn kept(store: &Store, new: &Credential) -> Addition {
    store.now(|connection| add(connection, new, None)).unwrap()
}

fn replaced(store: &Store, old: &str, ends_at: DateTime<Utc>, new: &Credential) -> Addition {
    let change = |connection: &mut Connection| {
        let change = connection.transaction()?;
        let addition = replace(&change, old, ends_at, new, None)?;
        if addition == Addition::Kept {
            change.commit()?;
        }
        Ok(addition)
    };
    store.now(change).unwrap()
}

fn ended(store: &Store, id: &str) {
    store.now(|connection| end(connection, id)).unwrap();
}

fn credential(id: &str) -> Credential {
    Credential {
        id: id.to_owned(),
        kind: Kind::Token,
        owner: Identity::new("https://auth.example", Some("acme"), "alice"),
        scopes: ScopeSet::parse("read:workflows write:workflows").unwrap(),
        plan: PlanName::Pro,
        allowlist: Some(Allowlist::parse(["203.0.113.0/24"]).unwrap()),
        created_at: at(0),
        expires_at: at(600),
        ends_at: at(600),
        replaced_by: None,
        last_used_at: None,
    }
}

#[tokio::test]
async fn a_credential_is_read_back_whole_until_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder);
    assert_eq!(kept(&store, &credential("one")), Addition::Kept);
    assert_eq!(store.credential("one", at(599)).await.unwrap(), Some(credential("one")));
    assert_eq!(store.credential("one", at(600)).await.unwrap(), None);
    ended(&store, "one");
    assert_eq!(store.credential("one", at(0)).await.unwrap(), None);
}

#[tokio::test]
async fn a_use_is_noted_for_the_credential_of_that_id_and_owner_only() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder);
    kept(&store, &credential("one"));
    let own = credential("one").owner;
    let rows = [
        ("another id", "two", own.clone(), None),
        ("another issuer", "one", Identity::new("https://other.example", Some("acme"), "alice"), None),
        ("another tenant", "one", Identity::new("https://auth.example", None, "alice"), None),
        ("another subject", "one", Identity::new("https://auth.example", Some("acme"), "bob"), None),
        ("its own", "one", own, Some(at(5))),
    ];
    for (name, id, owner, want) in rows {
        store.note_uses(vec![(Used { owner, id: id.to_owned() }, at(5))]).await.unwrap();
        let listed = store.credentials(at(10)).await.unwrap();
        assert_eq!(listed, [Credential { last_used_at: want, ..credential("one") }], "{name}");
    }
}

#[tokio::test]
async fn a_replacement_shortens_the_old_one_and_never_lengthens_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder);
    kept(&store, &credential("old"));
    for (new, ends_at, want) in [("new", 60, 60), ("newer", 300, 60), ("newest", 30, 30)] {
        let addition = replaced(&store, "old", at(ends_at), &credential(new));
        assert_eq!(addition, Addition::Kept);
        let old = store.credential("old", at(0)).await.unwrap().unwrap();
        assert_eq!((old.ends_at, old.replaced_by.as_deref()), (at(want), Some(new)));
    }
    assert_eq!(store.now(|connection| ending_tokens(connection)).unwrap().len(), 1);
    ended(&store, "old");
    let refused = replaced(&store, "old", at(60), &credential("last"));
    assert_eq!(refused, Addition::Gone);
    assert_eq!(store.credential("last", at(0)).await.unwrap(), None);
}

#[tokio::test]
async fn an_owner_has_only_so_many_and_others_have_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder);
    store
        .now(|connection| {
            (0..MOST_PER_OWNER).try_for_each(|n| insert(connection, &credential(&n.to_string()), None))
        })
        .unwrap();
    assert_eq!(kept(&store, &credential("one more")), Addition::Full);
    let refused = replaced(&store, "0", at(60), &credential("one more"));
    assert_eq!(refused, Addition::Full);
    let owner = Identity::new("https://auth.example", None, "alice");
    let other = Credential { owner, ..credential("another's") };
    assert_eq!(kept(&store, &other), Addition::Kept);
    let forgotten = store.forget_expired(at(600)).await.unwrap();
    assert_eq!(u32::try_from(forgotten.len()).unwrap(), MOST_PER_OWNER + 1);
}

#[tokio::test]
async fn of_an_owners_api_keys_only_so_many_are_kept_and_the_good_ones_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder);
    let key = |id: String| Credential { kind: Kind::ApiKey, ..credential(&id) };
    let other = Identity::new("https://auth.example", None, "alice");
    let others = Credential { owner: other, ends_at: at(-1), ..key("another's".to_owned()) };
    store
        .now(|connection| {
            insert(connection, &key("good".to_owned()), None)?;
            insert(connection, &others, None)?;
            (0..=MOST_KEYS_PER_OWNER).try_for_each(|n| {
                insert(connection, &Credential { ends_at: at(0), ..key(n.to_string()) }, None)
            })
        })
        .unwrap();
    assert_eq!(store.forget_expired(at(1)).await.unwrap(), ["0", "1"], "the oldest of the ended ones");
    assert_eq!(store.forget_expired(at(1)).await.unwrap(), Vec::<String>::new());
}
