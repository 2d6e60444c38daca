//! What a route costs that does nothing: one fixed body behind the server's own accept loop, in a process of its own.

use std::io::{self, Read, Write};
use std::process::Command;

use latchkey::api::accept::{self, Limits};
use poem::endpoint::make_sync;
use poem::{Response, Route};
use tokio::net::TcpListener;

use crate::process::Process;

/// Makes this program the bare server instead of the benchmark.
pub const ARGUMENT: &str = "bare-route";
/// The paths that it answers, whatever the method: those that are measured beside it.
const PATHS: [&str; 3] = ["/user/profile", "/keys/verify", "/forward-auth"];

/// Starts the bare server as a child that answers with `body`.
///
/// # Errors
/// When it does not start.
pub fn start(body: &str) -> io::Result<Process> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args([ARGUMENT, body]);
    Process::start(command)
}

/// Is the bare server, until the benchmark lets go of it.
///
/// # Errors
/// When it cannot listen.
pub fn serve(body: String) -> io::Result<()> {
    // Standard input ends with the benchmark, however that ends: nobody is left behind.
    std::thread::spawn(|| {
        let _ = io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("listening on http://{}", listener.local_addr()?);
        io::stdout().flush()?;
        let route = PATHS.into_iter().fold(Route::new(), |route, path| {
            let body = body.clone();
            let answer = move |_| Response::builder().content_type("application/json").body(body.clone());
            route.at(path, make_sync(answer))
        });
        let _ = accept::serve(listener, route, Limits::default(), std::future::pending()).await;
        Ok(())
    })
}
