//! Whose word we take that a PBX is the one it claims to be.

pub use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

/// A chain or bundle with more certificates than this is not what was meant.
const CERTIFICATES_MAX: usize = 1000;

/// What makes a PBX's certificate good. There is no "accept anything" on purpose: whoever answers
/// would be handed control of the telephones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// The authorities that this system trusts, and the right host name.
    #[default]
    System,
    /// These authorities only, and the right host name.
    Authorities(Vec<CertificateDer<'static>>),
    /// Exactly this certificate, whatever host name or dates it carries: for the self-signed
    /// certificates that boxes come with. (On Windows the system insists on valid dates, and on a
    /// certificate that is self-signed.)
    Pinned(CertificateDer<'static>),
}

impl Trust {
    /// Reads a file of certificates of authorities, in PEM.
    ///
    /// # Errors
    /// [`TrustError`], if there is no certificate in it.
    pub fn authorities(pem: &[u8]) -> Result<Trust, TrustError> {
        Ok(Trust::Authorities(certificates(pem)?))
    }

    /// Reads the file of the one certificate to accept, in PEM or DER. Of several in PEM the
    /// first counts, as in the chain that a server sends.
    ///
    /// # Errors
    /// [`TrustError`], if there is no certificate in it.
    pub fn pinned(file: &[u8]) -> Result<Trust, TrustError> {
        // DER begins with the tag of a sequence; PEM is text.
        let certificate = match file.first() {
            Some(0x30) => CertificateDer::from(file.to_vec()),
            _ => certificates(file)?.swap_remove(0),
        };
        Ok(Trust::Pinned(certificate))
    }
}

/// Why a certificate cannot be used to judge others.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// No certificate in the file.
    #[error(
        "there is no certificate in it; it must hold text that begins with \
         -----BEGIN CERTIFICATE-----"
    )]
    Empty,
    /// A broken one.
    #[error("a certificate in it is damaged ({0}); export it again")]
    Damaged(String),
    /// More than can be meant.
    #[error("there are more than {CERTIFICATES_MAX} certificates in it")]
    TooMany,
    /// The system's own authorities cannot be had, or the TLS package refuses.
    #[error(
        "the certificates that this system trusts cannot be used ({0}); install its package of \
         authorities (often called ca-certificates), or name a ca_file or certificate_file under \
         [tls]"
    )]
    System(String),
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TrustError> {
    let mut found = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        if found.len() == CERTIFICATES_MAX {
            return Err(TrustError::TooMany);
        }
        found.push(certificate.map_err(|error| TrustError::Damaged(error.to_string()))?);
    }
    if found.is_empty() { Err(TrustError::Empty) } else { Ok(found) }
}

/// Whether an error is TLS saying no, rather than the network failing.
#[cfg(not(windows))]
pub(super) fn is_refusal(error: &(dyn std::error::Error + 'static)) -> bool {
    error.is::<rustls::Error>()
}

/// Whether an error is TLS saying no, rather than the network failing. The TLS of Windows gives
/// one type for both, so its words are read: Rust writes the number of a system error behind it,
/// and those of the network are positive, those of TLS and of certificates negative.
#[cfg(windows)]
pub(super) fn is_refusal(error: &(dyn std::error::Error + 'static)) -> bool {
    error.is::<native_tls::Error>() && tells_of_refusal(&error.to_string())
}

#[cfg(any(windows, test))]
fn tells_of_refusal(words: &str) -> bool {
    match words.rsplit_once("(os error ") {
        Some((_, number)) => number.starts_with('-'),
        None => !words.contains("unexpected EOF"),
    }
}

/// The rustls side. Windows uses its own TLS instead, see `http.rs`.
#[cfg(not(windows))]
pub(super) mod with_rustls {
    use super::{Trust, TrustError};
    use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
    use rustls::crypto::{
        WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
    };
    use rustls::{
        CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore,
        SignatureScheme,
    };
    use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
    use rustls_platform_verifier::BuilderVerifierExt;
    use std::sync::Arc;

    /// Trust in the form that connections take it.
    pub(crate) type Configuration = ClientConfig;

    /// A TLS configuration that trusts as told. The provider of the cryptography is ours alone:
    /// nothing is installed for the whole process, which belongs to the telephony server.
    pub(crate) fn configuration(trust: &Trust) -> Result<ClientConfig, TrustError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let algorithms = provider.signature_verification_algorithms;
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| TrustError::System(error.to_string()))?;
        let builder = match trust {
            Trust::System => builder
                .with_platform_verifier()
                .map_err(|error| TrustError::System(error.to_string()))?,
            Trust::Authorities(certificates) => {
                builder.with_root_certificates(roots(certificates)?)
            }
            Trust::Pinned(certificate) => builder.dangerous().with_custom_certificate_verifier(
                Arc::new(OnlyThis(certificate.clone(), algorithms)),
            ),
        };
        Ok(builder.with_no_client_auth())
    }

    fn roots(certificates: &[CertificateDer<'static>]) -> Result<RootCertStore, TrustError> {
        let mut store = RootCertStore::empty();
        for certificate in certificates {
            store
                .add(certificate.clone())
                .map_err(|error| TrustError::Damaged(error.to_string()))?;
        }
        Ok(store)
    }

    /// Accepts one certificate, byte for byte. The proof that the other side has the key to it is
    /// demanded as ever.
    #[derive(Debug)]
    struct OnlyThis(CertificateDer<'static>, WebPkiSupportedAlgorithms);

    impl ServerCertVerifier for OnlyThis {
        fn verify_server_cert(
            &self,
            certificate: &CertificateDer<'_>,
            _chain: &[CertificateDer<'_>],
            _name: &ServerName<'_>,
            _ocsp: &[u8],
            _now: UnixTime,
        ) -> Result<ServerCertVerified, Error> {
            if *certificate == self.0 {
                Ok(ServerCertVerified::assertion())
            } else {
                Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
            }
        }

        fn verify_tls12_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            verify_tls12_signature(message, certificate, signed, &self.1)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            verify_tls13_signature(message, certificate, signed, &self.1)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.1.supported_schemes()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_windows_tell_a_refused_certificate_from_a_broken_network() {
        let table = [
            ("The certificate chain is not trusted. (os error -2146762487)", true),
            ("unable to find any user-specified roots in the final cert chain", true),
            ("An existing connection was closed by the remote host. (os error 10054)", false),
            ("unexpected EOF during handshake", false),
        ];
        for (words, refusal) in table {
            assert_eq!(tells_of_refusal(words), refusal, "{words}");
        }
    }
}
