//! Ready-made hooks of well-known databases, and of filesystems. Each takes its credentials from the environment of
//! its own container, as the well-known images set it; nothing secret leaves the container.

use super::{Command, Making, Phrase, Way, deadman};
use crate::text::command_line;

/// A ready-made hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// PostgreSQL 15 and newer: a session between `pg_backup_start` and `pg_backup_stop`.
    Postgresql,
    /// PostgreSQL on one volume: a checkpoint before the cut. One atomic snapshot recovers by its log.
    PostgresqlCheckpoint,
    /// MySQL and MariaDB: a session that holds `FLUSH TABLES WITH READ LOCK`.
    Mysql,
    /// Redis: `BGSAVE`, and waiting until it is on disk.
    Redis,
    /// MongoDB: `fsyncLock` and `fsyncUnlock`.
    Mongodb,
    /// Any filesystem: `fsfreeze`. Needs privileges in the container.
    Fsfreeze,
}

impl Preset {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Postgresql, Self::PostgresqlCheckpoint, Self::Mysql, Self::Redis, Self::Mongodb, Self::Fsfreeze];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Postgresql => "postgresql",
            Self::PostgresqlCheckpoint => "postgresql-checkpoint",
            Self::Mysql => "mysql",
            Self::Redis => "redis",
            Self::Mongodb => "mongodb",
            Self::Fsfreeze => "fsfreeze",
        }
    }

    /// What it does, in one line.
    pub const fn says(self) -> &'static str {
        match self {
            Self::Postgresql => "backup mode of one session; writes go on (15 or newer)",
            Self::PostgresqlCheckpoint => "CHECKPOINT; enough for one volume with its log",
            Self::Mysql => "FLUSH TABLES WITH READ LOCK in one session",
            Self::Redis => "BGSAVE, waits until it is on disk; holds nothing",
            Self::Mongodb => "fsyncLock, fsyncUnlock",
            Self::Fsfreeze => "freezes the filesystem; needs privileges",
        }
    }

    /// The one that an image is known for.
    pub(super) fn of_image(image: &str) -> Option<Self> {
        let name = image.split('@').next()?.rsplit('/').next()?.split(':').next()?;
        let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
        // What is named after a database without being one.
        if has(&["exporter", "operator", "express", "commander", "sentinel", "proxy", "bouncer", "backup"]) {
            return None;
        }
        match () {
            () if has(&["postgres", "postgis", "timescale"]) => Some(Self::Postgresql),
            () if has(&["mysql", "mariadb", "percona-server"]) => Some(Self::Mysql),
            () if has(&["redis", "valkey"]) => Some(Self::Redis),
            () if has(&["mongo"]) => Some(Self::Mongodb),
            () => None,
        }
    }

    /// How it holds, in this container with its volume mounted there; in a few words and as commands.
    pub(super) fn way(self, container: &str, mount: &str, making: Making<'_>) -> (String, Way) {
        let command = |argv| Command { container: container.to_owned(), argv, timeout: making.quiesce.timeout };
        let commands = |pre, post: Option<Vec<String>>| Way::Commands { pre: command(pre), post: post.map(command) };
        let guarded = |hold: &str, release: &str| {
            let scripts = deadman::around(hold, release, making);
            commands(scripts.pre, Some(scripts.post))
        };
        match self {
            Self::Postgresql => {
                ("PostgreSQL backup mode, in which writes go on".into(), postgresql(command(shell(PSQL)), making))
            }
            Self::PostgresqlCheckpoint => {
                ("PostgreSQL checkpoint".into(), commands(shell(&format!("{PSQL} -c CHECKPOINT")), None))
            }
            Self::Mysql => ("MySQL read lock".into(), mysql(command(shell(MYSQL)), making)),
            Self::Redis => {
                let script = REDIS.replace("ATTEMPTS", &making.quiesce.timeout.as_secs().max(1).to_string());
                ("Redis save".into(), commands(shell(&script), None))
            }
            Self::Mongodb => ("MongoDB lock".into(), guarded(&mongo(LOCK), &mongo(UNLOCK))),
            Self::Fsfreeze => {
                let freeze = |how| command_line(&["fsfreeze", how, mount]);
                (format!("freeze of filesystem {mount}"), guarded(&freeze("-f"), &freeze("-u")))
            }
        }
    }
}

