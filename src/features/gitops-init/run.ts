import { resolve } from 'node:path';
import { dirname } from 'node:path/posix';
import { isDeepStrictEqual } from 'node:util';
import { PrimitiveError } from '../../core/errors.ts';
import { type Finding, refusal } from '../../core/finding.ts';
import { optional } from '../../core/object.ts';
import { shellWord } from '../../core/show-path.ts';
import { unreleased } from '../../gitops/code-repositories.ts';
import { KIT_FILE } from '../../gitops/kit.ts';
import type { Installed } from '../../gitops/kit-document.ts';
import type { Kind } from '../../kinds/kind.ts';
import { CONFIG_FILE, requireRoot } from '../../repository/discovery.ts';
import type { DirtyFile } from '../../repository/source-tree.ts';
import { kindsIn, resourcesOf } from './bundled.ts';
import type { KitInitDocument } from './document.ts';
import { type LeftLane, leftLanes, stepsFor, stepsForArgocd } from './lanes.ts';
import { refuseOthers } from './other-tools.ts';
import { type KitChange, planKit } from './plan.ts';
import { type FileTexts, type KitSource, kindPath, kindValues, kitIn, renderKit } from './render.ts';
import { fromHistory, RECORD_FILE, readFiles, readRecord, recordText, writeChanges } from './repository.ts';
import { type KitFlags, type KitOrigin, kitText } from './settings.ts';
import { type CodeSource, isFolder } from './source.ts';
import { readSources, type SourcePorts, withSources } from './sources.ts';

