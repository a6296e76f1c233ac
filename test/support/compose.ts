import { join } from 'node:path';
import { generateCompose } from '../../src/features/generate/compose.ts';
import { readOnDisk } from '../../src/features/generate/on-disk.ts';
import { bundledKinds, openKinds } from '../../src/kinds/kind.ts';
import { loadConfig } from '../../src/repository/config.ts';
import { findConfig } from '../../src/repository/discovery.ts';
import { tool } from '../tools/locate.ts';
import { run } from './services/run.ts';

/** A compose file as Docker Compose reads it. */
export interface ComposeProject {
  readonly secrets?: Readonly<Record<string, object>>;
  readonly services: Readonly<Record<string, ComposeService>>;
}

export interface ComposeService {
  readonly command?: readonly string[] | null;
  readonly entrypoint?: readonly string[] | null;
  readonly environment?: Readonly<Record<string, string | null>>;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly build?: object;
  readonly ports?: readonly object[];
}

/** What `generate` does about the compose file of a repository. */
export async function composeChange(
  root: string,
  { wanted = false, check = false }: { readonly wanted?: boolean; readonly check?: boolean } = {},
): Promise<string | undefined> {
  const location = await findConfig({ cwd: root });
  const config = await loadConfig(location, '1.0.0');
  const kinds = await openKinds({ bundled: bundledKinds() });
  const all = await readOnDisk({ location, config, kinds });
  const { signal } = new AbortController();
  return (await generateCompose(all, { root, wanted, check, signal }))?.change;
}

/** Reads the compose file of a folder by the library of Docker Compose. Throws what that says of it. */
export async function readComposed(
  root: string,
  env: Readonly<Record<string, string>> = {},
): Promise<ComposeProject> {
  return JSON.parse(await run(tool('compose-config'), [join(root, 'compose.yaml')], { cwd: root, env }));
}
