import { readFile, realpath } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { digestOf } from '../../core/digest.ts';
import { messageOf, PrimitiveError } from '../../core/errors.ts';
import { optional } from '../../core/object.ts';
import type { KitSourceRepository } from '../../gitops/kit-document.ts';
import { codeRepositoryOf } from '../../repository/code-repository.ts';
import { parseConfig } from '../../repository/config.ts';
import { CONFIG_FILE } from '../../repository/discovery.ts';
import type { SignerPolicy } from '../../repository/signers.ts';
import type { FileTexts } from './render.ts';
import type { KitOrigin } from './settings.ts';

/** A code repository, as its config says it. */
export interface CodeSource {
  /** For `sources` of kit.yaml. */
  readonly source: KitSourceRepository;
  /** Public keys and the trusted root that it names: path in the GitOps repository -> text. */
  readonly files: FileTexts;
  /** Text of its `package-lock.json`. */
  readonly lock?: string | undefined;
}

/** Whether a value of `--code` is the folder of a checkout, not `OWNER/NAME`. */
export function isFolder(code: string): boolean {
  return code.startsWith('.') || isAbsolute(code);
}

/**
 * Reads a code repository from a checkout: registry, channel and signers of its config. Keys are copied, since the GitOps
 * repository has to have them.
 *
 * Throws `kit-code-unreadable` (exit 2), what {@link parseConfig} throws, and `kit-code-signer` (exit 2) for a key that is no file.
 */
export async function readCode(
  folder: string,
  {
    cwd,
    version,
    origin,
  }: {
    readonly cwd: string;
    readonly version: string;
    origin(root: string): Promise<KitOrigin>;
  },
): Promise<CodeSource> {
  const root = await realpath(resolve(cwd, folder)).catch(() => resolve(cwd, folder));
  const text = await readFile(join(root, CONFIG_FILE), 'utf8').catch((cause) => {
    throw new PrimitiveError('kit-code-unreadable', `Cannot read ${CONFIG_FILE} in ${folder}.`, {
      why: messageOf(cause),
      suggestions: ['--code ../app names the root of a checkout of the code repository.'],
      cause,
    });
  });
  const config = await parseConfig({ text, shown: join(folder, CONFIG_FILE), root }, version);
  const repository = codeRepositoryOf(config, (await origin(root)).remote);
  if (repository === undefined) throw nameless(folder);
  const files = new Map<string, string>();
  // Named by its content: another key is another name, which shows where signers are compared.
  const copied = async (file: string, end: string) => {
    const key = await readKey(file, folder);
    const path = `keys/${repository.replace('/', '-').toLowerCase()}-${hexOf(key).slice(0, 12)}${end}`;
    files.set(path, key);
    return path;
  };
  const signersOf = async (tier: 'trusted' | 'accepted') => {
    const signers: SignerPolicy[] = [];
    for (const signer of config.signing[tier])
      signers.push('key' in signer ? { key: await copied(signer.key, '.pub') } : signer);
    return signers;
  };
  const { trustedRoot } = config.signing;
  const accepted = await signersOf('accepted');
  const source = {
    repository,
    registry: config.registry,
    ...(config.channel.tag === 'main' ? {} : { channel: config.channel.tag }),
    trusted: await signersOf('trusted'),
    ...(accepted.length === 0 ? {} : { accepted }),
    ...(trustedRoot === undefined ? {} : { trustedRoot: await copied(trustedRoot, '-trusted_root.json') }),
  };
  const lock = await readFile(join(root, 'package-lock.json'), 'utf8').catch(() => undefined);
  return { source, files, ...optional('lock', lock) };
}

function hexOf(text: string): string {
  return digestOf(Buffer.from(text)).replace(/^sha256:/, '');
}

function nameless(folder: string): PrimitiveError {
  return new PrimitiveError('kit-code-unreadable', `Cannot find out which repository ${folder} is.`, {
    why: 'Its trusted signers name none, or several, and it has no remote.',
    suggestions: [`git -C ${folder} remote add origin https://github.com/OWNER/NAME.git`],
  });
}

async function readKey(file: string, folder: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text !== undefined) return text;
  throw new PrimitiveError('kit-code-signer', `Cannot read ${file}, which the config in ${folder} names.`, {
    why: 'The GitOps repository gets a copy of each public key; a key of a service or a variable has none.',
    suggestions: [
      'cosign public-key --key KEY > release.pub',
      'Name that file in `signing` of the code repository.',
    ],
  });
}
