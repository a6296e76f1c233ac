import { PrimitiveError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import { parsePlatform } from '../core/platform.ts';
import { joinRepository, parseDockerReference, parseTag } from '../oci/reference.ts';
import { type Fault, repeatedFaults, type YamlPath } from '../yaml/fault.ts';
import type { ConfigFile } from './config-document.ts';
import { isCredentialPath, isSigningVariable } from './credentials.ts';
import { cacheFaults } from './layer-caches.ts';
import { ownRuleFaults } from './own-rules.ts';

/** Key forms that cosign knows besides paths and `env://`. */
const KMS = ['awskms', 'gcpkms', 'azurekms', 'hashivault', 'openbao', 'k8s', 'pkcs11'];

/** Checks of a config beyond its schema. */
export function configFaults(config: ConfigFile): readonly Fault[] {
  const { build = {}, signing = {} } = config;
  return [
    ...registryFaults(config),
    ...platformFaults(config.platforms ?? [], ['platforms']),
    ...channelFaults(config.channel ?? {}),
    ...tagFaults(config.tags ?? []),
    ...(config.insecureRegistries ?? []).flatMap((host, i) => hostFaults(host, ['insecureRegistries', i])),
    ...argFaults(build.args ?? {}, ['build', 'args']),
    ...baseFaults(build.bases ?? {}),
    ...secretFaults(build.secrets ?? [], ['build', 'secrets']),
    ...cacheFaults(build.cache ?? {}, config),
    ...signerFaults(signing),
    ...importFaults(config.imports ?? {}),
    ...ownRuleFaults(config.verify?.rules ?? []),
    ...(branchFaults(config.gitops?.ref ?? 'main', ['gitops', 'ref']) ?? []),
    ...repeatedFaults(config.gitops?.lanes ?? [], (i) => ['gitops', 'lanes', i]),
    ...repeatedFaults(config.plugins ?? [], (i) => ['plugins', i]),
  ];
}

function registryFaults({ registry, image = '{kind}-{name}' }: ConfigFile): readonly Fault[] {
  const found = referenceFaults(
    () => joinRepository(registry, 'image'),
    ['registry'],
    `\`registry\` ${JSON.stringify(registry)}`,
  );
  const unknown = /\{(?!kind\}|name\})[^}]*\}?/.exec(image);
  const path = ['image'];
  if (unknown !== null) {
    return [...found, { path, message: `\`image\` supports {kind} and {name}, not ${unknown[0]}` }];
  }
  if (!image.includes('{name}')) {
    return [...found, { path, message: '`image` must contain {name}, or all images would be one' }];
  }
  const sample = image.replaceAll('{kind}', 'domain').replaceAll('{name}', 'orders');
  return [
    ...found,
    ...referenceFaults(() => joinRepository('example.com', sample), path, `\`image\` makes ${sample}, which`),
  ];
}

/** Systems and processors by their Go names, as image-spec uses them (image index, `platform`). */
const SYSTEMS = ['aix', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'solaris', 'wasip1', 'windows'];
const ARCHITECTURES =
  '386 amd64 arm arm64 loong64 mips mips64 mips64le mipsle ppc64 ppc64le riscv64 s390x wasm'.split(' ');

export function platformFaults(platforms: readonly string[], path: YamlPath): readonly Fault[] {
  return [
    ...platforms.flatMap((text, i) => platformFault(text, [...path, i])),
    ...repeatedFaults(platforms, (i) => [...path, i]),
  ];
}

function platformFault(text: string, path: YamlPath): readonly Fault[] {
  const platform = parsePlatform(text);
  if (platform === undefined)
    return [{ path, message: `${JSON.stringify(text)} is not a platform such as linux/amd64` }];
  const unknown = (what: string, word: string, known: readonly string[]): readonly Fault[] => {
    if (known.includes(word)) return [];
    const meant = nearest(word, known);
    return [
      {
        path,
        message: `the ${what} ${word} of the platform ${text} is unknown`,
        suggestion: meant === undefined ? `Known: ${known.join(', ')}` : `Did you mean ${meant}?`,
      },
    ];
  };
  return [
    ...unknown('system', platform.os, SYSTEMS),
    ...unknown('architecture', platform.architecture, ARCHITECTURES),
  ];
}

function channelFaults({ tag, branch = 'main' }: NonNullable<ConfigFile['channel']>): readonly Fault[] {
  return branchFaults(branch, ['channel', 'branch']) ?? channelTagFaults(tag, branch);
}

