//! Servers with a role for each way to authenticate, the certificates for them, and one way to connect.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::OnceLock;

use pgstow::Result;
use pgstow::connect::{self, Environment, Request, Session, Settings};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertificateRevocationListParams, DnType, IsCa, Issuer,
    KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SanType, SerialNumber, date_time_ymd,
};

use crate::support::{self, Cluster, Setup};

/// One line a role; the superuser of the tests comes in anyhow.
const HBA: &str = "
local     all  all         trust
host      all  postgres    127.0.0.1/32  trust
host      all  trusted     127.0.0.1/32  trust
host      all  clear       127.0.0.1/32  password
host      all  md5er       127.0.0.1/32  md5
host      all  scrammer    127.0.0.1/32  scram-sha-256
hostssl   all  tlsonly     127.0.0.1/32  scram-sha-256
hostnossl all  plainonly   127.0.0.1/32  trust
hostssl   all  certer      127.0.0.1/32  cert
host      all  rejected    127.0.0.1/32  reject
";

const ROLES: &str = "
CREATE ROLE trusted LOGIN;
CREATE ROLE plainonly LOGIN;
CREATE ROLE certer LOGIN;
CREATE ROLE rejected LOGIN;
SET password_encryption = 'md5';
CREATE ROLE md5er LOGIN PASSWORD 'right';
SET password_encryption = 'scram-sha-256';
CREATE ROLE clear LOGIN PASSWORD 'right';
CREATE ROLE scrammer LOGIN PASSWORD 'right';
CREATE ROLE tlsonly LOGIN PASSWORD 'right';
";

/// A server set up for TLS and every kind of authentication, and the files a client needs.
pub struct Ground {
    pub cluster: Cluster,
    files: tempfile::TempDir,
}

/// The ground on a server of this major, shared by all tests of the process.
pub fn ground(major: u32) -> &'static Ground {
    static SHARED: [OnceLock<Ground>; support::ALL_MAJORS.len()] =
        [const { OnceLock::new() }; support::ALL_MAJORS.len()];
    let index = support::ALL_MAJORS
        .iter()
        .position(|&m| m == major)
        .expect("a known major");
    SHARED[index].get_or_init(|| Ground::new(major))
}

impl Ground {
    /// A ground of one's own, to change.
    pub fn new(major: u32) -> Ground {
        let ca = Authority::new("pgstow test authority");
        let stranger = Authority::new("somebody else");
        let names = [
            SanType::DnsName("localhost".try_into().expect("ascii")),
            SanType::IpAddress([127, 0, 0, 1].into()),
        ];
        let server = ca.issue("localhost", &names);
        let by_common_name = ca.issue("localhost", &[]);
        let client = ca.issue("certer", &[]);
        let other_client = ca.issue("somebody", &[]);
        let own = self_signed("localhost");
        let cluster = Cluster::start(
            major,
            &Setup {
                conf: "ssl = on\nssl_cert_file = 'server.crt'\nssl_key_file = 'server.key'\nssl_ca_file = 'ca.crt'\n",
                hba: Some(HBA),
                files: &[
                    ("ca.crt", &ca.certificate.pem()),
                    ("server.crt", &server.0),
                    ("server.key", &server.1),
                    ("common.crt", &by_common_name.0),
                    ("common.key", &by_common_name.1),
                    ("own.crt", &own.0),
                    ("own.key", &own.1),
                    ("old.crt", include_str!("old/server.crt")),
                    ("old.key", include_str!("old/server.key")),
                ],
                initdb: &[],
            },
        );
        cluster.postgres().execute(ROLES);
        let ground = Ground {
            cluster,
            files: tempfile::tempdir().expect("a temporary directory can be made"),
        };
        for (name, text) in [
            ("ca.crt", ca.certificate.pem().as_str()),
            ("stranger.crt", &stranger.certificate.pem()),
            ("old.crt", include_str!("old/ca.crt")),
            ("own.crt", &own.0),
            ("revoked.crl", &ca.revoking_everything()),
            ("client.crt", &client.0),
            ("client.key", &client.1),
            ("other.crt", &other_client.0),
            ("other.key", &other_client.1),
        ] {
            ground.file(name, text);
        }
        ground
    }

