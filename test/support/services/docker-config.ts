import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Credentials } from './token-server.ts';

/** Writes a Docker `config.json` that logs in to one registry; gives the environment that points to it. */
export async function dockerConfig(
  folder: string,
  host: string,
  credentials: Credentials,
): Promise<{ DOCKER_CONFIG: string }> {
  const auth = Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64');
  await writeFile(join(folder, 'config.json'), JSON.stringify({ auths: { [host]: { auth } } }));
  return { DOCKER_CONFIG: folder };
}
