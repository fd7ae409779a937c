//! Listening, and ending in good order.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::MissedTickBehavior;

use crate::clients::Peer;
use crate::impatient::Impatient;
use crate::limits::{CONNECTIONS, GOODBYE_TIME, HEADER_TIME, LOOK_EVERY, WRITE_TIME};
use crate::networks::{NetworkError, Networks};
use crate::router::{App, router};
use crate::settings::{Settings, SettingsError};

/// Threads that speak HTTP; those that compute are others.
const HTTP_THREADS: usize = 2;

/// Why a server does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Settings that do not go together.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// It cannot listen there.
    #[error("cannot listen on {addr}: {source}")]
    Listen {
        /// Where.
        addr: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// Weights that cannot be served.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The system gives no threads or no signals.
    #[error("cannot start: {0}")]
    Start(#[from] io::Error),
}

/// Serves until Ctrl-C or SIGTERM; what is being answered then is answered still, for up to [`GOODBYE_TIME`].
///
/// `ready` is told the address, which matters for port 0.
///
/// # Errors
/// Settings that do not go together; an address that is taken.
pub fn serve(settings: &Settings, ready: impl FnOnce(SocketAddr)) -> Result<(), ServeError> {
    settings.check()?;
    let app = App::new(settings)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(HTTP_THREADS)
        .thread_name("http")
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listen = |source| ServeError::Listen { addr: settings.addr, source };
        let listener = TcpListener::bind(settings.addr).await.map_err(listen)?;
        let ended = told_to_end()?;
        ready(listener.local_addr().map_err(listen)?);
        answer_all(listener, app, ended).await;
        Ok(())
    })
}

/// Answers connections until `ended`, then says goodbye to those that are open.
async fn answer_all(listener: TcpListener, app: App, ended: impl Future<Output = ()>) {
    let looks = tokio::spawn(look_again(app.networks.clone()));
    let service = TowerToHyperService::new(router(app));
    let graceful = GracefulShutdown::new();
    let doors = Arc::new(Semaphore::new(CONNECTIONS));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADER_TIME);
    let mut ended = std::pin::pin!(ended);
    loop {
        let door = tokio::select! {
            door = doors.clone().acquire_owned() => door,
            () = &mut ended => break,
        };
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Too many open files, or a client that is gone already.
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                    continue;
                }
            },
            () = &mut ended => break,
        };
        let _ = stream.set_nodelay(true);
        let service = service.clone();
        let with_peer = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(Peer(peer));
            service.call(request)
        });
        let stream = Impatient::new(stream, WRITE_TIME);
        let connection = http.serve_connection(TokioIo::new(stream), with_peer);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(door);
        });
    }
    // No new ones while those are answered that have asked.
    drop(listener);
    looks.abort();
    if tokio::time::timeout(GOODBYE_TIME, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests were not answered in time");
    }
}

/// Looks at the files of weights from time to time, on a thread that may wait for a disk.
async fn look_again(networks: Arc<Networks>) {
    let mut times = tokio::time::interval(LOOK_EVERY);
    times.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        times.tick().await;
        let networks = networks.clone();
        let looked = tokio::task::spawn_blocking(move || networks.look_again()).await;
        if let Err(error) = looked {
            tracing::error!(%error, "the files of weights were not looked at");
        }
    }
}

#[cfg(unix)]
fn told_to_end() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn told_to_end() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        // Without it the process ends at once, which is as well.
        let _ = tokio::signal::ctrl_c().await;
    })
}
