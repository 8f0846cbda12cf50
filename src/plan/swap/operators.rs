//! Databases that an operator runs: it alone may replace their volumes, and each has its own way of recovery.

use super::consumers::Owner;

/// API group of an operator, who that is, and how one recovers with it.
const OPERATORS: &[(&str, &str, &str)] = &[
    (
        "postgresql.cnpg.io",
        "CloudNativePG",
        "make a new Cluster with spec.bootstrap.recovery.volumeSnapshots (or .backup) naming the restore point",
    ),
    ("acid.zalan.do", "the Zalando Postgres operator", "clone the cluster with spec.clone and a timestamp"),
    ("pxc.percona.com", "the Percona XtraDB operator", "apply a PerconaXtraDBClusterRestore"),
    ("psmdb.percona.com", "the Percona MongoDB operator", "apply a PerconaServerMongoDBRestore"),
    ("pgv2.percona.com", "the Percona Postgres operator", "apply a PerconaPGRestore"),
    ("postgres-operator.crunchydata.com", "Crunchy Postgres", "set spec.dataSource.volumes or pgBackRest restore"),
    (
        "kafka.strimzi.io",
        "Strimzi",
        "let the brokers replicate a replaced volume, or restore the whole Kafka elsewhere",
    ),
    ("core.strimzi.io", "Strimzi", "let the brokers replicate a replaced volume, or restore the whole Kafka elsewhere"),
    ("elasticsearch.k8s.elastic.co", "ECK", "restore an Elasticsearch snapshot (_snapshot/…/_restore)"),
    ("mysql.oracle.com", "the MySQL operator", "make a new InnoDBCluster with spec.initDB"),
    ("k8s.mariadb.com", "the MariaDB operator", "apply a Restore, or bootstrap from a Backup"),
    ("mongodbcommunity.mongodb.com", "the MongoDB operator", "restore with its own backup, member by member"),
    ("redis.redis.opstreelabs.in", "the Redis operator", "let the replicas resynchronise, or restore elsewhere"),
    ("rabbitmq.com", "the RabbitMQ operator", "restore definitions and let queues replicate"),
    ("cassandra.datastax.com", "K8ssandra", "apply a MedusaRestoreJob"),
];

/// Who runs it, and how one recovers with that operator.
pub(super) fn recovery(owner: &Owner) -> (String, String) {
    let group = owner.api_version.split('/').next().unwrap_or_default();
    match OPERATORS.iter().find(|(of, ..)| *of == group) {
        Some((_, who, how)) => ((*who).to_owned(), (*how).to_owned()),
        None => (format!("an operator ({group})"), "recover with that operator's own means".to_owned()),
    }
}
