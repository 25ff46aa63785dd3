//! Judging a server's certificate as libpq with OpenSSL does, which is milder than the web's rules: without a root
//! certificate nobody is judged; a certificate that is itself among the trusted ones is trusted; the common name counts
//! where there are no alternative names; X.509 version 1, which PostgreSQL's own manual taught people to make, is read.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{
    CertificateDer, CertificateRevocationListDer, ServerName, SubjectPublicKeyInfoDer, UnixTime,
};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, RootCertStore, SignatureScheme};
use x509_cert::Certificate;
use x509_cert::certificate::Version;
use x509_cert::der::asn1::{PrintableStringRef, TeletexStringRef, Utf8StringRef};
use x509_cert::der::oid::db::rfc4519::COMMON_NAME;
use x509_cert::der::oid::db::rfc5280::ID_CE_SUBJECT_ALT_NAME;
use x509_cert::der::{Decode, Encode};

use crate::{Error, Result};

/// Whom to trust.
#[derive(Debug)]
pub(super) struct Roots {
    store: RootCertStore,
    /// As they stand in the file.
    certificates: Vec<CertificateDer<'static>>,
}

impl Roots {
    /// Mozilla's list, as compiled in.
    pub(super) fn system() -> Roots {
        Roots {
            store: RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
            certificates: Vec::new(),
        }
    }

    /// These certificates.
    pub(super) fn of(certificates: Vec<CertificateDer<'static>>) -> Roots {
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(certificates.iter().cloned());
        Roots { store, certificates }
    }
}

