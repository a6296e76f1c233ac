import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { secretScan } from '../../src/features/verify/secrets/scan.ts';
import { run } from '../support/services/run.ts';
import { gitleaks, openPeer } from './peers.ts';
import type { BenchTable } from './table.ts';

/** Trees that deploy and configure; all others are code. */
const CONFIGURATION = new Set([
  'bitnami/charts',
  'bridgecrewio/terragoat',
  'camunda/camunda-platform-helm',
  'confluentinc/confluent-kubernetes-examples',
  'docker/awesome-compose',
  'getsentry/self-hosted',
  'k8s-at-home/charts',
  'kubernetes/examples',
  'madhuakula/kubernetes-goat',
  'operate-first/apps',
  'redhat-appstudio/infra-deployments',
]);
/** Lines by which a finding of many lines ends before the value that it is about. */
const SLACK = 2;

interface Label {
  readonly repository: string;
  readonly commit: string;
  readonly path: string;
  readonly line: number;
  readonly isSecret: boolean;
}
/** Lines of a file, both included. */
interface Range {
  readonly from: number;
  readonly to: number;
}
/** What a tool finds, by `repository path`. */
type Found = ReadonlyMap<string, readonly Range[]>;

/**
 * Secrets that `verify` and gitleaks find among lines of public trees that were labelled by reading. `SECRET_TREES` is a
 * folder with a clone of each, named `owner+name`.
 */
export async function bench(): Promise<BenchTable> {
  const trees = process.env.SECRET_TREES;
  if (!trees) throw new Error('SECRET_TREES is not set: a folder with clones that are named owner+name');
  const labels = readLabels();
  const base = await mkdtemp(join(tmpdir(), 'bench-secrets-'));
  try {
    const files = await writeFiles(labels, trees, base);
    const tools = { verify: await findByVerify(files, base), gitleaks: await findByGitleaks(files, base) };
    const lists = process.env.SECRET_LIST === undefined ? [] : listOf(labels, tools.verify);
    return {
      title: `Secrets in ${labels.length} labelled lines of ${new Set(labels.map(({ repository }) => repository)).size} public trees`,
      rows: [
        ['half', 'trees', 'tool', 'true', 'found', 'false alarms', 'recall', 'precision'],
        ...['tuned on', 'reported'].flatMap((half) =>
          ['configuration', 'code', 'all'].flatMap((kind) =>
            Object.entries(tools).map(([tool, found]) => rowOf({ half, kind, tool, found }, labels)),
          ),
        ),
      ],
      notes: [
        'true: lines that hold a secret, of what either tool found; recall: of these; precision: of labelled lines',
        'aims for verify: recall 0.95, precision 0.8 on configuration and 0.9 on code',
        `findings in these files on lines without a label: ${Object.entries(tools)
          .map(([tool, found]) => `${tool} ${unlabelled(labels, found)}`)
          .join(', ')}`,
        ...lists,
      ],
    };
  } finally {
    await rm(base, { recursive: true, force: true });
  }
}

function readLabels(): readonly Label[] {
  const text = readFileSync(join(import.meta.dirname, 'secret-labels.tsv'), 'utf8');
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [repository = '', commit = '', path = '', number = '', label] = line.split('\t');
      return { repository, commit, path, line: Number(number), isSecret: label === 'true' };
    });
}

function halfOf({ repository, path, line }: Label): string {
  const hash = createHash('sha256').update(`${repository} ${path} ${line}`).digest('hex');
  return Number.parseInt(hash.charAt(0), 16) % 2 === 0 ? 'tuned on' : 'reported';
}

/** Writes the files that have labels, as they are in their commits; returns their paths below `base`. */
async function writeFiles(labels: readonly Label[], trees: string, base: string): Promise<readonly string[]> {
  const files = new Map(labels.map((label) => [`${label.repository}/${label.path}`, label]));
  for (const [file, { repository, commit, path }] of files) {
    const clone = join(trees, repository.replace('/', '+'));
    if (!existsSync(clone))
      throw new Error(`${clone} is not there: a clone of https://github.com/${repository}`);
    const target = join(base, file);
    await mkdir(dirname(target), { recursive: true });
    const bytes = execFileSync('git', ['-C', clone, 'show', '--no-textconv', `${commit}:${path}`], {
      maxBuffer: 1 << 27,
    });
    await writeFile(target, bytes);
  }
  return [...files.keys()];
}

