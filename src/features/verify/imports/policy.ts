import { isBuiltin } from 'node:module';
import { isTest, type LanguageId } from '../../../languages/all.ts';
import { globMatcher } from '../../../repository/globs.ts';
import type { Context, Problem } from '../rule.ts';
import type { Subjects } from '../subjects.ts';

/** Rules of which one import breaks at most one: the first that applies. */
type PathRule = 'IMP-001' | 'IMP-002' | 'IMP-003' | 'IMP-008';

/**
 * The rule about what an import leads to that it breaks; undefined where it may be: the standard library, the primitive's
 * own code, what its manifest names and is no code of this repository, or an SDK that leads into no primitive.
 */
export function brokenPathRule(found: Subjects['import'], context: Context): PathRule | undefined {
  const { primitive, shippedBy, owner, target, proto, inManifest } = found;
  const ids = primitive === undefined ? shippedBy : [primitive.id];
  if (ids.length === 0) return undefined;
  if (owner !== undefined) return ids.every((id) => id === owner.id) ? undefined : 'IMP-001';
  if (primitive === undefined || inManifest) return undefined;
  if (target.type !== 'outside' && isListed(found, context.config.imports.sdk[found.language]))
    return undefined;
  if (proto) return 'IMP-002';
  if (target.type === 'path' || target.type === 'outside') return 'IMP-003';
  const isForbidden = isListed(found, context.config.imports.forbidden);
  return target.type === 'package' && target.known === 'undeclared' && !isForbidden ? 'IMP-008' : undefined;
}

/** The entry of a list that an import path falls under. */
export function listed(
  { language, specifier, names, target }: Subjects['import'],
  entries: readonly string[],
): string | undefined {
  if (entries.length === 0) return undefined;
  const packages = [
    specifier,
    ...names.map((name) => `${specifier}.${name}`),
    ...(target.type === 'package' ? [target.name] : []),
  ];
  return entries.find((entry) => packages.some((name) => isUnder(name, entry, language)));
}

function isListed(found: Subjects['import'], entries: readonly string[]): boolean {
  return listed(found, entries) !== undefined;
}

/** `a.b/c` and all below it, by whole names: `a.b/cd` is another package. */
function isUnder(name: string, entry: string, language: LanguageId): boolean {
  if (language === 'ts' && isBuiltin(entry)) return isUnder(withScheme(name), withScheme(entry), 'go');
  if (!name.startsWith(entry)) return false;
  return name.length === entry.length || name[entry.length] === (language === 'python' ? '.' : '/');
}

/** A module of Node.js has two names: `http` is `node:http`. */
function withScheme(name: string): string {
  return isBuiltin(name) && !name.startsWith('node:') ? `node:${name}` : name;
}

/** Drivers of databases and brokers, clients of clouds: infrastructure where the config has no list of its own. */
export const INFRASTRUCTURE: Readonly<Record<LanguageId, readonly string[]>> = {
  go: [
    'cloud.google.com/go/bigquery',
    'cloud.google.com/go/firestore',
    'cloud.google.com/go/pubsub',
    'cloud.google.com/go/spanner',
    'cloud.google.com/go/storage',
    'database/sql',
    'github.com/Azure/azure-sdk-for-go',
    'github.com/IBM/sarama',
    'github.com/aws/aws-sdk-go',
    'github.com/aws/aws-sdk-go-v2',
    'github.com/confluentinc/confluent-kafka-go',
    'github.com/go-sql-driver/mysql',
    'github.com/jackc/pgx',
    'github.com/jmoiron/sqlx',
    'github.com/lib/pq',
    'github.com/mattn/go-sqlite3',
    'github.com/nats-io/nats.go',
    'github.com/rabbitmq/amqp091-go',
    'github.com/redis/go-redis',
    'github.com/segmentio/kafka-go',
    'github.com/twmb/franz-go',
    'go.mongodb.org/mongo-driver',
    'gorm.io',
  ],
  ts: [
    '@aws-sdk',
    '@azure',
    '@google-cloud/bigquery',
    '@google-cloud/firestore',
    '@google-cloud/pubsub',
    '@google-cloud/spanner',
    '@google-cloud/storage',
    '@prisma/client',
    'amqplib',
    'better-sqlite3',
    'drizzle-orm',
    'ioredis',
    'kafkajs',
    'knex',
    'mongodb',
    'mongoose',
    'mysql2',
    'nats',
    'node:sqlite',
    'pg',
    'redis',
    'sequelize',
    'typeorm',
  ],
  python: [
    'aio_pika',
    'aiokafka',
    'asyncpg',
    'azure',
    'boto3',
    'botocore',
    'confluent_kafka',
    'google.cloud.bigquery',
    'google.cloud.firestore',
    'google.cloud.pubsub_v1',
    'google.cloud.spanner',
    'google.cloud.storage',
    'kafka',
    'nats',
    'pika',
    'psycopg',
    'psycopg2',
    'psycopg_pool',
    'pymongo',
    'redis',
    'sqlalchemy',
    'sqlite3',
  ],
};

/** The entry of the infrastructure that an import falls under. */
export function infrastructureOf(
  found: Subjects['import'],
  configured: readonly string[] | undefined,
): string | undefined {
  return listed(found, configured ?? INFRASTRUCTURE[found.language]);
}

/** Whether a file may import infrastructure: a test, or one of those that its kind names. */
export function mayImportInfrastructure({ path, primitive, inManifest }: Subjects['import']): boolean {
  const infra = primitive?.kind?.imports?.infra;
  if (primitive === undefined || infra === undefined || inManifest) return true;
  const file = path.slice(primitive.path.length + 1);
  return isTest(file) || infra.some((glob) => globMatcher(glob)(file));
}

/** A problem at the place of an import. */
export function importProblem(
  { specifier, line, column, typeOnly, inManifest }: Subjects['import'],
  message: string,
  fix: string,
): Problem {
  const code = typeOnly ? 'Type import' : 'Import';
  const word = inManifest ? 'Dependency' : code;
  return {
    message: `${word} ${message}`,
    line,
    ...(inManifest ? {} : { column }),
    key: specifier,
    fix: { kind: 'text', text: fix },
  };
}
