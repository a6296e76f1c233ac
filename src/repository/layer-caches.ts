import { posix } from 'node:path';
import { PrimitiveError } from '../core/errors.ts';
import { optional } from '../core/object.ts';
import { parseDockerReference, repositoryHost, repositoryPath } from '../oci/reference.ts';
import { canonicalHost } from '../oci/registry-host.ts';
import type { Fault } from '../yaml/fault.ts';
import { cacheHostFault } from './cache-hosts.ts';
import type { ConfigFile } from './config-document.ts';
import type { TrustTier } from './signers.ts';

/** A cache as buildx takes it, in its options: `type=registry,ref=…,mode=max`. */
interface LayerCache {
  readonly type: string;
  /** Without `type`; names in lower case. */
  readonly options: ReadonlyMap<string, string>;
}

/** Why a cache cannot be used. */
interface Unusable {
  readonly message: string;
  readonly suggestion: string;
}

/** Properties of a cache that decide whether main may read it. */
export interface CacheTrust {
  /** Host and path below which every run may push images. */
  readonly registry: string;
  /** Whether the config knows signers of a lower tier. */
  readonly hasAccepted: boolean;
  /** That of `build.cache.trusted`. */
  readonly writers?: 'trusted';
}

type CacheFile = NonNullable<NonNullable<ConfigFile['build']>['cache']>;

/** Options that hold a credential or name the host that one is sent to: a config is no place for either. */
const CREDENTIALS = ['token', 'ghtoken', 'access_key_id', 'secret_access_key', 'session_token'];
/** Options of `gha`; any other could lead the job's token to another host. */
const GHA_OPTIONS = ['scope', 'mode', 'version', 'timeout', 'ignore-error'];
const COMPRESSION = ['compression', 'compression-level', 'force-compression', 'oci-mediatypes'];

/** Faults of the caches of a config: options that cannot be read, and those that a lower tier could write. */
export function cacheFaults(
  cache: CacheFile,
  config: Pick<ConfigFile, 'registry' | 'signing'>,
): readonly Fault[] {
  const { trusted = {}, accepted = {} } = cache;
  const at = (tier: TrustTier, way: 'from' | 'to', i: number) => ['build', 'cache', tier, way, i];
  const unusable = ([tier, way, specs]: readonly [TrustTier, 'from' | 'to', readonly string[]]) =>
    specs.flatMap((spec, i): readonly Fault[] => {
      const cache = readCache(spec);
      return 'message' in cache ? [{ path: at(tier, way, i), ...cache }] : [];
    });
  const unread = [
    ...unusable(['trusted', 'from', trusted.from ?? []]),
    ...unusable(['trusted', 'to', trusted.to ?? []]),
    ...unusable(['accepted', 'from', accepted.from ?? []]),
    ...unusable(['accepted', 'to', accepted.to ?? []]),
  ];
  if (unread.length > 0) return unread;
  const trust: CacheTrust = {
    registry: config.registry,
    hasAccepted: (config.signing?.accepted ?? []).length > 0,
    ...optional('writers', trusted.writers),
  };
  const read = new Set((trusted.from ?? []).flatMap(places));
  return [
    ...(trusted.from ?? []).flatMap((spec, i): readonly Fault[] => {
      const fault = untrustedCache(spec, trust);
      return fault === undefined ? [] : [{ path: at('trusted', 'from', i), ...fault }];
    }),
    ...(accepted.to ?? []).flatMap((spec, i): readonly Fault[] =>
      places(spec).some((place) => read.has(place))
        ? [
            {
              path: at('accepted', 'to', i),
              message: `a pull request would write the cache that trusted builds read: ${spec}`,
              suggestion: 'Give each tier a cache of its own; of a registry, a repository of its own.',
            },
          ]
        : [],
    ),
  ];
}

/**
 * The caches that a run reads and writes, rewritten from what was understood of them, so that the builder reads
 * nothing else into their options.
 *
 * Throws `cache-untrusted` (exit 2) if a trusted run would read a cache that a lower tier may be able to write.
 */
export function cachesFor(
  tier: TrustTier,
  cache: { readonly from: readonly string[]; readonly to: readonly string[] },
  trust: CacheTrust,
): { readonly from: readonly string[]; readonly to: readonly string[] } {
  for (const spec of tier === 'trusted' ? cache.from : []) {
    const fault = untrustedCache(spec, trust);
    if (fault === undefined) continue;
    throw new PrimitiveError('cache-untrusted', 'Cannot read a layer cache in a trusted run.', {
      why: fault.message,
      suggestions: [fault.suggestion],
    });
  }
  return { from: cache.from.map(rewritten), to: cache.to.map(rewritten) };
}

/** Why main must not read this cache; undefined if it may. */
function untrustedCache(spec: string, { registry, hasAccepted, writers }: CacheTrust): Unusable | undefined {
  const cache = readCache(spec);
  if ('message' in cache) return cache;
  // Scoped by branch: https://docs.docker.com/build/cache/backends/gha/#scope
  if (cache.type === 'gha') return undefined;
  if (writers === undefined) {
    return {
      message: `who can write this cache is not known, and trusted builds would release what it holds: ${spec}`,
      suggestion:
        'Use type=gha, or leave `from` out. Only if no pull request, other branch or laptop has credentials that can write there: build.cache.trusted.writers: trusted',
    };
  }
  const ref = cache.options.get('ref');
  const repository = ref === undefined ? undefined : repositoryOf(ref);
  if (!hasAccepted || repository === undefined) return undefined;
  const images = canonicalRepository(registry.replace(/(?<!\/)\/+$/, ''));
  if (repository !== images && !repository.startsWith(`${images}/`)) return undefined;
  return {
    message: `accepted runs push below ${registry}, so they can write this cache, whatever \`writers\` says: ${spec}`,
    suggestion: 'Use type=gha, or a registry or path that only trusted runs can push to.',
  };
}