async function findByVerify(files: readonly string[], base: string): Promise<Found> {
  const found = new Map<string, Range[]>();
  for (const file of files) {
    const bytes = await readFile(join(base, file));
    const [owner, name, ...path] = file.split('/');
    const text = bytes.subarray(0, 8000).includes(0) ? undefined : bytes.toString('utf8');
    const secrets = await secretScan.scan({ path: path.join('/'), bytes, text });
    const key = `${owner}/${name} ${path.join('/')}`;
    found.set(
      key,
      secrets.map(({ line }) => ({ from: line, to: line })),
    );
  }
  return found;
}

async function findByGitleaks(files: readonly string[], base: string): Promise<Found> {
  const [program] = await openPeer(gitleaks);
  const found = new Map<string, Range[]>();
  const repositories = new Set(files.map((file) => file.split('/').slice(0, 2).join('/')));
  for (const repository of repositories) {
    const report = join(base, 'report.json');
    await run(program, ['dir', '.', '--no-banner', '--exit-code=0', '-f', 'json', '-r', report], {
      cwd: join(base, repository),
    });
    const findings: readonly {
      readonly File: string;
      readonly StartLine: number;
      readonly EndLine: number;
    }[] = JSON.parse(await readFile(report, 'utf8'));
    for (const { File, StartLine, EndLine } of findings) {
      const key = `${repository} ${File}`;
      const to = EndLine > StartLine ? EndLine + SLACK : EndLine;
      found.set(key, [...(found.get(key) ?? []), { from: Math.max(StartLine, 1), to: Math.max(to, 1) }]);
    }
  }
  return found;
}

function unlabelled(labels: readonly Label[], found: Found): number {
  const lines = new Set(labels.map(({ repository, path, line }) => `${repository} ${path} ${line}`));
  const has = (key: string, { from, to }: Range) =>
    Array.from({ length: to - from + 1 }, (_, i) => lines.has(`${key} ${from + i}`)).includes(true);
  return [...found].flatMap(([key, ranges]) => ranges.filter((range) => !has(key, range))).length;
}

function isFound({ repository, path, line }: Label, found: Found): boolean {
  return (found.get(`${repository} ${path}`) ?? []).some(({ from, to }) => from <= line && line <= to);
}

/** A finding that has a line with a secret is none about the others in it. */
function isAlarm(label: Label, found: Found, secrets: ReadonlyMap<string, readonly number[]>): boolean {
  const key = `${label.repository} ${label.path}`;
  const lines = secrets.get(key) ?? [];
  return (found.get(key) ?? []).some(
    ({ from, to }) =>
      from <= label.line && label.line <= to && !lines.some((line) => from <= line && line <= to),
  );
}

function rowOf(
  { half, kind, tool, found }: { half: string; kind: string; tool: string; found: Found },
  labels: readonly Label[],
): readonly string[] {
  const secrets = new Map<string, number[]>();
  for (const { repository, path, line, isSecret } of labels) {
    const key = `${repository} ${path}`;
    if (isSecret) secrets.set(key, [...(secrets.get(key) ?? []), line]);
  }
  const counted = labels.filter(
    (label) =>
      halfOf(label) === half &&
      (kind === 'all' || CONFIGURATION.has(label.repository) === (kind === 'configuration')),
  );
  const all = counted.filter(({ isSecret }) => isSecret);
  const hits = all.filter((label) => isFound(label, found)).length;
  const alarms = counted.filter((label) => !label.isSecret && isAlarm(label, found, secrets)).length;
  const share = (part: number, whole: number) => (whole === 0 ? '-' : (part / whole).toFixed(2));
  return [
    half,
    kind,
    tool,
    `${all.length}`,
    `${hits}`,
    `${alarms}`,
    share(hits, all.length),
    share(hits, hits + alarms),
  ];
}

/** What `verify` gets wrong in the half that rules are tuned on. */
function listOf(labels: readonly Label[], found: Found): readonly string[] {
  return labels
    .filter((label) => halfOf(label) === 'tuned on' && isFound(label, found) !== label.isSecret)
    .map(
      ({ repository, path, line, isSecret }) =>
        `${isSecret ? 'missed' : 'false'}\t${repository}\t${path}\t${line}`,
    );
}
