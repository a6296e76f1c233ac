import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PrimitiveError } from '../core/errors.ts';
import { optional } from '../core/object.ts';
import type { Processes, RunResult } from '../core/process.ts';
import type { Signer } from '../seal/types.ts';
import { bundlePayload } from '../seal/verifier.ts';
import { checkSigningConfig } from './signing-config.ts';

/** How cosign signs: with a certificate for an OIDC identity, or with a key. */
export type SigningMode = (
  | {
      readonly type: 'keyless';
      /** Called for every signature: CI tokens are valid for minutes. */
      readonly idToken: () => Promise<string>;
      /** The Fulcio of `signingConfig`, if the environment names one. */
      readonly fulcio?: string;
    }
  | {
      readonly type: 'key';
      /** Path, `env://VARIABLE` or KMS URI, as cosign takes it. */
      readonly key: string;
      /** Of an encrypted key; handed over by environment. */
      readonly password?: string;
    }
) & {
  /** The two files of a private Sigstore; both or none. */
  readonly signingConfig?: string;
  readonly trustedRoot?: string;
};

export interface CosignOptions {
  readonly processes: Processes;
  readonly mode: SigningMode;
  /** Folder that exists, for files that live as long as one signature. */
  readonly temporary: string;
  readonly signal?: AbortSignal;
  /** Called before each retry, with the delay in milliseconds. */
  readonly onRetry?: (reason: string, delay: number) => void;
}

/**
 * Signs with the `cosign` program.
 *
 * `sign` throws `signing-failed` (exit 3) with cosign's own last lines, and `signing-mismatch` (exit 3) if the result
 * is not a bundle over the statement given, and what {@link checkSigningConfig} throws. `publicKey` is for key mode.
 */
export interface Cosign extends Signer {
  /** PEM of the public half of the signing key. */
  publicKey(): Promise<string>;
}

