//! Asking a server to stop what a session is doing: by another connection to the same place, as the protocol has it.

use std::future::{Ready, ready};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio_postgres::CancelToken;
use tokio_postgres::tls::TlsConnect;

use super::auth::{AuthMethods, Watched};
use super::failure::Cause;
use super::session::{Reached, open};
use super::settings::Settings;
use crate::{Error, Result};

/// Cancels a session's query from outside of it.
#[derive(Clone)]
pub struct CancelHandle {
    token: CancelToken,
    reached: Reached,
    settings: Arc<Settings>,
}

impl CancelHandle {
    pub(super) fn new(token: &CancelToken, reached: &Reached, settings: &Arc<Settings>) -> CancelHandle {
        CancelHandle {
            token: token.clone(),
            reached: reached.clone(),
            settings: Arc::clone(settings),
        }
    }

    /// Asks the server to cancel the query that the session is running, if any. Gives up after ten seconds: whoever
    /// cancels does not want to wait for a server that is gone.
    pub async fn cancel(&self) -> Result<()> {
        const LIMIT: Duration = Duration::from_secs(10);
        let work = async {
            let connector = self.reached.connector.as_ref().filter(|_| self.reached.encrypted);
            let (mut socket, ..) = open(
                &self.settings,
                &self.reached.target,
                &self.reached.address,
                connector,
            )
            .await?;
            self.token
                .cancel_query_raw(&mut socket, Forward)
                .await
                .map_err(|e| Cause::of(e, None))?;
            // The server says nothing; it closes the connection when it has acted.
            let _ = socket.read_u8().await;
            Ok(())
        };
        let cause = match tokio::time::timeout(LIMIT, work).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(cause)) => cause,
            Err(_) => Cause::TimedOut(LIMIT),
        };
        Err(Error::failed(format!(
            "cannot ask {} to cancel: {}",
            self.reached.target,
            cause.text(&self.settings)
        )))
    }
}

/// Hands a stream on as it is.
struct Forward;

impl<S: AsyncRead + AsyncWrite + Send + Unpin> TlsConnect<S> for Forward {
    type Stream = Watched<S>;
    type Error = io::Error;
    type Future = Ready<io::Result<Self::Stream>>;

    fn connect(self, socket: S) -> Self::Future {
        ready(Ok(Watched::new(
            socket,
            None,
            AuthMethods::default(),
            Arc::default(),
        )))
    }
}
