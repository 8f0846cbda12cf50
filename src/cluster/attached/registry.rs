//! One registry, asked what is attached to an image: the referrers API of the OCI distribution spec (v1.1), or else its
//! tag schema; then manifests and blobs, each held to its digest.

use std::collections::{BTreeSet, HashMap};

use http::{HeaderValue, StatusCode, Uri, header};

use super::Fault;
use super::fetch::{Answer, Http};
use super::listing::{self, MAX_ATTACHED, SARIF};
use super::login::{self, Challenge};
use super::{Attached, Image};
use crate::config::{RegistryLogin, ScanRegistry, docker_login};
use crate::text;
use crate::text::image::HUB;

/// Most bytes of an index or a manifest (the distribution spec asks registries for 4 MiB).
const MANIFEST: usize = 4 << 20;
/// Most bytes of all SARIF that is attached to one image, as it lies there.
const LOGS: usize = 64 << 20;
/// Most bytes of an answer with a token, and of docker's file.
const TOKEN: usize = 64 << 10;
/// So many pages of an answer are read.
const PAGES: usize = 16;
/// So often a blob may be somewhere else.
const HOPS: usize = 4;
/// What is taken for an index and for a manifest.
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";

/// One registry as it is asked.
pub(super) struct Registry {
    from: ScanRegistry,
    http: Option<Http>,
    /// What lets in, by repository.
    keys: HashMap<String, HeaderValue>,
    /// What was read whole of an image.
    known: HashMap<Image, BTreeSet<String>>,
}

impl Registry {
    pub fn new(from: ScanRegistry) -> Self {
        Self { from, http: None, keys: HashMap::new(), known: HashMap::new() }
    }

    /// Begins afresh: what let in, and the certificate authorities, may have been replaced.
    pub fn forget(&mut self) {
        self.http = None;
        self.keys.clear();
    }

    /// What is attached to an image; `None` while that is what it was.
    pub async fn logs(&mut self, image: &Image) -> Result<Option<Vec<Attached>>, Fault> {
        let found: BTreeSet<String> = self.referrers(image).await?.into_iter().collect();
        if self.known.get(image) == Some(&found) {
            return Ok(None);
        }
        let (mut logs, mut room) = (Vec::new(), LOGS);
        for digest in &found {
            match self.attached(image, digest, &mut room).await {
                Ok(read) => logs.extend(read.into_iter().map(|(layer, bytes)| (layer, Ok(bytes)))),
                Err(fault) if fault.of_the_host() => return Err(fault),
                Err(fault) => logs.push((digest.clone(), Err(fault.to_string()))),
            }
        }
        // The same log may be attached twice.
        logs.sort_by(|(one, _), (other, _)| one.cmp(other));
        logs.dedup_by(|(one, _), (other, _)| one == other);
        if logs.iter().all(|(_, read)| read.is_ok()) {
            self.known.insert(image.clone(), found);
        } else {
            // What cannot be had now is asked for again, even if it is taken away meanwhile.
            self.known.remove(image);
        }
        Ok(Some(logs))
    }

    /// Digests of the manifests with SARIF.
    async fn referrers(&mut self, image: &Image) -> Result<Vec<String>, Fault> {
        let mut path = format!(
            "/v2/{}/referrers/{}?artifactType={}",
            image.repository, image.digest, "application%2Fsarif%2Bjson"
        );
        let mut found = Vec::new();
        for _ in 0..PAGES {
            let answer = self.get(image, &path, INDEX, MANIFEST).await?;
            match answer.status {
                StatusCode::OK => found.extend(listing::attached(&answer.body).map_err(Fault::Odd)?),
                StatusCode::NOT_FOUND if found.is_empty() => return self.tagged(image).await,
                status => return Err(Fault::Status(status)),
            }
            if found.len() > MAX_ATTACHED {
                return Err(Fault::Odd("more SARIF is attached to it than is read of one image"));
            }
            let next = answer.header(header::LINK).map(listing::next_page).transpose().map_err(Fault::Odd)?;
            match next.flatten() {
                Some(next) => path = next.to_owned(),
                None => return Ok(found),
            }
        }
        Err(Fault::Odd("its answer has more pages than are read"))
    }

