use std::sync::Arc;

use rstest::rstest;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};

use super::*;

/// A certificate with a CA behind it, as a server has them.
struct Pair {
    chain: Vec<CertificateDer<'static>>,
    key: rcgen::KeyPair,
}

fn pair(name: &str) -> Pair {
    let authority = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root = params.self_signed(&authority).unwrap();
    let issuer = rcgen::Issuer::new(params, authority);
    let key = rcgen::KeyPair::generate().unwrap();
    let leaf = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    Pair { chain: vec![leaf.der().clone(), root.der().clone()], key }
}

#[derive(Debug)]
struct Fixed(Arc<CertifiedKey>);

impl ResolvesServerCert for Fixed {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

/// A server that shows this chain and signs with this key, whether or not they belong together.
fn server(
    chain: &[CertificateDer<'static>],
    key: &rcgen::KeyPair,
    versions: &[&'static SupportedProtocolVersion],
    asks: bool,
) -> TlsAcceptor {
    let provider = Arc::new(ring::default_provider());
    let signer = provider.key_provider.load_private_key(PrivatePkcs8KeyDer::from(key.serialize_der()).into()).unwrap();
    let fixed = Fixed(Arc::new(CertifiedKey::new(chain.to_vec(), signer)));
    let config = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(versions).unwrap();
    let config = if asks {
        let mut roots = RootCertStore::empty();
        roots.add(chain[1].clone()).unwrap();
        let asking = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        config.with_client_cert_verifier(asking)
    } else {
        config.with_no_client_auth()
    };
    TlsAcceptor::from(Arc::new(config.with_cert_resolver(Arc::new(fixed))))
}

/// Shakes hands with what a task does at the other end.
async fn with<F: Future<Output = ()> + Send + 'static>(
    serve: impl FnOnce(DuplexStream) -> F,
) -> Result<Served, NotServed> {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let serving = tokio::spawn(serve(theirs));
    let shaken = shake(ours, "web.shop.svc").await;
    serving.abort();
    shaken
}

async fn with_tls(acceptor: TlsAcceptor) -> Result<Served, NotServed> {
    with(|stream| async move { drop(acceptor.accept(stream).await) }).await
}

#[rstest]
#[case::in_1_3(&version::TLS13, false)]
#[case::in_1_2(&version::TLS12, false)]
#[case::although_it_asks_for_ours_in_1_3(&version::TLS13, true)]
#[case::although_it_asks_for_ours_in_1_2(&version::TLS12, true)]
#[tokio::test]
async fn the_whole_chain_of_a_server_is_read(#[case] version: &'static SupportedProtocolVersion, #[case] asks: bool) {
    let Pair { chain, key } = pair("web.shop.svc");
    let served = with_tls(server(&chain, &key, &[version], asks)).await.unwrap();
    let fingerprints: Vec<&str> = served.iter().map(|facts| &*facts.fingerprint).collect();
    assert_eq!(fingerprints, chain.iter().map(|der| crate::text::sha256(der)).collect::<Vec<_>>());
    assert_eq!(served[0].names, ["web.shop.svc".into()].into());
    assert_eq!(served[0].next, crate::model::NextLink::Issuer, "the chain hangs together as it was sent");
}

#[rstest]
#[case::in_1_3(&version::TLS13)]
#[case::in_1_2(&version::TLS12)]
#[tokio::test]
async fn a_certificate_without_its_key_counts_for_nothing(#[case] version: &'static SupportedProtocolVersion) {
    let (shown, held) = (pair("web.shop.svc"), pair("web.shop.svc"));
    let not = with_tls(server(&shown.chain, &held.key, &[version], false)).await.unwrap_err();
    assert_eq!(not.to_string(), "no handshake: it does not hold the key of the certificate that it shows");
}

/// What a server that does not begin with TLS does when a client does.
async fn greets(mut stream: DuplexStream) {
    stream.write_all(b"220 mail.shop ESMTP ready\r\n").await.unwrap();
    let _ = stream.read(&mut [0; 1024]).await;
}

async fn hangs_up(mut stream: DuplexStream) {
    let _ = stream.read(&mut [0; 1024]).await;
}

#[tokio::test]
async fn a_server_of_another_protocol_is_not_verifiable() {
    for shaken in [with(greets).await, with(hangs_up).await] {
        assert!(shaken.as_ref().is_err_and(NotServed::not_verifiable), "{shaken:?}");
    }
}

#[tokio::test]
async fn a_server_that_ends_it_in_tls_speaks_tls() {
    let alert = |mut stream: DuplexStream| async move {
        let _ = stream.read(&mut [0; 1024]).await;
        // A fatal alert: unrecognized_name (RFC 6066 section 3).
        stream.write_all(&[21, 3, 3, 0, 2, 2, 112]).await.unwrap();
    };
    let not = with(alert).await.unwrap_err();
    assert_eq!(not.to_string(), "no handshake: the server ends it with the alert UnrecognisedName");
}

#[tokio::test]
async fn a_name_that_no_server_has_is_not_asked_for() {
    let (ours, _theirs) = tokio::io::duplex(1024);
    let not = shake(ours, "web shop\u{1b}").await.unwrap_err();
    assert_eq!(not.to_string(), "no handshake: no server can be asked for as \"web shop␛\"");
}