/** A key needs no service: no log, no timestamp, and no root is fetched. */
const NO_SERVICES = {
  signingConfig: {
    mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json',
    rekorTlogConfig: {},
    tsaConfig: {},
  },
  trustedRoot: { mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1' },
} as const;

const ATTEMPT_TIMEOUT = 180_000;
/** Milliseconds before each retry: an outage of the public instance is over in minutes or not soon. */
const RETRY_DELAYS = [1_000, 2_000, 5_000, 10_000, 20_000, 40_000, 60_000, 60_000, 60_000] as const;

/** Variables that cosign reads as flags; only the config decides how to sign. */
const FLAGS_FROM_ENVIRONMENT = [
  'COSIGN_KEY',
  'COSIGN_SK',
  'COSIGN_SLOT',
  'COSIGN_CERTIFICATE',
  'COSIGN_CERTIFICATE_CHAIN',
  'COSIGN_IDENTITY_TOKEN',
  'COSIGN_ISSUE_CERTIFICATE',
  'COSIGN_FULCIO_URL',
  'COSIGN_REKOR_URL',
  'COSIGN_OIDC_ISSUER',
  'COSIGN_TIMESTAMP_SERVER_URL',
  'COSIGN_SIGNING_CONFIG',
  'COSIGN_TRUSTED_ROOT',
  'COSIGN_USE_SIGNING_CONFIG',
  'COSIGN_NEW_BUNDLE_FORMAT',
  'COSIGN_TLOG_UPLOAD',
  'COSIGN_PREDICATE',
  'COSIGN_OUTPUT_FILE',
];

/** The cosign on PATH, in one signing mode. */
export function createCosign(options: CosignOptions): Cosign {
  return {
    publicKey: () => publicKey(options),
    sign: (statement) => sign(options, statement),
  };
}

async function sign(options: CosignOptions, statement: Uint8Array): Promise<Uint8Array> {
  const folder = await mkdtemp(join(options.temporary, 'cosign-'));
  try {
    const bundle = await attest(options, folder, statement);
    if (!(await isOver(bundle, statement))) {
      throw new PrimitiveError(
        'signing-mismatch',
        'cosign signed a different statement than the one it was given',
        {
          suggestions: ['Report this with the output of `cosign version`.'],
          exit: 3,
        },
      );
    }
    return bundle;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function attest(options: CosignOptions, folder: string, statement: Uint8Array): Promise<Uint8Array> {
  const { mode, onRetry, signal } = options;
  const input = join(folder, 'statement.json');
  await writeFile(input, statement, { mode: 0o600 });
  const args = ['attest-blob', '--yes', '--statement', input, ...(await modeArguments(mode, folder))];
  for (let attempt = 0; ; attempt++) {
    // Each attempt writes a file of its own, so that half a bundle is never read.
    const output = join(folder, `bundle-${attempt}.json`);
    const failure = await attemptToSign(options, [...args, '--bundle', output]);
    if (failure === undefined) return readFile(output);
    const delay = RETRY_DELAYS[attempt];
    if (!failure.retryable || delay === undefined) throw failure;
    onRetry?.(failure.why ?? failure.message, delay);
    await sleep(delay, undefined, signal === undefined ? {} : { signal }).catch(() =>
      signal?.throwIfAborted(),
    );
  }
}

async function attemptToSign(
  { processes, mode, signal }: CosignOptions,
  args: readonly string[],
): Promise<PrimitiveError | undefined> {
  const secret = mode.type === 'keyless' ? await mode.idToken() : mode.password;
  let run: RunResult;
  try {
    run = await processes.run('cosign', args, {
      env: environmentOf(mode, secret),
      needs: 'signing',
      timeout: ATTEMPT_TIMEOUT,
      ...(secret === undefined ? {} : { secrets: [secret] }),
      ...optional('signal', signal),
    });
  } catch (error) {
    if (error instanceof PrimitiveError && error.code === 'tool-timeout')
      return failed('it timed out', true, error);
    throw error;
  }
  if (run.exitCode === 0) return undefined;
  const why = lastLines(run.stderr);
  return failed(why, isTransient(why));
}

function environmentOf(
  mode: SigningMode,
  secret: string | undefined,
): Readonly<Record<string, string | undefined>> {
  return {
    ...Object.fromEntries(FLAGS_FROM_ENVIRONMENT.map((name) => [name, undefined])),
    // An empty password keeps cosign from prompting for that of an encrypted key.
    ...(mode.type === 'keyless' ? { SIGSTORE_ID_TOKEN: secret } : { COSIGN_PASSWORD: secret ?? '' }),
  };
}

async function modeArguments(mode: SigningMode, folder: string): Promise<readonly string[]> {
  const { signingConfig, trustedRoot } = mode;
  const [config, root] = [join(folder, 'signing-config.json'), join(folder, 'trusted-root.json')];
  const services = (by: string, trust: string) => ['--signing-config', by, '--trusted-root', trust];
  if (mode.type === 'keyless') {
    const provider = ['--oidc-provider', 'envvar'];
    if (signingConfig === undefined || trustedRoot === undefined) return provider;
    const text = await readFile(signingConfig, 'utf8');
    await writeFile(config, checkSigningConfig(text, signingConfig, mode.fulcio));
    return [...provider, ...services(config, trustedRoot)];
  }
  const key = ['--key', mode.key];
  if (signingConfig !== undefined && trustedRoot !== undefined)
    return [...key, ...services(signingConfig, trustedRoot)];
  await writeFile(config, JSON.stringify(NO_SERVICES.signingConfig));
  await writeFile(root, JSON.stringify(NO_SERVICES.trustedRoot));
  return [...key, ...services(config, root)];
}

async function publicKey({ processes, mode, signal }: CosignOptions): Promise<string> {
  if (mode.type !== 'key') throw new Error('only key mode has a public key');
  const { key, password } = mode;
  const run = await processes.run('cosign', ['public-key', '--key', key], {
    env: environmentOf(mode, password),
    needs: 'signing',
    timeout: ATTEMPT_TIMEOUT,
    ...(password === undefined ? {} : { secrets: [password] }),
    ...optional('signal', signal),
  });
  if (run.exitCode === 0) return new TextDecoder().decode(run.stdout);
  throw new PrimitiveError('signing-key-unusable', 'cosign cannot read the signing key', {
    why: lastLines(run.stderr),
    suggestions: [
      'Check `signing.signer.key`: a path, `env://VARIABLE` or a KMS URI.',
      'An encrypted key takes its password from COSIGN_PASSWORD.',
    ],
    exit: 3,
  });
}

async function isOver(bundle: Uint8Array, statement: Uint8Array): Promise<boolean> {
  try {
    return Buffer.compare(await bundlePayload(bundle), statement) === 0;
  } catch {
    return false;
  }
}

/**
 * cosign exits with 1 for every failure, so its text decides: by the HTTP status in it, or else by network errors. Of
 * Fulcio's and a timestamp authority's 429 and 5xx it only says that it read a "closed response body" (cosign 3.1, after
 * a retry of its own).
 */
function isTransient(text: string): boolean {
  const status = /(?:\breturned|\bstatus(?: ?code)?:?|\bError|\]\[)\s*(\d{3})\b/i.exec(text)?.[1];
  // After a log's conflict the next signature is another entry.
  if (status !== undefined) return /^(408|409|425|429|5\d\d)$/.test(status);
  return /read on closed response body|time-?out|timed out|deadline exceeded|connection (refused|reset)|broken pipe|\bEOF\b|no such host|temporary failure|server misbehaving|network is unreachable/i.test(
    text,
  );
}

/** cosign's error lines, or else its last lines. */
function lastLines(stderr: string): string {
  const lines = stderr
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const errors = lines
    .filter((line) => line.startsWith('Error: '))
    .map((line) => line.slice('Error: '.length));
  return (errors.length > 0 ? errors : lines).slice(-5).join('; ') || 'it printed no message';
}

function failed(why: string, retryable: boolean, cause?: unknown): PrimitiveError {
  return new PrimitiveError('signing-failed', 'cosign failed to sign', {
    why,
    suggestions: retryable
      ? ['The signing service is down or unreachable. Run publish again: sealed images are not rebuilt.']
      : ['Check `signing.signer`; `primitive doctor` shows what it needs.'],
    exit: 3,
    retryable,
    ...optional('cause', cause),
  });
}