/** A request of `gitops init`. */
export interface KitRequest extends Omit<KitFlags, 'resources' | 'code'> {
  /** Code repositories: `OWNER/NAME`, or the folder of a checkout, whose releases may be deployed. The first has previews. */
  readonly code?: readonly string[] | undefined;
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
export interface KitPorts extends SourcePorts {
  /** The kit that comes with this program. */
  kit(): Promise<KitSource>;
  /** Paths in the work tree that differ from HEAD, untracked files included. */
  changes(root: string): Promise<readonly DirtyFile[]>;
  readonly signal: AbortSignal;
}

/**
 * Installs the kit in a GitOps repository, or merges a newer one, or changed settings, into it.
 *
 * Throws, exit 2: `git-not-a-repository`, `init-not-at-root`, `kit-in-code-repository`, `kit-tree-dirty`,
 * `kit-not-installed`, `kit-outdated`, `kit-newer`, `kit-settings-exist`, `kit-settings-missing`, `kit-no-remote`,
 * `kit-charts-moved`, `kit-flux`, `kit-kustomize`, `kit-lane-removed`, `kit-lane-exchanged`, `invalid-flag`, `kit-conflict`, what {@link renderKit},
 * {@link readSources} and {@link withSources} throw;
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
  const code = await readSources(request.code, ports);
  const folder = request.kindsFrom;
  const kinds = await kindsIn(folder && resolve(ports.cwd, folder));
  const existingSettings = found.get(KIT_FILE);
  const given = await settingsOf(request, existingSettings, { kit, code, kinds }, () => ports.origin(root));
  const { text: settings, changes: sources } = await withSources(given, code, ports);
  const copies = new Map(code.flatMap(({ files: texts }) => [...texts]));
  const wanted = await renderKit(
    settings,
    kit,
    async (paths) => new Map([...(await readFiles(root, paths)), ...copies]),
  );
  if (record === undefined && wanted.has(BOOTSTRAP_FILE))
    refuseOthers(root, kitIn(wanted)?.parts !== undefined);
  warnOfUnreleased(wanted, ports);
  const { lanes, steps } = whatIsLeft(record, wanted);
  if (!request.allowLaneRemoval) refuseLeft(lanes);
  refuseExchange(lanes);
  const base = await baseOf(record, wanted, root);
  const keys = new Map([...copies, ...ownKinds(kinds, wanted, folder).map(kindValues)]);
  const paths = [KIT_FILE, RECORD_FILE, ...base.keys(), ...wanted.keys(), ...keys.keys()];
  const existing = await readFiles(root, paths);
  const files = planKit(base, existing, wanted);
  if (!request.markers) refuseConflicts(files, record);
  warnOfRemoved(files, base, wanted, ports);
  const isNews = record === undefined || !isDeepStrictEqual(wanted, base);
  if (isNews && record !== undefined && !request.update) throw outdated(record, ports.version, request.code);
  // The record is the last: a broken installation is not taken for a whole one.
  const own: readonly (readonly [string, string])[] = [
    [KIT_FILE, settings],
    [RECORD_FILE, recordText(ports.version, wanted)],
  ];
  const copied = [...keys].flatMap(([path, text]) => replacement(path, existing.get(path), text));
  const writes = [
    ...files.filter(({ before, after }) => before !== after),
    ...copied,
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
      ...copied.map(({ path, action }) => ({ path, action })),
      ...files.map(({ path, action, lines }) => ({ path, action, ...(lines && { lines }) })),
    ],
    sources: sources.map(({ signers, settings: more, ...rest }) => ({
      ...rest,
      signers: [...signers],
      settings: [...more],
    })),
    lanes: lanes.map(({ name, change, cluster, namespace, applicationSets }) => ({
      name,
      change,
      cluster,
      namespace,
      applicationSets: [...applicationSets],
    })),
    next: [...steps, ...nextSteps(files, record, settings)],
    written,
  };
}

/** The root Application, from which Argo CD deploys all of the kit. */
const BOOTSTRAP_FILE = 'argocd/bootstrap.yaml';

function warnOfUnreleased(wanted: FileTexts, { emit }: Pick<KitPorts, 'emit'>): void {
  const kit = kitIn(wanted);
  for (const name of kit === undefined ? [] : unreleased(kit)) {
    const released = kit?.sources?.map(({ repository }) => repository).join(', ');
    const message = `\`previews\` of ${KIT_FILE} names ${name}, and \`sources\` has ${released}: these are code repositories of their own. Correct a misspelt name; else the components of ${name} have previews and no releases.`;
    emit({ type: 'warning', code: 'kit-previews-unreleased', message });
  }
}

function warnOfRemoved(
  files: readonly KitChange[],
  base: FileTexts,
  wanted: FileTexts,
  { emit }: Pick<KitPorts, 'emit'>,
): void {
  for (const { path, action, before } of files) {
    if (action !== 'keep' || before !== undefined || wanted.get(path) === base.get(path)) continue;
    const message = `${path} was removed here, and the kit has changed it: it is not written again.`;
    emit({ type: 'warning', code: 'kit-file-removed', message });
  }
}

/** Lanes that are left, and what to do about them in the cluster. */
function whatIsLeft(
  record: Installed | undefined,
  wanted: FileTexts,
): { readonly lanes: readonly LeftLane[]; readonly steps: readonly string[] } {
  const installed = new Map(Object.entries(record?.files ?? {}));
  const [before, after] = [installed, wanted].map(kitIn);
  if (before === undefined || after === undefined) return { lanes: [], steps: [] };
  const lanes = leftLanes(before, after);
  return { lanes, steps: [...lanes.flatMap(stepsFor), ...stepsForArgocd(before, after, installed)] };
}

const WHAT_IS_LEFT: Readonly<Record<LeftLane['change'], string>> = {
  removed: 'would keep running without updates',
  moved: 'would keep running without updates',
  renamed: 'would keep their Applications, without what kit.yaml says now',
};

function refuseLeft(lanes: readonly LeftLane[]): void {
  if (lanes.length === 0) return;
  const findings = lanes.map(
    ({ name, change, namespace, cluster }): Finding => ({
      rule: 'kit-lane-removed',
      level: 'error',
      message: `lane ${name} is ${change === 'renamed' ? 'under another `argocd`' : change}; the workloads in ${namespace} on ${cluster} ${WHAT_IS_LEFT[change]}`,
      path: KIT_FILE,
    }),
  );
  throw refusal('kit-lane-removed', 'The update would leave lanes behind. Nothing was written.', findings, {
    suggestions: [
      'If a name, cluster, namespace or argocd changed by mistake, restore it.',
      'See what to do in the cluster, and before what: primitive gitops init --update --allow-lane-removal --dry-run',
    ],
  });
}

/** A lane that moves, and one that comes into its place at once: Argo CD would take what runs there for that of either. */
function refuseExchange(lanes: readonly LeftLane[]): void {
  const taken = lanes.filter(({ change, heir }) => change === 'moved' && heir !== undefined);
  if (taken.length === 0) return;
  const findings = taken.map(
    ({ name, namespace, cluster, heir }): Finding => ({
      rule: 'kit-lane-exchanged',
      level: 'error',
      message: `lane ${heir} would have ${namespace} on ${cluster}, where the workloads of lane ${name} run`,
      path: KIT_FILE,
    }),
  );
  throw refusal(
    'kit-lane-exchanged',
    'A lane would come into the namespace of another one. Nothing was written.',
    findings,
    {
      suggestions: ['Move one lane, delete the workloads that it left, then use their namespace.'],
    },
  );
}

/** The installed files, charts under their current paths. Throws `kit-charts-moved` (exit 2). */
async function baseOf(record: Installed | undefined, wanted: FileTexts, root: string): Promise<FileTexts> {
  const base: FileTexts = new Map(Object.entries(record?.files ?? {}));
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
  return [{ path, action: before === undefined ? 'create' : 'update', after, ...optional('before', before) }];
}

/** Those of a folder that may be wired and do not come with primitive. Throws `invalid-flag` (exit 2) if there are none. */
function ownKinds(kinds: readonly Kind[], wanted: FileTexts, folder: string | undefined): readonly Kind[] {
  const wired = kitIn(wanted)?.kinds ?? [];
  const own = kinds.filter(({ kind }) => wired.includes(kind) && !wanted.has(kindPath(kind)));
  if (folder === undefined || own.length > 0) return own;
  const names = kinds.map(({ kind }) => kind).join(', ');
  throw new PrimitiveError('invalid-flag', `--kinds-from ${JSON.stringify(folder)} cannot be used.`, {
    why: names === '' ? 'It has no kinds.' : `\`kinds\` of ${KIT_FILE} has none of its kinds: ${names}`,
    suggestions: [`Add them to \`kinds\` in ${KIT_FILE}, then run the same command again.`],
  });
}

async function settingsOf(
  { registry, code = [], lanes, parts }: KitRequest,
  existing: string | undefined,
  {
    kit,
    code: sources,
    kinds,
  }: {
    readonly kit: KitSource;
    readonly code: readonly CodeSource[];
    readonly kinds: readonly Kind[];
  },
  origin: () => Promise<KitOrigin>,
): Promise<string> {
  const name = code.find((value) => !isFolder(value));
  if (existing === undefined) {
    const resources = resourcesOf(kinds);
    const { repository, registry: own } = sources[0]?.source ?? {};
    const flags = { registry: registry ?? own, code: name ?? repository, lanes, parts, resources };
    return kitText(flags, await origin(), kit.kinds);
  }
  const given = { registry, code: name, lanes, parts };
  const flags = Object.entries(given).filter(([, value]) => value !== undefined);
  if (flags.length === 0) return existing;
  throw new PrimitiveError('kit-settings-exist', `${KIT_FILE} exists: --${flags[0]?.[0]} cannot be used.`, {
    why: 'the flag is for a new kit.yaml; edit the existing one',
    suggestions: [
      `Change ${KIT_FILE}, then: primitive gitops init --update`,
      ...(name === undefined
        ? []
        : ['Its releases and signers: primitive gitops init --update --code ../app']),
    ],
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
function refuseDirty(changes: readonly DirtyFile[]): void {
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

function outdated({ version }: Installed, own: string, code: readonly string[] = []): PrimitiveError {
  const update = [
    'primitive gitops init --update',
    ...code.map((folder) => `--code ${shellWord(folder)}`),
  ].join(' ');
  return new PrimitiveError('kit-outdated', `The kit of primitive ${version} is installed.`, {
    why:
      version === own
        ? `${KIT_FILE} has changed since then${code.length > 0 ? ', or would change' : ''}.`
        : `This is ${own}; an update would change installed files.`,
    suggestions: [`${update} --dry-run`, update],
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

function nextSteps(
  files: readonly KitChange[],
  record: Installed | undefined,
  settings: string,
): readonly string[] {
  const conflicts = files.some(({ action }) => action === 'conflict');
  return [
    ...(conflicts ? ['Resolve the lines between <<<<<<< and >>>>>>>.'] : []),
    ...(record === undefined
      ? [
          `Read ${KIT_FILE}; after a change: primitive gitops init --update`,
          ...(/^sources:/m.test(settings)
            ? []
            : ['Whose releases may be deployed: primitive gitops init --update --code ../app']),
          'Previews need the repository of an organization (`previews.repository`); everything else does not.',
        ]
      : []),
    'git add -A && git commit',
  ];
}
