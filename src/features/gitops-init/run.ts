import { globSync } from 'node:fs';
import { resolve } from 'node:path';
import { dirname } from 'node:path/posix';
import { isDeepStrictEqual } from 'node:util';
import { PrimitiveError } from '../../core/errors.ts';
import type { Emit } from '../../core/events.ts';
import { type Finding, refusal } from '../../core/finding.ts';
import { optional } from '../../core/object.ts';
import { KIT_FILE } from '../../gitops/kit.ts';
import type { Installed } from '../../gitops/kit-document.ts';
import { CONFIG_FILE, requireRoot } from '../../repository/discovery.ts';
import type { Change } from '../../repository/source-tree.ts';
import { resourcesIn } from './bundled.ts';
import type { KitInitDocument } from './document.ts';
import { type LeftLane, leftLanes, stepsFor } from './lanes.ts';
import { type KitChange, planKit } from './plan.ts';
import { type Files, type KitSource, kitIn, renderKit } from './render.ts';
import { fromHistory, RECORD_FILE, readFiles, readRecord, recordText, writeChanges } from './repository.ts';
import { type KitFlags, type KitOrigin, kitText } from './settings.ts';

/** A request of `gitops init`. */
export interface KitRequest extends Omit<KitFlags, 'resources'> {
  /** A folder of kinds that get custom resources too; relative to the current one. */
  readonly kindsFrom?: string | undefined;
  /** Merge into what is installed. */
  readonly update: boolean;
  /** Write conflicts into the files, with markers, instead of refusing them. */
  readonly markers: boolean;
  /** Leave lanes that the settings no longer have. */
  readonly allowLaneRemoval: boolean;
  readonly dryRun: boolean;
}

/** Ports of `gitops init`. */
export interface KitPorts {
  /** Absolute, links resolved. */
  readonly cwd: string;
  /** Of this CLI. */
  readonly version: string;
  /** The kit that comes with this program. */
  kit(): Promise<KitSource>;
  origin(root: string): Promise<KitOrigin>;
  /** Paths in the work tree that differ from HEAD, untracked files included. */
  changes(root: string): Promise<readonly Change[]>;
  readonly emit: Emit;
  readonly signal: AbortSignal;
}

/**
 * Installs the kit in a GitOps repository, or merges a newer one, or changed settings, into it.
 *
 * Throws, exit 2: `git-not-a-repository`, `init-not-at-root`, `kit-in-code-repository`, `kit-tree-dirty`,
 * `kit-not-installed`, `kit-outdated`, `kit-newer`, `kit-settings-exist`, `kit-settings-missing`, `kit-no-remote`,
 * `kit-charts-moved`, `kit-flux`, `kit-lane-removed`, `invalid-flag`, `kit-conflict`, what {@link renderKit} throws;
 * exit 3: `not-written` and its like.
 */
export async function runKitInit(request: KitRequest, ports: KitPorts): Promise<KitInitDocument> {
  const root = await requireRoot(ports.cwd, 'gitops init');
  const [record, found] = await Promise.all([readRecord(root), readFiles(root, [KIT_FILE, CONFIG_FILE])]);
  if (found.has(CONFIG_FILE)) throw inCodeRepository();
  refuseDirty(await ports.changes(root));
  await refuseVersion(request, record, ports.version);
  if (record !== undefined && !found.has(KIT_FILE)) throw settingsMissing();
  const kit = await ports.kit();
  const settings = await settingsOf(request, found.get(KIT_FILE), kit, ports.cwd, () => ports.origin(root));
  const wanted = await renderKit(settings, kit);
  if (record === undefined && wanted.has(BOOTSTRAP_FILE)) refuseFlux(root);
  const lanes = lanesLeft(record, wanted);
  if (!request.allowLaneRemoval) refuseLeft(lanes);
  const base = await baseOf(record, wanted, root);
  const existing = await readFiles(root, [KIT_FILE, RECORD_FILE, ...base.keys(), ...wanted.keys()]);
  const files = planKit(base, existing, wanted);
  if (!request.markers) refuseConflicts(files, record);
  for (const { path, action, before } of files) {
    if (action !== 'keep' || before !== undefined || wanted.get(path) === base.get(path)) continue;
    const message = `${path} was removed here, and the kit has changed it: it is not written again.`;
    ports.emit({ type: 'warning', code: 'kit-file-removed', message });
  }
  const isNews = record === undefined || !isDeepStrictEqual(wanted, base);
  if (isNews && record !== undefined && !request.update) throw outdated(record, ports.version);
  // The record is the last: a broken installation is not taken for a whole one.
  const own: readonly (readonly [string, string])[] = [
    [KIT_FILE, settings],
    [RECORD_FILE, recordText(ports.version, wanted)],
  ];
  const writes = [
    ...files.filter(({ before, after }) => before !== after),
    ...(isNews ? own.flatMap(([path, text]) => replacement(path, existing.get(path), text)) : []),
  ];
  ports.signal.throwIfAborted();
  const written = writes.length > 0 && !request.dryRun;
  if (written) {
    ports.emit({ type: 'step', step: 'write', message: `Writing ${writes.length} files` });
    await writeChanges(root, writes);
  }
  return {
    schema: 'primitive.gitops-init/v1',
    version: ports.version,
    installed: record?.version ?? null,
    files: [
      ...(found.has(KIT_FILE) ? [] : [{ path: KIT_FILE, action: 'create' as const }]),
      ...files.map(({ path, action, lines }) => ({ path, action, ...(lines && { lines }) })),
    ],
    lanes: lanes.map(({ name, change, cluster, namespace, applicationSets }) => ({
      name,
      change,
      cluster,
      namespace,
      applicationSets: [...applicationSets],
    })),
    next: [...lanes.flatMap(stepsFor), ...nextSteps(files, record)],
    written,
  };
}

