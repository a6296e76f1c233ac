import { createHash } from 'node:crypto';
import { relative, resolve, sep } from 'node:path';
import type { Emit } from '../../core/events.ts';
import type { Processes } from '../../core/process.ts';
import type { Kinds } from '../../kinds/kind.ts';
import { BASE_VARIABLE } from '../../plugins/base.ts';
import type { PluginSet } from '../../plugins/set.ts';
import type { Workspace } from '../../repository/config.ts';
import { PRIMITIVES } from '../../repository/primitive-folders.ts';
import { findProgram } from '../../toolchain/find.ts';
import type { BaselineFile } from './baseline.ts';
import type { RuleHost } from './foreign.ts';
import type { Regenerate } from './generated.ts';
import { checkOwnPatterns } from './own-patterns.ts';
import { readPolicy } from './policy.ts';
import type { SuitePorts, VerifyPorts } from './ports.ts';
import type { BasePorts } from './proto-base.ts';
import type { CompareProto } from './proto-changes.ts';
import { ruleSet } from './rule-set.ts';
import type { ScanStore, ScanThreads } from './scan.ts';
import type { WorkTree } from './work-tree.ts';

export interface OpenPorts {
  workspace(): Promise<Workspace>;
  kinds(): Promise<Kinds>;
  workTree(): Promise<WorkTree>;
  stagedTree(): Promise<WorkTree>;
  /** Starts the repository's own tools, without credentials. */
  repositoryProcesses(tools: 'own'): Promise<Processes>;
  grantableVariables(): Promise<SuitePorts['grantable']>;
  readonly variables: SuitePorts['variables'];
  /** PATH as it was, with folders that the repository fills. */
  readonly programs: { readonly wholePath: string | undefined };
  readonly platform: NodeJS.Platform;
  scanStore(name: string): Promise<ScanStore>;
  scanThreads(module: string): Promise<ScanThreads>;
  plugins(): Promise<PluginSet>;
  ruleHost(module: string): Promise<RuleHost>;
  /** The names in a folder; none if it cannot be listed. */
  listFolder(path: string): Promise<readonly string[]>;
  /** A path for a folder of this run among the last ones of that name. */
  runFolder(name: string): Promise<string>;
  readonly regenerate: Regenerate;
  readonly compareProto: CompareProto;
  released: BasePorts['released'];
  openBaseline(shown: string): Promise<BaselineFile>;
  /** Of this program. */
  readonly version: string;
  readonly cwd: string;
  readonly emit: Emit;
  readonly signal: AbortSignal;
}

/** Opens the work tree, and what its checks are run with. Throws what `ports` throw. */
export async function openVerify(
  ports: OpenPorts,
  {
    baseline,
    staged,
    'policy-from': revision,
  }: {
    readonly baseline?: string | undefined;
    readonly staged?: boolean;
    readonly 'policy-from'?: string | undefined;
  } = {},
): Promise<VerifyPorts> {
  const { variables, platform, programs, regenerate, compareProto, released, cwd, emit, signal } = ports;
  const [{ location, config }, kinds, tree, processes, grantable, plugins] = await Promise.all([
    ports.workspace(),
    ports.kinds(),
    (staged ? ports.stagedTree() : ports.workTree()).then(listing),
    ports.repositoryProcesses('own'),
    ports.grantableVariables(),
    ports.plugins(),
  ]);
  const name = createHash('sha256').update(tree.root).digest('hex').slice(0, 32);
  const path = programs.wholePath;
  const policy =
    revision === undefined
      ? undefined
      : await readPolicy(revision, tree, {
          location,
          version: ports.version,
          plugins: plugins.plugins,
          folder: await ports.runFolder(`primitive-policy-${name}`),
        });
  const judging = policy?.config ?? config;
  await checkOwnPatterns(judging.verify.rules);
  const baselineOf = (file: BaselineFile): BaselineFile => {
    const place = relative(tree.root, resolve(cwd, file.shown)).split(sep).join('/');
    if (policy === undefined) return { ...file, path: place };
    const read = async () => {
      const bytes = await policy.files.read(place);
      return bytes && new TextDecoder().decode(bytes);
    };
    return { ...file, path: place, read };
  };
  const scans = await ports.scanStore(name);
  const judged = policy?.kinds ?? kinds;
  const folders = await ports.listFolder(resolve(location.root, PRIMITIVES));
  // While git is listing. What is wrong with a kind is thrown to whoever asks for it.
  await Promise.all([
    scans.read(),
    ...folders.filter((name) => judged.names.includes(name)).map((name) => judged.get(name).catch(() => {})),
  ]);
  return {
    location,
    config: judging,
    kinds: judged,
    policy,
    tree,
    scans,
    threads: await ports.scanThreads(import.meta.resolve('./scan-thread.ts')),
    rules: ruleSet(judging.verify.rules, plugins),
    plugins,
    ruleHost: () => ports.ruleHost(import.meta.resolve('./rule-process.ts')),
    baseline: baseline === undefined ? undefined : baselineOf(await ports.openBaseline(baseline)),
    regenerate,
    compareProto,
    released,
    target: variables[BASE_VARIABLE],
    suites: {
      processes,
      program: (program) => findProgram(program, { path, platform, processes, signal }),
      variables,
      grantable,
      output: await ports.runFolder(`primitive-verify-${name}`),
      limit: config.verify.suiteSeconds * 1000,
    },
    cwd,
    emit,
    signal,
    today: new Date().toISOString().slice(0, 10),
    now: () => performance.now(),
  };
}

/** Lets git list the files meanwhile; a failure is that of whoever asks for the list. */
function listing(tree: WorkTree): WorkTree {
  tree.list().catch(() => {});
  return tree;
}
