//! What scenarios stand on: a cluster (embedded or real), a proxy before it that can order faults, a person's
//! machine with the real binary on it, and waiting on conditions.

pub mod account;
pub mod cluster;
pub mod containers;
pub mod desk;
pub mod kubelet;
pub mod lab;
pub mod manifests;
pub mod person;
pub mod pki;
pub mod postgres;
pub mod proxy;
pub mod terminal;
pub mod wait;

/// Makes each scenario two tests: `sim::NAME` on the embedded cluster and `lab::NAME` on the real control plane.
///
/// A scenario is an `async fn(TestCluster)`. Those after `alone:` have the lab for themselves, because they break
/// something that all scenarios use.
macro_rules! scenarios {
    ($($name:ident),* $(,)? $(; alone: $($alone:ident),* $(,)?)?) => {
        mod sim {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name($crate::support::cluster::TestCluster::sim(stringify!($name)).await).await;
            })*
            $($(#[tokio::test(flavor = "multi_thread")]
            async fn $alone() {
                super::$alone($crate::support::cluster::TestCluster::sim(stringify!($alone)).await).await;
            })*)?
        }
        mod lab {
            $(#[tokio::test(flavor = "multi_thread")]
            #[ignore = "needs the lab: run tests/run, or set HOLDFAST_LAB to the directory of one that is up"]
            async fn $name() {
                let _shared = $crate::support::lab::share().await;
                super::$name($crate::support::cluster::TestCluster::lab(stringify!($name)).await).await;
            })*
            $($(#[tokio::test(flavor = "multi_thread")]
            #[ignore = "needs the lab: run tests/run, or set HOLDFAST_LAB to the directory of one that is up"]
            async fn $alone() {
                let _own = $crate::support::lab::own().await;
                super::$alone($crate::support::cluster::TestCluster::lab(stringify!($alone)).await).await;
            })*)?
        }
    };
}
pub(crate) use scenarios;

/// Makes each scenario one test, `lab::NAME`: what is real in it cannot be on the embedded cluster.
macro_rules! lab_scenarios {
    ($($name:ident),* $(,)?) => {
        mod lab {
            $(#[tokio::test(flavor = "multi_thread")]
            #[ignore = "needs the lab: run tests/run, or set HOLDFAST_LAB to the directory of one that is up"]
            async fn $name() {
                let _shared = $crate::support::lab::share().await;
                super::$name($crate::support::cluster::TestCluster::lab(stringify!($name)).await).await;
            })*
        }
    };
}
pub(crate) use lab_scenarios;
