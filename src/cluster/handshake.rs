//! TLS handshakes that only look: which certificates a server presents.
//!
//! Any chain is taken and written down; judging is for [`crate::assess`], by the facts that [`crate::x509`] reads. Only
//! that the server holds the key of the certificate it shows is verified here: that is what a handshake proves. No
//! certificate of a client is ever sent: a server that asks for one may hang up, but has shown its own by then (RFC
//! 8446 section 2, RFC 5246 section 7.3). Nothing is sent over the connection once it stands.

use std::io::ErrorKind;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use k8s_openapi::ByteString;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme, version};

use super::errors::{chain, safe};
use super::eyes::Eyes;
use crate::model::{CertificateFacts, NotServed};
use crate::x509;

/// What a server presents: its own certificate first.
pub(super) type Served = Box<[CertificateFacts]>;

impl Eyes {
    /// Shakes hands with a server at an address, without the API server: only for what a person asks for by name.
    /// `name` is the server that is asked for (SNI); `within` bounds all of it.
    ///
    /// # Errors
    /// Why it is not known what it serves.
    pub async fn handshake(&self, address: &str, name: &str, within: Duration) -> Result<Served, NotServed> {
        let until = Instant::now() + within;
        let late = |_| NotServed::TimedOut(within.as_secs());
        let stream = timeout_at(until, TcpStream::connect(address)).await.map_err(late)?;
        let stream = stream.map_err(|error| match error.kind() {
            ErrorKind::ConnectionRefused => NotServed::Refused(safe(&error.to_string())),
            _ => NotServed::Unreachable(safe(&error.to_string())),
        })?;
        timeout_at(until, shake(stream, name)).await.map_err(late)?
    }
}

/// Shakes hands over a stream. It has no deadline of its own.
pub(super) async fn shake<S>(stream: S, name: &str) -> Result<Served, NotServed>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let name = ServerName::try_from(name.to_owned())
        .map_err(|_| NotServed::Failed(safe(&format!("no server can be asked for as \"{name}\""))))?;
    let seen = Arc::new(Captured::new());
    let config = ClientConfig::builder_with_provider(Arc::clone(&seen.provider))
        .with_protocol_versions(&[&version::TLS13, &version::TLS12])
        .map_err(|error| NotServed::Failed(safe(&error.to_string())))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&seen) as Arc<dyn ServerCertVerifier>)
        .with_no_client_auth();
    let shaken = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    match (shaken, seen.presented.get()) {
        (Ok(_), Some(ders)) => facts(ders),
        (Ok(_), None) => Err(NotServed::Failed("it presents no certificate".into())),
        (Err(error), ders) => match (why(&error), ders) {
            // It hung up after its own part, as one does that wants a certificate of the client.
            (Why::HungUp(_), Some(ders)) if seen.proved.get().is_some() => facts(ders),
            (Why::HungUp(not) | Why::Other(not), _) => Err(not),
        },
    }
}

/// How a handshake ended too early.
enum Why {
    /// By the server's word or silence.
    HungUp(NotServed),
    /// By what it said.
    Other(NotServed),
}

fn why(error: &std::io::Error) -> Why {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    match tls {
        Some(Error::AlertReceived(alert)) => {
            Why::HungUp(NotServed::Failed(safe(&format!("the server ends it with the alert {alert:?}"))))
        }
        Some(Error::InvalidMessage(_)) => Why::Other(NotServed::NotTls("it answers with something else".into())),
        Some(Error::InvalidCertificate(CertificateError::BadSignature)) => {
            Why::Other(NotServed::Failed("it does not hold the key of the certificate that it shows".into()))
        }
        Some(other) => Why::Other(NotServed::Failed(safe(&other.to_string()))),
        None => match error.kind() {
            ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => {
                Why::HungUp(NotServed::NotTls("it closes the connection without an answer".into()))
            }
            _ => Why::HungUp(NotServed::Unreachable(chain(error))),
        },
    }
}

/// What was presented, as the facts that are kept of certificates.
fn facts(ders: &[CertificateDer<'static>]) -> Result<Served, NotServed> {
    let block = |der: &CertificateDer<'_>| {
        let base64 = serde_json::to_value(ByteString(der.to_vec())).ok()?;
        Some(format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", base64.as_str()?))
    };
    let pem: Option<String> = ders.iter().map(block).collect();
    let read = x509::chain(pem.unwrap_or_default().as_bytes());
    read.map(Vec::into_boxed_slice).map_err(|error| NotServed::Failed(safe(&format!("what it presents: {error}"))))
}

/// Takes every chain, and keeps it.
#[derive(Debug)]
struct Captured {
    provider: Arc<CryptoProvider>,
    presented: OnceLock<Vec<CertificateDer<'static>>>,
    /// Whether the server has signed with the key of what it presents.
    proved: OnceLock<()>,
}

impl Captured {
    fn new() -> Self {
        let provider = Arc::new(ring::default_provider());
        Self { provider, presented: OnceLock::new(), proved: OnceLock::new() }
    }

    /// A signature is wrong only where it could be checked: a certificate that the checker cannot read (of version 1,
    /// say) is for the facts to judge.
    fn signed(&self, verified: Result<HandshakeSignatureValid, Error>) -> Result<HandshakeSignatureValid, Error> {
        let signed = match verified {
            Err(error @ Error::InvalidCertificate(CertificateError::BadSignature)) => Err(error),
            Err(_) => Ok(HandshakeSignatureValid::assertion()),
            valid => valid,
        };
        if signed.is_ok() {
            // It may be so already.
            let _ = self.proved.set(());
        }
        signed
    }
}

impl ServerCertVerifier for Captured {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let presented = std::iter::once(end_entity).chain(intermediates).map(|der| der.clone().into_owned());
        // There is one chain in a handshake.
        let _ = self.presented.set(presented.collect());
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        self.signed(verify_tls12_signature(message, certificate, signature, known))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        self.signed(verify_tls13_signature(message, certificate, signature, known))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests;
