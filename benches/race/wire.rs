//! A loopback relay before the API server that counts what comes back. It sees ciphertext and changes nothing.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::Fallible;

/// A running relay.
pub struct Relay {
    /// The server's address in the kubeconfig, and the relay's that stands for it.
    addresses: (String, String),
    read: Arc<AtomicU64>,
}

impl Relay {
    /// Stands before the server that a kubeconfig names.
    pub fn before(kubeconfig: &str) -> Fallible<Self> {
        let server = kubeconfig.split_whitespace().find_map(|word| word.trim_matches('"').strip_prefix("https://"));
        let server = server.ok_or("the kubeconfig names no server")?.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let addresses = (server.clone(), listener.local_addr()?.to_string());
        let read = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&read);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // A connection that cannot be relayed breaks, as it would without the relay.
                let _ = relay(client, &server, &counted);
            }
        });
        Ok(Self { addresses, read })
    }

    /// A kubeconfig that leads here.
    pub fn kubeconfig(&self, kubeconfig: &str) -> String {
        kubeconfig.replace(&self.addresses.0, &self.addresses.1)
    }

    /// Megabytes that came from the server so far.
    pub fn read_mb(&self) -> f64 {
        let kilobytes = u32::try_from(self.read.load(Ordering::Relaxed) / 1000).unwrap_or(u32::MAX);
        f64::from(kilobytes) / 1000.0
    }
}

fn relay(client: TcpStream, server: &str, read: &Arc<AtomicU64>) -> io::Result<()> {
    let server = TcpStream::connect(server)?;
    for stream in [&client, &server] {
        stream.set_nodelay(true)?;
    }
    let (up, down, read) = ((client.try_clone()?, server.try_clone()?), (server, client), Arc::clone(read));
    std::thread::spawn(move || copy(up.0, up.1, |_| {}));
    std::thread::spawn(move || {
        copy(down.0, down.1, |bytes| {
            read.fetch_add(bytes, Ordering::Relaxed);
        });
    });
    Ok(())
}

fn copy(mut from: TcpStream, mut to: TcpStream, count: impl Fn(u64)) {
    let mut bytes = vec![0; 65_536];
    while let Ok(read @ 1..) = from.read(&mut bytes) {
        count(read as u64);
        if to.write_all(&bytes[..read]).is_err() {
            break;
        }
    }
    // The other side may be closed already.
    let _ = (to.shutdown(Shutdown::Write), from.shutdown(Shutdown::Read));
}