    /// Writes a file that only its owner may read, and gives its path.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).expect("the directory is ours");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).expect("the file is ours");
        path
    }

    /// Where such a file is.
    pub fn path(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }

    /// Connects by `key=value` pairs, over TCP to `localhost` unless they say otherwise; `{}` in them is the directory
    /// of the files.
    pub fn connect(&self, pairs: &str, vars: &[(&str, &str)]) -> Result<Session> {
        let dir = self.files.path().display().to_string();
        let fill = |text: &str| text.replace("{}", &dir);
        let port = self.cluster.port().to_string();
        let mut environment = vec![
            ("PGHOST".to_string(), "localhost".to_string()),
            ("PGPORT".to_string(), port),
            ("PGDATABASE".to_string(), "postgres".to_string()),
        ];
        environment.retain(|(name, _)| !vars.iter().any(|(n, _)| n == name));
        environment.extend(vars.iter().map(|(n, v)| ((*n).to_string(), fill(v))));
        let request = Request {
            dbname: Some(fill(pairs)),
            ..Request::default()
        };
        let environment = Environment::new(environment)
            .with_home(self.files.path().join("home"))
            .with_os_user("trusted");
        block_on(async { connect::connect(&Settings::from_request(&request, &environment)?).await })
    }

    /// Makes the server show another certificate, and waits until it does.
    pub fn present(&self, name: &str) {
        let postgres = self.cluster.postgres();
        postgres.execute(&format!(
            "ALTER SYSTEM SET ssl_cert_file = '{name}.crt'; ALTER SYSTEM SET ssl_key_file = '{name}.key';"
        ));
        postgres.execute("SELECT pg_reload_conf();");
        for _ in 0..200 {
            if postgres.query_text("SHOW ssl_cert_file") == format!("{name}.crt") {
                // The process that takes connections reads its files before it tells its children to read theirs.
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        panic!("the server does not load {name}.crt");
    }

    /// The home directory of the client's side.
    pub fn home(&self) -> PathBuf {
        let home = self.files.path().join("home/.postgresql");
        std::fs::create_dir_all(&home).expect("the directory is ours");
        home
    }
}

/// Runs a future to its end, on one runtime for all tests so that sessions outlive the call.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    RUNTIME
        .get_or_init(|| tokio::runtime::Runtime::new().expect("threads can be started"))
        .block_on(future)
}

/// Settings for a server by URI, from nothing but that.
pub fn settings(uri: &str) -> Settings {
    let request = Request {
        dbname: Some(uri.to_string()),
        ..Request::default()
    };
    Settings::from_request(&request, &Environment::default()).expect("a good URI")
}

/// A session by URI.
pub fn session(uri: &str) -> Session {
    block_on(connect::connect(&settings(uri))).unwrap_or_else(|e| panic!("{uri}: {e}"))
}

struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new(name: &str) -> Authority {
        let key = KeyPair::generate().expect("a key");
        let mut params = params(name, &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Authority {
            certificate: params.self_signed(&key).expect("a certificate"),
            issuer: Issuer::new(params, key),
        }
    }

    /// Certificate and key, as PEM. Every one has serial number 7.
    fn issue(&self, common_name: &str, names: &[SanType]) -> (String, String) {
        let key = KeyPair::generate().expect("a key");
        let mut params = params(common_name, names);
        params.serial_number = Some(SerialNumber::from(7u64));
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        (certificate.pem(), key.serialize_pem())
    }

    fn revoking_everything(&self) -> String {
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2020, 1, 1),
            next_update: date_time_ymd(2120, 1, 1),
            crl_number: SerialNumber::from(1u64),
            issuing_distribution_point: None,
            revoked_certs: vec![RevokedCertParams {
                serial_number: SerialNumber::from(7u64),
                revocation_time: date_time_ymd(2020, 1, 1),
                reason_code: None,
                invalidity_date: None,
            }],
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer)
            .expect("a list")
            .pem()
            .expect("it can be written")
    }
}

/// What `openssl req -new -x509 -subj /CN=NAME` makes, the way of PostgreSQL's manual: an authority that is its own
/// server, without alternative names.
fn self_signed(name: &str) -> (String, String) {
    let key = KeyPair::generate().expect("a key");
    let mut params = params(name, &[]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    (
        params.self_signed(&key).expect("a certificate").pem(),
        key.serialize_pem(),
    )
}

fn params(common_name: &str, names: &[SanType]) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.subject_alt_names = names.to_vec();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2120, 1, 1);
    params
}