    /// The same of a registry without that API: clients keep an index under a tag.
    async fn tagged(&mut self, image: &Image) -> Result<Vec<String>, Fault> {
        let tag = image.digest.replace(':', "-");
        let path = format!("/v2/{}/manifests/{tag}", image.repository);
        let answer = self.get(image, &path, INDEX, MANIFEST).await?;
        match answer.status {
            StatusCode::OK => listing::attached(&answer.body).map_err(Fault::Odd),
            // Nothing is attached; or there is no such repository, and so nothing attached.
            StatusCode::NOT_FOUND => Ok(Vec::new()),
            status => Err(Fault::Status(status)),
        }
    }

    /// The logs of one manifest, by their digests.
    async fn attached(
        &mut self,
        image: &Image,
        digest: &str,
        room: &mut usize,
    ) -> Result<Vec<(String, Vec<u8>)>, Fault> {
        let path = format!("/v2/{}/manifests/{digest}", image.repository);
        let manifest = self.get(image, &path, IMAGE, MANIFEST).await?;
        let manifest = proven(manifest, digest)?;
        let mut logs = Vec::new();
        for layer in listing::layers(&manifest, &image.digest).map_err(Fault::Odd)? {
            let bytes = self.blob(image, &layer, *room).await?;
            *room -= bytes.len();
            logs.push((layer, bytes));
        }
        Ok(logs)
    }

    async fn blob(&mut self, image: &Image, digest: &str, limit: usize) -> Result<Vec<u8>, Fault> {
        let path = format!("/v2/{}/blobs/{digest}", image.repository);
        let mut at = self.address(&path)?;
        let mut answer = self.get(image, &path, SARIF, limit).await?;
        for _ in 0..HOPS {
            if !answer.status.is_redirection() {
                return proven(answer, digest);
            }
            at = next_hop(&at, answer.header(header::LOCATION))?;
            // Never with what lets in: the address itself does, and is nobody's to know.
            answer = self.http().await?.get(&at, SARIF, None, limit).await.map_err(Fault::elsewhere)?;
        }
        Err(Fault::Odd("it sends on without end"))
    }

    /// The answer to a path, with what lets in where that is asked for.
    async fn get(&mut self, image: &Image, path: &str, accept: &str, limit: usize) -> Result<Answer, Fault> {
        let (address, http) = (self.address(path)?, self.http().await?);
        let answer = http.get(&address, accept, self.keys.get(&image.repository), limit).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        self.keys.remove(&image.repository);
        let key = self.key(&image.repository, &answer).await?;
        let answer = http.get(&address, accept, Some(&key), limit).await?;
        self.keys.insert(image.repository.clone(), key);
        Ok(answer)
    }

