//! TLS: a certificate and its key in files, which may be read again.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// Why a certificate or its key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file of certificates.
    #[error("the certificate {}: {reason}", file.display())]
    Certificate {
        /// Where it is.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file of the key. Its reason shows nothing of it.
    #[error("the key {}: {reason}", file.display())]
    Key {
        /// Where it is.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// A certificate and its key. Clones share them.
#[derive(Clone)]
pub struct Tls {
    shared: Arc<Shared>,
}

struct Shared {
    certificate: PathBuf,
    key: PathBuf,
    config: RwLock<Arc<ServerConfig>>,
}

impl Tls {
    /// The certificate, with those of the authorities between, and the key in these files, both in PEM.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, or the two do not belong together.
    pub fn from_files(
        certificate: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Result<Self, TlsError> {
        let (certificate, key) = (certificate.into(), key.into());
        let config = RwLock::new(read(&certificate, &key)?);
        Ok(Self {
            shared: Arc::new(Shared {
                certificate,
                key,
                config,
            }),
        })
    }

    /// Reads the files again: connections that are made from now on get what they hold.
    ///
    /// # Errors
    ///
    /// As [`Tls::from_files`]; then all stays as it is.
    pub fn reload(&self) -> Result<(), TlsError> {
        let config = read(&self.shared.certificate, &self.shared.key)?;
        *(self.shared.config)
            .write()
            .unwrap_or_else(PoisonError::into_inner) = config;
        tracing::info!("the certificate and its key were read again");
        Ok(())
    }

    /// What makes a connection of a stream.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        let config = self.shared.config.read();
        TlsAcceptor::from(config.unwrap_or_else(PoisonError::into_inner).clone())
    }
}

fn read(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let of_certificate = |reason: String| TlsError::Certificate {
        file: certificate.to_owned(),
        reason,
    };
    let of_key = |reason: String| TlsError::Key {
        file: key.to_owned(),
        reason,
    };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| of_certificate(told(&error, "certificate")))?;
    if chain.is_empty() {
        return Err(of_certificate(told(&PemError::NoItemsFound, "certificate")));
    }
    let secret =
        PrivateKeyDer::from_pem_file(key).map_err(|error| of_key(told(&error, "private key")))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| of_certificate(error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => of_key(format!(
                "it is not that of the certificate {}",
                certificate.display()
            )),
            rustls::Error::InvalidCertificate(_) => of_certificate(error.to_string()),
            _ => of_key("it is of a kind that is not supported".into()),
        })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// What is wrong with a file, without a word of it.
fn told(error: &PemError, kind: &str) -> String {
    match error {
        PemError::Io(error) => error.to_string(),
        PemError::NoItemsFound => format!("it holds no {kind} in PEM"),
        _ => "it is no PEM, or was cut off".into(),
    }
}
