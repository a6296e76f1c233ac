import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PrimitiveError } from '../core/errors.ts';
import type { Processes } from '../core/process.ts';

/** Locations of credentials, by environment variables that the CLI reads. */
export interface CredentialSources {
  /** DOCKER_CONFIG: the folder of `config.json`. */
  readonly dockerConfig?: string;
  readonly home?: string;
  readonly xdgRuntimeDir?: string;
  /** XDG_CONFIG_HOME; `~/.config` if it is not set. */
  readonly xdgConfigHome?: string;
  /** REGISTRY_AUTH_FILE, as for Podman and buildah; first, because it is set on purpose. */
  readonly registryAuthFile?: string;
  /** For hosts that no file has credentials for, such as GITHUB_TOKEN for ghcr.io. */
  readonly fallbacks?: readonly {
    readonly host: string;
    readonly username: string;
    readonly password: string;
    /** Named in error texts: `GITHUB_TOKEN`. */
    readonly source: string;
  }[];
}

/** Credentials: a name and password, or an identity token that is exchanged for access tokens. */
export type Credential = (
  | { readonly type: 'basic'; readonly username: string; readonly password: string }
  | { readonly type: 'identity'; readonly token: string }
  | { readonly type: 'bearer'; readonly token: string }
) & {
  /** For error texts: the file or helper that it came from. */
  readonly source: string;
};

/** Finds the credential for a repository; asked once per repository and remembered. */
export interface Credentials {
  /** Undefined if nothing is stored for it. Throws `credentials-unreadable` or `credential-helper-failed` (exit 3). */
  find(host: string, path: string): Promise<Credential | undefined>;
}

interface AuthEntry {
  readonly auth?: unknown;
  readonly username?: unknown;
  readonly password?: unknown;
  readonly identitytoken?: unknown;
  readonly registrytoken?: unknown;
}

interface AuthFile {
  readonly path: string;
  readonly auths: ReadonlyMap<string, AuthEntry>;
  readonly helpers: ReadonlyMap<string, string>;
  readonly store: string | undefined;
}

const DOCKER_HUB = 'https://index.docker.io/v1/';

/**
 * Credentials as Docker and Podman keep them: `REGISTRY_AUTH_FILE`, then `config.json` in `DOCKER_CONFIG` or `~/.docker`,
 * then Podman's `containers/auth.json` in `XDG_RUNTIME_DIR` and `XDG_CONFIG_HOME` or `~/.config`. The first file with an answer wins; within one,
 * a helper for the host (`credHelpers`), then the longest matching key of `auths`, then the general helper (`credsStore`).
 */
export function createCredentials(sources: CredentialSources, processes: Processes): Credentials {
  let files: Promise<readonly AuthFile[]> | undefined;
  const found = new Map<string, Promise<Credential | undefined>>();
  const helped = new Map<string, Promise<Credential | undefined>>();

  const askHelper = (helper: string, host: string, file: AuthFile) => {
    const key = `${helper} ${host}`;
    const known = helped.get(key) ?? runHelper(processes, helper, host, file.path);
    helped.set(key, known);
    return known;
  };

  async function search(host: string, path: string): Promise<Credential | undefined> {
    files ??= readFiles(sources);
    for (const file of await files) {
      const helper = file.helpers.get(host);
      const credential =
        (helper === undefined ? undefined : await askHelper(helper, host, file)) ??
        storedCredential(file, host, path) ??
        (file.store === undefined ? undefined : await askHelper(file.store, host, file));
      if (credential !== undefined) return credential;
    }
    const fallback = sources.fallbacks?.find((candidate) => candidate.host === host);
    return fallback === undefined ? undefined : { type: 'basic', ...fallback };
  }

  return {
    find(host, path) {
      const key = `${host}/${path}`;
      const known = found.get(key) ?? search(host, path);
      found.set(key, known);
      return known;
    },
  };
}

async function readFiles(sources: CredentialSources): Promise<readonly AuthFile[]> {
  const { registryAuthFile, dockerConfig, home, xdgRuntimeDir } = sources;
  const configHome = sources.xdgConfigHome ?? (home && join(home, '.config'));
  const paths = [
    registryAuthFile,
    dockerConfig ? join(dockerConfig, 'config.json') : home && join(home, '.docker', 'config.json'),
    xdgRuntimeDir && join(xdgRuntimeDir, 'containers', 'auth.json'),
    configHome && join(configHome, 'containers', 'auth.json'),
  ];
  const files = await Promise.all(paths.map((path) => (path ? readAuthFile(path) : undefined)));
  return files.filter((file) => file !== undefined);
}

async function readAuthFile(path: string): Promise<AuthFile | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw unreadable(path, `it cannot be opened (${code})`);
  }
  // The parser's message and error stay here: both quote the content.
  const content = parseObject(text, path);
  const auths = objectAt(content, 'auths', path);
  const helpers = objectAt(content, 'credHelpers', path);
  return {
    path,
    auths: new Map(
      Object.entries(auths).map(([key, entry]) => [normalizeKey(key), (entry ?? {}) as AuthEntry]),
    ),
    helpers: new Map(
      Object.entries(helpers).map(([key, name]) => [normalizeKey(key), helperName(name, path)]),
    ),
    store: content.credsStore ? helperName(content.credsStore, path) : undefined,
  };
}