/// Without a terminal `psql` would ask for a password that is missing where it reads statements: it must not ask.
const PSQL: &str = "PGPASSWORD=\"${PGPASSWORD:-${POSTGRES_PASSWORD:-$(cat \"$POSTGRES_PASSWORD_FILE\" 2>/dev/null)}}\" \
                    exec psql -X -q -A -t -w -v ON_ERROR_STOP=1 -U \"${PGUSER:-${POSTGRES_USER:-postgres}}\" \
                    -d postgres";

const MYSQL: &str = "c=$(command -v mariadb || command -v mysql) || exit 127; \
                     MYSQL_PWD=\"${MYSQL_ROOT_PASSWORD:-$MARIADB_ROOT_PASSWORD}\" exec \"$c\" -uroot -N -B --unbuffered";

/// A save that was under way before has to end first: only one that began now holds what was written until now.
const REDIS: &str = "r() { REDISCLI_AUTH=\"${REDISCLI_AUTH:-$REDIS_PASSWORD}\" redis-cli \"$@\"; }; \
                     again() { n=$((n+1)); [ $n -lt ATTEMPTS ] && sleep 1; }; n=0; r PING >/dev/null || exit 1; \
                     until r BGSAVE | grep -q 'saving started'; do again || exit 1; done; \
                     while r INFO persistence | grep -q 'rdb_bgsave_in_progress:1'; do again || exit 1; done; \
                     r INFO persistence | grep -q 'rdb_last_bgsave_status:ok' && \
                     r INFO persistence | grep -q 'aof_last_write_status:ok'";

/// The image's own variables; they are read inside, so that no password stands in a command line.
const MONGO_LOGIN: &str = "const e = process.env; if (e.MONGO_INITDB_ROOT_USERNAME) \
                           db.getSiblingDB('admin').auth(e.MONGO_INITDB_ROOT_USERNAME, e.MONGO_INITDB_ROOT_PASSWORD);";
const LOCK: &str = "if (!db.fsyncLock().ok) quit(1)";
const UNLOCK: &str = "if (!db.fsyncUnlock().ok) quit(1)";

fn mongo(what: &str) -> String {
    command_line(&["mongosh", "--quiet", "--eval", &format!("{MONGO_LOGIN} {what}")])
}

fn shell(script: &str) -> Vec<String> {
    vec!["sh".to_owned(), "-c".to_owned(), script.to_owned()]
}

/// A question whose answer tells that everything before it was done.
fn marked(statements: &str, word: &str, making: Making<'_>) -> Phrase {
    let until = format!("holdfast {} {word}", making.id);
    Phrase { say: format!("{statements}SELECT '{until}';\n"), until }
}

/// The server itself ends a session that nobody speaks to any more, should its channel only look alive. It lists the
/// session under the operation, for whoever wonders what it is.
fn postgresql(command: Command, making: Making<'_>) -> Way {
    let idle = deadman::after(making.quiesce.at_most).as_secs();
    let id = making.id;
    let start = format!(
        "SET application_name = 'holdfast {id}';\nSET idle_session_timeout = '{idle}s';\n\
         SELECT pg_backup_start('holdfast {id}', fast => true) IS NOT NULL;\n"
    );
    let stop = "SELECT labelfile FROM pg_backup_stop(wait_for_archive => false);\n";
    Way::Session {
        command,
        hold: marked(&start, "holds", making),
        prove: marked("", "still holds", making),
        release: last(marked(stop, "releases", making)),
    }
}

fn mysql(command: Command, making: Making<'_>) -> Way {
    let idle = deadman::after(making.quiesce.at_most).as_secs();
    let patience = making.quiesce.timeout.as_secs().max(1);
    let lock = format!(
        "SET SESSION wait_timeout = {idle};\nSET SESSION lock_wait_timeout = {patience};\nFLUSH TABLES WITH READ LOCK;\n"
    );
    Way::Session {
        command,
        hold: marked(&lock, "holds", making),
        prove: marked("", "still holds", making),
        release: last(marked("UNLOCK TABLES;\n", "releases", making)),
    }
}

/// The same, after which the client leaves: not every runtime tells it that its input has ended. Both clients know
/// this word.
fn last(phrase: Phrase) -> Phrase {
    Phrase { say: format!("{}\\q\n", phrase.say), ..phrase }
}
