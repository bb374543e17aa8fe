//! Project Wycheproof's vectors through our keys: what is valid is accepted, what is not is refused, and how many of
//! each there were is counted, so that none is passed over in silence.
#![cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]

use wycheproof::TestResult::{Acceptable, Invalid, Valid};
use wycheproof::{HashFunction, TestResult, ecdsa, eddsa, mac, rsa_pkcs1_verify, rsa_pss_verify};

use super::backend::MOST_RSA_BITS;
use super::{Algorithm, VerifyingKey, jwk};
use crate::error::ConfigError;

#[derive(Debug, Default, Eq, PartialEq)]
struct Tally {
    valid: usize,
    invalid: usize,
    /// Cases of a key that was refused, of another scheme than the algorithm's, or merely acceptable (RSA without the
    /// NULL of RFC 8017 §9.2): none of them is accepted.
    refused: usize,
}

impl Tally {
    fn check(&mut self, key: &VerifyingKey, case: (usize, TestResult), message: &[u8], signature: &[u8]) {
        assert_eq!(key.holds(message, signature), case.1 == Valid, "case {}", case.0);
        match case.1 {
            Valid => self.valid += 1,
            Invalid => self.invalid += 1,
            Acceptable => self.refused += 1,
        }
    }
}

/// The key read from DER, after PEM and JWK were seen to give the same one.
fn key(algorithm: Algorithm, der: &[u8], pem: &str) -> Result<VerifyingKey, ConfigError> {
    let key = VerifyingKey::from_spki_der(algorithm, der);
    let from_pem = VerifyingKey::from_spki_pem(algorithm, pem);
    assert_eq!(from_pem.as_ref().err(), key.as_ref().err());
    let key = key?;
    let from_jwk = VerifyingKey::from_jwk(&jwk::write(&key).unwrap()).unwrap();
    assert_eq!([from_pem.unwrap().is_same(&key), from_jwk.is_same(&key)], [true, true]);
    Ok(key)
}

fn ecdsa(name: ecdsa::TestName, algorithm: Algorithm) -> Tally {
    let mut tally = Tally::default();
    for group in ecdsa::TestSet::load(name).unwrap().test_groups {
        let key = key(algorithm, &group.der, &group.pem).unwrap();
        for test in group.tests {
            tally.check(&key, (test.tc_id, test.result), &test.msg, &test.sig);
        }
    }
    tally
}

#[test]
fn ecdsa_of_both_curves_is_told_right_from_wrong() {
    let p256 = ecdsa(ecdsa::TestName::EcdsaSecp256r1Sha256P1363, Algorithm::Es256);
    assert_eq!(p256, Tally { valid: 173, invalid: 89, refused: 0 });
    let p384 = ecdsa(ecdsa::TestName::EcdsaSecp384r1Sha384P1363, Algorithm::Es384);
    assert_eq!(p384, Tally { valid: 193, invalid: 87, refused: 0 });
}

#[test]
fn signatures_in_der_are_refused_whatever_they_sign() {
    let mut seen = 0;
    for group in ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256).unwrap().test_groups {
        let key = key(Algorithm::Es256, &group.der, &group.pem).unwrap();
        for test in group.tests {
            assert!(!key.holds(&test.msg, &test.sig), "case {}", test.tc_id);
            seen += 1;
        }
    }
    assert_eq!(seen, 484);
}

#[test]
fn ed25519_is_told_right_from_wrong() {
    let mut tally = Tally::default();
    for group in eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap().test_groups {
        let key = key(Algorithm::EdDsa, &group.der, &group.pem).unwrap();
        for test in group.tests {
            tally.check(&key, (test.tc_id, test.result), &test.msg, &test.sig);
        }
    }
    assert_eq!(tally, Tally { valid: 88, invalid: 63, refused: 0 });
    for group in eddsa::TestSet::load(eddsa::TestName::Ed448).unwrap().test_groups {
        assert_eq!(key(Algorithm::EdDsa, &group.der, &group.pem).unwrap_err(), ConfigError::WrongKeyType);
    }
}

#[test]
fn hmac_is_told_right_from_wrong_and_a_shortened_tag_is_never_enough() {
    for (name, algorithm, want) in [
        (mac::TestName::HmacSha256, Algorithm::Hs256, Tally { valid: 30, invalid: 54, refused: 90 }),
        (mac::TestName::HmacSha384, Algorithm::Hs384, Tally { valid: 30, invalid: 54, refused: 90 }),
        (mac::TestName::HmacSha512, Algorithm::Hs512, Tally { valid: 30, invalid: 54, refused: 90 }),
    ] {
        let (mut tally, least) = (Tally::default(), algorithm.least_secret());
        for group in mac::TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                let key = VerifyingKey::from_secret("k", algorithm, &test.key);
                if test.key.len() < least {
                    assert_eq!(key.unwrap_err(), ConfigError::ShortSecret { least });
                    tally.refused += 1;
                } else if group.tag_size < least * 8 {
                    assert!(!key.unwrap().holds(&test.msg, &test.tag), "case {}", test.tc_id);
                    tally.refused += 1;
                } else {
                    tally.check(&key.unwrap(), (test.tc_id, test.result), &test.msg, &test.tag);
                }
            }
        }
        assert_eq!(tally, want, "{algorithm}");
    }
}

