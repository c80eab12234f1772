//! What the drivers of servers share of TLS: libpq's `sslmode`, and the certificates that are trusted.

use std::path::Path;
use std::str::FromStr;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// What libpq means by `sslmode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// No TLS.
    Disable,
    /// TLS where the server has it.
    Prefer,
    /// TLS, whoever is at the connection's other end.
    Require,
    /// TLS with a server whose certificate a trusted authority has signed.
    VerifyAuthority,
    /// That, and it is the server that was asked for.
    VerifyFull,
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Ok(match name {
            "disable" => Self::Disable,
            "allow" | "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyAuthority,
            "verify-full" => Self::VerifyFull,
            _ => {
                return Err(
                    "sslmode must be one of disable, allow, prefer, require, verify-ca and \
                            verify-full"
                        .into(),
                );
            }
        })
    }
}

/// The authorities' certificates in a file, or else those that the system trusts; at least one.
pub(crate) fn trusted_certificates(
    file: Option<&Path>,
) -> Result<Vec<CertificateDer<'static>>, String> {
    let mut store = RootCertStore::empty();
    let certificates = match file {
        Some(file) => {
            let unusable =
                |error: &dyn std::error::Error| format!("sslrootcert {}: {error}", file.display());
            let mut certificates = Vec::new();
            for certificate in
                CertificateDer::pem_file_iter(file).map_err(|error| unusable(&error))?
            {
                let certificate = certificate.map_err(|error| unusable(&error))?;
                store
                    .add(certificate.clone())
                    .map_err(|error| unusable(&error))?;
                certificates.push(certificate);
            }
            certificates
        }
        // A system may have some that cannot be used; the others can.
        None => (rustls_native_certs::load_native_certs().certs.into_iter())
            .filter(|certificate| store.add(certificate.clone()).is_ok())
            .collect(),
    };
    if certificates.is_empty() {
        return Err(
            "there is no certificate to verify the server's by; name a file by sslrootcert".into(),
        );
    }
    Ok(certificates)
}
