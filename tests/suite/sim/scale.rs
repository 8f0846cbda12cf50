//! Ten thousand of each: loading and paging stay quick.

use kube::api::ListParams;
use serde_json::json;

use super::{api, bare, claim, snapshot};

#[tokio::test]
async fn ten_thousand_claims_and_snapshots_load_and_page() {
    let sim = bare().await;
    let objects = (0..10_000).flat_map(|n| {
        let name = format!("data-{n:05}");
        let mut claim = claim("default", &name, "block");
        claim["status"] = json!({"phase": "Bound", "capacity": {"storage": "1Gi"}});
        [claim, snapshot("default", &name, &name)]
    });
    let start = std::time::Instant::now();
    sim.load(objects.collect()).unwrap();
    println!("loaded in {:?}", start.elapsed());
    let start = std::time::Instant::now();
    let claims = api(&sim, "v1", "PersistentVolumeClaim", "default").await;
    let (mut seen, mut token) = (0, None);
    loop {
        let mut params = ListParams::default().limit(500);
        params.continue_token = token;
        let page = claims.list(&params).await.unwrap();
        seen += page.items.len();
        token = page.metadata.continue_;
        if token.is_none() {
            break;
        }
    }
    println!("listed in {:?}", start.elapsed());
    assert_eq!(seen, 10_000);
}