#[test]
fn rsa_of_pkcs1_is_told_right_from_wrong() {
    use rsa_pkcs1_verify::TestName::{Rsa2048Sha256, Rsa3072Sha256, Rsa4096Sha256, Rsa8192Sha256};
    let longest = if MOST_RSA_BITS == 8_192 {
        Tally { valid: 7, invalid: 250, refused: 1 }
    } else {
        Tally { valid: 0, invalid: 0, refused: 258 }
    };
    for (name, want) in [
        (Rsa2048Sha256, Tally { valid: 7, invalid: 249, refused: 3 }),
        (Rsa3072Sha256, Tally { valid: 7, invalid: 250, refused: 2 }),
        (Rsa4096Sha256, Tally { valid: 7, invalid: 250, refused: 1 }),
        (Rsa8192Sha256, longest),
    ] {
        let mut tally = Tally::default();
        for group in rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
            let key = match key(Algorithm::Rs256, &group.der, &group.pem) {
                Ok(key) => key,
                Err(error) => {
                    let is_long = group.key_size > MOST_RSA_BITS;
                    let why = if is_long { ConfigError::RsaBackendSize } else { ConfigError::RsaExponent };
                    assert_eq!(error, why);
                    tally.refused += group.tests.len();
                    continue;
                }
            };
            for test in group.tests {
                tally.check(&key, (test.tc_id, test.result), &test.msg, &test.sig);
            }
        }
        assert_eq!(tally, want, "{name:?}");
    }
}

#[test]
fn rsa_of_pss_is_told_right_from_wrong_and_has_one_hash_and_one_salt_length() {
    use rsa_pss_verify::TestName::{
        RsaPss2048Sha256Mgf1SaltLen0, RsaPss2048Sha256Mgf1SaltLen32, RsaPss2048Sha256Mgf1Sha1_20,
        RsaPss2048Sha384Mgf1SaltLen48, RsaPss3072Sha256Mgf1SaltLen32, RsaPss4096Sha256Mgf1SaltLen32,
        RsaPssmisc,
    };
    for (name, want) in [
        (RsaPss2048Sha256Mgf1SaltLen32, Tally { valid: 63, invalid: 45, refused: 0 }),
        (RsaPss3072Sha256Mgf1SaltLen32, Tally { valid: 63, invalid: 45, refused: 0 }),
        (RsaPss4096Sha256Mgf1SaltLen32, Tally { valid: 63, invalid: 45, refused: 0 }),
        (RsaPss2048Sha256Mgf1SaltLen0, Tally { valid: 1, invalid: 0, refused: 102 }),
        (RsaPss2048Sha256Mgf1Sha1_20, Tally { valid: 0, invalid: 0, refused: 108 }),
        (RsaPss2048Sha384Mgf1SaltLen48, Tally { valid: 0, invalid: 0, refused: 141 }),
        (RsaPssmisc, Tally { valid: 1, invalid: 0, refused: 149 }),
    ] {
        let mut tally = Tally::default();
        for group in rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
            let key = key(Algorithm::Ps256, &group.der, &group.pem).unwrap();
            let is_sha256 = [Some(group.hash), group.mgf_hash] == [Some(HashFunction::Sha2_256); 2];
            for test in group.tests {
                if is_sha256 && group.salt_size == 32 {
                    tally.check(&key, (test.tc_id, test.result), &test.msg, &test.sig);
                    continue;
                }
                // Invalid for a salt of no bytes, and so what PS256 demands.
                let is_ps256 = is_sha256 && test.comment == "s_len changed to 32";
                assert_eq!(key.holds(&test.msg, &test.sig), is_ps256, "case {}", test.tc_id);
                if is_ps256 { tally.valid += 1 } else { tally.refused += 1 }
            }
        }
        assert_eq!(tally, want, "{name:?}");
    }
}

#[test]
fn a_key_that_names_its_pss_parameters_is_of_another_type() {
    let set =
        rsa_pss_verify::TestSet::load(rsa_pss_verify::TestName::RsaPss2048Sha256Mgf1SaltLen32WithParams);
    for group in set.unwrap().test_groups {
        assert_eq!(key(Algorithm::Ps256, &group.der, &group.pem).unwrap_err(), ConfigError::WrongKeyType);
    }
}
