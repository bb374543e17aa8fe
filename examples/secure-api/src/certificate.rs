//! The certificates the server makes for itself.
//!
//! An authority of the data folder's own signs one leaf at each start. Clients trust `ca.pem`, which stays the same for
//! ten years; the leaf's key never touches the disk.

use std::net::IpAddr;

use chrono::{DateTime, Datelike, Days, Utc};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use zeroize::Zeroizing;

use crate::data::DataFolder;
use crate::fault::Fault;

/// A certificate for this server, with its key.
#[derive(Debug)]
pub(crate) struct Leaf {
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) key: PrivateKeyDer<'static>,
}

/// Makes a leaf valid at `now` for the local names and `address`, signed by the folder's authority.
///
/// # Errors
///
/// [`Fault::Path`] when the folder cannot be read or written, [`Fault::Part`] when its authority is no key.
pub(crate) fn issue(data: &DataFolder, address: IpAddr, now: DateTime<Utc>) -> Result<Leaf, Fault> {
    let issuer = authority(data, now)?;
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(refused)?;
    let params = leaf_params(address, now).map_err(refused)?;
    let certificate = params.signed_by(&key, &issuer).map_err(refused)?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    Ok(Leaf { certificate: certificate.der().clone(), key })
}

fn authority(data: &DataFolder, now: DateTime<Utc>) -> Result<Issuer<'static, KeyPair>, Fault> {
    let kept = (data.read(CERTIFICATE)?, data.read(KEY)?, data.read(UNTIL)?);
    let (Some(_), Some(key), Some(until)) = kept else { return make_authority(data, now) };
    let until = std::str::from_utf8(&until).ok().and_then(|text| text.trim().parse::<DateTime<Utc>>().ok());
    if until.is_none_or(|until| until < now + Days::new(RENEWED_BEFORE)) {
        return make_authority(data, now);
    }
    let pem = std::str::from_utf8(&key).map_err(refused)?;
    Ok(Issuer::new(authority_params(now), KeyPair::from_pem(pem).map_err(refused)?))
}

fn make_authority(data: &DataFolder, now: DateTime<Utc>) -> Result<Issuer<'static, KeyPair>, Fault> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(refused)?;
    let params = authority_params(now);
    let certificate = params.self_signed(&key).map_err(refused)?;
    data.write(KEY, Zeroizing::new(key.serialize_pem()).as_bytes())?;
    data.write(UNTIL, (now + Days::new(AUTHORITY_DAYS)).to_rfc3339().as_bytes())?;
    // Last, so that a certificate without its key is never found.
    data.write(CERTIFICATE, certificate.pem().as_bytes())?;
    Ok(Issuer::new(params, key))
}

fn authority_params(now: DateTime<Utc>) -> CertificateParams {
    let mut params = valid_for(CertificateParams::default(), now, AUTHORITY_DAYS);
    params.distinguished_name.push(DnType::CommonName, "AetherFlow secure-api local authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn leaf_params(address: IpAddr, now: DateTime<Utc>) -> Result<CertificateParams, rcgen::Error> {
    let mut names: Vec<String> = NAMES.iter().map(|name| (*name).to_owned()).collect();
    let address = address.to_canonical();
    if !address.is_loopback() && !address.is_unspecified() {
        names.push(address.to_string());
    }
    let mut params = valid_for(CertificateParams::new(names)?, now, LEAF_DAYS);
    params.distinguished_name.push(DnType::CommonName, "localhost");
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}

fn valid_for(mut params: CertificateParams, now: DateTime<Utc>, days: u64) -> CertificateParams {
    // From yesterday on, for clients whose clock is behind.
    let (from, to) = (calendar(now - Days::new(1)), calendar(now + Days::new(days)));
    params.not_before = date_time_ymd(from.0, from.1, from.2);
    params.not_after = date_time_ymd(to.0, to.1, to.2);
    params
}

fn calendar(day: DateTime<Utc>) -> (i32, u8, u8) {
    (day.year(), day.month().to_le_bytes()[0], day.day().to_le_bytes()[0])
}

fn refused(error: impl std::fmt::Display) -> Fault {
    Fault::Part { what: "the server's certificate", reason: error.to_string() }
}

const CERTIFICATE: &str = "ca.pem";
const KEY: &str = "keys/ca.key";
const UNTIL: &str = "keys/ca.until";
const NAMES: [&str; 5] =
    ["localhost", "auth.aetherflow.localhost", "api.aetherflow.localhost", "127.0.0.1", "::1"];
const AUTHORITY_DAYS: u64 = 3_650;
const LEAF_DAYS: u64 = 365;
const RENEWED_BEFORE: u64 = 30;

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(data: &DataFolder) -> Vec<u8> {
        data.read(CERTIFICATE).unwrap().unwrap().to_vec()
    }

    #[test]
    fn the_authority_stays_until_a_month_before_its_end() {
        let outer = tempfile::tempdir().unwrap();
        let data = DataFolder::open(outer.path()).unwrap();
        let address = IpAddr::from([127, 0, 0, 1]);
        let now = DateTime::UNIX_EPOCH + Days::new(20_000);
        issue(&data, address, now).unwrap();
        let first = kept(&data);
        issue(&data, address, now + Days::new(AUTHORITY_DAYS - RENEWED_BEFORE)).unwrap();
        assert_eq!(kept(&data), first);
        issue(&data, address, now + Days::new(AUTHORITY_DAYS - RENEWED_BEFORE + 1)).unwrap();
        assert_ne!(kept(&data), first);
    }

    #[test]
    fn an_authority_that_is_no_key_is_a_fault_and_not_replaced() {
        let outer = tempfile::tempdir().unwrap();
        let data = DataFolder::open(outer.path()).unwrap();
        let now = DateTime::UNIX_EPOCH + Days::new(20_000);
        issue(&data, IpAddr::from([127, 0, 0, 1]), now).unwrap();
        data.write(KEY, b"junk").unwrap();
        let refused = issue(&data, IpAddr::from([127, 0, 0, 1]), now).unwrap_err().to_string();
        assert!(refused.starts_with("the server's certificate: "), "{refused}");
    }
}
