/** See `Language.infrastructure`. By code unit. */
export const infrastructure: readonly string[] =
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
  trino-client typeorm typesense vertica-nodejs waterline weaviate-client weaviate-ts-client zeromq`.split(
    /\s+/,
  );