function branchFaults(branch: string, path: YamlPath): readonly Fault[] | undefined {
  if (branch.startsWith('refs/')) {
    const short = branch.replace(/^refs\/heads\//, '');
    return [
      {
        path,
        message: `\`${path.join('.')}\` must be the short name of a branch`,
        suggestion: `${path.at(-1)}: ${short}`,
      },
    ];
  }
  // git-check-ref-format(1), as far as a slip goes.
  if (!/[\s~^:?*[\\]|\.\.|^[-/]|[/.]$|@\{/.test(branch)) return undefined;
  return [{ path, message: `${JSON.stringify(branch)} is not a branch` }];
}

function channelTagFaults(tag: string | undefined, branch: string): readonly Fault[] {
  const path = tag === undefined ? ['channel'] : ['channel', 'tag'];
  const name = tag ?? branch;
  if (tag === undefined && /[^\w.-]/.test(name)) {
    return [
      {
        path,
        message: `\`channel.tag\` is missing: the branch ${name} is not a valid tag`,
        suggestion: `tag: ${name.replace(/[^\w.-]+/g, '-')}`,
      },
    ];
  }
  if (/^[0-9a-f]{40}([0-9a-f]{24})?$/.test(name) || reserved(name)) {
    return [
      {
        path,
        message: `the channel moves, so its tag must not look like that of a commit or an input: ${name}`,
      },
    ];
  }
  return referenceFaults(() => parseTag(name), path, '`channel.tag`');
}

function tagFaults(tags: readonly string[]): readonly Fault[] {
  return [
    ...tags.flatMap((template, i): readonly Fault[] => {
      const path = ['tags', i];
      if (!template.includes('{sha}')) {
        return [
          {
            path,
            message: `the tag ${JSON.stringify(template)} would move from commit to commit; only tags that contain {sha} are written`,
            suggestion: `tags: ["${template.replace(/[{}]/g, '')}-{sha}"]; the moving pointer is \`channel\``,
          },
        ];
      }
      if (reserved(template)) {
        return [
          {
            path,
            message: `tags that begin with in- or sha256- are reserved for publish: ${template}`,
          },
        ];
      }
      const sample = template.replaceAll('{sha}', 'a'.repeat(64));
      return referenceFaults(() => parseTag(sample), path, `the tag template ${JSON.stringify(template)}`);
    }),
    ...repeatedFaults(tags, (i) => ['tags', i]),
  ];
}

function reserved(tag: string): boolean {
  return /^(?:in-|sha256-)/.test(tag);
}

function hostFaults(host: string, path: YamlPath): readonly Fault[] {
  const subject = `${JSON.stringify(host)}, which must be host or host:port,`;
  return host.includes('/')
    ? [{ path, message: `${JSON.stringify(host)} must be host or host:port, without scheme and path` }]
    : referenceFaults(() => joinRepository(host, 'image'), path, subject);
}

export function argFaults(args: Readonly<Record<string, string>>, path: YamlPath): readonly Fault[] {
  return Object.keys(args).flatMap((key) =>
    /^[A-Za-z_][A-Za-z0-9_]*$/.test(key)
      ? []
      : [
          {
            path: [...path, key],
            atKey: true,
            message: `${JSON.stringify(key)} is not the name of a build argument`,
          },
        ],
  );
}

function baseFaults(bases: Readonly<Record<string, string>>): readonly Fault[] {
  return Object.entries(bases).flatMap(([from, to]): readonly Fault[] => {
    const path = ['build', 'bases', from];
    const wrong = referenceFaults(() => parseDockerReference(to), path, `the base ${JSON.stringify(to)}`);
    if (wrong.length > 0 || parseDockerReference(to).digest !== undefined) return wrong;
    return [
      {
        path,
        message: `the base ${JSON.stringify(to)} has no digest, so it would change what is built without a commit`,
        suggestion: `Pin it: crane digest ${to}`,
      },
    ];
  });
}

export function secretFaults(
  secrets: NonNullable<NonNullable<ConfigFile['build']>['secrets']>,
  path: YamlPath,
): readonly Fault[] {
  return [
    ...secrets.flatMap((secret, i) => {
      const faults: Fault[] = [];
      // It becomes part of a comma-separated option of the builder.
      if (!/^[A-Za-z0-9_.-]+$/.test(secret.id)) {
        faults.push({
          path: [...path, i, 'id'],
          message: 'a secret id has letters, digits, "_", "." and "-"',
        });
      }
      if ('env' in secret && !/^[A-Za-z_][A-Za-z0-9_]*$/.test(secret.env)) {
        faults.push({
          path: [...path, i, 'env'],
          message: '`env` must be the name of a variable, never a value',
        });
      }
      if ('env' in secret ? isSigningVariable(secret.env) : isCredentialPath(secret.file)) {
        const key = 'env' in secret ? 'env' : 'file';
        faults.push({
          path: [...path, i, key],
          message: `\`${key}\` is a credential of the machine or job; any step of the build could sign or push with it`,
          suggestion: 'Use a separate variable or file, with only the rights that the build needs.',
        });
      }
      if ('file' in secret && /[\0\n]|^-----/.test(secret.file)) {
        faults.push({ path: [...path, i, 'file'], message: '`file` must be a path, never the value itself' });
      }
      return faults;
    }),
    ...repeatedFaults(
      secrets.map(({ id }) => id),
      (i) => [...path, i],
    ),
  ];
}

function signerFaults(signing: NonNullable<ConfigFile['signing']>): readonly Fault[] {
  const { signer = 'keyless', trusted = [], accepted = [] } = signing;
  return [
    ...(signer === 'keyless' ? [] : keyFaults(signer.key, ['signing', 'signer', 'key'])),
    ...trusted.flatMap((entry, i): readonly Fault[] => {
      const path = ['signing', 'trusted', i];
      if ('key' in entry) return keyFaults(entry.key, [...path, 'key']);
      if (!entry.identity.includes('*')) return [];
      return [
        {
          path: [...path, 'identity'],
          message: 'a trusted identity is exact: a pattern would let others make what production runs',
          suggestion: 'Name each identity, or move the entry to `accepted`.',
        },
      ];
    }),
    ...accepted.flatMap((entry, i) =>
      'key' in entry ? keyFaults(entry.key, ['signing', 'accepted', i, 'key']) : [],
    ),
  ];
}

/** Never shows the text: people paste keys where their paths belong. */
function keyFaults(key: string, path: YamlPath): readonly Fault[] {
  if (/-----BEGIN|\n/.test(key)) {
    return [
      {
        path,
        message: 'this is a key itself; only its path, env://VARIABLE or KMS URI belongs here',
        suggestion: 'If it is a private key, replace it: anyone who can read this file has it.',
      },
    ];
  }
  if (/^env:\/\//.test(key)) {
    const name = key.slice('env://'.length);
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
      return [{ path, message: 'env:// is followed by the name of a variable' }];
    // COSIGN_PRIVATE_KEY and its like do hold keys.
    if (/^COSIGN_/.test(name) || !isSigningVariable(name)) return [];
    return [{ path, message: `${name} holds a token, not a key` }];
  }
  const scheme = /^([a-z0-9]+):/.exec(key)?.[1];
  if (scheme === 'pkcs11' && key.includes('?')) {
    // cosign loads the module into its own process, and a PIN would be in its arguments (RFC 7512, section 2.3).
    return [
      {
        path,
        message: 'a PKCS #11 URI in the config has no query: it names no library to load, and no PIN',
        suggestion: 'export COSIGN_PKCS11_MODULE_PATH=/absolute/path.so COSIGN_PKCS11_PIN=…',
      },
    ];
  }
  if (scheme === 'awskms' && !key.startsWith('awskms:///')) {
    return [
      {
        path,
        message:
          'the URI of a key of AWS KMS names no endpoint: requests with the session of AWS would go there',
        suggestion: 'awskms:///alias/NAME, and AWS_ENDPOINT_URL_KMS in the environment for another endpoint',
      },
    ];
  }
  if (scheme === undefined || KMS.includes(scheme)) return [];
  return [{ path, message: `${scheme}: is not one of env, ${KMS.join(', ')}` }];
}

/** Entries that no import can be under. */
function importFaults({
  sdk = {},
  forbidden = [],
  infra = [],
}: NonNullable<ConfigFile['imports']>): readonly Fault[] {
  const lists: readonly (readonly [YamlPath, readonly string[]])[] = [
    ...Object.entries(sdk).map(([language, entries]) => [['imports', 'sdk', language], entries] as const),
    [['imports', 'forbidden'], forbidden],
    [['imports', 'infra'], infra],
  ];
  return lists.flatMap(([path, entries]) => [
    ...entries.flatMap((entry, i) =>
      /^[./]|[\s*?[\]{}]|[./]$/.test(entry)
        ? [
            {
              path: [...path, i],
              message: `${JSON.stringify(entry)} is not the name of a package; it includes all that is below the package`,
              suggestion: 'For example github.com/acme/sdk, @acme/sdk or acme_sdk.orders',
            },
          ]
        : [],
    ),
    ...repeatedFaults(entries, (i) => [...path, i]),
  ]);
}

/** The error of a reference parser, as a fault at its place. */
export function referenceFaults(parse: () => unknown, path: YamlPath, subject: string): readonly Fault[] {
  try {
    parse();
    return [];
  } catch (error) {
    if (!(error instanceof PrimitiveError)) throw error;
    return [
      {
        path,
        message: `${subject} cannot be used: ${error.why ?? error.message}`,
        ...(error.suggestions[0] === undefined ? {} : { suggestion: error.suggestions[0] }),
      },
    ];
  }
}
