import { PrimitiveError } from '../../core/errors.ts';
import type { BuildSecret } from '../../repository/config.ts';
import { isCredentialPath, isJobToken, isSigningVariable } from '../../repository/credentials.ts';

/** A file as the system knows it, whatever it is called: links followed. */
export interface RealFile {
  readonly path: string;
  /** Device and inode: the same for two names of one file. */
  readonly id: string;
}

/** Credentials that secrets are compared with. */
export interface SecretPorts {
  /** Files and folders in which the programs of this user keep credentials, by the environment. Absolute. */
  readonly credentialFiles: readonly string[];
  /** Undefined for a path that leads nowhere. */
  realFile(path: string): Promise<RealFile | undefined>;
}

/** A build secret that is the token of the job, which can do more than a build has to. */
export interface JobToken {
  /** Of the secret. */
  readonly id: string;
  readonly variable: string;
}

/**
 * Refuses build secrets that are credentials of the publish itself: any step of a build could sign or push with them.
 * Returns those that are the token of the job, each variable once. A file that is missing is left to the builder.
 *
 * `signingKey` is `signing.signer.key`, absolute if it is a path. Throws `build-secret-refused` (exit 2).
 */
export async function checkSecrets(
  secrets: readonly BuildSecret[],
  signingKey: string | undefined,
  ports: SecretPorts,
): Promise<readonly JobToken[]> {
  const files = [...ports.credentialFiles, ...(signingKey?.startsWith('/') ? [signingKey] : [])];
  const kept = (await Promise.all(files.map((file) => ports.realFile(file)))).flatMap((file) => file ?? []);
  const tokens = new Map<string, JobToken>();
  for (const { id, source } of secrets) {
    if ('env' in source) {
      const { env: variable } = source;
      if (isSigningVariable(variable, signingKey)) throw refused(id, variable);
      if (isJobToken(variable) && !tokens.has(variable)) tokens.set(variable, { id, variable });
    } else {
      const real = await ports.realFile(source.file);
      const held = kept.some(({ path, id }) => real?.id === id || real?.path.startsWith(`${path}/`));
      if (held || isCredentialPath(source.file) || isCredentialPath(real?.path ?? ''))
        throw refused(id, source.file);
    }
  }
  return [...tokens.values()];
}

/** The warning about such a secret. */
export function describeJobToken({ id, variable }: JobToken): string {
  return `Build secret ${id} is ${variable}: any step of a build that mounts it can do what the job may. Use a token that can only read.`;
}

function refused(id: string, place: string): PrimitiveError {
  return new PrimitiveError('build-secret-refused', `Cannot use ${place} as build secret ${id}.`, {
    why: 'It gives access to a credential of this machine or job: any build step that mounts it could sign or push.',
    suggestions: ['Use a separate variable or file, with only the rights that the build needs.'],
  });
}
