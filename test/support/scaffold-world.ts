import { openRepository } from '../../src/adapters/git.ts';
import { readIgnored } from '../../src/adapters/git-ignored.ts';
import { createProcesses } from '../../src/adapters/process.ts';
import type { Emit } from '../../src/core/events.ts';
import type { ScaffoldDocument } from '../../src/features/scaffold/document.ts';
import type { Contents, ScaffoldPlan } from '../../src/features/scaffold/planned.ts';
import { prepareScaffold, type ScaffoldPlace } from '../../src/features/scaffold/prepare.ts';
import { runScaffold, type ScaffoldPorts } from '../../src/features/scaffold/run.ts';
import { openAllKinds } from '../../src/kinds/packages.ts';
import { loadConfig } from '../../src/repository/config.ts';
import { findConfig } from '../../src/repository/discovery.ts';
import { type FileContent, gitEnvironment, gitRepo, type TestRepository } from './git.ts';

/** A config with all languages, and a package with a kind of its own. */
export const CONFIG = `registry: ghcr.io/acme
languages:
  go: { module: github.com/acme/app }
  ts: { scope: "@acme" }
  python: { prefix: acme }
  proto: { package: acme }
plugins: ["@acme/kinds"]
`;

const PACKAGE = 'node_modules/@acme/kinds';

/** A seventh kind: small, with a file of each owner, a program, an input and a generator. */
export const WIDGET: Readonly<Record<string, string>> = {
  [`${PACKAGE}/package.json`]: '{ "name": "@acme/kinds", "version": "1.0.0", "main": "trap.js" }\n',
  // Reading kinds must not run it.
  [`${PACKAGE}/trap.js`]: "throw new Error('code of the package was run');\n",
  [`${PACKAGE}/kinds/widget/kind.yaml`]: `schema: primitive.kind/v1
kind: widget
version: 1
language: ts
names: { pattern: "^[a-z][a-z0-9-]{0,38}[a-z0-9]$", reserved: ts }
inputs:
  color: { type: text, help: "what it looks like" }
  model: { type: path, match: "*.model", help: "what it is made of" }
files:
  - { path: gen/**, owner: generated, by: model }
  - { path: Dockerfile, owner: config, required: true }
  - { path: "**", owner: impl }
generators:
  - { id: model, run: modeller, version: 1.0.0, reads: [model.txt], writes: gen }
build: { context: ".", dockerfile: Dockerfile }
run: { port: 8080, live: /livez, ready: /readyz, drainSeconds: 5 }
`,
  [`${PACKAGE}/kinds/widget/files/Dockerfile`]: 'FROM scratch\nCOPY . /\n',
  [`${PACKAGE}/kinds/widget/files/model.txt.eta`]: 'the model of <%= it.names.pascal %>\n',
  [`${PACKAGE}/kinds/widget/files/gen/model.ts.eta`]: "export const name = '<%= it.name %>';\n",
  [`${PACKAGE}/kinds/widget/files/bin/run.eta`]: '#!/bin/sh\necho <%= it.ts.package %>\n',
  [`${PACKAGE}/kinds/widget/files/src/[snake].ts.eta`]:
    "export const color = <% if (it.inputs.color) { %>'<%= it.inputs.color %>'<% } else { %>undefined<% } %>;\n",
};

/** A repository without a commit, with the config and the package of kinds. */
export async function scaffoldRepo(
  files: Readonly<Record<string, FileContent>> = {},
): Promise<TestRepository> {
  const repo = await gitRepo();
  await repo.write({ 'primitive.config.yaml': CONFIG, '.gitignore': 'node_modules\n', ...WIDGET, ...files });
  return repo;
}

/** What was asked for, with what is usual. */
export interface Asked {
  readonly kind?: string;
  readonly name?: string;
  readonly inputs?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly restore?: boolean;
  readonly update?: boolean;
}

/** Plans as the command does, from a folder of the repository. */
export async function prepare(
  root: string,
  {
    kind = 'widget',
    name = 'order-lines',
    inputs = {},
    cwd = root,
    restore = false,
    update = false,
  }: Asked = {},
): Promise<{ readonly plan: ScaffoldPlan; readonly contents: Contents }> {
  return prepareScaffold({ kind, name, inputs, restore, update }, await place(root, cwd));
}

/** Plans and writes as the command does; warnings go to `emit`. */
export async function scaffold(
  root: string,
  {
    kind = 'widget',
    name = 'order-lines',
    inputs = {},
    cwd = root,
    restore = false,
    update = false,
  }: Asked = {},
  signal: AbortSignal = new AbortController().signal,
  emit: Emit = () => {},
): Promise<ScaffoldDocument> {
  const { location, config, kinds } = await place(root, cwd);
  const ports: ScaffoldPorts = {
    workspace: async () => ({ location, config }),
    kinds: async () => kinds,
    tree: () => openRepository(createProcesses(gitEnvironment), root),
    withPackage: nothingFetched,
    cwd,
    ignored: (folder) => readIgnored(createProcesses(gitEnvironment), root, folder),
    emit,
    signal,
  };
  return runScaffold({ kind, name, inputs, restore, update, diff: false, dryRun: false }, ports);
}

/** Without a registry: git's history has what is merged. */
const nothingFetched: ScaffoldPlace['withPackage'] = async (origin) => {
  throw new Error(`${origin.package} was asked for`);
};

async function place(root: string, cwd: string): Promise<ScaffoldPlace> {
  const location = await findConfig({ cwd: root });
  const config = await loadConfig(location, '0.1.0');
  const kinds = await openAllKinds(config.plugins, location);
  return {
    ...{ location, config, kinds, cwd, withPackage: nothingFetched, warn: () => {} },
    tree: () => openRepository(createProcesses(gitEnvironment), root),
  };
}
