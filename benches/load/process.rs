//! A server as a process of its own: started, asked the kernel about, and ended.

use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use latchkey::clock::Stopwatch;

/// A server that listens. Dropping it kills it.
pub struct Process {
    child: Child,
    pub address: SocketAddr,
    watch: Stopwatch,
}

impl Process {
    /// Starts the release binary on the database in `folder`, with all its defaults but the limits on calls.
    ///
    /// # Errors
    /// When it does not tell where it listens.
    pub fn latchkey(folder: &Path) -> io::Result<Process> {
        Process::latchkey_with(folder, &[])
    }

    /// The same with further settings, as variables.
    ///
    /// # Errors
    /// When it does not tell where it listens.
    pub fn latchkey_with(folder: &Path, settings: &[(&str, String)]) -> io::Result<Process> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey"));
        command.args(["--listen", "127.0.0.1:0"]).current_dir(folder);
        // No setting of the caller's shell may change what is measured.
        command.env_clear().env("LATCHKEY_RATE_LIMITS", "off").env("LATCHKEY_LOG", "warn");
        command.envs(settings.iter().map(|(name, value)| (name, value)));
        Process::start(command)
    }

    /// Starts a program whose first line ends in the address at which it listens.
    ///
    /// # Errors
    /// When it does not.
    pub fn start(mut command: Command) -> io::Result<Process> {
        let watch = Stopwatch::start();
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let unknown = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut process = Process { child, address: unknown, watch };
        let mut line = String::new();
        if let Some(output) = process.child.stdout.as_mut() {
            BufReader::new(output).read_line(&mut line)?;
        }
        let address = line.trim().rsplit('/').next().and_then(|text| text.parse().ok());
        process.address =
            address.ok_or_else(|| io::Error::other(format!("no address in the line {line:?}")))?;
        Ok(process)
    }

    /// The span from its start to the end of a first healthy answer.
    ///
    /// # Errors
    /// When `/health` answers anything but 200.
    pub fn time_to_health(&self) -> io::Result<Duration> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line)?;
        let took = self.watch.elapsed();
        if line.starts_with("HTTP/1.1 200 ") { Ok(took) } else { Err(io::Error::other(line)) }
    }

    /// Resident memory, in MB.
    ///
    /// # Errors
    /// Where there is no `/proc`.
    pub fn resident(&self) -> io::Result<f64> {
        self.status("VmRSS:")
    }

    /// Resident memory that is the process's alone, in MB: without the pages of the database file, which the kernel shares
    /// out and takes back as it likes.
    ///
    /// # Errors
    /// Where there is no `/proc`.
    pub fn private(&self) -> io::Result<f64> {
        self.status("RssAnon:")
    }

    /// The most memory that was ever resident, in MB, as the kernel has kept it.
    ///
    /// # Errors
    /// Where there is no `/proc`.
    pub fn resident_peak(&self) -> io::Result<f64> {
        self.status("VmHWM:")
    }

    /// The processor time of all its threads.
    ///
    /// # Errors
    /// Where there is no `/proc`.
    pub fn processor_time(&self) -> io::Result<Duration> {
        processor_time(self.child.id())
    }

    fn status(&self, name: &str) -> io::Result<f64> {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let kib: Option<f64> = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        kib.map(|kib| kib * 1024.0 / 1e6).ok_or_else(|| ErrorKind::NotFound.into())
    }
}

/// The processor time of all threads that a process has.
///
/// # Errors
/// Where there is no `/proc`.
pub fn processor_time(process: u32) -> io::Result<Duration> {
    let mut total = 0;
    for thread in std::fs::read_dir(format!("/proc/{process}/task"))? {
        let text = std::fs::read_to_string(thread?.path().join("schedstat"))?;
        total += text.split(' ').next().and_then(|nanos| nanos.parse::<u64>().ok()).unwrap_or_default();
    }
    Ok(Duration::from_nanos(total))
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
