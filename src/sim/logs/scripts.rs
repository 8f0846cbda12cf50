//! What programs say, by the name of their image: some lines when they start, some again and again.

use std::time::Duration;

use jiff::Timestamp;

use super::Line;
use crate::sim::clock::later;

/// Most lines of one instance; after these it has said everything.
const MOST: usize = 20_000;

/// A program.
struct Script {
    image: &'static str,
    boot: &'static [&'static str],
    every: Duration,
    then: &'static [&'static str],
}

const SCRIPTS: &[Script] = &[
    Script {
        image: "postgres",
        boot: &[
            "PostgreSQL Database directory appears to contain a database; Skipping initialization",
            "LOG:  starting PostgreSQL 15.8 on x86_64-pc-linux-musl, compiled by gcc 13.2.1, 64-bit",
            "LOG:  listening on IPv4 address \"0.0.0.0\", port 5432",
            "LOG:  listening on Unix socket \"/var/run/postgresql/.s.PGSQL.5432\"",
            "LOG:  database system was shut down cleanly",
            "LOG:  database system is ready to accept connections",
        ],
        every: Duration::from_secs(20),
        then: &[
            "LOG:  checkpoint starting: time",
            "LOG:  checkpoint complete: wrote 42 buffers (0.3%); 0 WAL file(s) added, 0 removed, 0 recycled; write=4.113 s, sync=0.021 s, total=4.140 s; sync files=17, longest=0.006 s, average=0.002 s; distance=268 kB, estimate=268 kB",
            "ERROR:  duplicate key value violates unique constraint \"orders_pkey\"",
            "DETAIL:  Key (id)=(48213) already exists.",
            "LOG:  duration: 1204.331 ms  statement: SELECT * FROM carts WHERE updated_at > now() - interval '1 hour'",
        ],
    },
    Script {
        image: "redis",
        boot: &[
            "1:C * oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo",
            "1:M * Running mode=standalone, port=6379.",
            "1:M * Server initialized",
            "1:M * Ready to accept connections tcp",
        ],
        every: Duration::from_secs(30),
        then: &[
            "1:M * 100 changes in 300 seconds. Saving...",
            "1:M * Background saving started by pid 23",
            "23:C * DB saved on disk",
            "1:M * Background saving terminated with success",
        ],
    },
    Script {
        image: "web",
        boot: &["loading certificate from /tls/tls.crt", "listening on :8443"],
        every: Duration::from_secs(3),
        then: &[
            "GET /healthz 200 1ms",
            "GET / 200 12ms",
            "POST /cart 201 31ms",
            "GET /healthz 200 1ms",
            "GET /uploads/4711.jpg 200 8ms",
            "POST /checkout 502 5003ms upstream timeout: payments",
        ],
    },
];

/// What a program of this image, started at `start`, has written by `until`. What was written stays as it is.
pub(super) fn lines(image: &str, start: Timestamp, until: Timestamp) -> Vec<Line> {
    let Some(script) = of(image) else { return Vec::new() };
    let boot = script.boot.iter().zip(0u32..).map(|(line, i)| (later(start, Duration::from_millis(180) * i), *line));
    let then = script.then.iter().cycle().zip(1u32..).map(|(line, i)| (later(start, script.every * i), *line));
    let lines = boot.chain(then).take_while(|(at, _)| *at <= until).take(MOST);
    lines.map(|(at, line)| (at, line.to_owned())).collect()
}

/// When a program says something next.
pub(super) fn next(image: &str, start: Timestamp, after: Timestamp) -> Option<Timestamp> {
    let script = of(image)?;
    let boot = (0..script.boot.len())
        .filter_map(|i| u32::try_from(i).ok())
        .map(|i| later(start, Duration::from_millis(180) * i));
    let then = (1u32..).take(MOST).map(|i| later(start, script.every * i));
    boot.chain(then).find(|at| *at > after)
}

fn of(image: &str) -> Option<&'static Script> {
    let name = image.rsplit('/').next().unwrap_or_default().split([':', '@']).next().unwrap_or_default();
    SCRIPTS.iter().find(|script| script.image == name)
}
