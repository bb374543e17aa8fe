//! Keys made for these tests and used for nothing else.

use aetherflow_auth::Environment;
use aetherflow_auth::key::{Algorithm, KeySet, VerifyingKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
#[cfg(feature = "aws-lc-rs")]
pub(crate) use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
#[cfg(not(feature = "aws-lc-rs"))]
pub(crate) use jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER;
use jsonwebtoken::{DecodingKey, EncodingKey};

use super::ISSUER;

/// Who signs a token, each with one algorithm.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Signer {
    Hs256,
    Es256,
    EdDsa,
    Rs256,
}

pub(crate) const SIGNERS: [Signer; 4] = [Signer::Hs256, Signer::Es256, Signer::EdDsa, Signer::Rs256];

impl Signer {
    pub(crate) fn algorithm(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::Hs256 => jsonwebtoken::Algorithm::HS256,
            Self::Es256 => jsonwebtoken::Algorithm::ES256,
            Self::EdDsa => jsonwebtoken::Algorithm::EdDSA,
            Self::Rs256 => jsonwebtoken::Algorithm::RS256,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
            Self::Rs256 => "RS256",
        }
    }

    pub(crate) fn key_id(self) -> &'static str {
        match self {
            Self::Hs256 => "h1",
            Self::Es256 => "e1",
            Self::EdDsa => "d1",
            Self::Rs256 => "r1",
        }
    }

    /// The raw signature over a message.
    pub(crate) fn sign(self, message: &[u8]) -> Vec<u8> {
        sign(self.algorithm(), &self.private(), message)
    }

    pub(crate) fn private(self) -> EncodingKey {
        match self {
            Self::Hs256 => EncodingKey::from_secret(SECRET),
            Self::Es256 => EncodingKey::from_ec_der(&decoded(ES256_PRIVATE)),
            Self::EdDsa => EncodingKey::from_ed_der(&decoded(EDDSA_PRIVATE)),
            Self::Rs256 => EncodingKey::from_rsa_der(&decoded(RS256_PRIVATE)),
        }
    }

    /// The key as jsonwebtoken's own functions want it.
    pub(crate) fn peer_key(self) -> DecodingKey {
        match self {
            Self::Hs256 => DecodingKey::from_secret(SECRET),
            Self::Es256 => DecodingKey::from_ec_components(ES256_X, ES256_Y).unwrap(),
            Self::EdDsa => DecodingKey::from_ed_components(EDDSA_X).unwrap(),
            Self::Rs256 => DecodingKey::from_rsa_components(RS256_N, "AQAB").unwrap(),
        }
    }
}

pub(crate) fn sign(algorithm: jsonwebtoken::Algorithm, key: &EncodingKey, message: &[u8]) -> Vec<u8> {
    (DEFAULT_PROVIDER.signer_factory)(&algorithm, key).unwrap().try_sign(message).unwrap()
}

