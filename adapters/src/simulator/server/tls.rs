//! HTTPS, with a certificate of the caller's or one made for the occasion.

use std::sync::Arc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, crypto};

/// Which certificate to show.
#[derive(Clone)]
pub enum Tls {
    /// A new self-signed one for `localhost` and `127.0.0.1`, as boxes in the field have them.
    SelfSigned,
    /// This one.
    Given {
        /// The certificate and those it hangs on, as PEM.
        certificate_pem: String,
        /// Its key, as PEM.
        key_pem: String,
    },
}

impl std::fmt::Debug for Tls {
    /// The key stays out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Tls::SelfSigned => "SelfSigned",
            Tls::Given { .. } => "Given",
        })
    }
}

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// No certificate could be made.
    #[error("cannot make a certificate: {0}")]
    Making(String),
    /// The PEM text given does not read, or the key does not fit the certificate.
    #[error("the certificate or its key cannot be used: {0}; give both as PEM")]
    Given(String),
}

impl Tls {
    /// What accepts connections with this certificate, and the certificate as PEM.
    pub(super) fn prepare(&self) -> Result<(TlsAcceptor, String), TlsError> {
        match self {
            Tls::SelfSigned => {
                let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
                let made = rcgen::generate_simple_self_signed(names)
                    .map_err(|why| TlsError::Making(why.to_string()))?;
                let certificate = made.cert.pem();
                Ok((acceptor(&certificate, &made.signing_key.serialize_pem())?, certificate))
            }
            Tls::Given { certificate_pem, key_pem } => {
                Ok((acceptor(certificate_pem, key_pem)?, certificate_pem.clone()))
            }
        }
    }
}

fn acceptor(certificate: &str, key: &str) -> Result<TlsAcceptor, TlsError> {
    let unusable = |why: &dyn std::fmt::Display| TlsError::Given(why.to_string());
    let chain = CertificateDer::pem_slice_iter(certificate.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|why| unusable(&why))?;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|why| unusable(&why))?;
    let config = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|why| unusable(&why))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|why| unusable(&why))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
