/** See `Language.infrastructure`. By code unit. */
export const infrastructure: readonly string[] =
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
  yaaredis ydb zmq`.split(/\s+/);
