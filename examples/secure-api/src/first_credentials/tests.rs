use aetherflow_auth::Environment;
use aetherflow_auth::jwt::{Minter, TokenRules};
use aetherflow_auth::key::{Algorithm, KeySet, SigningKey};
use aetherflow_crypto::{KeyId, KeyRing, Purpose, RingKey, Secret};

use super::*;
use crate::credentials::Mint;
use crate::store::Store;

const ISSUER: &str = "https://auth.example";
const ALL: [&str; 6] = ["api_key", "enterprise", "free", "owner", "pro", "readonly"];

struct Fixture {
    data: DataFolder,
    store: Store,
    key: Zeroizing<Vec<u8>>,
    _folder: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (data, id) = (DataFolder::open(folder.path()).unwrap(), KeyId::new(1));
        let ring = KeyRing::new(id, [RingKey::new(id, Purpose::Field, &Secret::new(&[1; 32]))]).unwrap();
        let store = Store::open(&data.file("db"), ring).unwrap();
        let key = SigningKey::generate(Algorithm::Es256, Environment::production()).unwrap();
        Self { data, store, key: key.to_pkcs8().unwrap(), _folder: folder }
    }

    /// Which members are new after a start so many days after the first.
    fn renewed(&self, days: i64) -> Vec<String> {
        let (now, here) = (DateTime::UNIX_EPOCH + TimeDelta::days(20_000 + days), Environment::production());
        let peppers = Arc::new(Peppers::new(here, "1", &[2; 32]).unwrap());
        let key = SigningKey::from_pkcs8(Algorithm::Es256, &self.key, here).unwrap();
        let keys = KeySet::new(ISSUER, here, [key.verifying_key()]).unwrap();
        let mint = Mint::new(Minter::new(ISSUER, key).unwrap(), Arc::clone(&peppers), "api");
        let credentials = Credentials::load(self.store.clone(), mint, now).unwrap();
        let verifier = Verifier::new(TokenRules::access_token(ISSUER, "api", here).unwrap(), keys).unwrap();
        let first = FirstCredentials {
            data: &self.data,
            credentials: &credentials,
            verifier: &verifier.with_revocations(credentials.revocations()),
            peppers: &peppers,
            issuer: ISSUER.into(),
        };
        let old = self.members();
        first.write(now).unwrap();
        let new = self.members();
        new.into_iter().filter(|(name, text)| old.get(name) != Some(text)).map(|(name, _)| name).collect()
    }

    fn members(&self) -> Map<String, Value> {
        let text = self.data.read(FILE).unwrap();
        text.map(|text| serde_json::from_slice(&text).unwrap()).unwrap_or_default()
    }
}

#[tokio::test]
async fn members_are_renewed_in_their_last_month_and_once_they_have_expired() {
    let fixture = Fixture::new();
    for (name, days, want) in [
        ("the first start", 0, &ALL[..]),
        ("a day before the last month", 59, &[]),
        ("the last month", 60, &ALL),
        ("after they had expired", 60 + 91, &ALL),
    ] {
        assert_eq!(fixture.renewed(days), want, "{name}");
    }
}

#[tokio::test]
async fn what_was_revoked_stays_so_until_it_would_have_expired_but_for_the_owners() {
    let fixture = Fixture::new();
    fixture.renewed(0);
    let revoke = "UPDATE credentials SET ends_at = 0";
    fixture.store.now(|connection| Ok(connection.execute(revoke, [])?)).unwrap();
    assert_eq!(fixture.renewed(89), ["owner"]);
    assert_eq!(fixture.renewed(90), ["api_key", "enterprise", "free", "pro", "readonly"]);
}
