//! TLS 1.3 only, post-quantum key exchange for every client that asks for it first, HTTP/2 before HTTP/1.1, no early
//! data.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::{default_provider, kx_group};
use rustls::version::TLS13;

use crate::certificate::Leaf;

/// The server's side of every handshake.
///
/// # Errors
///
/// Whatever rustls says of a certificate and a key that do not belong together.
///
/// # Security
///
/// Early data is off (a size of 0 is also rustls's default): it could be replayed.
pub(crate) fn server_config(leaf: Leaf) -> Result<Arc<ServerConfig>, rustls::Error> {
    let mut provider = default_provider();
    // Of these rustls takes the one the client names first, which with today's browsers and curl is the first.
    provider.kx_groups =
        vec![kx_group::X25519MLKEM768, kx_group::X25519, kx_group::SECP256R1, kx_group::SECP384R1];
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&TLS13])?
        .with_no_client_auth()
        .with_single_cert(vec![leaf.certificate], leaf.key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.max_early_data_size = 0;
    Ok(Arc::new(config))
}
