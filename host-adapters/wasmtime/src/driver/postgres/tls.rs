//! TLS by rustls, with the meaning that libpq gives to `sslmode`.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::driver::tls::{Mode, trusted_certificates};

/// Files of certificates.
pub(super) struct Certificates {
    /// The authorities that are trusted; else those that the system trusts.
    pub(super) roots: Option<PathBuf>,
    /// This client's own certificate, and those of the authorities behind it.
    pub(super) own: Option<PathBuf>,
    /// Its key.
    pub(super) key: Option<PathBuf>,
}

/// A connector that verifies what the mode asks for.
pub(super) fn connector(
    mode: Mode,
    certificates: &Certificates,
) -> Result<MakeRustlsConnect, String> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let builder = match mode {
        Mode::VerifyFull => builder.with_root_certificates(certificates.roots()?),
        _ => {
            let authority = match mode {
                Mode::VerifyAuthority => Some(
                    WebPkiServerVerifier::builder_with_provider(
                        Arc::new(certificates.roots()?),
                        provider.clone(),
                    )
                    .build()
                    .map_err(|error| error.to_string())?,
                ),
                _ => None,
            };
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(AnyName {
                    authority,
                    provider,
                }))
        }
    };
    let own = match mode {
        // Files that nobody uses need not be sound.
        Mode::Disable => None,
        _ => certificates.own()?,
    };
    let mut config = match own {
        None => builder.with_no_client_auth(),
        Some((chain, key)) => builder
            .with_client_auth_cert(chain, key)
            .map_err(|error| format!("sslcert and sslkey: {error}"))?,
    };
    // Needed where the handshake comes first; others pass it over.
    config.alpn_protocols = vec![b"postgresql".to_vec()];
    Ok(MakeRustlsConnect::new(config))
}

impl Certificates {
    fn roots(&self) -> Result<RootCertStore, String> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(trusted_certificates(self.roots.as_deref())?);
        Ok(roots)
    }

    /// The client's certificate with its key.
    #[allow(clippy::type_complexity)]
    fn own(
        &self,
    ) -> Result<Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>, String> {
        let Some(file) = &self.own else {
            return Ok(None);
        };
        let key = (self.key.as_ref())
            .ok_or("sslcert is given and sslkey is not; both belong together")?;
        let chain = CertificateDer::pem_file_iter(file)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| format!("sslcert {}: {error}", file.display()))?;
        let key = PrivateKeyDer::from_pem_file(key).map_err(|error| {
            format!(
                "sslkey {}: {error}; it must not be encrypted",
                key.display()
            )
        })?;
        Ok(Some((chain, key)))
    }
}

/// Accepts a certificate whatever name it has, if its authority is trusted or none is asked for.
#[derive(Debug)]
struct AnyName {
    authority: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(authority) = &self.authority else {
            return Ok(ServerCertVerified::assertion());
        };
        // The name is looked at last, so an error about it means that all else is right.
        match authority.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        ) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_that_nobody_uses_need_not_be_sound() {
        let certificates = Certificates {
            roots: None,
            own: Some("/no/such/certificate".into()),
            key: Some("/no/such/key".into()),
        };
        assert!(connector(Mode::Disable, &certificates).is_ok());
        assert!(connector(Mode::Require, &certificates).is_err());
    }
}
