//! The keys of a data folder, made at its first start: for tokens, for API keys, for notes.

use std::sync::Arc;

use aetherflow_auth::Environment;
use aetherflow_auth::api_key::Peppers;
use aetherflow_auth::key::{Algorithm, SigningKey};
use aetherflow_crypto::{KeyId, KeyRing, Purpose, RingKey, Secret};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::data::DataFolder;
use crate::fault::Fault;

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
    /// [`Fault::Path`] when a file cannot be read or written, [`Fault::Part`] when it holds no key.
    pub(crate) fn load(data: &DataFolder, environment: Environment) -> Result<Self, Fault> {
        Ok(Self {
            signing: signing(data, environment)?,
            peppers: Arc::new(peppers(data, environment)?),
            notes: notes(data)?,
        })
    }
}

/// The deployment a data folder belongs to: its keys and tokens are of no use to another.
#[derive(Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Deployment {
    pub(crate) environment: String,
    pub(crate) issuer: String,
    pub(crate) audience: String,
}

impl Deployment {
    /// Writes itself in a new folder, and compares itself with an old one.
    ///
    /// # Errors
    ///
    /// [`Fault::Foreign`] for the first thing that differs; [`Fault::Path`] and [`Fault::Part`] for a file that cannot
    /// be used.
    pub(crate) fn claim(&self, data: &DataFolder) -> Result<(), Fault> {
        let unusable = |error: serde_json::Error| part("deployment.json", error);
        let written = data.read_or_make("deployment.json", || {
            serde_json::to_vec_pretty(self).map(Zeroizing::new).map_err(unusable)
        })?;
        let found: Self = serde_json::from_slice(&written).map_err(unusable)?;
        for (what, own, found) in [
            ("environment", &self.environment, found.environment),
            ("issuer", &self.issuer, found.issuer),
            ("audience", &self.audience, found.audience),
        ] {
            if *own != found {
                return Err(Fault::Foreign { path: data.path().to_owned(), what, found });
            }
        }
        Ok(())
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
    fn a_key_that_is_none_is_named_and_not_replaced() {
        let outer = tempfile::tempdir().unwrap();
        let data = DataFolder::open(outer.path()).unwrap();
        data.write(NOTES, b"short").unwrap();
        let refused = Keys::load(&data, Environment::production()).unwrap_err();
        assert_eq!(refused.to_string(), "keys/notes: a key has 32 bytes, not 5");
        assert_eq!(data.read(NOTES).unwrap().unwrap().to_vec(), b"short");
    }

    #[test]
    fn a_folder_of_another_deployment_is_refused() {
        let outer = tempfile::tempdir().unwrap();
        let data = DataFolder::open(outer.path()).unwrap();
        let own = |environment: &str| Deployment {
            environment: environment.to_owned(),
            issuer: "https://auth.example".to_owned(),
            audience: "api".to_owned(),
        };
        own("production").claim(&data).unwrap();
        own("production").claim(&data).unwrap();
        let refused = own("staging").claim(&data).unwrap_err().to_string();
        assert_eq!(refused, format!("{}: was made for the environment production", data.path().display()));
    }
}