/** The cache that a text means to buildx (util/buildflags/cache.go), or why it cannot be used. */
function readCache(spec: string): LayerCache | Unusable {
  const fields = csvFields(spec);
  if (fields === undefined)
    return malformed('a cache is written type=…,name=value,… as comma-separated values');
  const [only = ''] = fields;
  const named = fields.length === 1 && !only.includes('=') ? ['type=registry', `ref=${only}`] : fields;
  const options = new Map<string, string>();
  for (const field of named) {
    const [, name, value] = /^([a-z][a-z0-9._-]*)=(.+)$/i.exec(field) ?? [];
    if (name === undefined || value === undefined)
      return malformed('each option of a cache is written name=value');
    const key = name.toLowerCase();
    if (options.has(key)) return malformed(`the cache option ${key} is given twice`);
    if (value !== value.trim()) return malformed(`the cache option ${key} begins or ends with white space`);
    options.set(key, value);
  }
  const type = options.get('type');
  if (type === undefined) return malformed('a cache of several options has a type');
  if (!/^[a-z][a-z0-9]*$/.test(type)) return malformed(`${JSON.stringify(type)} is not a type of cache`);
  options.delete('type');
  return optionsFault(type, options) ?? { type, options };
}

function malformed(message: string): Unusable {
  return { message, suggestion: 'Write it as type=…,name=value,…' };
}

function optionsFault(type: string, options: ReadonlyMap<string, string>): Unusable | undefined {
  const host = cacheHostFault(options);
  if (host !== undefined) return host;
  const secret = CREDENTIALS.find((name) => options.has(name));
  if (secret !== undefined) {
    return {
      message: `the cache option ${secret} is a credential, which is read from the environment`,
      suggestion: 'Remove it, and set it in the environment of the build.',
    };
  }
  const ref = options.get('ref');
  if (type === 'registry' && ref === undefined) return malformed('a cache in a registry has a ref');
  if (ref !== undefined && repositoryOf(ref) === undefined)
    return malformed(`the ref of a cache is not that of an image: ${ref}`);
  if (type !== 'gha') return undefined;
  const odd = [...options.keys()].find((name) => ![...GHA_OPTIONS, ...COMPRESSION].includes(name));
  if (odd === undefined) return undefined;
  return {
    message: `the cache option ${odd} is not for the config: host and token of type=gha are those of the job`,
    suggestion: `Leave it out; type=gha takes ${GHA_OPTIONS.join(', ')}.`,
  };
}

/** The fields of one record of comma-separated values (RFC 4180); undefined if it is none, or has control characters. */
function csvFields(text: string): readonly string[] | undefined {
  const fields: string[] = [];
  let rest = `,${text}`;
  while (rest !== '') {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: a line feed would end the record
    const match = /^,(?:"((?:[^"\u0000-\u001f]|"")*)"|([^",\u0000-\u001f]*))(?=,|$)/.exec(rest);
    if (match === null) return undefined;
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    rest = rest.slice(match[0].length);
  }
  return fields;
}

function rewritten(spec: string): string {
  const cache = readCache(spec);
  if ('message' in cache)
    throw new Error(`a cache is used that the config was not checked for: ${cache.message}`);
  return [['type', cache.type], ...cache.options]
    .map(([name, value]) => `${name}=${value}`)
    .map((field) => (/[",]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field))
    .join(',');
}

/** Identity of a cache by its writers: a tag of a repository is no boundary. */
function places(spec: string): readonly string[] {
  const cache = readCache(spec);
  if ('message' in cache) return [];
  const { type, options } = cache;
  const option = (...names: string[]) => names.map((name) => options.get(name) ?? '').join(' ');
  const ref = options.get('ref');
  if (ref !== undefined) return [`${type} ${repositoryOf(ref)}`];
  if (type === 'local') return [`local ${posix.normalize(`${options.get('src') ?? options.get('dest')}/`)}`];
  // All three have a default name, so that caches without one are one.
  if (type === 'gha') return [`gha ${options.get('scope') ?? 'buildkit'}`];
  const where = option('account_url', 'account_name', 'container', 'endpoint_url', 'bucket', 'prefix');
  return (options.get('name') ?? 'buildkit').split(';').map((name) => `${type} ${where} ${name}`);
}

function repositoryOf(ref: string): string | undefined {
  try {
    return canonicalRepository(parseDockerReference(ref).repository);
  } catch (error) {
    if (error instanceof PrimitiveError) return undefined;
    throw error;
  }
}

function canonicalRepository(repository: string): string {
  const name = repository.includes('/') ? repository : `${repository}/`;
  const path = repositoryPath(name as Parameters<typeof repositoryPath>[0]);
  const host = canonicalHost(repositoryHost(name as Parameters<typeof repositoryHost>[0]));
  return path === '' ? host : `${host}/${path}`;
}
