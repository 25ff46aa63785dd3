//! TLS as libpq's `ssl*` parameters describe it: what is asked for, which files it needs, the negotiation.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;

use super::certificate::{self, Verifier};
use super::environment::Environment;
use super::params::Params;
use super::settings::choice;
use super::socket::Socket;
use crate::{Error, Result};

/// libpq's `sslmode`, from the weakest to the strictest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mode {
    /// Never.
    Disable,
    /// Without, unless the server insists.
    Allow,
    /// With, unless the server cannot.
    Prefer,
    /// With, whoever the server is (unless there is a root certificate to check it by).
    Require,
    /// With, and the certificate comes from somebody trusted.
    VerifyCa,
    /// With, and the certificate is the host's.
    VerifyFull,
}

/// What is asked for: nothing is read yet.
#[derive(Clone, Debug)]
pub(super) struct TlsSettings {
    pub(super) mode: Mode,
    /// TLS from the first byte on, without asking (servers from 17 on).
    pub(super) direct: bool,
    pub(super) channel_binding: tokio_postgres::config::ChannelBinding,
    root: Root,
    /// The client's certificate and its key.
    identity: Option<(PathBuf, PathBuf)>,
    crl: Option<PathBuf>,
    crl_dir: Option<PathBuf>,
    sni: bool,
    versions: Vec<&'static SupportedProtocolVersion>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Root {
    /// The certificate authorities that browsers trust, compiled in.
    System,
    /// Certificates in a file, which must be there.
    File(PathBuf),
    /// Nobody is trusted; the path where a file would have been looked for.
    None(Option<PathBuf>),
}

impl TlsSettings {
    pub(super) fn decide(params: &Params, environment: &Environment) -> Result<TlsSettings> {
        let path = |name: &str| params.get(name).map(|v| PathBuf::from(&v.text));
        let default_file = |name: &str| environment.in_home(&format!(".postgresql/{name}"));
        let existing = |name: &str| default_file(name).filter(|p| p.exists());
        let mode = choice(
            params,
            "sslmode",
            &[
                ("disable", Mode::Disable),
                ("allow", Mode::Allow),
                ("prefer", Mode::Prefer),
                ("require", Mode::Require),
                ("verify-ca", Mode::VerifyCa),
                ("verify-full", Mode::VerifyFull),
            ],
        )?;
        let root = match params.get("sslrootcert") {
            Some(v) if v.text == "system" => Root::System,
            Some(v) => Root::File(PathBuf::from(&v.text)),
            None => existing("root.crt").map_or(Root::None(default_file("root.crt")), Root::File),
        };
        let mode = match (&root, mode) {
            (Root::System, None) => Mode::VerifyFull,
            // Anybody can have a certificate from such an authority, for a name of their own.
            (Root::System, Some(mode)) if mode != Mode::VerifyFull && mode != Mode::Disable => {
                return Err(Error::usage(
                    "sslrootcert=system needs sslmode=verify-full: a weaker mode would trust anybody",
                ));
            }
            (_, mode) => mode.unwrap_or(Mode::Prefer),
        };
        let direct =
            choice(params, "sslnegotiation", &[("postgres", false), ("direct", true)])?.unwrap_or(false);
        if direct && mode < Mode::Require {
            return Err(Error::usage(
                "sslnegotiation=direct needs sslmode=require, verify-ca or verify-full",
            ));
        }
        let identity = match (path("sslcert"), path("sslkey")) {
            (None, None) => existing("postgresql.crt").zip(default_file("postgresql.key")),
            (cert, key) => cert
                .or_else(|| default_file("postgresql.crt"))
                .zip(key.or_else(|| default_file("postgresql.key"))),
        };
        Ok(TlsSettings {
            mode,
            direct,
            channel_binding: choice(
                params,
                "channel_binding",
                &[
                    ("disable", tokio_postgres::config::ChannelBinding::Disable),
                    ("prefer", tokio_postgres::config::ChannelBinding::Prefer),
                    ("require", tokio_postgres::config::ChannelBinding::Require),
                ],
            )?
            .unwrap_or(tokio_postgres::config::ChannelBinding::Prefer),
            root,
            identity,
            crl: path("sslcrl").or_else(|| existing("root.crl")),
            crl_dir: path("sslcrldir"),
            sni: choice(params, "sslsni", &[("0", false), ("1", true)])?.unwrap_or(true),
            versions: versions(params)?,
        })
    }

    /// Reads the files; what comes out makes connections.
    pub(super) fn load(&self) -> Result<TlsConnector> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let roots = match &self.root {
            Root::System => Some(certificate::Roots::system()),
            Root::File(path) => Some(certificate::Roots::of(certificates(path)?)),
            Root::None(_) if self.mode < Mode::VerifyCa => None,
            Root::None(path) => {
                let place = path
                    .as_ref()
                    .map_or("~/.postgresql/root.crt".into(), |p| p.display().to_string());
                return Err(Error::usage(format!(
                    "sslmode=verify-ca and verify-full need the certificates to trust, and {place} does not exist"
                ))
                .hint("name the file by sslrootcert (PGSSLROOTCERT), or sslrootcert=system for public authorities"));
            }
        };
        let verifier = Verifier::new(roots, self.crls()?, self.mode == Mode::VerifyFull, &provider)?;
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&self.versions)
            .map_err(|e| Error::usage("no TLS version is left to use").because(e))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some((cert, key)) => builder
                .with_client_auth_cert(certificates(cert)?, private_key(key)?)
                .map_err(|e| {
                    Error::usage(format!(
                        "the client certificate {} and the key {} cannot be used",
                        cert.display(),
                        key.display()
                    ))
                    .because(e)
                })?,
        };
        config.enable_sni = self.sni;
        if self.direct {
            config.alpn_protocols = vec![b"postgresql".to_vec()];
        }
        Ok(TlsConnector::from(Arc::new(config)))
    }

    fn crls(&self) -> Result<Vec<CertificateRevocationListDer<'static>>> {
        let mut files: Vec<PathBuf> = self.crl.iter().cloned().collect();
        if let Some(dir) = &self.crl_dir {
            let listing = std::fs::read_dir(dir).map_err(|e| {
                Error::io(
                    format!("cannot read the directory of revocation lists {}", dir.display()),
                    e,
                )
            })?;
            files.extend(
                listing
                    .filter_map(|entry| Some(entry.ok()?.path()))
                    .filter(|p| p.is_file()),
            );
        }
        let mut all = Vec::new();
        for file in files {
            all.extend(read_pem::<CertificateRevocationListDer<'_>>(
                &file,
                "revocation list",
            )?);
        }
        Ok(all)
    }
}

