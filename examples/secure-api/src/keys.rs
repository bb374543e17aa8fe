//! The keys of a data folder, made at its first start: for tokens, for API keys, for notes.

use std::sync::Arc;

use aetherflow_auth::Environment;
use aetherflow_auth::api_key::Peppers;
use aetherflow_auth::key::{Algorithm, SigningKey};
use aetherflow_crypto::{KeyId, KeyRing, Purpose, RingKey, Secret};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::data::DataFolder;
use crate::fault::{Fault, Faults};

/// The secrets everything else rests on.
#[derive(Debug)]
pub(crate) struct Keys {
    pub(crate) signing: SigningKey,
    pub(crate) peppers: Arc<Peppers>,
    pub(crate) notes: KeyRing,
}

impl Keys {
    /// Reads the folder's keys, or makes those it has not.
    ///
    /// # Errors
    ///
    /// [`Fault::Path`] for each file that cannot be read or written, [`Fault::Part`] for each that holds no key.
    pub(crate) fn load(data: &DataFolder, environment: Environment) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let signing = faults.keep(signing(data, environment));
        let peppers = faults.keep(peppers(data, environment));
        let notes = faults.keep(notes(data));
        match (signing, peppers, notes) {
            (Some(signing), Some(peppers), Some(notes)) => {
                Ok(Self { signing, peppers: Arc::new(peppers), notes })
            }
            _ => Err(faults),
        }
    }
}

/// The deployment a data folder belongs to: its keys and tokens are of no use to another.
#[derive(Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Deployment {
    pub(crate) environment: String,
    pub(crate) issuer: String,
    pub(crate) audience: String,
}

/// A deployment as far as the options could be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) environment: Option<&'a str>,
    pub(crate) issuer: Option<&'a str>,
    pub(crate) audience: Option<&'a str>,
}

impl Deployment {
    /// Writes itself in a folder that is of no deployment yet.
    ///
    /// # Errors
    ///
    /// [`Fault::Path`] and [`Fault::Part`] for a file that cannot be used.
    pub(crate) fn claim(&self, data: &DataFolder) -> Result<(), Fault> {
        let made =
            || serde_json::to_vec_pretty(self).map(Zeroizing::new).map_err(|error| part(DEPLOYMENT, error));
        data.read_or_make(DEPLOYMENT, made).map(drop)
    }
}

impl Wanted<'_> {
    /// Compares itself with the deployment the folder belongs to, if it does to any.
    ///
    /// # Errors
    ///
    /// [`Fault::Foreign`] for each thing that differs; [`Fault::Path`] and [`Fault::Part`] for a file that cannot be
    /// used.
    pub(crate) fn compare(self, data: &DataFolder) -> Result<(), Faults> {
        let Some(written) = data.read(DEPLOYMENT)? else { return Ok(()) };
        let found: Deployment = serde_json::from_slice(&written).map_err(|error| part(DEPLOYMENT, error))?;
        let mut faults = Faults::default();
        for (what, own, found) in [
            ("environment", self.environment, found.environment),
            ("issuer", self.issuer, found.issuer),
            ("audience", self.audience, found.audience),
        ] {
            if own.is_some_and(|own| own != found) {
                faults.add(Fault::Foreign { path: data.path().to_owned(), what, found });
            }
        }
        faults.into_result()
    }
}

fn signing(data: &DataFolder, environment: Environment) -> Result<SigningKey, Fault> {
    let der = data.read_or_make(SIGNING, || {
        let made =
            SigningKey::generate(Algorithm::Es256, environment).map_err(|error| part(SIGNING, error))?;
        made.to_pkcs8().ok_or_else(|| part(SIGNING, "it has no private form"))
    })?;
    SigningKey::from_pkcs8(Algorithm::Es256, &der, environment).map_err(|error| part(SIGNING, error))
}

fn peppers(data: &DataFolder, environment: Environment) -> Result<Peppers, Fault> {
    let secret = secret(data, PEPPER)?;
    Peppers::new(environment, "1", secret.expose()).map_err(|error| part(PEPPER, error))
}

fn notes(data: &DataFolder) -> Result<KeyRing, Fault> {
    let id = KeyId::new(1);
    let key = RingKey::new(id, Purpose::Field, &secret(data, NOTES)?);
    KeyRing::new(id, [key]).map_err(|error| part(NOTES, error))
}

fn secret(data: &DataFolder, name: &'static str) -> Result<Secret, Fault> {
    let bytes = data.read_or_make(name, || {
        let made = Secret::generate().map_err(|error| part(name, error))?;
        Ok(Zeroizing::new(made.expose().to_vec()))
    })?;
    Secret::try_from(&bytes[..]).map_err(|error| part(name, error))
}

fn part(what: &'static str, error: impl std::fmt::Display) -> Fault {
    Fault::Part { what, reason: error.to_string() }
}

const DEPLOYMENT: &str = "deployment.json";
const SIGNING: &str = "keys/signing.p8";
const PEPPER: &str = "keys/pepper";
const NOTES: &str = "keys/notes";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_keeps_its_keys() {
        let outer = tempfile::tempdir().unwrap();
        let data = DataFolder::open(outer.path()).unwrap();
        let first = Keys::load(&data, Environment::production()).unwrap();
        let second = Keys::load(&data, Environment::production()).unwrap();
        assert_eq!(first.signing.id(), second.signing.id());
        assert_eq!(data.read(PEPPER).unwrap().unwrap().len(), 32);
    }

    #[test]
    fn every_key_that_is_none_is_named_and_not_replaced() {
        let outer = tempfile::tempdir().unwrap();
        let data = DataFolder::open(outer.path()).unwrap();
        data.write(PEPPER, b"short").unwrap();
        data.write(NOTES, b"shorter").unwrap();
        let refused = told(Keys::load(&data, Environment::production()).map(drop));
        assert_eq!(
            refused,
            ["keys/pepper: a key has 32 bytes, not 5", "keys/notes: a key has 32 bytes, not 7"]
        );
        assert_eq!(data.read(NOTES).unwrap().unwrap().to_vec(), b"shorter");
    }

    #[test]
    fn a_folder_of_another_deployment_is_refused_for_everything_that_differs_and_was_read() {
        let outer = tempfile::tempdir().unwrap();
        let data = DataFolder::open(outer.path()).unwrap();
        let own = Wanted {
            environment: Some("production"),
            issuer: Some("https://auth.example"),
            audience: Some("api"),
        };
        own.compare(&data).unwrap();
        let deployment = Deployment {
            environment: "production".to_owned(),
            issuer: "https://auth.example".to_owned(),
            audience: "api".to_owned(),
        };
        deployment.claim(&data).unwrap();
        let environment = Some("staging");
        let issuer = Some("https://other.example");
        for (name, wanted, want) in [
            ("the same", own, &[][..]),
            ("another environment", Wanted { environment, ..own }, &["environment production"]),
            (
                "all of it another",
                Wanted { environment, issuer, audience: Some("other") },
                &["environment production", "issuer https://auth.example", "audience api"],
            ),
            (
                "one that could not be read",
                Wanted { environment: None, issuer, ..own },
                &["issuer https://auth.example"],
            ),
        ] {
            let want: Vec<_> = want
                .iter()
                .map(|found| format!("{}: was made for the {found}", data.path().display()))
                .collect();
            assert_eq!(told(wanted.compare(&data)), want, "{name}");
        }
    }

    fn told(outcome: Result<(), Faults>) -> Vec<String> {
        outcome.err().into_iter().flatten().map(|fault| fault.to_string()).collect()
    }
}
