//! `holdfast demo`: the embedded cluster, with the console on it or alone.

mod story;

use std::path::{Path, PathBuf};

use self::story::Story;
use super::args::{Demo, Global};
use super::{Exit, Failure, open, out};
use crate::sim::{self, Sim, User};

pub(super) async fn run(global: &Global, demo: &Demo) -> Result<Exit, Failure> {
    let fail = |error: Box<dyn std::error::Error + Send + Sync>| Failure::new(Exit::Unknown, error);
    let cluster = Sim::start(sim::Options::default()).map_err(|error| fail(error.into()))?;
    let directory = std::env::temp_dir().join(format!("holdfast-demo-{}", std::process::id()));
    std::fs::create_dir_all(&directory).map_err(|error| fail(error.into()))?;
    let kubeconfig = demo.kubeconfig_out.clone().unwrap_or_else(|| directory.join("kubeconfig"));
    write_private(&kubeconfig, &cluster.kubeconfig(User::Sre))
        .map_err(|error| Failure::new(Exit::Usage, format!("cannot write {}: {error}", kubeconfig.display())))?;
    let exit = if demo.serve {
        out::line(format_args!("{} as {}", cluster.url(), kubeconfig.display()))?;
        out::say(format_args!(
            "serving until interrupted; try: kubectl --kubeconfig {} get pvc -A",
            kubeconfig.display()
        ));
        tokio::signal::ctrl_c().await.map_err(|error| fail(error.into()))?;
        Ok(Exit::Fine)
    } else {
        let global = Global { kubeconfig: Some(kubeconfig), context: None, ..global.clone() };
        let story = demo.story.map(|_| Story::begin(&cluster, &directory)).transpose().map_err(fail)?;
        // What is done to a cluster that goes with this process is no record to keep.
        let state = directory.join("state");
        let scans: Vec<PathBuf> = story.iter().map(|story| story.folder().to_owned()).collect();
        tokio::select! {
            exit = Box::pin(open::console(&global, &state, &scans)) => exit,
            () = told(story.as_ref(), &cluster) => Ok(Exit::Fine),
        }
    };
    // A leftover in the temporary directory harms nobody.
    let _ = std::fs::remove_dir_all(&directory);
    cluster.stop().await;
    exit
}

/// Tells the story to its end; what it left stays to be looked at for as long as one likes.
async fn told(story: Option<&Story>, cluster: &Sim) {
    if let Some(story) = story
        && let Err(error) = story.play(cluster).await
    {
        tracing::warn!(%error, "the story cannot go on");
    }
    std::future::pending::<()>().await;
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.create(true).write(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}
