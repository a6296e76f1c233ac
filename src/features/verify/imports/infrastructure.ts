import type { LanguageId } from '../../../languages/all.ts';

const words = (text: string): readonly string[] => text.split(/\s+/);

/**
 * Drivers and clients of databases, caches, search engines and brokers, object mappers, and clients of clouds, with all
 * that is below each: infrastructure where the config has no list of its own. By code unit.
 *
 * They are the libraries of that sort that tracing instruments, and what these lists lack:
 * - OpenTelemetry: `data/registry` of opentelemetry.io dd5997c, opentelemetry-python-contrib 466ae4c and
 *   opentelemetry-js-contrib fd4d8ae, of 2026-08-22 (Apache-2.0)
 * - Datadog: integrations of dd-trace-go a4bdff1, dd-trace-js 5735ffe and dd-trace-py 3bb9ecd, of 2026-08-21 (Apache-2.0)
 */
export const INFRASTRUCTURE: Readonly<Record<LanguageId, readonly string[]>> = {
  go: words(
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
    zombiezen.com/go/sqlite`,
  ),
  ts: words(
    `@aws-sdk @azure @clickhouse/client @clickhouse/client-web @confluentinc/kafka-javascript @datastax/astra-db-ts
    @duckdb/node-api @elastic/elasticsearch @elastic/transport @electric-sql/pglite @google-cloud/bigquery
    @google-cloud/bigtable @google-cloud/cloud-sql-connector @google-cloud/datastore @google-cloud/firestore
    @google-cloud/pubsub @google-cloud/secret-manager @google-cloud/spanner @google-cloud/storage @google-cloud/tasks
    @influxdata/influxdb-client @libsql/client @mikro-orm @nats-io @neondatabase/serverless @node-redis/client
    @opensearch-project/opensearch @pinecone-database/pinecone @planetscale/database @prisma/adapter-pg @prisma/client
    @prisma/extension-accelerate @qdrant/js-client-rest @redis/client @supabase/postgrest-js @supabase/storage-js
    @supabase/supabase-js @tidbcloud/serverless @upstash/qstash @upstash/redis @valkey/valkey-glide @vercel/blob
    @vercel/kv @vercel/postgres @zilliz/milvus2-sdk-node aerospike amqp amqp-connection-manager amqp10 amqplib arangojs
    aws-sdk azure-storage bee-queue better-sqlite3 bookshelf bull bullmq bun:sql bun:sqlite cassandra-driver chromadb
    couchbase dgraph-js drizzle-orm duckdb elasticsearch etcd3 firebase-admin ibm_db influx ioredis iovalkey jugglingdb
    kafka-node kafkajs knex kysely libsql loopback-datasource-juggler mariadb massive meilisearch memcached memjs minio
    mongodb mongodb-client-encryption mongodb-core mongoist mongojs mongoose monk mqtt mssql mysql mysql2 nano nats
    neo4j-driver node-rdkafka node-sqlite3-wasm node:sqlite objection odbc oracledb pg pg-boss pg-cursor pg-native
    pg-pool pg-promise pg-query-stream postgres pouchdb promise-mysql pulsar-client ravendb redis redis-om rethinkdb
    rhea sequelize sequelize-typescript slonik snowflake-sdk sql.js sqlite sqlite3 sqlocal stompit surrealdb tedious
    trino-client typeorm typesense vertica-nodejs waterline weaviate-client weaviate-ts-client zeromq`,
  ),
  python: words(
    `MySQLdb aerospike aio_pika aioboto3 aiobotocore aiocassandra aiochclient aiokafka aiomcache aiomysql aioodbc aiopg
    aioredis aiosqlite alembic algoliasearch amqp arango aredis asyncio_mqtt asyncmy asyncpg asyncpg_listen azure beanie
    boto boto3 botocore bson bunnet cassandra celery chromadb clickhouse_connect clickhouse_driver confluent_kafka
    consul couchbase cx_Oracle databases databricks.sql dj_database_url django.contrib.gis.db django.db dramatiq duckdb
    edgedb elastic_transport elasticsearch elasticsearch_dsl etcd3 faust firebase_admin gel gino google.cloud.bigquery
    google.cloud.bigtable google.cloud.datastore google.cloud.firestore google.cloud.ndb google.cloud.pubsub
    google.cloud.pubsub_v1 google.cloud.secretmanager google.cloud.spanner google.cloud.sql google.cloud.storage
    google.cloud.tasks happybase hdbcli ibm_db influxdb influxdb_client kafka kazoo kombu lancedb libsql mariadb
    meilisearch memcache milvus minio mongoengine motor mysql nats neo4j nsq odmantic opensearchpy oracledb orm ormar
    paho peewee pika pinecone playhouse pony prisma psycopg psycopg2 psycopg_pool pulsar pyathena pycassa pydal pylibmc
    pymemcache pymilvus pymongo pymqi pymssql pymysql pynamodb pyodbc pysqlite3 qdrant_client questdb redis redis_om
    rediscluster redshift_connector remoulade rethinkdb rq scylla snowflake sqlalchemy sqlite3 sqlite_utils sqlitedict
    sqlmodel sqlx stomp supabase surrealdb tarantool tortoise trino turbodbc typesense valkey vertica_python weaviate
    yaaredis ydb zmq`,
  ),
};
