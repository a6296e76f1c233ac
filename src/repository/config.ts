import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { messageOf, PrimitiveError } from '../core/errors.ts';
import { field, optional } from '../core/object.ts';
import { type Platform, parsePlatform } from '../core/platform.ts';
import { type LanguageId, perLanguage } from '../languages/all.ts';
import { parseYaml, type YamlDocument } from '../yaml/read.ts';
import { ConfigFile } from './config-document.ts';
import { configFaults } from './config-rules.ts';
import { type ConfigLocation, pathBelow } from './discovery.ts';
import type { OwnRule } from './own-rules.ts';
import type { SignerPolicy, TrustTier } from './signers.ts';

/** A secret by id: from a file or an environment variable; its value never appears in arguments or logs. */
export interface BuildSecret {
  readonly id: string;
  readonly source: { readonly file: string } | { readonly env: string };
}

/** `primitive.config.yaml` with every default filled in. Paths in it are absolute. */
export interface Config {
  readonly requires?: string;
  /** Without a slash at its end. */
  readonly registry: string;
  /** Template with `{kind}` and `{name}`. */
  readonly image: string;
  readonly languages: NonNullable<ConfigFile['languages']>;
  readonly platforms: readonly Platform[];
  readonly channel: { readonly tag: string; readonly branch: string };
  /** Templates; `{sha}` is always the first. */
  readonly tags: readonly string[];
  /** `host` or `host:port`. */
  readonly insecureRegistries: readonly string[];
  readonly build: {
    readonly builder: 'auto' | 'buildx' | 'buildah';
    /** Components built at a time, if the config sets it. */
    readonly parallel?: number;
    readonly args: Readonly<Record<string, string>>;
    readonly bases: Readonly<Record<string, string>>;
    readonly secrets: readonly BuildSecret[];
    readonly cache: Readonly<
      Record<TrustTier, { readonly from: readonly string[]; readonly to: readonly string[] }>
    > & { readonly trusted: { readonly writers?: 'trusted' } };
  };
  readonly signing: {
    readonly signer: { readonly type: 'keyless' } | { readonly type: 'key'; readonly key: string };
    readonly trusted: readonly SignerPolicy[];
    readonly accepted: readonly SignerPolicy[];
    readonly signingConfig?: string;
    readonly trustedRoot?: string;
  };
  readonly sbom: { readonly format: 'spdx-json' | 'cyclonedx-json' };
  readonly imports: {
    readonly sdk: Readonly<Record<LanguageId, readonly string[]>>;
    readonly forbidden: readonly string[];
    /** Undefined for the list that verify has. */
    readonly infra?: readonly string[];
  };
  readonly verify: {
    readonly tests: 'required' | 'optional';
    /** Effect of imports that are only known at run time on the verdict. */
    readonly runtimeImports: 'warning' | 'partial';
    /** How long each suite may take. */
    readonly suiteSeconds: number;
    readonly rules: readonly OwnRule[];
  };
  readonly gitops?: {
    readonly repository: string;
    readonly host?: string;
    readonly workflow: string;
    /** The branch that the GitOps repository deploys, if undefined. */
    readonly ref?: string;
    /** Those of its `kit.yaml`, if undefined. */
    readonly lanes?: readonly string[];
  };
  readonly plugins: readonly string[];
}

/** The config that applies, and where it was found. */
export interface Workspace {
  readonly location: ConfigLocation;
  readonly config: Config;
}

/**
 * Reads, checks and completes a config.
 *
 * `version` is that of this program, for `requires`. Throws `config-syntax`, `config-unknown-key`, `config-invalid`,
 * `config-schema-unsupported`, `version-refused` (all exit 2, with line and column), `config-unreadable` (exit 3).
 */
export async function loadConfig(location: ConfigLocation, version: string): Promise<Config> {
  const text = await readFile(location.path, 'utf8').catch((cause: unknown) => {
    throw new PrimitiveError('config-unreadable', `Cannot read ${location.path}.`, {
      why: messageOf(cause),
      exit: 3,
      cause,
    });
  });
  const shown = pathBelow(location.repositoryRoot ?? location.root, location.path) ?? location.path;
  return parseConfig({ text, shown, root: location.root }, version);
}

/** As {@link loadConfig}, on a text; `root` is the folder that its paths are relative to. */
export async function parseConfig(
  file: { readonly text: string; readonly shown: string; readonly root: string },
  version: string,
): Promise<Config> {
  const document = await parseYaml({ ...file, subject: 'config' }, ConfigFile, async (data, raw) => {
    // First what decides whether the rest can be understood: a newer format has keys that this version does not know.
    await checkSchema(data, raw);
    await checkVersion(data, raw, version);
  });
  const faults = configFaults(document.value);
  if (faults.length > 0) throw document.refusal(faults);
  return resolveConfig(document.value, file.root);
}

