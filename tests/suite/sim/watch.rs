//! Watches: history, bookmarks, 410, and what happens when the server goes.

use std::time::Duration;

use futures::StreamExt;
use holdfast::sim::Sim;
use kube::Api;
use kube::api::{DeleteParams, DynamicObject, ListParams, PostParams, WatchEvent, WatchParams};
use kube::runtime::watcher;

use super::{api, bare, config_map, object, soon};

async fn maps(sim: &Sim) -> (Api<DynamicObject>, String) {
    let maps = api(sim, "v1", "ConfigMap", "default").await;
    let version = maps.list(&ListParams::default()).await.unwrap().metadata.resource_version.unwrap();
    (maps, version)
}

fn word(event: &WatchEvent<DynamicObject>) -> String {
    match event {
        WatchEvent::Added(object) => format!("added {}", object.metadata.name.as_deref().unwrap()),
        WatchEvent::Modified(object) => {
            format!("modified {}", object.metadata.name.as_deref().unwrap())
        }
        WatchEvent::Deleted(object) => {
            format!("deleted {}", object.metadata.name.as_deref().unwrap())
        }
        WatchEvent::Bookmark(bookmark) if !bookmark.metadata.annotations.is_empty() => "initial events end".to_owned(),
        WatchEvent::Bookmark(_) => "bookmark".to_owned(),
        WatchEvent::Error(status) => format!("error {}", status.code),
    }
}

#[tokio::test]
async fn a_watch_sees_every_change_and_selection_changes_as_added_and_deleted() {
    let sim = bare().await;
    let (maps, version) = maps(&sim).await;
    let stream = maps.watch(&WatchParams::default().labels("on=yes").timeout(2), &version).await.unwrap();
    let mut map = config_map("a");
    maps.create(&PostParams::default(), &object(map.clone())).await.unwrap();
    for (on, value) in [("yes", "1"), ("yes", "2"), ("no", "2")] {
        map["metadata"]["labels"] = serde_json::json!({"on": on});
        map["data"]["a"] = value.into();
        maps.replace("a", &PostParams::default(), &object(map.clone())).await.unwrap();
    }
    maps.delete("a", &DeleteParams::default()).await.unwrap();
    let events: Vec<_> = soon(stream.map(|event| word(&event.unwrap())).take(3).collect()).await;
    assert_eq!(events, ["added a", "modified a", "deleted a"]);
}

#[tokio::test]
async fn history_that_is_gone_is_an_error_event_of_code_410() {
    let sim = bare().await;
    let (maps, version) = maps(&sim).await;
    sim.load(vec![config_map("a")]).unwrap();
    sim.compact();
    let mut stream = maps.watch(&WatchParams::default(), &version).await.unwrap().boxed();
    assert_eq!(word(&soon(stream.next()).await.unwrap().unwrap()), "error 410");
}

#[tokio::test]
async fn watch_list_sends_what_is_there_then_a_marked_bookmark_then_changes() {
    let sim = bare().await;
    sim.load(vec![config_map("a"), config_map("b")]).unwrap();
    let (maps, _) = maps(&sim).await;
    let params = WatchParams::default().initial_events().timeout(5);
    let mut stream = maps.watch(&params, "0").await.unwrap().boxed();
    let mut events = Vec::new();
    for _ in 0..3 {
        events.push(word(&soon(stream.next()).await.unwrap().unwrap()));
    }
    assert_eq!(events, ["added a", "added b", "initial events end"]);
    sim.load(vec![config_map("c")]).unwrap();
    assert_eq!(word(&soon(stream.next()).await.unwrap().unwrap()), "added c");
}

#[tokio::test]
async fn a_bookmark_comes_before_the_timeout_and_carries_the_latest_version() {
    let sim = bare().await;
    let (maps, version) = maps(&sim).await;
    sim.load(vec![serde_json::json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "other"}})])
        .unwrap();
    let stream = maps.watch(&WatchParams::default().timeout(1), &version).await.unwrap();
    let events: Vec<_> = soon(stream.collect::<Vec<_>>()).await;
    let [Ok(WatchEvent::Bookmark(bookmark))] = events.as_slice() else { panic!("{events:?}") };
    assert!(bookmark.metadata.resource_version.parse::<u64>().unwrap() > version.parse().unwrap());
}

#[tokio::test]
async fn kubes_watcher_lives_through_a_killed_server_and_compaction() {
    let sim = bare().await;
    sim.load(vec![config_map("a")]).unwrap();
    let (maps, _) = maps(&sim).await;
    let config = watcher::Config::default();
    let mut events = watcher(maps, config).boxed();
    let mut seen = Vec::new();
    soon(async {
        while !seen.contains(&"done".to_owned()) {
            note(&mut seen, events.next().await.unwrap());
        }
    })
    .await;
    sim.kill().await;
    sim.load(vec![config_map("b")]).unwrap();
    sim.compact();
    sim.restart().unwrap();
    soon(async {
        while !seen.contains(&"b".to_owned()) {
            note(&mut seen, events.next().await.unwrap());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

fn note(seen: &mut Vec<String>, event: Result<watcher::Event<DynamicObject>, watcher::Error>) {
    match event {
        Ok(watcher::Event::Apply(object) | watcher::Event::InitApply(object)) => {
            seen.push(object.metadata.name.unwrap());
        }
        Ok(watcher::Event::InitDone) => seen.push("done".to_owned()),
        _ => {}
    }
}

#[tokio::test]
async fn disconnected_watches_end_and_start_again_where_they_were() {
    let sim = bare().await;
    let (maps, version) = maps(&sim).await;
    let stream = maps.watch(&WatchParams::default(), &version).await.unwrap();
    sim.disconnect_watches();
    assert_eq!(soon(stream.collect::<Vec<_>>()).await.len(), 0);
    sim.load(vec![config_map("a")]).unwrap();
    let mut again = maps.watch(&WatchParams::default(), &version).await.unwrap().boxed();
    assert_eq!(word(&soon(again.next()).await.unwrap().unwrap()), "added a");
}
