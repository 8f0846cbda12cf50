//! Which kubeconfig files are read, and what is said when they cannot be.
//!
//! Parse errors are told by file, line and column only: kube's own text quotes the neighbouring lines, and those
//! hold tokens.

use std::path::{Path, PathBuf};

use kube::config::{Kubeconfig, KubeconfigError, LoadDataError};

use super::connect::ConnectError;

/// Reads one file, or merges those of `$KUBECONFIG`, or reads `~/.kube/config`. `None` when nobody named a file and
/// none of the usual ones exists.
pub(super) fn read(named: Option<&Path>) -> Result<Option<Kubeconfig>, ConnectError> {
    if let Some(path) = named {
        return read_file(path).map(Some);
    }
    let mut merged: Option<Kubeconfig> = None;
    for path in usual_files() {
        // As kubectl does: a file of the list that does not exist is passed over.
        if !path.exists() {
            continue;
        }
        let next = read_file(&path)?;
        merged = Some(match merged {
            None => next,
            Some(first) => first.merge(next).map_err(|error| explain(&path, error))?,
        });
    }
    Ok(merged)
}

fn usual_files() -> Vec<PathBuf> {
    let listed = std::env::var_os("KUBECONFIG").unwrap_or_default();
    let listed: Vec<PathBuf> = std::env::split_paths(&listed).filter(|path| !path.as_os_str().is_empty()).collect();
    if !listed.is_empty() {
        return listed;
    }
    std::env::home_dir().map(|home| home.join(".kube").join("config")).into_iter().collect()
}

fn read_file(path: &Path) -> Result<Kubeconfig, ConnectError> {
    Kubeconfig::read_from(path).map_err(|error| explain(path, error))
}

/// Turns kube's error into ours, which shows no content of the file.
pub(super) fn explain(path: &Path, error: KubeconfigError) -> ConnectError {
    let path = path.to_owned();
    let broken = |what: &str| ConnectError::Kubeconfig { path: path.clone(), what: what.into() };
    let data = |what: &str, error: LoadDataError| match error {
        LoadDataError::ReadFile(source, file) => ConnectError::Read { path: file, source },
        LoadDataError::DecodeBase64(_) => broken(&format!("{what} is not base64")),
        LoadDataError::NoBase64DataOrFile => broken(&format!("{what} names neither data nor a file")),
    };
    match error {
        KubeconfigError::ReadConfig(source, path) => ConnectError::Read { path, source },
        KubeconfigError::Parse(error) => {
            let (line, column) = error.location().map_or((0, 0), |at| (at.line(), at.column()));
            ConnectError::Yaml { path, line, column }
        }
        KubeconfigError::CurrentContextNotSet => ConnectError::NoContext { known: Vec::new() },
        KubeconfigError::LoadContext(name) => ConnectError::UnknownContext { name, known: Vec::new() },
        KubeconfigError::LoadClusterOfContext(name) => broken(&format!("there is no cluster called \"{name}\"")),
        KubeconfigError::MissingClusterUrl => broken("the cluster has no server address"),
        KubeconfigError::ParseClusterUrl(_) => broken("the cluster's server address is not a URL"),
        KubeconfigError::ParseProxyUrl(_) => broken("the proxy address (proxy-url or $HTTPS_PROXY) is not a URL"),
        KubeconfigError::LoadCertificateAuthority(error) => data("certificate-authority-data", error),
        KubeconfigError::LoadClientCertificate(error) => data("client-certificate-data", error),
        KubeconfigError::LoadClientKey(error) => data("client-key-data", error),
        KubeconfigError::ParseCertificates(_) => broken("the certificate authority is not PEM"),
        KubeconfigError::KindMismatch | KubeconfigError::ApiVersionMismatch => {
            broken("its kind or apiVersion differs from the other files of $KUBECONFIG")
        }
        KubeconfigError::FindPath => broken("it was not found"),
    }
}
