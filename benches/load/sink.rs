//! A mail server on loopback that does the least: it takes every letter and counts it, or says nothing at all.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Takes all.
    Quick,
    /// Accepts connections and says nothing.
    Silent,
}

/// The server; it ends when dropped.
pub struct Sink {
    pub address: SocketAddr,
    taken: watch::Receiver<usize>,
    server: JoinHandle<()>,
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Sink {
    /// Starts it; port 0 is a free one.
    ///
    /// # Errors
    /// When it cannot listen.
    pub async fn start(address: SocketAddr, manner: Manner) -> io::Result<Sink> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (count, taken) = watch::channel(0);
        let count = Arc::new(count);
        let server = tokio::spawn(async move {
            let mut silent = Vec::new();
            while let Ok((stream, _)) = listener.accept().await {
                match manner {
                    Manner::Silent => silent.push(stream),
                    Manner::Quick => {
                        let count = Arc::clone(&count);
                        tokio::spawn(async move { converse(stream, &count).await });
                    }
                }
            }
        });
        Ok(Sink { address, taken, server })
    }

    /// Waits until it has taken so many letters in all.
    ///
    /// # Errors
    /// When the server has ended.
    pub async fn taken(&self, letters: usize) -> io::Result<()> {
        let mut taken = self.taken.clone();
        taken.wait_for(|count| *count >= letters).await.map(drop).map_err(io::Error::other)
    }
}

async fn converse(stream: TcpStream, count: &watch::Sender<usize>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    stream.get_mut().write_all(b"220 sink\r\n").await?;
    let (mut line, mut in_message) = (Vec::new(), false);
    loop {
        line.clear();
        if stream.read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        let reply: &[u8] = match line.as_slice() {
            b".\r\n" if in_message => {
                in_message = false;
                count.send_modify(|count| *count += 1);
                b"250 taken\r\n"
            }
            _ if in_message => continue,
            b"DATA\r\n" => {
                in_message = true;
                b"354 go on\r\n"
            }
            b"QUIT\r\n" => return Ok(()),
            _ => b"250 fine\r\n",
        };
        stream.get_mut().write_all(reply).await?;
    }
}