async function checkSchema(data: unknown, document: YamlDocument<unknown>): Promise<void> {
  const schema = field(data, 'schema');
  if (schema === undefined || schema === 'primitive.config/v1') return;
  throw document.refusal([
    {
      path: ['schema'],
      code: 'schema-unsupported',
      message: `schema ${JSON.stringify(schema)} is not supported; this version supports primitive.config/v1`,
      suggestion: 'Use a newer version: npx @ameide/primitive@latest',
    },
  ]);
}

async function checkVersion(data: unknown, document: YamlDocument<unknown>, version: string): Promise<void> {
  const requires = field(data, 'requires');
  if (typeof requires !== 'string') return;
  const { satisfies, validRange } = await import('semver');
  if (validRange(requires) === null) {
    const message = `\`requires\` must be a semver range such as ^1.2, not ${JSON.stringify(requires)}`;
    throw document.refusal([{ path: ['requires'], message }]);
  }
  if (satisfies(version, requires, { includePrerelease: true })) return;
  const { message } = document.refusal([
    { path: ['requires'], message: `this repository requires primitive ${requires}, this is ${version}` },
  ]);
  throw new PrimitiveError('version-refused', message, {
    why: 'another version may scaffold, verify or publish differently',
    suggestions: [`npx '@ameide/primitive@${requires}' …`],
  });
}

/** Fills in the defaults. Pure; `file` was checked, `root` is the folder that paths are relative to. */
function resolveConfig(file: ConfigFile, root: string): Config {
  const { imports = {}, gitops } = file;
  const branch = file.channel?.branch ?? 'main';
  return {
    ...optional('requires', file.requires),
    registry: file.registry.replace(/(?<!\/)\/+$/, ''),
    image: file.image ?? '{kind}-{name}',
    languages: file.languages ?? {},
    platforms: resolvePlatforms(file.platforms ?? ['linux/amd64', 'linux/arm64']),
    channel: { branch, tag: file.channel?.tag ?? branch },
    tags: [...new Set(['{sha}', ...(file.tags ?? [])])],
    insecureRegistries: file.insecureRegistries ?? [],
    build: resolveBuild(file.build ?? {}, root),
    signing: resolveSigning(file.signing ?? {}, root),
    sbom: { format: file.sbom?.format ?? 'spdx-json' },
    imports: {
      sdk: { ...perLanguage(() => []), ...imports.sdk },
      forbidden: imports.forbidden ?? [],
      ...optional('infra', imports.infra),
    },
    verify: {
      tests: file.verify?.tests ?? 'optional',
      runtimeImports: file.verify?.runtimeImports ?? 'warning',
      suiteSeconds: file.verify?.suiteSeconds ?? 600,
      rules: file.verify?.rules ?? [],
    },
    ...(gitops === undefined ? {} : { gitops: { ...GITOPS_DEFAULTS, ...gitops } }),
    plugins: file.plugins ?? [],
  };
}

const GITOPS_DEFAULTS = { workflow: 'scaffold-primitive-gitops.yaml' };

function resolveBuild(build: NonNullable<ConfigFile['build']>, root: string): Config['build'] {
  return {
    builder: build.builder ?? 'auto',
    ...optional('parallel', build.parallel),
    args: build.args ?? {},
    bases: build.bases ?? {},
    secrets: resolveSecrets(build.secrets ?? [], root),
    cache: {
      trusted: { from: [], to: [], ...build.cache?.trusted },
      accepted: { from: [], to: [], ...build.cache?.accepted },
    },
  };
}

function resolveSigning(signing: NonNullable<ConfigFile['signing']>, root: string): Config['signing'] {
  const { signer = 'keyless' } = signing;
  const key = (reference: string) => (isAddress(reference) ? reference : resolve(root, reference));
  const policy = (entry: SignerPolicy) => ('key' in entry ? { key: key(entry.key) } : entry);
  return {
    signer: signer === 'keyless' ? { type: 'keyless' } : { type: 'key', key: key(signer.key) },
    trusted: (signing.trusted ?? []).map(policy),
    accepted: (signing.accepted ?? []).map(policy),
    ...(signing.signingConfig ? { signingConfig: resolve(root, signing.signingConfig) } : {}),
    ...(signing.trustedRoot ? { trustedRoot: resolve(root, signing.trustedRoot) } : {}),
  };
}

/** Checked texts as platforms, sorted by text: their order means nothing. */
export function resolvePlatforms(texts: readonly string[]): readonly Platform[] {
  return [...texts].sort().flatMap((text) => parsePlatform(text) ?? []);
}

/** Files become absolute; the values are read by the builder alone. */
export function resolveSecrets(
  secrets: NonNullable<NonNullable<ConfigFile['build']>['secrets']>,
  root: string,
): readonly BuildSecret[] {
  return secrets.map((secret) =>
    'env' in secret
      ? { id: secret.id, source: { env: secret.env } }
      : { id: secret.id, source: { file: resolve(root, secret.file) } },
  );
}

/** `env://NAME`, `awskms://…`, `pkcs11:…`: anything but a path. */
function isAddress(reference: string): boolean {
  return /^[a-z0-9]+:/.test(reference);
}
