import { PrimitiveError } from '../../core/errors.ts';
import type { Emit } from '../../core/events.ts';
import type { BuildSecret } from '../../repository/config.ts';
import { isCredentialPath, isJobToken, isSigningVariable } from '../../repository/credentials.ts';

/** A file as the system knows it, whatever it is called: links followed. */
export interface RealFile {
  readonly path: string;
  /** Device and inode: the same for two names of one file. */
  readonly id: string;
}

/** What secrets are compared with. */
export interface SecretPorts {
  /** Files and folders in which the programs of this user keep credentials, by the environment. Absolute. */
  readonly credentialFiles: readonly string[];
  /** Undefined for a path that leads nowhere. */
  realFile(path: string): Promise<RealFile | undefined>;
}

/**
 * Refuses build secrets that are credentials of the publish itself: any step of a build could sign or push with them.
 * Warns of the token of the job. A file that is missing is left to the builder.
 *
 * `signingKey` is `signing.signer.key`, absolute where it is a path. Throws `build-secret-refused` (exit 2).
 */
export async function checkSecrets(
  secrets: readonly BuildSecret[],
  signingKey: string | undefined,
  ports: SecretPorts,
  emit: Emit,
): Promise<void> {
  const files = [...ports.credentialFiles, ...(signingKey?.startsWith('/') ? [signingKey] : [])];
  const kept = (await Promise.all(files.map((file) => ports.realFile(file)))).flatMap((file) => file ?? []);
  const warned = new Set<string>();
  for (const { id, source } of secrets) {
    if ('env' in source) {
      if (isSigningVariable(source.env, signingKey)) throw refused(id, source.env);
      if (!isJobToken(source.env) || warned.has(source.env)) continue;
      warned.add(source.env);
      emit({
        type: 'warning',
        code: 'build-secret-token',
        message: `Build secret ${id} is ${source.env}: any step of a build that mounts it can do what the job may. Use a token that can only read.`,
      });
    } else {
      const real = await ports.realFile(source.file);
      const held = kept.some(({ path, id }) => real?.id === id || real?.path.startsWith(`${path}/`));
      if (held || isCredentialPath(source.file) || isCredentialPath(real?.path ?? ''))
        throw refused(id, source.file);
    }
  }
}

function refused(id: string, place: string): PrimitiveError {
  return new PrimitiveError('build-secret-refused', `Refused ${place} as build secret ${id}.`, {
    why: 'It leads to a credential of this machine or job: any step of a build that mounts it could sign or push with it.',
    suggestions: [
      'Put what the build needs into a variable or file of its own, with no more rights than the build needs.',
    ],
  });
}
