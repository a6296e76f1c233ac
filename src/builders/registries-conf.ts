import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { field } from '../core/object.ts';

/** Search paths of containers-registries.conf(5). */
export interface RegistriesConfPlace {
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Default: `/etc/containers`. */
  readonly system?: string;
}

/**
 * Writes a registries.conf that is this machine's own, and lets each of `hosts` speak plain HTTP. Returns which of them it
 * had to add; with none it writes nothing.
 *
 * An entry of the machine that covers a host, in its file or in a drop-in, decides over it: such a host is left out. The
 * file is the main one, as buildah reads drop-ins besides it, and takes no folder of them: its --registries-conf-dir
 * sets where signatures are looked up.
 */
export async function writeRegistriesConf(
  hosts: readonly string[],
  path: string,
  { variables, system = '/etc/containers' }: RegistriesConfPlace,
): Promise<AddedHosts> {
  if (hosts.length === 0) return NOTHING;
  const user = variables.HOME ? join(variables.HOME, '.config/containers') : undefined;
  const named = variables.CONTAINERS_REGISTRIES_CONF || variables.REGISTRIES_CONFIG_PATH;
  const candidates = named ? [named] : [...(user ? [user] : []), system].map((at) => join(at, MAIN));
  const [main = ''] = (await Promise.all(candidates.map(readText))).filter((text) => text !== undefined);
  const dropIns = await Promise.all([system, ...(user ? [user] : [])].map(readDropIns));
  const { parse } = await import('smol-toml');
  const documents = [main, ...dropIns.flat()].map((text) => {
    try {
      return parse(text);
    } catch {
      // buildah says what is wrong with it.
      return {};
    }
  });
  // The first version of the format has one table, to which nothing of the second may be added.
  if (field(documents[0], 'registries') !== undefined) return NOTHING;
  const prefixes = documents.flatMap(prefixesOf);
  const added = hosts.filter((host) => !prefixes.some((prefix) => covers(prefix, host)));
  if (added.length === 0) return NOTHING;
  const entries = added.map((host) => `[[registry]]\nlocation = ${JSON.stringify(host)}\ninsecure = true\n`);
  await writeFile(path, [main, ...entries].join('\n'));
  return { added, helpers: documents.some(asksHelpers) };
}

/** The part that was added to the configuration of this machine. */
export interface AddedHosts {
  readonly added: readonly string[];
  /** Whether logins may also come from programs that the configuration names. */
  readonly helpers: boolean;
}

const NOTHING: AddedHosts = { added: [], helpers: false };

function asksHelpers(document: unknown): boolean {
  const helpers = field(document, 'credential-helpers');
  return Array.isArray(helpers) && helpers.some((helper) => helper !== 'containers-auth.json');
}

const MAIN = 'registries.conf';

async function readText(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined);
}

async function readDropIns(at: string): Promise<string[]> {
  const folder = join(at, 'registries.conf.d');
  const names = await readdir(folder).catch(() => []);
  const texts = await Promise.all(
    names.filter((name) => name.endsWith('.conf')).map((name) => readText(join(folder, name))),
  );
  return texts.filter((text) => text !== undefined);
}

/** Targets of the entries of a file: host, host and path, or `*.domain`. */
function prefixesOf(document: unknown): string[] {
  const entries = field(document, 'registry');
  if (!Array.isArray(entries)) return [];
  return entries.flatMap((entry: unknown) => {
    const prefix = field(entry, 'prefix') || field(entry, 'location');
    return typeof prefix === 'string' ? [prefix] : [];
  });
}

/** Whether an entry counts for all of a host: where it is for a part of it, it is found before the host's own. */
function covers(prefix: string, host: string): boolean {
  if (prefix.startsWith('*.')) return host.replace(/:\d+$/, '').endsWith(prefix.slice(1));
  return host === prefix || host.startsWith(`${prefix}:`);
}
