/** `node reuse-publish.ts ROOT REQUEST`: publishes without a real builder, and prints the report. */
import { tmpdir } from 'node:os';
import { createApp } from '../../src/app/app.ts';
import type { PublishReport } from '../../src/features/publish/document.ts';
import { type PublishPorts, type PublishRequest, runPublish } from '../../src/features/publish/run.ts';
import { createLayoutBuilder } from '../support/layout-builder.ts';

const builder = createLayoutBuilder();

/** What is not measured: builder and syft. Signatures and everything after them are real. */
const substitutes: Pick<PublishPorts, 'builder' | 'sbom'> = {
  builder: async () => ({ builder, info: await builder.probe() }),
  sbom: async () => ({
    generate: async ({ manifest }) =>
      Buffer.from(JSON.stringify({ spdxVersion: 'SPDX-2.3', name: manifest })),
  }),
};

/** Publishes HEAD of a repository; throws where a component fails. */
async function publish(root: string, asked: Partial<PublishRequest>): Promise<PublishReport> {
  const stream = { isTTY: false, columns: 80, color: false };
  const environment = {
    variables: process.env,
    programs: { wholePath: process.env.PATH, skipped: [], rules: { checkouts: [], allowed: [] } },
    secrets: [],
    cwd: root,
    configFile: undefined,
    home: root,
    temporary: tmpdir(),
    platform: process.platform,
    arch: process.arch,
    stdout: stream,
    stderr: stream,
    ci: undefined,
    interactive: false,
    version: '1.0.0',
  };
  const { signal } = new AbortController();
  const emit = () => undefined;
  const app = createApp({ ...environment, signal, emit });
  try {
    const request = {
      selection: { selectors: [] },
      sealOnly: false,
      keepGoing: false,
      dryRun: false,
      ...asked,
    };
    const ports: PublishPorts = {
      ...app,
      ...substitutes,
      program: async (name) => (name === 'syft' ? undefined : app.program(name)),
    };
    const { report } = await runPublish(request, ports, emit);
    if (!report || report.components.some(({ action }) => action === 'failed'))
      throw new Error(JSON.stringify(report, null, 1).slice(0, 4000));
    return report;
  } finally {
    await app.close();
  }
}

const [root = '', request = '{}'] = process.argv.slice(2);
process.stdout.write(JSON.stringify(await publish(root, JSON.parse(request))));