/** The root Application, from which Argo CD deploys all of the kit. */
const BOOTSTRAP_FILE = 'argocd/bootstrap.yaml';

/** Nothing would read what the kit has for Argo CD: Flux has its own objects, in files of these names. */
function refuseFlux(root: string): void {
  const found = globSync(['**/gotk-components.yaml', '**/gotk-sync.yaml'], {
    cwd: root,
    exclude: ['**/node_modules'],
  });
  const [file] = found.map((path) => path.replaceAll('\\', '/')).sort();
  if (file === undefined) return;
  throw new PrimitiveError(
    'kit-flux',
    'Cannot install what the kit has for Argo CD: Flux deploys this repository.',
    {
      why: `${file} is here, and Flux would read nothing of it.`,
      suggestions: [
        'The workflow that writes wiring, the charts and the gate alone: primitive gitops init --parts workflow,gate,charts',
      ],
    },
  );
}

function lanesLeft(record: Installed | undefined, wanted: Files): readonly LeftLane[] {
  const [before, after] = [new Map(Object.entries(record?.files ?? {})), wanted].map(kitIn);
  return before === undefined || after === undefined ? [] : leftLanes(before, after);
}

function refuseLeft(lanes: readonly LeftLane[]): void {
  if (lanes.length === 0) return;
  const findings = lanes.map(
    ({ name, change, namespace, cluster }): Finding => ({
      rule: 'kit-lane-removed',
      level: 'error',
      message: `lane ${name} is ${change}; what runs in ${namespace} on ${cluster} would go on, and nothing would update it`,
      path: KIT_FILE,
    }),
  );
  throw refusal('kit-lane-removed', 'The update would leave lanes behind. Nothing was written.', findings, {
    suggestions: [
      'A name, cluster, namespace or argocd that changed by mistake: take it back.',
      'See what to do in the cluster, and before what: primitive gitops init --update --allow-lane-removal --dry-run',
    ],
  });
}

/** The installed files, charts under their current paths. Throws `kit-charts-moved` (exit 2). */
async function baseOf(record: Installed | undefined, wanted: Files, root: string): Promise<Files> {
  const base: Files = new Map(Object.entries(record?.files ?? {}));
  const [from, to] = [base, wanted].map((files) => kitIn(files)?.charts);
  if (from === undefined || to === undefined || from === to) return base;
  const charts = [...base.keys()].filter((path) => path.startsWith(`${from}/`));
  if ((await readFiles(root, charts)).size > 0) throw chartsMoved(from, to);
  return new Map(
    [...base].map(([path, text]) => [charts.includes(path) ? to + path.slice(from.length) : path, text]),
  );
}

function chartsMoved(from: string, to: string): PrimitiveError {
  return new PrimitiveError('kit-charts-moved', `The charts are in ${from}, but ${KIT_FILE} names ${to}.`, {
    why: 'They may have been changed there.',
    suggestions: [
      `${to.includes('/') ? `mkdir -p ${dirname(to)} && ` : ''}git mv ${from} ${to}`,
      'Commit that, then: primitive gitops init --update',
    ],
  });
}

function replacement(path: string, before: string | undefined, after: string): readonly KitChange[] {
  if (before === after) return [];
  return [{ path, action: 'update', after, ...optional('before', before) }];
}