pub(crate) fn decoded(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

pub(crate) fn shared_keys() -> KeySet {
    let key = VerifyingKey::from_secret("h1", Algorithm::Hs256, SECRET).unwrap();
    KeySet::new(ISSUER, Environment::production(), [key]).unwrap()
}

pub(crate) fn public_keys() -> KeySet {
    let keys = public_jwks().map(|text| VerifyingKey::from_jwk(&text).unwrap());
    KeySet::new(ISSUER, Environment::production(), keys).unwrap()
}

pub(crate) fn public_jwks() -> [String; 3] {
    [
        format!(r#"{{"kty":"EC","crv":"P-256","kid":"e1","x":"{ES256_X}","y":"{ES256_Y}"}}"#),
        format!(r#"{{"kty":"OKP","crv":"Ed25519","kid":"d1","x":"{EDDSA_X}"}}"#),
        format!(r#"{{"kty":"RSA","kid":"r1","n":"{RS256_N}","e":"AQAB"}}"#),
    ]
}

pub(crate) const SECRET: &[u8] = b"a secret of thirty-two bytes, ok";
pub(crate) const ES256_X: &str = "Ij8pHchRFkXf_i9BBWtFaYN5pkMWvT6Q9N0PpG2q3wU";
pub(crate) const ES256_Y: &str = "U7_RWb3x_nTsjjSa9hfvDspsOMHNyNFvWOcUjUCoizQ";
pub(crate) const EDDSA_X: &str = "MGZvSZXJKnOPaRZ5xab9Llb4IzeJgKjo-jTmrW2Luw8";
pub(crate) const RS256_N: &str = "r6l8rIi3ulTZ-NEZ5e7PAtUY6idKDjEUVciRZHHERkNwhuj15xppdWCjIO-SiAtFuuAA_qVEzYGqI929PMM4-X0IuWqNkRi4Mek5xIRLwi3P7Cwnm7ZaurFjLd-wGPfXuVx0wgOIvfkpc0ZzSW5E90gyJm2gFPwFPo4bKfliZCPz4rVTcopJT2mTdpjuJlZANPfv3jcIH5sGwIpF__3LK9ltcWiAN62jXXYZYVYVx0KWIznoysC5FDFEpLG9c2YoaxlzHNy6EyAoF9I89SGTFHpsJ18nzVjKL3cYuEDZailFddsJtL5wOYdwXBIwDkbR1dzhKygjlXHBD4sTdR0TUQ";
const ES256_PRIVATE: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg0PIfrUiunwAQ2rkcielBpNmOgblVjF79cWfiS4-BB4ahRANCAAQiPykdyFEWRd_-L0EFa0Vpg3mmQxa9PpD03Q-kbarfBVO_0Vm98f507I40mvYX7w7KbDjBzcjRb1jnFI1AqIs0";
const EDDSA_PRIVATE: &str = "MC4CAQAwBQYDK2VwBCIEIGh5U98BmuySIynI_n8gkv3Fw3Yt5O2DUE8WNSROlJtc";
const RS256_PRIVATE: &str = "MIIEogIBAAKCAQEAr6l8rIi3ulTZ-NEZ5e7PAtUY6idKDjEUVciRZHHERkNwhuj15xppdWCjIO-SiAtFuuAA_qVEzYGqI929PMM4-X0IuWqNkRi4Mek5xIRLwi3P7Cwnm7ZaurFjLd-wGPfXuVx0wgOIvfkpc0ZzSW5E90gyJm2gFPwFPo4bKfliZCPz4rVTcopJT2mTdpjuJlZANPfv3jcIH5sGwIpF__3LK9ltcWiAN62jXXYZYVYVx0KWIznoysC5FDFEpLG9c2YoaxlzHNy6EyAoF9I89SGTFHpsJ18nzVjKL3cYuEDZailFddsJtL5wOYdwXBIwDkbR1dzhKygjlXHBD4sTdR0TUQIDAQABAoIBAC3Z9SeJ9j8mV9EJL5PjjlhkbEDuaXej2vV7SWwo__0BLHWiiFE_BSj0xQ_bSOnG23gocUoGtJtZzaHYBsW-BXil6OmRBQvLIoUwpfoEOEwiriOs8NfFtRAHLmayfSI_Sylglz9vMbm4uFeVG5GevVS4nRKHyeHAWNQXvsJpjIOrqRDvsWyeM3q6bPaQ3429ISfayFVum5pMvmb07bDW-HVAZA6USI4YbeJx8srRiCiR02x5mu5KwE7VsTPvcZoucgdVoYvnBVM4OJKTKAD28BZh0s3et9MdNe-5tEOwk-YqHVXl5c0dQWZrBjnQC2_uTR9HEEUh4qB1eEfxQ1j6KQMCgYEA8n441FL33o5e_E5QzGCIMA1yt5wsDG9VZSWQhWyH5nS3SF2AKFPCj_jZ5t5cGXfGjGJGfz_saN05AZ_i1Itf0btWhEYhF-Bbtj5DyczTXp3PG-LYEavabP7TI9KuyglIuHafWU9uqcbucHesE8CB23W6r0GJxAuqg_0p3p4MGHMCgYEAuXJNfGM2Ugw8G2V2IBKM8bVK_ONpgm95vJOwrPPqXLO1aVdlHNMx7Z2VrS0jtWO1xgCYyu3V5eyMaG_hkheTWAd7_D87qAf1hpoZ4r4hEcrL8xed_rxG3YQ19qggVtNWWSw6ycTTSbvO06hqMTmuxLZ22_Fab3S0vPbwyrvxKCsCgYBQWt1QFpJGsJzvNLB3mUFn0v0BtQGvuTDuDI2geP9rsZ-OnlU6h88AUHE8nNCeK9-iY2qC_lbDxRL_49CRqAG_iTm5KVgMBm-9q1JhS7t7LgYUco4xBOajmamzxDvhfUQYxE43lSfRoLcgk7d08CTX6WJMcwZI7ai6hijauTq-2wKBgFUsHlKG7qf4XpLmor5QRtOsxGgpuofh0zO9UWPeE0HIeAWN0i7PARt1SQ1ksgXZad8q3wI1Agy7_DDrUdrbYR0JMvTDxg6CuU288S6mzGFzlwBrVHFu381Vr8M9rLy0C_Cg089fyvsOewvTShKZv58xfp292B9gprIzaJx0fWpJAoGAX07zqIrWlyysLbcM5IwEeh8yF4oN8l4xm2-NpW2MSiJcn-iUvw-d5HcIBz1djKcRDbSD8Xs2uMLL_YJQwhtwm511CePA0pIaYrj-yl8kw1BORkzMAPtTbvtKbwL35HgwMHu5oBsgVHCLgYlWC-AnoxXkb2QIto_nKPIVFy6JKEQ";
