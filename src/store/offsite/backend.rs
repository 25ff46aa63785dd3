//! The backends of the crate `object_store`, with pgstow's own HTTP client and with keys from the environment.

use std::str::FromStr;
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::http::HttpBuilder;
use object_store::local::LocalFileSystem;

use super::Address;
use super::address::Kind;
use super::client::Connector;
use super::webdav::Server;
use crate::connect::Environment;
use crate::{Error, Result};

/// A builder with every variable that begins with a prefix and that its backend knows.
macro_rules! configured {
    ($builder:expr, $environment:expr, $prefix:literal) => {
        settings($environment, $prefix)?
            .into_iter()
            .fold($builder, |builder, (key, value)| builder.with_config(key, value))
            .with_http_connector(Connector::default())
            .build()
    };
}

/// Opens the backend of an address.
pub(super) fn open(
    address: &Address,
    environment: &Environment,
) -> Result<(Arc<dyn ObjectStore>, Option<Server>)> {
    // The path is put before each object's name by whoever asks.
    let mut root = address.url().clone();
    root.set_path("");
    root.set_query(None);
    // Keys come from the environment; errors may quote the URL.
    let _ = root.set_username("");
    let _ = root.set_password(None);
    let url = root.to_string();
    let made: object_store::Result<Arc<dyn ObjectStore>> = match address.kind() {
        Kind::S3 => configured!(AmazonS3Builder::new().with_url(url), environment, "AWS_").map(arc),
        Kind::Google => configured!(
            GoogleCloudStorageBuilder::new().with_url(url),
            environment,
            "GOOGLE_"
        )
        .map(arc),
        Kind::Azure => {
            configured!(MicrosoftAzureBuilder::new().with_url(url), environment, "AZURE_").map(arc)
        }
        Kind::Directory => Ok(arc(LocalFileSystem::new().with_fsync(true))),
        Kind::WebDav => {
            let server = Server::new(address.url())?;
            let made = HttpBuilder::new()
                .with_url(server.root())
                .with_http_connector(Connector::with(server.authorization()))
                .build();
            let store = made.map_err(|e| cannot(address, e))?;
            return Ok((arc(store), Some(server)));
        }
    };
    Ok((made.map_err(|e| cannot(address, e))?, None))
}

fn arc(store: impl ObjectStore) -> Arc<dyn ObjectStore> {
    Arc::new(store)
}

fn cannot(address: &Address, e: object_store::Error) -> Error {
    Error::usage(format!("{address} cannot be used")).because(e)
}

/// The settings of a backend in the environment: `AWS_REGION`, or `AWS_REGION_FILE` with the name of a file.
fn settings<K: FromStr>(environment: &Environment, prefix: &str) -> Result<Vec<(K, String)>> {
    let known = |name: &str| name.to_ascii_lowercase().parse::<K>().ok();
    let mut found = Vec::new();
    for name in environment.names(prefix) {
        // Some names end in _FILE by themselves, such as AWS_WEB_IDENTITY_TOKEN_FILE.
        let name = match known(name) {
            Some(_) => name,
            None => name.strip_suffix("_FILE").unwrap_or(name),
        };
        if let Some(key) = known(name)
            && let Some(value) = environment.value(name)?
        {
            found.push((key, value));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use object_store::aws::AmazonS3ConfigKey as Key;

    use super::*;

    #[test]
    fn keys_come_from_variables_or_from_the_files_they_name() {
        let dir = tempfile::tempdir().unwrap();
        let secret = dir.path().join("secret");
        std::fs::write(&secret, "from a file\n").unwrap();
        let environment = Environment::new([
            ("AWS_ACCESS_KEY_ID", "key"),
            ("AWS_SECRET_ACCESS_KEY_FILE", secret.to_str().unwrap()),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "/not/read"),
            ("AWS_SOMETHING", "else"),
            ("AWS_REGION", ""),
        ]);
        let found: Vec<(Key, String)> = settings(&environment, "AWS_").unwrap();
        let value = |key| found.iter().find(|(k, _)| *k == key).map(|(_, v)| v.as_str());
        assert_eq!(value(Key::AccessKeyId), Some("key"));
        assert_eq!(value(Key::SecretAccessKey), Some("from a file"));
        assert_eq!(value(Key::WebIdentityTokenFile), Some("/not/read"));
        assert_eq!(found.len(), 3);
    }

    #[test]
    fn every_kind_of_place_opens_with_its_keys_and_no_question_asked() {
        let environment = Environment::new([
            ("AWS_ACCESS_KEY_ID", "key"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AZURE_STORAGE_ACCOUNT_NAME", "account"),
            ("AZURE_STORAGE_ACCOUNT_KEY", "c2VjcmV0"),
            (
                "GOOGLE_SERVICE_ACCOUNT_KEY",
                r#"{"disable_oauth": true, "client_email": "", "private_key": "", "private_key_id": "", "gcs_base_url": "http://localhost"}"#,
            ),
        ]);
        for text in [
            "s3://b/p",
            "gs://b/p",
            "az://c/p",
            "https://me:it@host/p",
            "file:///tmp/p",
        ] {
            let opened = open(&text.parse().unwrap(), &environment);
            assert!(opened.is_ok(), "{text}: {}", opened.err().unwrap());
        }
    }

    #[test]
    fn a_key_given_twice_is_refused() {
        let environment = Environment::new([("AWS_REGION", "a"), ("AWS_REGION_FILE", "/b")]);
        assert!(settings::<Key>(&environment, "AWS_").is_err());
    }
}
