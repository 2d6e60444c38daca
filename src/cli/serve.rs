//! `latchkey serve`.

use std::io::Write;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::Refusal;
use crate::app::{Ambience, Server};
use crate::captcha::Mode;
use crate::config::{Settings, Transport};

/// Answers until SIGTERM or SIGINT, then drains. The first line on standard output tells where it listens.
pub async fn serve(settings: &Settings) -> Result<(), Refusal> {
    let server = Server::bind(settings, Ambience::system()).await?;
    let address = server.address();
    // Before anybody is told that it listens: a signal from then on drains.
    let mut terminate = signal(SignalKind::terminate()).map_err(Refusal::because)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Refusal::because)?;
    // A closed standard output must not keep the server from serving.
    let _ = writeln!(std::io::stdout(), "listening on http://{address}");
    let _ = std::io::stdout().flush();
    let url = settings.public_url_for(address);
    if matches!(settings.mail.transport, Transport::Mailbox) {
        tracing::info!("no mail server is set (LATCHKEY_SMTP_URL): letters are kept at {url}/mailbox");
    }
    if matches!(settings.captcha.mode, Mode::Off) {
        tracing::info!(
            "captchas are off (LATCHKEY_CAPTCHA): whatever answer is sent passes, unless it is empty"
        );
    }
    if settings.docs {
        tracing::info!("try the API at {url}/docs");
    }
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: no new connections, requests in flight are finished");
        let _ = stop.send(true);
    });
    let drained = server.run(stopped).await;
    tracing::info!("stopped; {} connections ended in order, {} were cut", drained.finished, drained.cut);
    Ok(())
}