/// The judge of one connection's settings.
#[derive(Debug)]
pub(super) struct Verifier {
    /// `None`: any certificate will do.
    chain: Option<(Arc<WebPkiServerVerifier>, Vec<CertificateDer<'static>>)>,
    revocation: bool,
    name_matters: bool,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    pub(super) fn new(
        roots: Option<Roots>,
        crls: Vec<CertificateRevocationListDer<'static>>,
        name_matters: bool,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Verifier> {
        let revocation = !crls.is_empty();
        let chain = match roots {
            None => None,
            Some(roots) => {
                let verifier =
                    WebPkiServerVerifier::builder_with_provider(Arc::new(roots.store), Arc::clone(provider))
                        .with_crls(crls)
                        // As OpenSSL's check does not ask that every authority has a list.
                        .allow_unknown_revocation_status()
                        .build()
                        .map_err(|e| {
                            Error::usage("the root certificates or revocation lists cannot be used")
                                .because(e)
                        })?;
                Some((verifier, roots.certificates))
            }
        };
        Ok(Verifier {
            chain,
            revocation,
            name_matters,
            algorithms: provider.signature_verification_algorithms,
        })
    }

    /// What web rules refuse and OpenSSL takes: a certificate that is trusted by itself, or one of version 1 that a
    /// trusted one has signed.
    fn trusted_directly(
        &self,
        leaf: &CertificateDer<'_>,
        trusted: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> bool {
        let Ok(certificate) = Certificate::from_der(leaf) else {
            return false;
        };
        let validity = &certificate.tbs_certificate.validity;
        let now = now.as_secs();
        if now < validity.not_before.to_unix_duration().as_secs()
            || now > validity.not_after.to_unix_duration().as_secs()
        {
            return false;
        }
        // Lists of revoked certificates are for the strict way to judge.
        !self.revocation
            && (trusted.contains(leaf)
                || certificate.tbs_certificate.version == Version::V1
                    && trusted.iter().any(|issuer| self.signed_by(&certificate, issuer)))
    }

    fn signed_by(&self, certificate: &Certificate, issuer: &CertificateDer<'_>) -> bool {
        let Ok(issuer) = Certificate::from_der(issuer) else {
            return false;
        };
        let key = &issuer.tbs_certificate.subject_public_key_info;
        let (Ok(message), Some(signature), Some(key_bits)) = (
            certificate.tbs_certificate.to_der(),
            certificate.signature.as_bytes(),
            key.subject_public_key.as_bytes(),
        ) else {
            return false;
        };
        let (Some(by), Some(key_kind)) = (
            contents(&certificate.signature_algorithm),
            contents(&key.algorithm),
        ) else {
            return false;
        };
        issuer.tbs_certificate.subject == certificate.tbs_certificate.issuer
            && self.algorithms.all.iter().any(|algorithm| {
                algorithm.signature_alg_id().as_ref() == by
                    && algorithm.public_key_alg_id().as_ref() == key_kind
                    && algorithm.verify_signature(key_bits, &message, signature).is_ok()
            })
    }

    /// The handshake's signature by the key of a certificate of version 1, which the usual way cannot read.
    fn old_signature(
        &self,
        message: &[u8],
        certificate: &Certificate,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let key = &certificate.tbs_certificate.subject_public_key_info;
        let bad = || rustls::Error::InvalidCertificate(CertificateError::BadEncoding);
        let (bits, kind) = (
            key.subject_public_key.as_bytes().ok_or_else(bad)?,
            contents(&key.algorithm).ok_or_else(bad)?,
        );
        let candidates = self
            .algorithms
            .mapping
            .iter()
            .filter(|(scheme, _)| *scheme == signed.scheme);
        let valid = candidates
            .flat_map(|(_, algorithms)| *algorithms)
            .any(|algorithm| {
                algorithm.public_key_alg_id().as_ref() == kind
                    && algorithm
                        .verify_signature(bits, message, signed.signature())
                        .is_ok()
            });
        match valid {
            true => Ok(HandshakeSignatureValid::assertion()),
            false => Err(rustls::Error::InvalidCertificate(CertificateError::BadSignature)),
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some((verifier, trusted)) = &self.chain else {
            return Ok(ServerCertVerified::assertion());
        };
        match verifier.verify_server_cert(leaf, intermediates, name, ocsp, now) {
            Err(e) if is_about_the_name(&e) => {}
            Err(_) if self.trusted_directly(leaf, trusted, now) => {}
            done => return done,
        }
        if self.name_matters {
            name_fits(leaf, name)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        match old(cert) {
            Some(old) => self.old_signature(message, &old, signed),
            None => verify_tls12_signature(message, cert, signed, &self.algorithms),
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        match old(cert) {
            Some(old) => {
                let key = old.tbs_certificate.subject_public_key_info.to_der();
                let key =
                    key.map_err(|_| rustls::Error::InvalidCertificate(CertificateError::BadEncoding))?;
                let key = SubjectPublicKeyInfoDer::from(key);
                rustls::crypto::verify_tls13_signature_with_raw_key(message, &key, signed, &self.algorithms)
            }
            None => verify_tls13_signature(message, cert, signed, &self.algorithms),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn is_about_the_name(error: &rustls::Error) -> bool {
    use CertificateError::{NotValidForName, NotValidForNameContext};
    matches!(
        error,
        rustls::Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. })
    )
}

/// A certificate of X.509 version 1.
fn old(cert: &CertificateDer<'_>) -> Option<Certificate> {
    Certificate::from_der(cert)
        .ok()
        .filter(|c| c.tbs_certificate.version == Version::V1)
}

/// The alternative names, or the common name where there are none.
fn name_fits(leaf: &CertificateDer<'_>, name: &ServerName<'_>) -> Result<(), rustls::Error> {
    let by_alternatives =
        ParsedCertificate::try_from(leaf).and_then(|parsed| verify_server_name(&parsed, name));
    let Err(error) = by_alternatives else {
        return Ok(());
    };
    match common_name(leaf) {
        Some(common) if host_matches(&common, &name.to_str()) => Ok(()),
        Some(common) => Err(rustls::Error::General(format!(
            "the server's certificate is for {common:?}, not for {:?}",
            name.to_str()
        ))),
        None => Err(error),
    }
}

/// The common name of a certificate that has no alternative names.
fn common_name(leaf: &CertificateDer<'_>) -> Option<String> {
    let certificate = Certificate::from_der(leaf).ok()?.tbs_certificate;
    let extensions = certificate.extensions.unwrap_or_default();
    if extensions.iter().any(|e| e.extn_id == ID_CE_SUBJECT_ALT_NAME) {
        return None;
    }
    let mut names = certificate.subject.0.iter().flat_map(|part| part.0.iter());
    let value = &names.find(|attribute| attribute.oid == COMMON_NAME)?.value;
    let text = |s: Option<&str>| s.map(str::to_string);
    text(Utf8StringRef::try_from(value).ok().map(|s| s.as_str()))
        .or_else(|| text(PrintableStringRef::try_from(value).ok().map(|s| s.as_str())))
        .or_else(|| text(TeletexStringRef::try_from(value).ok().map(|s| s.as_str())))
}

/// `*.example.org` stands for one label, as libpq has it.
fn host_matches(pattern: &str, host: &str) -> bool {
    if let Some(suffix) = pattern.strip_prefix("*.") {
        return host
            .split_once('.')
            .is_some_and(|(label, rest)| !label.is_empty() && rest.eq_ignore_ascii_case(suffix));
    }
    pattern.eq_ignore_ascii_case(host)
}

/// An algorithm's name and parameters without the sequence around them, which is how rustls compares them.
fn contents(algorithm: &x509_cert::spki::AlgorithmIdentifierOwned) -> Option<Vec<u8>> {
    let mut der = algorithm.oid.to_der().ok()?;
    if let Some(parameters) = &algorithm.parameters {
        der.extend(parameters.to_der().ok()?);
    }
    Some(der)
}

/// The digest that binds SCRAM to this TLS session (RFC 5929, `tls-server-end-point`); `None` for certificates whose
/// signature names no hash.
pub(super) fn end_point_digest(cert: &CertificateDer<'_>) -> Option<Vec<u8>> {
    use x509_cert::der::oid::db::rfc5912::{
        ECDSA_WITH_SHA_256, ECDSA_WITH_SHA_384, ECDSA_WITH_SHA_512, SHA_1_WITH_RSA_ENCRYPTION,
        SHA_256_WITH_RSA_ENCRYPTION, SHA_384_WITH_RSA_ENCRYPTION, SHA_512_WITH_RSA_ENCRYPTION,
    };
    let algorithm = match Certificate::from_der(cert).ok()?.signature_algorithm.oid {
        // The RFC puts SHA-256 in the place of weaker hashes.
        SHA_1_WITH_RSA_ENCRYPTION | SHA_256_WITH_RSA_ENCRYPTION | ECDSA_WITH_SHA_256 => &ring::digest::SHA256,
        SHA_384_WITH_RSA_ENCRYPTION | ECDSA_WITH_SHA_384 => &ring::digest::SHA384,
        SHA_512_WITH_RSA_ENCRYPTION | ECDSA_WITH_SHA_512 => &ring::digest::SHA512,
        _ => return None,
    };
    Some(ring::digest::digest(algorithm, cert).as_ref().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_stands_for_exactly_one_label() {
        assert!(host_matches("db.example.org", "DB.example.org"));
        assert!(host_matches("*.example.org", "db.example.org"));
        assert!(!host_matches("*.example.org", "a.b.example.org"));
        assert!(!host_matches("*.example.org", ".example.org"));
        assert!(!host_matches("*.example.org", "example.org"));
        assert!(!host_matches("db.example.org", "db.example.org.evil"));
    }
}
