import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type ActOptions, actRun } from './act.ts';
import type { GitopsWorld } from './gitops.ts';
import type { Packed } from './packed.ts';

/** Where a GitOps repository has the package of the CLI. */
export const CLI_PACKAGE = 'tools/primitive.tgz';

/** Puts the packed CLI into a clone of the GitOps repository; `cli` of its kit.yaml. */
export async function putCli(
  folder: string,
  cli: Packed,
): Promise<{ readonly version: string; readonly integrity: string; readonly file: string }> {
  const target = join(folder, CLI_PACKAGE);
  await mkdir(dirname(target), { recursive: true });
  await copyFile(cli.archive, target);
  const digest = createHash('sha512')
    .update(await readFile(target))
    .digest('base64');
  const { version } = JSON.parse(await readFile(join(cli.folder, 'package.json'), 'utf8'));
  return { version, integrity: `sha512-${digest}`, file: CLI_PACKAGE };
}

/** Lets act run the workflows of the GitOps repository that are dispatched, as GitHub would; several at once have a home each. */
export function runWorkflows(
  world: GitopsWorld,
  { caFile, home }: Pick<ActOptions, 'caFile' | 'home'>,
): void {
  world.gitops.script = ({ id, workflow }) => ({
    jobs: [{ name: 'Run', steps: [{ name: 'Run it by act' }] }],
    onCompleted: async ({ inputs }) => {
      const own = join(home, `run-${id}`);
      const file = basename(workflow.path);
      const { code, output } = await actRun(world, file, 'workflow_dispatch', { inputs, caFile, home: own });
      if (code !== 0) throw new Error(`${file}: exit code ${code}\n${output}`);
    },
  });
}

/** The environment of a developer who may start workflows of the GitOps repository. */
export function developer(
  { github }: GitopsWorld,
  { caFile }: Pick<ActOptions, 'caFile'>,
): Record<string, string> {
  return {
    GH_TOKEN: github.token().value,
    GITHUB_API_URL: github.api,
    NODE_EXTRA_CA_CERTS: caFile,
  };
}