    async fn key(&mut self, repository: &str, refused: &Answer) -> Result<HeaderValue, Fault> {
        let all = refused.headers.get_all(header::WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        let all = all.collect::<Vec<_>>().join(", ");
        match login::challenge(&all) {
            None => Err(Fault::Odd("it asks for a login of a kind that is not supported")),
            Some(Challenge::Basic) => self.login().await?.ok_or(Fault::NoLogin),
            Some(Challenge::Bearer { realm, service }) => {
                let base = self.address("/")?;
                let (address, own) = login::token_address(&base, (&realm, &service), repository).map_err(Fault::Odd)?;
                let login = if own { self.login().await? } else { None };
                let http = self.http().await?;
                let answer = http.get(&address, "application/json", login.as_ref(), TOKEN).await;
                let answer = answer.map_err(Fault::elsewhere)?;
                match answer.status {
                    StatusCode::OK => login::token(&answer.body).ok_or(Fault::Odd("it was given no token for it")),
                    status => Err(Fault::NoToken(status)),
                }
            }
        }
    }

    /// What docker keeps for it. Over plain HTTP nothing is sent.
    async fn login(&self) -> Result<Option<HeaderValue>, Fault> {
        let Some(RegistryLogin::Docker) = self.from.auth.filter(|_| !self.from.insecure) else { return Ok(None) };
        let Some(path) = docker_login() else { return Ok(None) };
        match tokio::fs::read(path).await {
            Ok(file) if file.len() <= TOKEN * 16 => login::docker(&file, &self.from.host).map_err(Fault::Odd),
            Ok(_) => Err(Fault::Odd("docker's config.json is too large")),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(_) => Err(Fault::Odd("docker's config.json cannot be read")),
        }
    }

    async fn http(&mut self) -> Result<Http, Fault> {
        if let Some(http) = &self.http {
            return Ok(http.clone());
        }
        if self.from.insecure && self.from.ca.is_some() {
            return Err(Fault::CaWithoutTls);
        }
        let http = Http::new(self.address("/")?, self.from.ca.clone()).await?;
        Ok(self.http.insert(http).clone())
    }

    fn address(&self, path: &str) -> Result<Uri, Fault> {
        let scheme = if self.from.insecure { "http" } else { "https" };
        // Docker Hub is not where its name says.
        let host = if self.from.host == HUB { "registry-1.docker.io" } else { &self.from.host };
        format!("{scheme}://{host}{path}").parse().map_err(|_| Fault::Odd("its host is none"))
    }
}

/// The body of an answer that is what its digest says.
fn proven(answer: Answer, digest: &str) -> Result<Vec<u8>, Fault> {
    if answer.status != StatusCode::OK {
        return Err(Fault::Status(answer.status));
    }
    let same = digest.strip_prefix("sha256:").is_some_and(|hash| hash == text::sha256(&answer.body));
    if same { Ok(answer.body) } else { Err(Fault::Odd("what it gave is not what its digest says")) }
}

/// Where an answer sends on to: never from TLS to plain HTTP.
fn next_hop(from: &Uri, location: Option<&str>) -> Result<Uri, Fault> {
    let wrong = Fault::Odd("it sends on to an address that is none");
    let Some(location) = location else { return Err(wrong) };
    let own = location.starts_with('/') && !location.starts_with("//");
    let authority = from.authority().map_or("", |authority| authority.as_str());
    let whole = if own {
        format!("{}://{authority}{location}", from.scheme_str().unwrap_or("https"))
    } else {
        location.to_owned()
    };
    let Ok(next) = whole.parse::<Uri>() else { return Err(wrong) };
    let plain = next.scheme_str() == Some("http") && from.scheme_str() == Some("http");
    match next.authority() {
        Some(host) if !host.as_str().contains('@') && (plain || next.scheme_str() == Some("https")) => Ok(next),
        _ => Err(wrong),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("https://r.example/v2/a", "https://s.example/b?sig=%2Fx", Some("https://s.example/b?sig=%2Fx"))]
    #[case("https://r.example:1/v2/a", "/b?c=1", Some("https://r.example:1/b?c=1"))]
    #[case("http://r.example/v2/a", "http://s.example/b", Some("http://s.example/b"))]
    #[case("http://r.example/v2/a", "https://s.example/b", Some("https://s.example/b"))]
    #[case("https://r.example/v2/a", "http://r.example/b", None)]
    #[case("https://r.example/v2/a", "//s.example/b", None)]
    #[case("https://r.example/v2/a", "https://ada:pw@s.example/b", None)]
    #[case("https://r.example/v2/a", "file:///etc/passwd", None)]
    #[case("https://r.example/v2/a", "", None)]
    fn what_is_somewhere_else_is_not_followed_out_of_tls(
        #[case] from: &str,
        #[case] location: &str,
        #[case] expected: Option<&str>,
    ) {
        let next = next_hop(&from.parse().unwrap(), Some(location)).ok();
        assert_eq!(next.map(|next| next.to_string()).as_deref(), expected);
    }
}