/// The TLS versions between the given bounds; servers below 1.2 are beyond what is still considered safe.
fn versions(params: &Params) -> Result<Vec<&'static SupportedProtocolVersion>> {
    let known = [("TLSv1", 10), ("TLSv1.1", 11), ("TLSv1.2", 12), ("TLSv1.3", 13)];
    let lowest = choice(params, "ssl_min_protocol_version", &known)?.unwrap_or(12);
    let highest = choice(params, "ssl_max_protocol_version", &known)?.unwrap_or(13);
    let all = [(12, &rustls::version::TLS12), (13, &rustls::version::TLS13)];
    let left: Vec<_> = all
        .into_iter()
        .filter(|(number, _)| (lowest..=highest).contains(number))
        .map(|(_, version)| version)
        .collect();
    if left.is_empty() {
        return Err(Error::usage(
            "ssl_min_protocol_version and ssl_max_protocol_version leave no version to use",
        )
        .hint("pgstow speaks TLSv1.2 and TLSv1.3"));
    }
    Ok(left)
}

fn read_pem<T: PemObject>(path: &Path, what: &str) -> Result<Vec<T>> {
    let shown = path.display();
    T::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<T>, pem::Error>>)
        .map_err(|e| match e {
            pem::Error::Io(e) => Error::io(format!("cannot read the {what} {shown}"), e),
            e => Error::usage(format!("the {what} {shown} is no valid PEM file")).because(e),
        })
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let all = read_pem::<CertificateDer<'_>>(path, "certificate file")?;
    if all.is_empty() {
        return Err(Error::usage(format!("no certificate in {}", path.display()))
            .hint("expected \"-----BEGIN CERTIFICATE-----\" in it"));
    }
    Ok(all)
}

/// libpq's rule: only the owner may read the key, or its group too when it is root's.
fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>> {
    let shown = path.display();
    let metadata =
        std::fs::metadata(path).map_err(|e| Error::io(format!("cannot read the private key {shown}"), e))?;
    let mode = metadata.permissions().mode() & 0o7777;
    let forbidden = if metadata.uid() == 0 { 0o137 } else { 0o077 };
    if mode & forbidden != 0 {
        return Err(Error::usage(format!(
            "the private key {shown} has mode {mode:04o}: expected 0600, or 0640 when it belongs to root"
        )));
    }
    PrivateKeyDer::from_pem_file(path).map_err(|e| {
        let encrypted = std::fs::read_to_string(path).is_ok_and(|t| t.contains("ENCRYPTED"));
        let error = Error::usage(format!("the private key {shown} cannot be read"));
        if encrypted {
            error.hint("it is encrypted; openssl pkey -in KEY -out PLAIN_KEY makes one that can be read")
        } else {
            error.because(e)
        }
    })
}

/// A connection after the negotiation, and `tls-server-end-point` where there is TLS.
pub(super) struct Negotiated {
    pub(super) socket: Socket,
    pub(super) binding: Option<Vec<u8>>,
    pub(super) encrypted: bool,
}

/// How the negotiation can fail.
pub(super) enum NotNegotiated {
    /// The server has no TLS and the user insists.
    NotOffered,
    /// The handshake failed.
    Handshake(std::io::Error),
    /// The connection failed.
    Io(std::io::Error),
}

/// Asks the server for TLS, as far as the settings want it, and shakes hands. `host` is what the certificate must name.
pub(super) async fn negotiate(
    mut socket: Socket,
    host: &str,
    settings: &TlsSettings,
    connector: &TlsConnector,
) -> Result<Negotiated, NotNegotiated> {
    if !settings.direct {
        /// SSLRequest: length 8, code 1234.5679.
        const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
        socket.write_all(&SSL_REQUEST).await.map_err(NotNegotiated::Io)?;
        // One byte and no more: whatever follows it belongs to the handshake, or to an attacker (CVE-2021-23222).
        let answer = socket.read_u8().await.map_err(NotNegotiated::Io)?;
        if answer != b'S' {
            if settings.mode >= Mode::Require {
                return Err(NotNegotiated::NotOffered);
            }
            return Ok(Negotiated {
                socket,
                binding: None,
                encrypted: false,
            });
        }
    }
    let bad_name = |e| NotNegotiated::Handshake(std::io::Error::new(std::io::ErrorKind::InvalidInput, e));
    let name = ServerName::try_from(host.to_string()).map_err(bad_name)?;
    let stream = connector
        .connect(name, socket)
        .await
        .map_err(NotNegotiated::Handshake)?;
    let binding = stream
        .get_ref()
        .1
        .peer_certificates()
        .and_then(|chain| certificate::end_point_digest(chain.first()?));
    Ok(Negotiated {
        socket: Box::new(stream),
        binding,
        encrypted: true,
    })
}