async function settingsOf(
  { registry, code, lanes, parts, kindsFrom }: KitRequest,
  existing: string | undefined,
  kit: KitSource,
  cwd: string,
  origin: () => Promise<KitOrigin>,
): Promise<string> {
  if (existing === undefined) {
    const resources = kindsFrom === undefined ? [] : await resourcesIn(resolve(cwd, kindsFrom));
    return kitText({ registry, code, lanes, parts, resources }, await origin(), kit.resources);
  }
  const given = { registry, code, lanes, parts, 'kinds-from': kindsFrom };
  const flags = Object.entries(given).filter(([, value]) => value !== undefined);
  if (flags.length === 0) return existing;
  throw new PrimitiveError('kit-settings-exist', `${KIT_FILE} exists: --${flags[0]?.[0]} cannot be used.`, {
    why: 'the flag is for a new kit.yaml; edit the existing one',
    suggestions: [`Change ${KIT_FILE}, then: primitive gitops init --update`],
  });
}

function inCodeRepository(): PrimitiveError {
  return new PrimitiveError('kit-in-code-repository', 'Cannot install the kit in a code repository.', {
    why: `This repository has ${CONFIG_FILE}. The kit is for a separate GitOps repository.`,
    suggestions: ['primitive -C ../gitops gitops init'],
  });
}

function settingsMissing(): PrimitiveError {
  return new PrimitiveError('kit-settings-missing', `${KIT_FILE} not found.`, {
    why: 'A kit is installed; new settings would reset its lanes and clusters to defaults.',
    suggestions: fromHistory(KIT_FILE),
  });
}

/** The owner's settings may be new or changed: an update is how they come into effect. */
function refuseDirty(changes: readonly Change[]): void {
  const others = changes.filter(({ path }) => path !== KIT_FILE);
  if (others.length === 0) return;
  const findings = others.map(
    ({ path, state }): Finding => ({ rule: 'kit-tree-dirty', level: 'error', message: state, path }),
  );
  throw refusal('kit-tree-dirty', 'The work tree has uncommitted changes.', findings, {
    suggestions: [`git stash --include-untracked -- . ':!${KIT_FILE}'`, 'git add -A && git commit'],
  });
}

async function refuseVersion(
  { update }: KitRequest,
  record: Installed | undefined,
  version: string,
): Promise<void> {
  if (record === undefined) {
    if (!update) return;
    throw new PrimitiveError('kit-not-installed', 'Cannot update the kit: none is installed.', {
      why: `${RECORD_FILE} is missing.`,
      suggestions: ['primitive gitops init'],
    });
  }
  const { lt: lower } = await import('semver');
  if (!lower(version, record.version)) return;
  throw new PrimitiveError('kit-newer', `The kit was installed by primitive ${record.version}.`, {
    why: `This is ${version}; it would revert what the newer version installed.`,
    suggestions: [`npx @ameide/primitive@${record.version} gitops init --update`],
  });
}

function outdated({ version }: Installed, own: string): PrimitiveError {
  return new PrimitiveError('kit-outdated', `The kit of primitive ${version} is installed.`, {
    why:
      version === own
        ? `${KIT_FILE} has changed since then.`
        : `This is ${own}; an update would change installed files.`,
    suggestions: ['primitive gitops init --update --dry-run', 'primitive gitops init --update'],
  });
}

function refuseConflicts(files: readonly KitChange[], record: Installed | undefined): void {
  const findings = files.flatMap(({ path, action, lines }) =>
    action === 'conflict'
      ? (lines ?? []).map(
          (line): Finding => ({
            rule: 'kit-conflict',
            level: 'error',
            message: record === undefined ? 'the kit has another file there' : 'changed here, and by the kit',
            path,
            line,
          }),
        )
      : [],
  );
  if (findings.length === 0) return;
  throw refusal('kit-conflict', 'The kit conflicts with existing files. Nothing was written.', findings, {
    suggestions: [
      'To resolve them by hand, run the same command with --markers.',
      'Or revert the change, and run the command again.',
    ],
  });
}

function nextSteps(files: readonly KitChange[], record: Installed | undefined): readonly string[] {
  const conflicts = files.some(({ action }) => action === 'conflict');
  return [
    ...(conflicts ? ['Resolve the lines between <<<<<<< and >>>>>>>.'] : []),
    ...(record === undefined
      ? [
          `Read ${KIT_FILE}; after a change: primitive gitops init --update`,
          'Previews need the repository of an organization (`previews.repository`); everything else does not.',
        ]
      : []),
    'git add -A && git commit',
  ];
}