function parseObject(text: string, path: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text.trim() === '' ? '{}' : text);
  } catch {
    throw unreadable(path, 'it is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw unreadable(path, 'it is not an object');
  return value as Readonly<Record<string, unknown>>;
}

function objectAt(
  content: Readonly<Record<string, unknown>>,
  key: string,
  path: string,
): Readonly<Record<string, unknown>> {
  const value = content[key] ?? {};
  if (typeof value !== 'object' || Array.isArray(value)) throw unreadable(path, `${key} is not an object`);
  return value as Readonly<Record<string, unknown>>;
}

/** The name becomes a part of a program's name and must not lead to another folder. */
function helperName(name: unknown, path: string): string {
  if (typeof name === 'string' && /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) return name;
  throw unreadable(path, 'the name of a credential helper is not a plain name');
}

/** `https://ghcr.io/` is `ghcr.io`; every form of Docker Hub is `docker.io`; Podman's `host/prefix` keys stay. */
function normalizeKey(key: string): string {
  const bare = key.replace(/^https?:\/\//, '').replace(/\/(?:v[12]\/?)?$/, '');
  return ['index.docker.io', 'registry-1.docker.io', 'index.docker.io/v1'].includes(bare)
    ? 'docker.io'
    : bare;
}

/** The longest key that is the repository, one of its parents or the host (containers-auth.json(5)). */
function storedCredential(file: AuthFile, host: string, path: string): Credential | undefined {
  for (let key = `${host}/${path}`; key !== ''; key = key.slice(0, Math.max(0, key.lastIndexOf('/')))) {
    const entry = file.auths.get(key);
    const credential = entry === undefined ? undefined : entryCredential(entry, file.path);
    if (credential !== undefined) return credential;
  }
  return undefined;
}

function entryCredential(entry: AuthEntry, source: string): Credential | undefined {
  const { auth, username, password, identitytoken, registrytoken } = entry;
  if (typeof identitytoken === 'string' && identitytoken !== '')
    return { type: 'identity', token: identitytoken, source };
  if (typeof registrytoken === 'string' && registrytoken !== '')
    return { type: 'bearer', token: registrytoken, source };
  if (typeof auth === 'string' && auth !== '') {
    const decoded = Buffer.from(auth, 'base64').toString('utf8');
    const colon = decoded.indexOf(':');
    if (colon < 1) throw unreadable(source, 'an "auth" entry is not the base64 form of NAME:PASSWORD');
    // Docker pads some of them with zero bytes.
    return {
      type: 'basic',
      username: decoded.slice(0, colon),
      password: decoded.slice(colon + 1).replace(/(?<!\0)\0+$/, ''),
      source,
    };
  }
  if (typeof username === 'string' && typeof password === 'string' && username !== '') {
    return { type: 'basic', username, password, source };
  }
  return undefined;
}

async function runHelper(
  processes: Processes,
  helper: string,
  host: string,
  file: string,
): Promise<Credential | undefined> {
  const program = `docker-credential-${helper}`;
  const server = host === 'docker.io' ? DOCKER_HUB : host;
  const result = await processes
    .run(program, ['get'], { input: server, timeout: 60_000 })
    .catch((cause: unknown) => {
      if (!(cause instanceof PrimitiveError && cause.code === 'tool-not-found')) throw cause;
      // Left behind by Docker Desktop, or by another machine whose home folder this is.
      throw new PrimitiveError(
        'credential-helper-failed',
        `Credential helper ${program}, named in ${file}, not found`,
        {
          why: `${cause.why ?? 'it is not on PATH'}.`,
          suggestions: [
            ...cause.suggestions,
            `Or remove it from ${file}, and log in again: docker login ${host}`,
          ],
          exit: 3,
          cause,
        },
      );
    });
  const output = new TextDecoder().decode(result.stdout);
  // The protocol of docker-credential-helpers: this text on stdout and exit code 1 mean that nothing is stored.
  if (result.exitCode !== 0 && /credentials not found/i.test(output)) return undefined;
  const failed = (why: string) =>
    new PrimitiveError(
      'credential-helper-failed',
      `Credential helper ${program}, named in ${file}, returned no credentials for ${host}`,
      {
        why,
        suggestions: [`Test it: echo ${server} | ${program} get`, `docker login ${host}`],
        exit: 3,
      },
    );
  if (result.exitCode !== 0) throw failed(`It ended with exit code ${result.exitCode}.`);
  let answer: { Username?: unknown; Secret?: unknown };
  try {
    answer = JSON.parse(output) as typeof answer;
  } catch {
    throw failed('Its output is not JSON.');
  }
  const { Username: username, Secret: secret } = answer ?? {};
  if (typeof username !== 'string' || typeof secret !== 'string')
    throw failed('Its output has no Username or no Secret.');
  if (secret === '') return undefined;
  if (username === '<token>') return { type: 'identity', token: secret, source: program };
  return { type: 'basic', username, password: secret, source: program };
}

function unreadable(path: string, why: string): PrimitiveError {
  return new PrimitiveError('credentials-unreadable', `Cannot use the credentials file ${path}`, {
    why,
    suggestions: ['Correct it, or remove it and log in again: docker login HOST'],
    exit: 3,
  });
}
