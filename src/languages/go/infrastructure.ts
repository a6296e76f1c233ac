/** See `Language.infrastructure`. By code unit. */
export const infrastructure: readonly string[] =
  `cloud.google.com/go/alloydbconn cloud.google.com/go/bigquery cloud.google.com/go/bigtable
  cloud.google.com/go/cloudsqlconn cloud.google.com/go/datastore cloud.google.com/go/firestore
  cloud.google.com/go/pubsub cloud.google.com/go/redis cloud.google.com/go/spanner cloud.google.com/go/storage
  crawshaw.io/sqlite database/sql entgo.io/ent github.com/Azure/azure-event-hubs-go github.com/Azure/azure-sdk-for-go
  github.com/Azure/azure-service-bus-go github.com/Azure/go-amqp github.com/ClickHouse/ch-go
  github.com/ClickHouse/clickhouse-go github.com/IBM/sarama github.com/Shopify/sarama
  github.com/aerospike/aerospike-client-go github.com/apache/cassandra-gocql-driver github.com/apache/iceberg-go
  github.com/apache/pulsar-client-go github.com/arangodb/go-driver github.com/aws/aws-sdk-go
  github.com/aws/aws-sdk-go-v2 github.com/blevesearch/bleve github.com/bradfitz/gomemcache
  github.com/bsm/sarama-cluster github.com/cockroachdb/cockroach-go github.com/cockroachdb/pebble
  github.com/confluentinc/confluent-kafka-go github.com/couchbase/gocb github.com/databricks/databricks-sql-go
  github.com/denisenkom/go-mssqldb github.com/dgraph-io/badger github.com/dgraph-io/dgo github.com/doug-martin/goqu
  github.com/duckdb/duckdb-go github.com/eclipse/paho.mqtt.golang github.com/elastic/go-elasticsearch
  github.com/garyburd/redigo github.com/glebarez/go-sqlite github.com/glebarez/sqlite github.com/globalsign/mgo
  github.com/go-gorm github.com/go-mysql-org/go-mysql github.com/go-pg/pg github.com/go-redis/redis
  github.com/go-sql-driver/mysql github.com/go-stomp/stomp github.com/gocql/gocql github.com/godror/godror
  github.com/gomodule/redigo github.com/googleapis/go-sql-spanner github.com/hashicorp/consul/api
  github.com/hashicorp/vault/api github.com/ibm-messaging/mq-golang github.com/influxdata/influxdb-client-go
  github.com/influxdata/influxdb1-client github.com/jackc/pgconn github.com/jackc/pgx github.com/jinzhu/gorm
  github.com/jmoiron/sqlx github.com/kshvakov/clickhouse github.com/lib/pq github.com/lovoo/goka
  github.com/marcboeker/go-duckdb github.com/mattn/go-oci8 github.com/mattn/go-sqlite3
  github.com/meilisearch/meilisearch-go github.com/microsoft/go-mssqldb github.com/milvus-io/milvus-sdk-go
  github.com/minio/minio-go github.com/nats-io/nats.go github.com/nats-io/stan.go github.com/ncruces/go-sqlite3
  github.com/neo4j/neo4j-go-driver github.com/nsqio/go-nsq github.com/olivere/elastic
  github.com/opensearch-project/opensearch-go github.com/pinecone-io/go-pinecone github.com/prestodb/presto-go-client
  github.com/qdrant/go-client github.com/questdb/go-questdb-client github.com/rabbitmq/amqp091-go
  github.com/redis/go-redis github.com/redis/rueidis github.com/rethinkdb/rethinkdb-go github.com/scylladb/gocqlx
  github.com/segmentio/kafka-go github.com/sijms/go-ora github.com/snowflakedb/gosnowflake github.com/streadway/amqp
  github.com/surrealdb/surrealdb.go github.com/syndtr/goleveldb github.com/tidwall/buntdb
  github.com/trinodb/trino-go-client github.com/twmb/franz-go github.com/typesense/typesense-go github.com/upper/db
  github.com/uptrace/bun github.com/uptrace/go-clickhouse github.com/valkey-io/valkey-glide/go
  github.com/valkey-io/valkey-go github.com/vertica/vertica-sql-go github.com/weaviate/weaviate-go-client
  github.com/ydb-platform/ydb-go-sdk github.com/zeromq/goczmq go.etcd.io/bbolt go.etcd.io/etcd/client
  go.etcd.io/etcd/clientv3 go.mongodb.org/mongo-driver gocloud.dev gopkg.in/confluentinc/confluent-kafka-go.v1
  gopkg.in/jinzhu/gorm.v1 gopkg.in/mgo.v2 gopkg.in/olivere/elastic.v3 gopkg.in/olivere/elastic.v5
  gopkg.in/olivere/elastic.v6 gopkg.in/rethinkdb/rethinkdb-go.v6 gorm.io modernc.org/sqlite xorm.io/xorm
  zombiezen.com/go/sqlite`.split(/\s+/);
